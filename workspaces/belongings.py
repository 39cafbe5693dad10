"""What hangs on a membership, told by the apps that know.

`workspaces` ends and lowers memberships. Whoever lets something depend on one
registers here how to name it before and how to write its end down.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from workspaces.models import Membership, Role, User


@dataclass(frozen=True, slots=True)
class AtStake:
    """One thing that stops, what that means, and where to mend it beforehand."""

    name: str
    effect: str
    mend_url: str = ""
    mend_label: str = ""


Look = Callable[[Membership, Role | None], list[AtStake]]
Note = Callable[[Membership, Role | None, User | None], None]
_registered: list[tuple[Look, Note]] = []


def register(look: Look, note: Note) -> None:
    """Let `look` say what stops with a membership, and `note` record that it did.

    Both get the role that the membership is given, None if it ends.
    """
    if (look, note) not in _registered:
        _registered.append((look, note))


def at_stake(membership: Membership, role: Role | None) -> list[AtStake]:
    """Return what stops if the membership gets the role; None for its end."""
    return [thing for look, _ in _registered for thing in look(membership, role)]


def note(membership: Membership, role: Role | None, *, by: User | None) -> None:
    """Record what stops, in the transaction of the change and before it.

    `by` is None where the IdP makes the change.
    """
    for _, write in _registered:
        write(membership, role, by)
