"""What happens in the app to a user whom the IdP takes away: the removal policy."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum, auto

from django.db.models import F

from integrations.models import App, AppAccount, Provisioning
from integrations.models.integration import Integration
from integrations.provisioning import wanted
from scim.models import Resource
from workspaces.clock import database_now
from workspaces.models import Job

JOB = "integrations.delete_deactivated"
EVERY = timedelta(hours=1)
_BATCH = 500
_Policy = Integration.OnUnassign


class Fate(Enum):
    """What becomes of an account."""

    STAY = auto()
    DEACTIVATE = auto()
    DELETE = auto()


def choices(app: App, *, also: str = "") -> list[tuple[str, str, str]]:
    """Return (value, label, effect) of what the connector can do, the mildest first.

    `also` is offered in any case: it is what is set.
    """
    can = app.manifest.get("capabilities", {})
    able = {
        _Policy.DEACTIVATE: can.get("deactivate"),
        _Policy.DELETE: can.get("delete"),
        _Policy.DELETE_LATER: can.get("deactivate") and can.get("delete"),
        _Policy.NEVER: True,
    }
    return [
        (str(policy), str(policy.label), effect)
        for policy, effect in _EFFECTS.items()
        if able[policy] or policy == also
    ]


_EFFECTS = {
    _Policy.DEACTIVATE: "The account stays in the app and cannot log in. It goes only "
    "when your IdP deletes the user.",
    _Policy.DELETE: "The account is deleted in the app as soon as your IdP deactivates "
    "the user. What belongs to it may be lost.",
    _Policy.DELETE_LATER: "The account cannot log in and is deleted some days later, "
    "unless the user comes back.",
    _Policy.NEVER: "Keyway leaves the account as it is. Somebody sees to it in the app.",
}


def fate_of(row: Provisioning, user: Resource | None, *, now: datetime) -> Fate:
    """Return what becomes of the account of a user who is deactivated or deleted.

    A date of deletion that has come stands above the policy of today.
    """
    if row.delete_at is not None and row.delete_at <= now:
        return Fate.DELETE
    policy = row.integration.on_unassign
    if policy == _Policy.NEVER:
        return Fate.STAY
    if policy == _Policy.DELETE:
        return Fate.DELETE
    if policy == _Policy.DELETE_LATER or user is not None:
        return Fate.DEACTIVATE
    return Fate.DELETE


def date_deletion(row: Provisioning, *, now: datetime) -> None:
    """Remember when the deactivated account is to go, if the policy says so."""
    integration = row.integration
    if row.delete_at is None and integration.on_unassign == _Policy.DELETE_LATER:
        row.delete_at = now + timedelta(days=integration.delete_after_days)
        row.save(update_fields=["delete_at"])


def call_off(row: Provisioning) -> None:
    """Let the account of somebody who is back stay."""
    if row.delete_at is not None:
        row.delete_at = None
        row.save(update_fields=["delete_at"])


def release(account: AppAccount, *, to: Provisioning) -> None:
    """Take an account from a deleted user whose name has come back as another."""
    Provisioning.objects.filter(account=account, resource=None).exclude(
        pk=to.pk
    ).update(
        account=None,
        delete_at=None,
        state=Provisioning.State.DELETED,
        applied_version=F("desired_version"),
        next_attempt_at=None,
    )


def delete_due(job: Job) -> dict[str, object]:
    """Put off the deletion of the accounts of a workspace whose time has come."""
    now = database_now()
    due = Provisioning.objects.filter(
        integration__workspace=job.workspace_id,
        delete_at__lte=now,
        account__isnull=False,
    ).exclude(state__in=Provisioning.FAILED)
    found = list(due.select_related("integration__directory").order_by("pk"))
    for start in range(0, len(found), _BATCH):
        batch = found[start : start + _BATCH]
        # A row that is up to date would be left as it is.
        Provisioning.objects.filter(pk__in=[row.pk for row in batch]).exclude(
            state__in=Provisioning.PENDING
        ).update(state=Provisioning.State.UPDATE_AWAITING, changed_at=now)
        wanted.put_off(batch, trigger=Job.Trigger.SCHEDULE, actor=None, now=now)
    return {"accounts": len(found)}
