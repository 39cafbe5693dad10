"""What can need a confirmation, who asks, and about what.

An app registers its actions in `AppConfig.ready`; an Owner switches the optional
ones on. `workspaces.confirmations` asks and decides.
"""

from __future__ import annotations

from dataclasses import dataclass

from workspaces.models import Membership, User, Workspace
from workspaces.permissions import Permission


@dataclass(frozen=True, slots=True)
class Action:
    """Something that can need a confirmation.

    `words` follow "To"; `button` is what carries it out; `setting` names it where
    an Owner switches the confirmation on. Without `setting` it is asked always,
    and afresh each time.
    """

    name: str
    words: str
    button: str
    permission: Permission
    setting: str = ""

    @property
    def is_always(self) -> bool:
        """Whether every single time needs a confirmation of its own."""
        return not self.setting


@dataclass(frozen=True, slots=True)
class Subject:
    """What an action is about: a public id, and how people know it."""

    id: str
    label: str
    is_guarded: bool = False
    """Whether it needs a confirmation also where the workspace asks for none."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: a member in one of their sessions."""

    membership: Membership
    session_digest: str
    client: str = ""

    @property
    def user(self) -> User:
        """The person."""
        return self.membership.user

    @property
    def workspace(self) -> Workspace:
        """The tenant."""
        return self.membership.workspace


CHANGE_MEMBER = Action(
    "workspaces.members.change",
    "change or remove a member",
    "Continue",
    Permission.MANAGE_MEMBERS,
    setting="Change the role of a member, or remove one",
)
_actions: dict[str, Action] = {CHANGE_MEMBER.name: CHANGE_MEMBER}


def register(action: Action) -> None:
    """Make an action known; each app does so when it is ready."""
    _actions[action.name] = action


def action_of(name: str) -> Action:
    """Return a registered action. Raises KeyError, a programming error."""
    return _actions[name]


def optional_actions() -> list[Action]:
    """Return what an Owner can switch on, in the order of the words."""
    return sorted((a for a in _actions.values() if a.setting), key=lambda a: a.setting)


def is_needed(workspace: Workspace, action: Action, subject: Subject) -> bool:
    """Say whether the action on the subject needs a confirmation."""
    is_asked = action.name in workspace.confirmed_actions
    return action.is_always or is_asked or subject.is_guarded
