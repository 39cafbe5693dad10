"""The audit log: the only writer of AuditEvent.

Each app declares its actions as a StrEnum of `app.subject.action` and registers
it in `AppConfig.ready`. An action that nobody registered cannot be recorded.

The text below an action says when it is written. What stands in backticks there are
the names of its details: `manage.py write_audit_actions` makes a page of it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from workspaces import audit_chain
from workspaces.models import AuditEvent, User, Workspace


class SignIn(StrEnum):
    """Actions of people at the door."""

    SIGNED_IN = "workspaces.session.signed_in"
    """Somebody logged in, by any way. It is in the log of their first workspace."""
    SIGNED_OUT = "workspaces.session.signed_out"
    """Somebody logged out."""
    FAILED = "workspaces.session.failed"
    """A log-in was refused. Who was meant is left out, people type passwords there;
    `reason` after a sign-in at the workspace's own provider."""
    LET_TRY_AGAIN = "workspaces.session.let_try_again"
    """A superuser let a locked person try again, from this `address`."""
    REFUSED = "workspaces.permission.refused"
    """A member asked for a page or a call that their role may not: `permission`,
    `path`."""


class SingleSignOn(StrEnum):
    """Actions on the provider that members sign in with."""

    SAVED = "workspaces.sign_in_provider.saved"
    """The workspace's sign-in provider was set up or changed: `issuer`, `client_id`,
    `trusts_second_step`, `new_secret`, and how many people it `unlinked`."""
    DELETED = "workspaces.sign_in_provider.deleted"
    """The sign-in provider was deleted: `issuer`, `unlinked`."""
    LINKED = "workspaces.sign_in_link.linked"
    """A member signed in at the provider for the first time: `issuer`, and the
    `subject` that it names them by."""
    UNLINKED = "workspaces.sign_in_link.unlinked"
    """A member's link to the provider was taken away: `subject`."""


class Factors(StrEnum):
    """Actions on second factors and what asks for them."""

    ADDED = "workspaces.factor.added"
    """A person added a second factor: its `kind`."""
    RENAMED = "workspaces.factor.renamed"
    """A factor got another name: `kind`, `before`, `after`."""
    DELETED = "workspaces.factor.deleted"
    """A person deleted a factor: `kind`."""
    RESET = "workspaces.factor.reset"
    """All second factors of a person were taken away: how many they `had`; by the
    command for somebody without a workspace also `email`."""
    RECOVERY_USED = "workspaces.recovery_code.used"
    """A recovery code was used up: `kind`, and how many are `left`."""
    SECOND_STEP_FAILED = "workspaces.session.second_step_failed"
    """The password was right and the second step was not: `kind`."""
    CONFIRMATION_FAILED = "workspaces.session.confirmation_failed"
    """Somebody who is logged in failed to prove it again before a change of their
    factors: `kind`."""
    POLICY_CHANGED = "workspaces.security_policy.changed"
    """An Owner changed the security policy: `before_require_two_steps`,
    `before_confirm_minutes`, `after_require_two_steps`, `after_confirm_minutes`."""


class Members(StrEnum):
    """Actions on who belongs to a workspace."""

    INVITED = "workspaces.member.invited"
    """Somebody was invited, by a member or because Directory Sync created them: `role`.
    """
    INVITATION_REVOKED = "workspaces.invitation.revoked"
    """An invitation was taken back; its link opens nothing."""
    JOINED = "workspaces.member.joined"
    """An invitation was accepted: `role`."""
    ROLE_CHANGED = "workspaces.member.role_changed"
    """A member got another role: `before`, `after`, and the `team` that raised it, if
    one did."""
    REMOVED = "workspaces.member.removed"
    """A membership was ended by somebody else: `role`, `email`."""
    LEFT = "workspaces.member.left"
    """A member left by themselves: `role`, `email`."""


class Confirmations(StrEnum):
    """Actions on the proof of who somebody is."""

    REQUESTED = "workspaces.confirmation.requested"
    """Somebody was asked to confirm who they are: the `action` that needs it."""
    FAILED = "workspaces.confirmation.failed"
    """A wrong code was entered for it: `action`, `method`, tries `left`."""
    APPROVED = "workspaces.confirmation.approved"
    """It was confirmed: `action`, `method`."""
    DENIED = "workspaces.confirmation.denied"
    """It was refused, on the phone or after too many wrong codes: `action`, `method`,
    `reason`."""
    EXPIRED = "workspaces.confirmation.expired"
    """Nobody answered in time, or nobody used it: `action`, `method`, what it `was`."""
    ABANDONED = "workspaces.confirmation.abandoned"
    """The person closed the dialog or began another one: `action`, `method`."""
    USED = "workspaces.confirmation.used"
    """The action was done with it; it is used up: `action`, `method`."""
    REFUSED = "workspaces.confirmation.refused"
    """An action that needs a confirmation was tried without a valid one: `action`,
    `subject`, `reason`."""
    POLICY_CHANGED = "workspaces.confirmation_policy.changed"
    """An Owner changed which actions need a confirmation: `before`, `after`."""


class Sync(StrEnum):
    """Actions of Directory Sync, and on its rules."""

    TURNED_ON = "workspaces.directory_sync.turned_on"
    """Directory Sync was set up, or turned on again: the key of its `directory`."""
    TURNED_OFF = "workspaces.directory_sync.turned_off"
    """Directory Sync was turned off: `members_stayed`, `members_deactivated`,
    `teams_deleted`."""
    RULES_CHANGED = "workspaces.directory_sync.rules_changed"
    """Its rules changed. Those that did, with their new values: `default_role`,
    `adopts`, `allows_unproven`, `owned_tokens`, `sends_invites`."""
    REFUSED = "workspaces.directory_sync.refused"
    """A write of the IdP was undone: `reason`, the `message` that the IdP read, and the
    key of its `token`."""
    DOMAIN_ADDED = "workspaces.email_domain.added"
    """An email domain was entered."""
    DOMAIN_CHECK_REQUESTED = "workspaces.email_domain.check_requested"
    """Somebody asked to look for its TXT record."""
    DOMAIN_PROVEN = "workspaces.email_domain.proven"
    """Its TXT record was found."""
    DOMAIN_DELETED = "workspaces.email_domain.deleted"
    """An email domain was deleted."""
    PROVISIONED = "workspaces.member.provisioned"
    """The IdP made a member: `role`, the key of its `token`."""
    ADOPTED = "workspaces.member.adopted"
    """The IdP took over somebody who was a member before: `role`, `token`."""
    CHANGED = "workspaces.member.changed"
    """The IdP changed the name or address of a member: `former_email`, `token`."""
    DEACTIVATED = "workspaces.member.deactivated"
    """The IdP deactivated a member: `role`, `token`, the connections that it `stops` or
    that are `handed_over` to the workspace."""
    REACTIVATED = "workspaces.member.reactivated"
    """The IdP brought a member back: `role`, `token`."""
    DEPROVISIONED = "workspaces.member.deprovisioned"
    """The IdP deleted a member: `email`, `token`, `stops` or `handed_over` as above."""
    BREAK_GLASS_SET = "workspaces.member.break_glass_set"
    """A member was marked as a break-glass account, which the IdP cannot shut out."""
    BREAK_GLASS_CLEARED = "workspaces.member.break_glass_cleared"
    """The mark was taken away."""
    TEAM_CREATED = "workspaces.team.created"
    """The IdP made a team: `token`."""
    TEAM_RENAMED = "workspaces.team.renamed"
    """The IdP renamed a team: `former_name`, `token`."""
    TEAM_DELETED = "workspaces.team.deleted"
    """The IdP deleted a team: how many `members` it had, `token`."""
    TEAM_MEMBERS_CHANGED = "workspaces.team.members_changed"
    """The IdP changed who is in a team: how many `joined` and `left`, `token`."""
    TEAM_ROLE_CHANGED = "workspaces.team.role_changed"
    """Somebody changed the role that a team gives: `before`, `after`."""


class Phones(StrEnum):
    """Actions on the phones that confirm."""

    NOT_ME = "workspaces.phone.reported_not_me"
    """Somebody pressed It is not me on their phone: `action`, `phone`, `asked from`,
    `browser`, whether the `session ended`."""


class Log(StrEnum):
    """Actions on the audit log itself."""

    EXPORTED = "workspaces.audit_log.exported"
    """The audit log was downloaded: its `form` and `filters`."""
    CHECKPOINT_TAKEN = "workspaces.audit_log.checkpoint_taken"
    """A checkpoint was downloaded."""
    RETENTION_CHANGED = "workspaces.audit_log.retention_changed"
    """An Owner changed for how long events are kept: `days_before`, `days_after`."""
    PRUNED = "workspaces.audit_log.pruned"
    """Events that were too old were deleted: how many `events`, all from `before` that
    day."""


class Work(StrEnum):
    """What became of background work."""

    GAVE_UP = "workspaces.job.gave_up"
    """A job was tried as often as it may be, and ended: `kind`, `subject`, `error`."""


class Superusers(StrEnum):
    """Actions of superusers in the Django admin that members have no page for."""

    PERSON_ADDED = "workspaces.portal_account.added"
    """A superuser added an account: `email`, the fields that were `changed`."""
    PERSON_CHANGED = "workspaces.portal_account.changed"
    """A superuser changed an account: `email`, the fields that were `changed`. It is in
    the log of each of the person's workspaces too."""
    PASSWORD_SET = "workspaces.portal_account.password_set"  # noqa: S105
    """A superuser set or took away a password: `email`, `has_password`."""
    WORKSPACE_CREATED = "workspaces.workspace.created"
    """A superuser created a workspace: the fields that were `changed`."""
    WORKSPACE_CHANGED = "workspaces.workspace.changed"
    """A superuser changed a workspace: the fields that were `changed`."""


class Keys(StrEnum):
    """Actions on the keys of the installation."""

    IN_USE = "workspaces.key.in_use"
    """A key was taken into use: its `ring` and its number, `key`."""


class Target(Protocol):
    """What an action can be done to."""

    @property
    def audit_target(self) -> tuple[str, str, str]:
        """Type, public id and label. None of them is a secret."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the present request comes from."""

    address: str | None = None
    request_id: str = ""


_NOWHERE = Origin()
origin: ContextVar[Origin] = ContextVar("audit_origin", default=_NOWHERE)
"""Set by the middleware for the length of a request; empty in commands and jobs."""

_registered: dict[str, StrEnum] = {}
Hear = Callable[[AuditEvent], None]
_listeners: list[Hear] = []


class UnregisteredAction(LookupError):
    """The action is not in any registered enumeration: a programming error."""


def register(actions: type[StrEnum]) -> None:
    """Make the actions of an app known."""
    _registered.update({str(action): action for action in actions})


def listen(hear: Hear) -> None:
    """Let `hear` know of each event, in the transaction that writes it.

    What it puts off commits with the event, or not at all. It calls nobody outside.
    """
    if hear not in _listeners:
        _listeners.append(hear)


def registered() -> list[str]:
    """Return the known actions."""
    return sorted(_registered)


def enumerations() -> list[type[StrEnum]]:
    """Return the enumerations that are registered, in that order."""
    return list(dict.fromkeys(type(action) for action in _registered.values()))


def record(
    action: StrEnum,
    *,
    workspace: Workspace | None,
    actor: User | None,
    target: Target | None = None,
    data: dict[str, str | int | bool | None] | None = None,
) -> AuditEvent:
    """Write one event, in the transaction of the change that it tells of.

    `actor` None means the product itself. `data` holds no secret.
    """
    if action not in _registered:
        raise UnregisteredAction(action)
    kind, public_id, label = target.audit_target if target else ("", "", "")
    here = origin.get()
    event = AuditEvent.objects.create(
        workspace=workspace,
        action=action,
        actor=actor,
        actor_label=str(actor) if actor else "Keyway",
        target_type=kind,
        target_id=public_id,
        target_label=label[:254],
        data=data or {},
        address=here.address,
        request_id=here.request_id,
    )
    for hear in _listeners:
        hear(event)
    audit_chain.seal_after_commit(event.workspace_id)
    return event
