"""Leave a place alone that fails, and do not let it take every worker.

The jobs of one lane all go to one place. At most `KEYWAY_JOBS_PER_LANE` of them
run at once. A lane closes after 5 temporary failures in a row, or at once for as
long as the place asks for; when its time is up, one job is let in as a trial, and
how that ends opens or closes it. Nothing is lost meanwhile: the jobs wait.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, QuerySet

from workspaces.models import Job, Lane

FAILURES_TO_CLOSE = 5
SHORTEST_PAUSE = timedelta(seconds=10)
TRIAL = timedelta(seconds=5)
"""How long a trial keeps others out: one that dies must not do so for its lease."""

LONGEST_PAUSE = timedelta(minutes=5)


def without_stopped(due: QuerySet[Job], *, now: datetime) -> QuerySet[Job]:
    """Leave out the jobs of lanes that are closed or full."""
    full = (
        Job.objects.filter(state__in=Job.LEASED)
        .exclude(lane="")
        .values("lane")
        .annotate(running=Count("pk"))
        .filter(running__gte=settings.KEYWAY_JOBS_PER_LANE)
    )
    closed = Lane.objects.filter(closed_until__gt=now)
    return due.exclude(lane__in=full.values("lane")).exclude(
        lane__in=closed.values("name")
    )


def enter(job: Job, *, now: datetime) -> bool:
    """Say whether a job may start in its lane, in the transaction that starts it.

    Holds the lane's row, so that of several workers each counts the others. A
    trial closes the lane again for a moment.
    """
    lane = _locked(job.workspace_id, job.lane)
    running = Job.objects.filter(lane=job.lane, state__in=Job.LEASED).count()
    if running >= settings.KEYWAY_JOBS_PER_LANE:
        return False
    if lane.closed_until is None:
        return True
    if lane.closed_until > now:
        return False
    lane.closed_until = now + TRIAL
    lane.save(update_fields=["closed_until"])
    return True


def note_success(name: str) -> None:
    """Open the lane. Writes only when that is news."""
    Lane.objects.filter(name=name).exclude(failures=0, closed_until=None).update(
        failures=0, closed_until=None, reason=""
    )


def note_failure(
    workspace_id: int,
    name: str,
    reason: str,
    *,
    pause: timedelta | None = None,
    now: datetime,
) -> timedelta | None:
    """Count a temporary failure. Returns how long the lane is closed now, if it is.

    `pause` closes it at once for so long. In the caller's transaction.
    """
    lane = _locked(workspace_id, name)
    lane.failures += 1
    if pause is None and lane.failures >= FAILURES_TO_CLOSE:
        doublings = min(lane.failures - FAILURES_TO_CLOSE, 20)
        pause = min(LONGEST_PAUSE, SHORTEST_PAUSE * 2**doublings)
    if pause is not None:
        lane.closed_until = max(now + pause, lane.closed_until or now)
        lane.reason = reason
    lane.save(update_fields=["failures", "closed_until", "reason"])
    return max(lane.closed_until - now, timedelta(0)) if lane.closed_until else None


def reopen(names: list[str], *, now: datetime) -> None:
    """Let one job of each try at once, because somebody mended something."""
    Lane.objects.filter(name__in=names, closed_until__gt=now).update(closed_until=now)


def _locked(workspace_id: int, name: str) -> Lane:
    """Return the row of a lane under its lock; the first job of a lane makes it."""
    rows = Lane.objects.select_for_update().filter(workspace=workspace_id, name=name)
    found = rows.first()
    if found is None:
        new = Lane(workspace_id=workspace_id, name=name)
        Lane.objects.bulk_create([new], ignore_conflicts=True)
        found = rows.get()
    return found
