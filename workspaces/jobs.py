"""The job engine, for those who put work off: register a kind, enqueue, wake, cancel.

A kind is carried out by the function that its app registers in `AppConfig.ready`.
What a worker does with a job is `workspaces.leases`.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from workspaces.models import Job, User, Workspace

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


def mourn(job: Job, error: str) -> None:
    """Tell the `gave_up` of its kind that a job has ended without success."""
    if job.kind in _mourners:
        _mourners[job.kind](job, error)


def carrier(kind: str) -> Carry:
    """Return the function that carries out a kind. Raises UnknownKind."""
    try:
        return _carriers[kind]
    except KeyError:
        raise UnknownKind(kind) from None


def kinds() -> list[str]:
    """Return the kinds that are known."""
    return sorted(_carriers)


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
