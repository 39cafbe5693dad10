"""Syncs that nobody asks for: each integration says when, by a cron expression.

Where people do the work, a sync reads the list that somebody brings: the schedule says
how old that may be, and a mail asks for another.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Max

from integrations import services
from integrations.models import Integration
from integrations.syncing import cron
from integrations.tasks import mailing
from workspaces.models import Job

_MOST = 100
"""How many syncs are asked for at a time; the others follow seconds later."""


def ask_for_due(now: datetime) -> int:
    """Ask for the syncs whose time has come. Returns how many.

    Times that passed meanwhile, while no worker ran or the integration was paused,
    are one sync. Of two workers that look at once, one asks.
    """
    due = Integration.objects.filter(next_sync_at__lte=now, paused_at=None)
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
    if integration.service_account_id is None:
        return _is_list_too_old(integration, now) and mailing.request_list(
            integration, now=now
        )
    services.request_sync(
        integration, actor=None, trigger=Job.Trigger.SCHEDULE, now=now
    )
    return True


def _is_list_too_old(integration: Integration, now: datetime) -> bool:
    """Say whether two times of the schedule have come since the last upload."""
    last = integration.account_lists.aggregate(at=Max("uploaded_at"))["at"]
    if last is None:
        return True
    _, second = cron.times(integration.sync_schedule, after=last)
    return second is not None and second <= now
