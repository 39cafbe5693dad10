"""Syncs that nobody asks for: each integration says when, by a cron expression."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from integrations import services
from integrations.models import Integration
from integrations.syncing import cron
from workspaces.models import Job

_MOST = 100
"""How many syncs are asked for at a time; the others follow seconds later."""


def ask_for_due(now: datetime) -> int:
    """Ask for the syncs whose time has come. Returns how many.

    Times that passed meanwhile, while no worker ran or the integration was paused,
    are one sync. Of two workers that look at once, one asks.
    """
    due = Integration.objects.filter(
        next_sync_at__lte=now,
        paused_at=None,
        # Without one, a sync reads the list that a person brings.
        service_account__isnull=False,
    )
    found = due.select_related("directory", "workspace").order_by("next_sync_at")
    return sum(_ask(integration, now) for integration in found[:_MOST])


@transaction.atomic
def _ask(integration: Integration, now: datetime) -> bool:
    following, _ = cron.times(integration.sync_schedule, after=now)
    seen = Integration.objects.filter(
        pk=integration.pk,
        next_sync_at=integration.next_sync_at,
        sync_schedule=integration.sync_schedule,
        paused_at=None,
    )
    if not seen.update(next_sync_at=following):
        return False
    services.request_sync(
        integration, actor=None, trigger=Job.Trigger.SCHEDULE, now=now
    )
    return True
