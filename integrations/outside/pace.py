"""Call an app no more often than its integration allows, over all workers."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from django.db import transaction

from integrations.models import Integration
from workspaces.clock import database_now


class Pace:
    """The turns of one session. Without a limit it costs nothing."""

    def __init__(self, integration: Integration) -> None:
        self._integration = integration
        self._calls = 0

    def begin(self) -> None:
        """Wait for a turn before an act makes its first call."""
        self._calls = 0
        self._wait()

    def note(self) -> None:
        """Wait for another turn if the act made more calls than one."""
        self._calls += 1
        if self._calls > 1:
            self._wait()

    def _wait(self) -> None:
        if self._integration.pk is None or not self._integration.calls_per_second:
            return
        now = database_now()
        time.sleep((take_turn(self._integration, now=now) - now).total_seconds())


@transaction.atomic
def take_turn(integration: Integration, *, now: datetime) -> datetime:
    """Return when the next call may be made, and let the one after it come later."""
    rows = Integration.objects.select_for_update(of=("self",)).filter(pk=integration.pk)
    per_second, next_at = rows.values_list("calls_per_second", "next_call_at").get()
    at: datetime = max(now, next_at or now)
    gap = timedelta(seconds=1 / per_second) if per_second else timedelta(0)
    rows.update(next_call_at=at + gap)
    return at
