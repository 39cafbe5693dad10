"""Make the app look like the directory: note what is wanted, then apply it.

A job says "make this person's account look like the resource as it is now". It
is safe to repeat, to coalesce and to skip: it compares what is desired with what
the app shows, and does what is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NoReturn

from django.db import transaction

from integrations.connectors.base import (
    ConnectorError,
    PermanentFailure,
)
from integrations.models import AppAccount, Provisioning
from integrations.outside import connections, health
from integrations.provisioning import (
    mapping,
    observing,
    pausing,
    planning,
    reconciling,
    removals,
    undoing,
    wanted,
)
from integrations.provisioning.restoring import KeepingSession
from integrations.tasks import by_hand
from scim.models import Resource
from workspaces import jobs, leases
from workspaces.clock import database_now
from workspaces.models import Job

_State = Provisioning.State
_ONGOING = {
    _State.PROVISIONING_AWAITING: _State.PROVISIONING_ONGOING,
    _State.UPDATE_AWAITING: _State.UPDATE_ONGOING,
    _State.DELETE_AWAITING: _State.DELETE_ONGOING,
}
_BACK = {ongoing: awaiting for awaiting, ongoing in _ONGOING.items()}
_FAILED = {
    _State.PROVISIONING_AWAITING: _State.PROVISIONING_FAILED,
    _State.PROVISIONING_ONGOING: _State.PROVISIONING_FAILED,
    _State.UPDATE_AWAITING: _State.UPDATE_FAILED,
    _State.UPDATE_ONGOING: _State.UPDATE_FAILED,
    _State.DELETE_AWAITING: _State.DELETE_FAILED,
    _State.DELETE_ONGOING: _State.DELETE_FAILED,
}
_AT_ONCE = timedelta(0)


class _MustWait(Exception):
    """Nothing may be changed in the app now; `park` says so to the job."""

    def __init__(self, park: Callable[[Job], None]) -> None:
        super().__init__()
        self.park = park


def carry_out(job: Job) -> None:
    """Bring one account up to date. Raises RetryLater or GiveUp, with the reason.

    Raises Parked while the integration is paused or only observes, and if a person
    has to decide on a removal.
    """
    try:
        row = _begin(job)
    except _MustWait as found:
        found.park(job)
        carry_out(job)
        return
    if row is None:
        return
    users = Resource.objects.select_related("directory")
    user = users.filter(public_id=row.resource_id_public).first()
    try:
        with (
            connections.open_session(
                row.integration,
                job=job,
                resource_id=row.resource_id_public,
                hides=mapping.hidden_values(user),
            ) as session,
            by_hand.asking_a_person(session),
        ):
            is_removal = row.undo_to is None and removals.is_removal(row)
            kept = KeepingSession(session, row, job, is_removal=is_removal)
            if row.undo_to is None:
                reconciling.apply(row, user, kept)
            else:
                reconciling.put_back(row, kept)
    except by_hand.PersonNeeded as needed:
        by_hand.wait(job, row, needed.session, state=_BACK[_State(row.state)])
    except ConnectorError as error:
        _fail(job, row, error)
    else:
        _succeed(job, row)


def _begin(job: Job) -> Provisioning | None:
    """Mark the row as ongoing. None if there is nothing left to do."""
    with transaction.atomic():
        row = (
            Provisioning.objects.select_for_update(of=("self",))
            .select_related(
                "integration__app",
                "integration__directory",
                "integration__workspace",
                "integration__service_account__workspace",
                "account",
                "resource__directory",
                "undo_to",
            )
            .filter(
                resource_id_public=job.subject,
                integration__workspace=job.workspace_id,
            )
            .first()
        )
        if row is None or (
            row.applied_version == row.desired_version and row.state not in _ONGOING
        ):
            return None
        _wait_if_held(row)
        state = _State(row.state)
        row.state = _ONGOING.get(state, state)
        row.attempts += 1
        row.save(update_fields=["state", "attempts"])
        leases.report_progress(job, act=wanted.ACTS[row.state])
        return row


def _wait_if_held(row: Provisioning) -> None:
    """Raise _MustWait if the integration, or a removal, waits for a person."""
    integration = row.integration
    if integration.paused_at is not None:
        raise _MustWait(lambda job: pausing.wait(job, integration))
    if integration.observing_since is not None:
        raise _MustWait(lambda job: observing.wait(job, integration))
    if row.undo_to is None and removals.must_hold(row, now=database_now()):
        raise _MustWait(lambda job: removals.wait(job, row))


@transaction.atomic
def _succeed(job: Job, row: Provisioning) -> None:
    """Record what was applied. A newer wish keeps its state and has its own job."""
    now = database_now()
    if row.undo_to is None:
        _note_applied(row, now=now)
    else:
        undoing.finish(row, row.undo_to, now=now)
    by_hand.withdraw(row)
    health.note_success(row.integration, now=now)


def _note_applied(row: Provisioning, *, now: datetime) -> None:
    is_leaving = row.state == _State.DELETE_ONGOING
    waits_until = row.delete_at if is_leaving and _lies_ahead(row, now) else None
    if is_leaving and waits_until is None and row.account is not None:
        row.account.delete()
        row.account = None
    left = _State.DELETED if waits_until is None else _State.DELETE_AWAITING
    rows = Provisioning.objects.filter(pk=row.pk)
    is_current = rows.filter(desired_version=row.desired_version).update(
        applied_version=row.desired_version,
        state=left if is_leaving else _State.ONBOARDED,
        last_error="",
        next_attempt_at=waits_until,
        applied_account=_shown(row.account),
        drifted_at=None,
        changed_at=now,
    )
    if not is_current:
        rows.update(applied_version=row.desired_version)


def _shown(account: AppAccount | None) -> dict[str, str] | None:
    if account is None:
        return None
    return {name: getattr(account, name) for name in planning.NAMES}


def _lies_ahead(row: Provisioning, now: datetime) -> bool:
    return row.delete_at is not None and row.delete_at > now


def _fail(job: Job, row: Provisioning, error: ConnectorError) -> NoReturn:
    """Hand the job back with the reason and the time of the next try, or end it."""
    if isinstance(error, PermanentFailure):
        health.note_refusal(row.integration)
        raise jobs.GiveUp(error.message)
    now = database_now()
    with transaction.atomic():
        later = health.note_failure(row.integration, error, now=now)
        after = max(later.after or _AT_ONCE, leases.backoff(job.failures + 1))
        later.after = after
        Provisioning.objects.filter(
            pk=row.pk, desired_version=row.desired_version
        ).update(
            state=_BACK[_State(row.state)],
            last_error=error.message,
            next_attempt_at=now + after,
            changed_at=now,
        )
    raise later


def gave_up(job: Job, error: str) -> None:
    """Show that a job ended without success, unless a newer wish waits already."""
    newer = Job.objects.filter(
        kind=job.kind, subject=job.subject, state__in=Job.WAITING
    )
    if newer.exists():
        return
    rows = Provisioning.objects.filter(
        resource_id_public=job.subject, integration__workspace=job.workspace_id
    )
    for pending, failed in _FAILED.items():
        rows.filter(state=pending).update(
            state=failed,
            last_error=error,
            next_attempt_at=None,
            changed_at=database_now(),
        )
