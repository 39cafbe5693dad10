"""What becomes of confirmations that nobody used: they run out, and are dropped late."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from workspaces import audit
from workspaces.clock import database_now
from workspaces.confirmations import record
from workspaces.models import Confirmation, Job

KEPT = timedelta(days=90)

JOB = "workspaces.tidy_confirmations"
EVERY = timedelta(hours=1)


def tidy(job: Job) -> dict[str, int]:
    """Note which of a workspace's confirmations have run out; drop very old ones."""
    now = database_now()
    mine = Confirmation.objects.filter(workspace=job.workspace_id)
    over = mine.filter(state__in=Confirmation.OPEN, expires_at__lte=now)
    expired = sum(_expire(found, now=now) for found in over.select_related("user"))
    old = mine.exclude(state__in=Confirmation.OPEN).filter(created_at__lt=now - KEPT)
    return {"expired": expired, "deleted": old.delete()[0]}


@transaction.atomic
def _expire(found: Confirmation, *, now: datetime) -> int:
    changed = Confirmation.objects.filter(
        pk=found.pk, state=found.state, expires_at__lte=now
    ).update(state=Confirmation.State.EXPIRED)
    if changed:
        record(audit.Confirmations.EXPIRED, found, was=found.state)
    return changed
