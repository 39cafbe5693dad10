"""The job engine: put work off, claim it with a lease, finish it once.

The row is the truth. A claim gives a lease and counts the attempt up; that
number is the fence, so a worker that slept through its lease cannot finish what
another has taken over. A kind is carried out by the function that its app
registers in `AppConfig.ready`.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from workspaces import audit, lanes
from workspaces.clock import database_now
from workspaces.faults import fault
from workspaces.models import Job, User, Workspace

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=8)
"""How long a job stays with a worker that is not heard of; a living one renews it
every second, however long a call to an app takes."""

BACKOFF_BASE = timedelta(seconds=2)
BACKOFF_CAP = timedelta(minutes=15)

_BATCH = 500
_ROW = "(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 'queued', 0, 0, '{}', '{}', '{}', '', '')"
_UPSERT = (
    'INSERT INTO workspaces_job (public_id, workspace_id, kind, subject, "trigger",'
    " actor_id, priority, lane, max_failures, due_at, created_at, state, attempt, failures,"
    " arguments, progress, result, worker, error) VALUES {rows}"
    " ON CONFLICT (kind, subject)"
    " WHERE state IN ('queued', 'retrying', 'held', 'paused')"
    " DO UPDATE SET failures = 0,"
    " priority = CASE WHEN excluded.priority < workspaces_job.priority"
    " THEN excluded.priority ELSE workspaces_job.priority END,"
    " state = CASE WHEN workspaces_job.state = 'paused' THEN 'paused'"
    " ELSE 'queued' END,"
    " due_at = CASE WHEN workspaces_job.state IN ('retrying', 'held')"
    " THEN excluded.due_at ELSE workspaces_job.due_at END,"
    " error = CASE WHEN workspaces_job.state = 'held' THEN ''"
    " ELSE workspaces_job.error END"
    " RETURNING public_id"
)

_PRIORITIES = {
    Job.Trigger.WEB: Job.Priority.PERSON,
    Job.Trigger.SCHEDULE: Job.Priority.BULK,
}

Arguments = dict[str, Any]
Carry = Callable[[Job], Arguments | None]
Ask = Callable[[datetime], int]


class RetryLater(Exception):
    """Raised by a carrier: the job should be tried again.

    `counts` False says that the job is not to blame, so that it does not come
    nearer to being given up.
    """

    def __init__(
        self, message: str, *, after: timedelta | None = None, counts: bool = True
    ) -> None:
        super().__init__(message)
        self.message = message
        self.after = after
        self.counts = counts


class GiveUp(Exception):
    """Raised by a carrier: trying again cannot help until somebody acts."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Parked(Exception):
    """Raised by a carrier that called `park`: a person says when to go on."""


class AlreadyEnded(ValueError):
    """What should be cancelled has ended, or waits for another decision."""


class LostLease(Exception):
    """The job now belongs to another worker, or has ended."""


class UnknownKind(LookupError):
    """No app registered a carrier for this kind: a programming error."""


GaveUp = Callable[[Job, str], None]
_carriers: dict[str, Carry] = {}
_mourners: dict[str, GaveUp] = {}


def register(kind: str, carry: Carry, *, gave_up: GaveUp | None = None) -> None:
    """Let `carry` carry out the jobs of a kind. Its result becomes the job's.

    `gave_up` hears of every job that ends without success, with the reason, in
    the transaction that ends it.
    """
    _carriers[kind] = carry
    if gave_up is not None:
        _mourners[kind] = gave_up


def carrier(kind: str) -> Carry:
    """Return the function that carries out a kind. Raises UnknownKind."""
    try:
        return _carriers[kind]
    except KeyError:
        raise UnknownKind(kind) from None


def kinds() -> list[str]:
    """Return the kinds that are known."""
    return sorted(_carriers)


_periods: dict[str, timedelta] = {}
_askers: list[Ask] = []


def register_periodic(kind: str, carry: Carry, *, every: timedelta) -> None:
    """Let `carry` run for each workspace once in each period."""
    register(kind, carry)
    _periods[kind] = every


def register_due(ask: Ask) -> None:
    """Let `ask` put off what is due by a clock of its own; it returns how many.

    Every worker calls it every few seconds: it has to be cheap, and safe beside itself.
    """
    _askers.append(ask)


def enqueue_periodic(*, now: datetime) -> int:
    """Put off what is due, and what this period lacks. Returns how many jobs.

    The subject names workspace and period, so that a second look finds the first.
    """
    made = sum(ask(now) for ask in _askers)
    for kind, every in _periods.items():
        period = int(now.timestamp() // every.total_seconds())
        present = Job.objects.filter(kind=kind, subject__endswith=f":{period}")
        lacking = Workspace.objects.exclude(pk__in=present.values("workspace"))
        for workspace in lacking:
            made += enqueue(
                kind,
                workspace=workspace,
                subject=f"{workspace.slug}:{period}",
                trigger=Job.Trigger.SCHEDULE,
                now=now,
            ).created
    return made


@dataclass(frozen=True, slots=True)
class Enqueued:
    """The job that stands for a request, and whether the request made it."""

    job: Job
    created: bool


def enqueue(
    kind: str,
    *,
    workspace: Workspace,
    subject: str,
    trigger: Job.Trigger,
    actor: User | None = None,
    lane: str = "",
    max_failures: int = 20,
    now: datetime,
) -> Enqueued:
    """Put one piece of work off; see `enqueue_all`."""
    (public_id, created) = enqueue_all(
        kind,
        workspace_id=workspace.pk,
        subjects=[subject],
        trigger=trigger,
        actor=actor,
        lane=lane,
        max_failures=max_failures,
        now=now,
    )[0]
    return Enqueued(Job.objects.get(public_id=public_id), created)


def enqueue_all(
    kind: str,
    *,
    workspace_id: int,
    subjects: Sequence[str],
    trigger: Job.Trigger,
    actor: User | None = None,
    priority: Job.Priority | None = None,
    lane: str = "",
    max_failures: int = 20,
    now: datetime,
) -> list[tuple[uuid.UUID, bool]]:
    """Put work off, in the transaction of the change that needs it.

    Returns the public id of the job that stands for each subject, and whether it
    is new. A waiting job of the same kind and subject is joined instead, and made
    due at once if it waits for a retry or is held: what it does is to look at the
    present. One that is paused stays so. `priority` None follows from the trigger.
    One statement for each 500 subjects, so that it never races with a worker.
    """
    due_at = connection.ops.adapt_datetimefield_value(now)
    if priority is None:
        priority = _PRIORITIES.get(trigger, Job.Priority.CHANGE)
    public_id = Job._meta.get_field("public_id")
    result: list[tuple[uuid.UUID, bool]] = []
    for start in range(0, len(subjects), _BATCH):
        batch = [
            (uuid.uuid4(), subject) for subject in subjects[start : start + _BATCH]
        ]
        params: list[Any] = []
        for made, subject in batch:
            key = public_id.get_db_prep_value(made, connection)
            actor_id = actor.pk if actor else None
            params += [key, workspace_id, kind, subject, str(trigger), actor_id]
            params += [int(priority), lane, max_failures, due_at, due_at]
        with connection.cursor() as cursor:
            cursor.execute(_UPSERT.format(rows=", ".join([_ROW] * len(batch))), params)
            found = [uuid.UUID(str(key)) for (key,) in cursor.fetchall()]
        made_here = {made for made, _ in batch}
        result += [(key, key in made_here) for key in found]
    return result


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

    A worker that slept until another took the job over is stopped here.
    """
    renewed = Job.objects.filter(
        pk=job.pk, attempt=job.attempt, state__in=Job.LEASED
    ).update(lease_ends_at=database_now() + LEASE)
    if not renewed:
        raise LostLease


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
    if job.kind in _mourners:
        _mourners[job.kind](job, error)
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


def wake(parked: QuerySet[Job], *, now: datetime) -> int:
    """Make those of the jobs due that are parked. Returns how many."""
    return parked.filter(state__in=Job.PARKED).update(
        state=Job.State.QUEUED, failures=0, error="", due_at=now
    )


def lock_to_cancel(open_ones: QuerySet[Job]) -> Job:
    """Return the one of the jobs that runs, or else waits for its turn, locked.

    Parked ones wait for a decision of their own. Raises AlreadyEnded.
    """
    found = open_ones.filter(state__in=(*Job.READY, *Job.LEASED))
    locked = sorted(
        found.select_for_update(of=("self",)), key=lambda job: job.state in Job.READY
    )
    if not locked:
        raise AlreadyEnded
    return locked[0]


def cancel(job: Job, *, actor: User, note: str = "", now: datetime) -> None:
    """End a job that `lock_to_cancel` found, in the same transaction.

    A worker that has it in hand loses its lease: it stops at its next report of
    progress. `note` says what has been done by now. Nobody mourns: who cancels
    knows what for.
    """
    Job.objects.filter(pk=job.pk).update(
        state=Job.State.NOT_COMPLETED,
        error=f"Cancelled by {actor}. {note}".strip(),
        lease_ends_at=None,
        ended_at=now,
        ended_by=actor,
    )


def end_all(unwanted: QuerySet[Job], *, note: str, now: datetime) -> int:
    """End jobs that nobody wants any more; nobody mourns. Returns how many."""
    return unwanted.filter(state__in=Job.OPEN).update(
        state=Job.State.NOT_COMPLETED, error=note, lease_ends_at=None, ended_at=now
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
    with suppress(LostLease, Parked):
        try:
            result = carrier(job.kind)(job)
            fault("job.before_end")
        except RetryLater as error:
            retry(
                job,
                error.message,
                after=error.after,
                counts=error.counts,
                now=database_now(),
            )
        except GiveUp as error:
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
