"""What a worker does with a job: claim it with a lease, finish it once.

The row is the truth. A claim gives a lease and counts the attempt up; that
number is the fence, so a worker that slept through its lease cannot finish what
another has taken over.
"""

from __future__ import annotations

import random
import time
import uuid
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from workspaces import audit, jobs, lanes
from workspaces.clock import database_now
from workspaces.faults import fault
from workspaces.jobs import Arguments
from workspaces.models import Job

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=8)
"""How long a job stays with a worker that is not heard of; a living one renews it
every second, however long a call to an app takes."""

BACKOFF_BASE = timedelta(seconds=2)
BACKOFF_CAP = timedelta(minutes=15)

_seconds = time.monotonic


class LostLease(Exception):
    """The job now belongs to another worker, or has ended."""


def claim(*, worker: str, now: datetime, only: uuid.UUID | None = None) -> Job | None:
    """Take the job that is most urgent, with a lease. None if nothing may start.

    Skips subjects that are being worked on, one job at a time per subject, and
    lanes that are closed or full. `only` takes that job or none.
    """
    try:
        return _claim(worker, now, only)
    except IntegrityError:
        # Another worker started this subject between our look and our write.
        return None


@transaction.atomic
def _claim(worker: str, now: datetime, only: uuid.UUID | None) -> Job | None:
    due = claimable(now=now)
    if only is not None:
        due = due.filter(public_id=only)
    if connection.features.has_select_for_update_skip_locked:
        due = due.select_for_update(skip_locked=True, of=("self",))
    job = due.first()
    if job is None or (job.lane and not lanes.enter(job, now=now)):
        return None
    job.state = Job.State.STARTED
    job.attempt += 1
    job.worker = worker
    job.lease_ends_at = now + LEASE
    job.started_at = job.started_at or now
    job.save(update_fields=_CLAIMED)
    return job


_CLAIMED = ("state", "attempt", "worker", "lease_ends_at", "started_at")


def claimable(*, now: datetime) -> QuerySet[Job]:
    """Return the jobs that may start, the most urgent first."""
    running = Job.objects.filter(
        kind=OuterRef("kind"), subject=OuterRef("subject"), state__in=Job.LEASED
    )
    due = Job.objects.filter(state__in=Job.READY, due_at__lte=now)
    due = lanes.without_stopped(due.exclude(Exists(running)), now=now)
    return due.order_by("priority", "due_at", "id")


def is_lost(job: Job) -> bool:
    """Say whether a claimed job is another worker's by now, or has been ended."""
    return not Job.objects.filter(
        pk=job.pk, attempt=job.attempt, state__in=Job.LEASED
    ).exists()


def require_lease(job: Job) -> None:
    """Renew the lease before something outside is changed. Raises LostLease.

    A worker that slept until another took the job over is stopped here, also one
    that slept while it asked.
    """
    mine = Job.objects.filter(pk=job.pk, attempt=job.attempt, state__in=Job.LEASED)
    while True:
        asked_at = _seconds()
        if not mine.update(lease_ends_at=database_now() + LEASE):
            raise LostLease
        if _seconds() - asked_at < LEASE.total_seconds() / 2:
            return


def heartbeat(jobs: list[Job], *, now: datetime) -> None:
    """Prolong the leases of jobs that are still being worked on."""
    mine = Q()
    for job in jobs:
        mine |= Q(pk=job.pk, attempt=job.attempt)
    if jobs:
        Job.objects.filter(mine, state__in=Job.LEASED).update(lease_ends_at=now + LEASE)


def report_progress(job: Job, **progress: int | str) -> None:
    """Show how far the work is. Raises LostLease if it is no longer ours."""
    updated = Job.objects.filter(
        pk=job.pk, attempt=job.attempt, state__in=Job.LEASED
    ).update(state=Job.State.RUNNING, progress=progress)
    if not updated:
        raise LostLease


def complete(job: Job, result: Arguments | None, *, now: datetime) -> None:
    """End the job well. Raises LostLease if it is no longer ours."""
    _end(job, state=Job.State.COMPLETED, result=result or {}, error="", ended_at=now)


@transaction.atomic
def give_up(job: Job, error: str, *, now: datetime) -> None:
    """End the job without success. Raises LostLease if it is no longer ours."""
    _end(job, state=Job.State.NOT_COMPLETED, error=error, ended_at=now)
    jobs.mourn(job, error)
    audit.record(
        audit.Work.GAVE_UP,
        workspace=job.workspace,
        actor=None,
        target=job,
        data={"kind": job.kind, "subject": job.subject, "error": error[:300]},
    )


def retry(
    job: Job,
    error: str,
    *,
    after: timedelta | None = None,
    counts: bool = True,
    now: datetime,
) -> datetime | None:
    """Hand the job back to be tried later; the time, or None if it gave up.

    A newer job of the same subject that waits already takes its place.
    """
    failures = job.failures + counts
    if counts and failures >= job.max_failures:
        give_up(job, error, now=now)
        return None
    due_at = now + (backoff(failures or 1) if after is None else after)
    try:
        with transaction.atomic():
            _end(
                job,
                state=Job.State.RETRYING,
                error=error,
                due_at=due_at,
                failures=failures,
            )
    except IntegrityError:
        _end(
            job,
            state=Job.State.NOT_COMPLETED,
            error=f"{error} A newer request took over.",
            ended_at=now,
        )
    return due_at


def park(
    job: Job, reason: str, *, state: Job.State, result: Arguments | None = None
) -> None:
    """Let a job wait for `wake`, which is no failure. The carrier then raises Parked.

    `state` is HELD or PAUSED: a later request wakes a held one and joins a paused
    one. Call it in the transaction that finds the reason, so that whoever takes
    the reason away finds the job. Raises LostLease if it is no longer ours.
    """
    columns = {"error": reason, "result": result or {}}
    try:
        with transaction.atomic():
            _end(job, state=state, **columns)
    except IntegrityError:
        _end(
            job,
            state=Job.State.NOT_COMPLETED,
            error=f"{reason} A newer request took over.",
            ended_at=database_now(),
        )


def release_expired(*, now: datetime) -> int:
    """Give back the jobs whose workers died. Returns how many.

    The first time a job may start again at once, and never much later than its lease:
    its worker's death is seldom its fault. One that kills its workers is given up.
    """
    released = 0
    for job in Job.objects.filter(state__in=Job.LEASED, lease_ends_at__lt=now):
        after = min(backoff(job.failures), LEASE) if job.failures else timedelta(0)
        try:
            retry(job, "The worker stopped in the middle.", after=after, now=now)
        except LostLease:
            continue
        except OperationalError:
            raise
        except Exception:
            # Of one kind whose `gave_up` fails, no other job must stay behind.
            log.exception("job_not_released", job=str(job.public_id))
            continue
        released += 1
    return released


def backoff(failures: int) -> timedelta:
    """Return how long to wait after so many failures: doubling, with jitter."""
    ceiling = min(BACKOFF_CAP, BACKOFF_BASE * 2 ** min(failures - 1, 20))
    return ceiling * random.uniform(0.5, 1)  # noqa: S311  jitter is no secret


def carry_out(job: Job) -> None:
    """Do the work of a claimed job and record how it ended.

    An unexpected error is retried like a temporary one; its traceback goes to
    the log and not to the job. A job that was overtaken is left to its owner.
    """
    fault("job.claimed")
    with suppress(LostLease, jobs.Parked):
        try:
            result = jobs.carrier(job.kind)(job)
            fault("job.before_end")
        except jobs.RetryLater as error:
            retry(
                job,
                error.message,
                after=error.after,
                counts=error.counts,
                now=database_now(),
            )
        except jobs.GiveUp as error:
            give_up(job, error.message, now=database_now())
        else:
            complete(job, result, now=database_now())
            fault("job.ended")


def _end(job: Job, **columns: Any) -> None:
    updated = Job.objects.filter(
        pk=job.pk, attempt=job.attempt, state__in=Job.LEASED
    ).update(lease_ends_at=None, **columns)
    if not updated:
        raise LostLease
