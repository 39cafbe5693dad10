"""How long a workspace keeps its audit log. Owners say so."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction

from workspaces import audit, audit_chain
from workspaces.clock import database_now
from workspaces.errors import NoLongerAllowed
from workspaces.models import Job, Membership, Workspace
from workspaces.permissions import Permission, can

JOB = "workspaces.prune_audit_log"
EVERY = timedelta(days=1)

CHOICES: list[tuple[int | None, str]] = [
    (None, "For ever"),
    (2557, "7 years"),
    (731, "2 years"),
    (366, "1 year"),
    (90, "90 days"),
]
"""Days, and what they are called."""


@transaction.atomic
def change(days: int | None, *, by: Membership) -> None:
    """Keep events for so many days; None keeps them for ever.

    Raises NoLongerAllowed if whoever asks is no Owner any more.
    """
    workspace = Workspace.objects.select_for_update().get(pk=by.workspace_id)
    present = Membership.objects.select_related("user").filter(pk=by.pk).first()
    if present is None or not can(present, Permission.MANAGE_POLICY):
        raise NoLongerAllowed
    before = workspace.audit_days
    if days == before:
        return
    workspace.audit_days = days
    workspace.save(update_fields=["audit_days"])
    audit.record(
        audit.Log.RETENTION_CHANGED,
        workspace=workspace,
        actor=present.user,
        data={"days_before": before, "days_after": days},
    )


@transaction.atomic
def prune(job: Job) -> dict[str, int]:
    """Delete what is older than the workspace keeps, and say so in the log."""
    days = job.workspace.audit_days
    if days is None:
        return {"events": 0}
    before = database_now() - timedelta(days=days)
    count = audit_chain.prune(job.workspace, before=before)
    if count:
        audit.record(
            audit.Log.PRUNED,
            workspace=job.workspace,
            actor=None,
            data={"events": count, "before": before.date().isoformat()},
        )
    return {"events": count}
