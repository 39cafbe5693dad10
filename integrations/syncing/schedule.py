"""Syncs that nobody asks for: every so many hours, as the integration says."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import QuerySet

from integrations import services
from integrations.models import Integration
from integrations.syncing import sync
from workspaces.clock import database_now
from workspaces.models import Job

JOB = "integrations.schedule_syncs"
EVERY = timedelta(hours=1)
CHOICES = (0, 1, 6, 12, 24)
"""Hours between two syncs that a form offers; 0 is never."""

_EARLY = timedelta(minutes=30)
"""A sync may come this much too early rather than almost an hour too late."""


def carry_out(job: Job) -> dict[str, object]:
    """Ask for the syncs of one workspace that are due."""
    now = database_now()
    due = [i for i in _candidates(job.workspace_id) if is_due(i, now=now)]
    for integration in due:
        services.request_sync(
            integration, actor=None, trigger=Job.Trigger.SCHEDULE, now=now
        )
    return {"syncs": len(due)}


def is_due(integration: Integration, *, now: datetime) -> bool:
    """Say whether nobody has asked for a sync in the integration's own interval.

    One that failed counts too: it was tried as often as it is worth.
    """
    since = now - timedelta(hours=integration.sync_every_hours) + _EARLY
    return not Job.objects.filter(
        workspace=integration.workspace_id,
        kind=sync.JOB,
        subject=integration.directory.key,
        created_at__gt=since,
    ).exists()


def _candidates(workspace: int) -> QuerySet[Integration]:
    return Integration.objects.filter(
        workspace=workspace,
        sync_every_hours__gt=0,
        paused_at=None,
        # Without one, a sync reads the list that a person brings.
        service_account__isnull=False,
    ).select_related("directory", "workspace")
