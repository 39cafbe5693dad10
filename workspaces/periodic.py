"""What is put off by the clock: once in each period, or when an app says so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from workspaces import jobs
from workspaces.models import Job, Workspace

Ask = Callable[[datetime], int]


_periods: dict[str, timedelta] = {}
_askers: list[Ask] = []


def register(kind: str, carry: jobs.Carry, *, every: timedelta) -> None:
    """Let `carry` run for each workspace once in each period."""
    jobs.register(kind, carry)
    _periods[kind] = every


def register_due(ask: Ask) -> None:
    """Let `ask` put off what is due by a clock of its own; it returns how many.

    Every worker calls it every few seconds: it has to be cheap, and safe beside itself.
    """
    _askers.append(ask)


def enqueue_due(*, now: datetime) -> int:
    """Put off what is due, and what this period lacks. Returns how many jobs.

    The subject names workspace and period, so that a second look finds the first.
    """
    made = sum(ask(now) for ask in _askers)
    for kind, every in _periods.items():
        period = int(now.timestamp() // every.total_seconds())
        present = Job.objects.filter(kind=kind, subject__endswith=f":{period}")
        lacking = Workspace.objects.exclude(pk__in=present.values("workspace"))
        for workspace in lacking:
            made += jobs.enqueue(
                kind,
                workspace=workspace,
                subject=f"{workspace.slug}:{period}",
                trigger=Job.Trigger.SCHEDULE,
                now=now,
            ).created
    return made
