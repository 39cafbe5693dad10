"""The audit log: the only writer of AuditEvent.

Each app declares its actions as a StrEnum of `app.subject.action` and registers
it in `AppConfig.ready`. An action that nobody registered cannot be recorded.
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
    SIGNED_OUT = "workspaces.session.signed_out"
    FAILED = "workspaces.session.failed"
    LET_TRY_AGAIN = "workspaces.session.let_try_again"
    REFUSED = "workspaces.permission.refused"


class SingleSignOn(StrEnum):
    """Actions on the provider that members sign in with."""

    SAVED = "workspaces.sign_in_provider.saved"
    DELETED = "workspaces.sign_in_provider.deleted"
    LINKED = "workspaces.sign_in_link.linked"
    UNLINKED = "workspaces.sign_in_link.unlinked"


class Factors(StrEnum):
    """Actions on second factors and what asks for them."""

    ADDED = "workspaces.factor.added"
    RENAMED = "workspaces.factor.renamed"
    DELETED = "workspaces.factor.deleted"
    RESET = "workspaces.factor.reset"
    RECOVERY_USED = "workspaces.recovery_code.used"
    SECOND_STEP_FAILED = "workspaces.session.second_step_failed"
    CONFIRMATION_FAILED = "workspaces.session.confirmation_failed"
    POLICY_CHANGED = "workspaces.security_policy.changed"


class Members(StrEnum):
    """Actions on who belongs to a workspace."""

    INVITED = "workspaces.member.invited"
    INVITATION_REVOKED = "workspaces.invitation.revoked"
    JOINED = "workspaces.member.joined"
    ROLE_CHANGED = "workspaces.member.role_changed"
    REMOVED = "workspaces.member.removed"
    LEFT = "workspaces.member.left"


class Confirmations(StrEnum):
    """Actions on the proof of who somebody is."""

    REQUESTED = "workspaces.confirmation.requested"
    FAILED = "workspaces.confirmation.failed"
    APPROVED = "workspaces.confirmation.approved"
    DENIED = "workspaces.confirmation.denied"
    EXPIRED = "workspaces.confirmation.expired"
    ABANDONED = "workspaces.confirmation.abandoned"
    USED = "workspaces.confirmation.used"
    REFUSED = "workspaces.confirmation.refused"
    POLICY_CHANGED = "workspaces.confirmation_policy.changed"


class Sync(StrEnum):
    """Actions of Directory Sync, and on its rules."""

    TURNED_ON = "workspaces.directory_sync.turned_on"
    TURNED_OFF = "workspaces.directory_sync.turned_off"
    RULES_CHANGED = "workspaces.directory_sync.rules_changed"
    REFUSED = "workspaces.directory_sync.refused"
    DOMAIN_ADDED = "workspaces.email_domain.added"
    DOMAIN_CHECK_REQUESTED = "workspaces.email_domain.check_requested"
    DOMAIN_PROVEN = "workspaces.email_domain.proven"
    DOMAIN_DELETED = "workspaces.email_domain.deleted"
    PROVISIONED = "workspaces.member.provisioned"
    ADOPTED = "workspaces.member.adopted"
    CHANGED = "workspaces.member.changed"
    DEACTIVATED = "workspaces.member.deactivated"
    REACTIVATED = "workspaces.member.reactivated"
    DEPROVISIONED = "workspaces.member.deprovisioned"
    BREAK_GLASS_SET = "workspaces.member.break_glass_set"
    BREAK_GLASS_CLEARED = "workspaces.member.break_glass_cleared"
    TEAM_CREATED = "workspaces.team.created"
    TEAM_RENAMED = "workspaces.team.renamed"
    TEAM_DELETED = "workspaces.team.deleted"
    TEAM_MEMBERS_CHANGED = "workspaces.team.members_changed"
    TEAM_ROLE_CHANGED = "workspaces.team.role_changed"


class Phones(StrEnum):
    """Actions on the phones that confirm."""

    NOT_ME = "workspaces.phone.reported_not_me"


class Log(StrEnum):
    """Actions on the audit log itself."""

    EXPORTED = "workspaces.audit_log.exported"
    CHECKPOINT_TAKEN = "workspaces.audit_log.checkpoint_taken"
    RETENTION_CHANGED = "workspaces.audit_log.retention_changed"
    PRUNED = "workspaces.audit_log.pruned"


class Work(StrEnum):
    """What became of background work."""

    GAVE_UP = "workspaces.job.gave_up"


class Superusers(StrEnum):
    """Actions of superusers in the Django admin that members have no page for."""

    PERSON_ADDED = "workspaces.portal_account.added"
    PERSON_CHANGED = "workspaces.portal_account.changed"
    PASSWORD_SET = "workspaces.portal_account.password_set"  # noqa: S105
    WORKSPACE_CREATED = "workspaces.workspace.created"
    WORKSPACE_CHANGED = "workspaces.workspace.changed"


class Keys(StrEnum):
    """Actions on the keys of the installation."""

    IN_USE = "workspaces.key.in_use"


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

_registered: set[str] = set()
Hear = Callable[[AuditEvent], None]
_listeners: list[Hear] = []


class UnregisteredAction(LookupError):
    """The action is not in any registered enumeration: a programming error."""


def register(actions: type[StrEnum]) -> None:
    """Make the actions of an app known."""
    _registered.update(actions)


def listen(hear: Hear) -> None:
    """Let `hear` know of each event, in the transaction that writes it.

    What it puts off commits with the event, or not at all. It calls nobody outside.
    """
    if hear not in _listeners:
        _listeners.append(hear)


def registered() -> list[str]:
    """Return the known actions."""
    return sorted(_registered)


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
