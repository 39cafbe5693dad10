"""What hangs on a membership, told by the apps that know.

`workspaces` ends and lowers memberships. Whoever lets something depend on one
registers here how to name it before, how to write its end down, and how to hand
it over to the workspace instead.
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
HandOver = Callable[[Membership, Role | None], None]
_registered: list[tuple[Look, Note, HandOver]] = []


def register(look: Look, note: Note, hand_over: HandOver) -> None:
    """Let `look` say what stops with a membership, and `note` record that it did.

    `hand_over` makes it the workspace's, so that it goes on. All get the role that
    the membership is given, None if it ends.
    """
    if (look, note, hand_over) not in _registered:
        _registered.append((look, note, hand_over))


def at_stake(membership: Membership, role: Role | None) -> list[AtStake]:
    """Return what stops if the membership gets the role; None for its end."""
    return [thing for look, _, _ in _registered for thing in look(membership, role)]


def note(membership: Membership, role: Role | None, *, by: User) -> None:
    """Record what stops, in the transaction of the change and before it."""
    for _, write, _ in _registered:
        write(membership, role, by)


def release(membership: Membership, role: Role | None, *, hands_over: bool) -> None:
    """Record what stops, or hand it over, where Directory Sync makes the change.

    In the transaction of the change and before it, as `note`.
    """
    for _, write, hand_over in _registered:
        if hands_over:
            hand_over(membership, role)
        else:
            write(membership, role, None)
