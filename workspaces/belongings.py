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


@dataclass(frozen=True, slots=True)
class Cause:
    """What changes a membership. `by` None is the IdP.

    `why` is a sentence for an e-mail to the administrators; empty where whoever acts
    was told beforehand what stops.
    """

    by: User | None
    why: str = ""


BY_IDP = Cause(
    None, "Directory Sync deactivated or deleted this member, or lowered their role."
)

Look = Callable[[Membership, Role | None], list[AtStake]]
Note = Callable[[Membership, Role | None, Cause], None]
HandOver = Callable[[Membership, Role | None, Cause], None]
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
        write(membership, role, Cause(by))


def release(
    membership: Membership,
    role: Role | None,
    *,
    hands_over: bool,
    cause: Cause = BY_IDP,
) -> None:
    """Record what stops, or hand it over, where Directory Sync makes the change.

    In the transaction of the change and before it, as `note`.
    """
    for _, write, hand_over in _registered:
        act = hand_over if hands_over else write
        act(membership, role, cause)
