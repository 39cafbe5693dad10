"""Delete an integration with its directory and everything in it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet

from integrations.audit import Action
from integrations.models import (
    AppAccount,
    AppCall,
    AppEntitlement,
    Integration,
    Provisioning,
    Screenshot,
)
from integrations.provisioning import pausing
from integrations.syncing import sync
from scim import counts
from scim.models import (
    Change,
    GroupMember,
    RequestRecord,
    Resource,
    ResourceCount,
)
from tokens.models import ScimToken
from tokens.oauth import endings
from workspaces import audit
from workspaces.models import Directory, Job, User

_ATTEMPTS = 3
_REASON = "The integration was deleted."


class WrongName(ValueError):
    """What was typed is not the name of the integration."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What goes with an integration, in numbers."""

    users: int
    groups: int
    tokens: int
    clients: int
    """OAuth clients and the trust in an IdP."""

    waiting: int
    """Users whose change would never reach the app."""

    @property
    def ways_in(self) -> str:
        """What stops working: `1 token and 2 OAuth clients`; empty if nothing does."""
        counted = ((self.tokens, "token"), (self.clients, "OAuth client"))
        return " and ".join(
            f"{count} {noun}{'' if count == 1 else 's'}"
            for count, noun in counted
            if count
        )


def effect_of(integration: Integration, *, now: datetime) -> Effect:
    """Count what would go."""
    directory = integration.directory
    return Effect(
        users=counts.find(directory, "User", 1).total,
        groups=counts.find(directory, "Group", 1).total,
        tokens=ScimToken.objects.filter(directory=directory).live(now).count(),
        clients=len(endings.live_openers(directory)),
        waiting=integration.provisionings.filter(
            state__in=Provisioning.PENDING
        ).count(),
    )


def delete(
    integration: Integration, *, typed_name: str, actor: User | None, now: datetime
) -> Effect:
    """Delete the integration: its tokens open nothing from the commit on.

    Nobody is changed in the app; the service account and the audit log stay.
    Raises WrongName.
    """
    for _ in range(_ATTEMPTS - 1):
        # What the IdP stores while its directory goes makes the commit fail.
        with suppress(IntegrityError):
            return _delete(integration, typed_name, actor, now)
    return _delete(integration, typed_name, actor, now)


@transaction.atomic
def _delete(
    integration: Integration, typed_name: str, actor: User | None, now: datetime
) -> Effect:
    integration = (
        Integration.objects.select_for_update(of=("self",))
        .select_related("workspace", "directory")
        .get(pk=integration.pk)
    )
    if typed_name.strip() != integration.name.strip():
        raise WrongName(f"Type {integration.name}, the name of this integration.")
    effect = effect_of(integration, now=now)
    audit.record(
        Action.DELETED,
        workspace=integration.workspace,
        actor=actor,
        target=integration,
        data={
            "users": effect.users,
            "groups": effect.groups,
            "tokens": effect.tokens,
            "clients": effect.clients,
        },
    )
    _take_time()
    _end_jobs(integration, now=now)
    _delete_rows(integration)
    return effect


def _take_time() -> None:
    """Let the statements of this transaction take longer than a page may."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = '300s'")


def _end_jobs(integration: Integration, *, now: datetime) -> None:
    ended = {
        "state": Job.State.NOT_COMPLETED,
        "error": _REASON,
        "ended_at": now,
        "lease_ends_at": None,
    }
    pausing.provisioning_jobs(integration).filter(state__in=Job.OPEN).update(**ended)
    Job.objects.filter(
        workspace=integration.workspace_id,
        kind=sync.JOB,
        subject=integration.directory.key,
        state__in=Job.OPEN,
    ).update(**ended)


def _delete_rows(integration: Integration) -> None:
    """Delete whole sets, what refers to another first: no row is read for it."""
    directory = integration.directory
    accounts = AppAccount.objects.filter(integration=integration)
    held = AppAccount.entitlements.through.objects
    _drop(held.filter(appaccount__in=accounts))
    _drop(Screenshot.objects.filter(call__integration=integration))
    _drop(AppCall.objects.filter(integration=integration))
    _drop(Provisioning.objects.filter(integration=integration))
    _drop(accounts)
    _drop(AppEntitlement.objects.filter(integration=integration))
    integration.delete()
    tokens = ScimToken.objects.filter(directory=directory)
    tokens.update(replaced_by=None, overlap_ends_at=None)
    _drop(tokens)
    for rows in (
        GroupMember.objects,
        Change.objects,
        RequestRecord.objects,
        ResourceCount.objects,
        Resource.objects,
    ):
        _drop(rows.filter(directory=directory))
    Directory.objects.filter(pk=directory.pk).delete()


def _drop(rows: QuerySet) -> None:
    rows._raw_delete(rows.db)  # noqa: SLF001  the ORM would read each row first
