"""Pause an integration: nothing is changed in the app until somebody resumes.

SCIM answers go on and the work is kept: each job that a worker takes is parked,
and Resume makes all of them due. Both look at the integration under its lock, so
that no job is parked after it was woken.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from integrations.audit import Action
from integrations.models import Integration
from integrations.provisioning import wanted
from workspaces import audit, jobs, leases
from workspaces.models import Job, User

REASON = "The integration is paused. This goes on when somebody resumes it."


@transaction.atomic
def pause(integration: Integration, *, actor: User | None, now: datetime) -> bool:
    """Change nothing in the app from now on. False if that was so before.

    What a worker has in hand at this moment is finished.
    """
    integration = lock(integration)
    if integration.paused_at is not None:
        return False
    integration.paused_at = now
    integration.save(update_fields=["paused_at"])
    _record(Action.PAUSED, integration, actor)
    return True


@transaction.atomic
def resume(integration: Integration, *, actor: User | None, now: datetime) -> int:
    """Go on with what waited. Returns how many jobs that is."""
    integration = lock(integration)
    if integration.paused_at is None:
        return 0
    integration.paused_at = None
    integration.save(update_fields=["paused_at"])
    _record(Action.RESUMED, integration, actor)
    return jobs.wake(provisioning_jobs(integration), now=now)


def wait(job: Job, integration: Integration) -> None:
    """Park the job, unless somebody has resumed since. Raises Parked."""
    with transaction.atomic():
        if lock(integration).paused_at is None:
            return
        leases.park(job, REASON, state=Job.State.PAUSED)
    raise jobs.Parked


def provisioning_jobs(integration: Integration) -> QuerySet[Job]:
    """Return the jobs that change accounts of this integration."""
    return Job.objects.filter(
        workspace=integration.workspace_id,
        kind=wanted.JOB,
        subject__in=integration.provisionings.values("resource_id_public"),
    )


def lock(integration: Integration) -> Integration:
    """Return the integration with its row locked; who refers to it need not wait."""
    return (
        Integration.objects.select_for_update(of=("self",), no_key=True)
        .select_related("workspace", "directory")
        .get(pk=integration.pk)
    )


def _record(action: Action, integration: Integration, actor: User | None) -> None:
    audit.record(
        action, workspace=integration.workspace, actor=actor, target=integration
    )
