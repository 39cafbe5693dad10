"""Read the app, and save what it holds.

Sync never writes to the app. It reads everything before it saves anything: when
more of the users that were known are gone than the threshold allows, it is held
as a whole until an admin approves or discards it. One that was cancelled stops at
its next report of progress.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TypeVar

import structlog
from django.db import transaction

from integrations.connectors.base import (
    ConnectorError,
    Misconfigured,
    Session,
    TemporaryFailure,
)
from integrations.desired import Entitlement, ObservedAccount
from integrations.models import Integration
from integrations.outside import connections, health
from integrations.provisioning.entitlements import GROUP_KIND, ROLE_KIND
from integrations.syncing import cron, drifting, holding, importing
from integrations.syncing.report import Report
from integrations.tasks import proving
from workspaces import jobs, leases
from workspaces.clock import database_now
from workspaces.faults import fault
from workspaces.models import Job

JOB = holding.JOB
BATCH = 100
LOG_IN, READ_USERS, READ_ROLES, READ_ENTITLEMENTS, SAVE = PHASES = (
    "Log in",
    "Read users",
    "Read roles",
    "Read entitlements",
    "Save",
)
log = structlog.get_logger(__name__)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Found:
    """What the app holds, each account once."""

    accounts: dict[str, ObservedAccount]
    """By external id."""

    entitlements: list[Entitlement]


def carry_out(job: Job) -> dict[str, object]:
    """Sync one integration. Raises RetryLater, GiveUp or Parked, with the reason."""
    integration = Integration.objects.select_related(
        "app", "workspace", "directory__workspace", "service_account__workspace"
    ).get(workspace=job.workspace_id, directory__key=job.subject)
    now = database_now()
    try:
        with connections.open_session(integration, job=job) as session:
            found = _read(job, integration, session)
    except Misconfigured as error:
        health.note_misconfigured(integration, error.message, now=database_now())
        raise jobs.GiveUp(error.message) from None
    except TemporaryFailure as error:
        later = health.note_failure(integration, error, now=database_now())
        # A sync is given up after a few tries also while the app is down.
        later.counts = True
        raise later from None
    except ConnectorError as error:
        raise jobs.GiveUp(error.message) from None
    holding.hold_if_too_many_are_gone(job, integration, found.accounts.keys(), now=now)
    return _save(job, integration, found, now).as_result()


def _read(job: Job, integration: Integration, session: Session) -> Found:
    leases.report_progress(job, phase=LOG_IN)
    session.check()
    leases.report_progress(job, phase=READ_USERS, done=0)
    accounts: dict[str, ObservedAccount] = {}
    for batch in _batches(_people(integration, session.list_accounts())):
        accounts |= {account.external_id: account for account in batch}
        leases.report_progress(job, phase=READ_USERS, done=len(accounts))
    return Found(accounts, _read_entitlements(job, session))


def _read_entitlements(job: Job, session: Session) -> list[Entitlement]:
    phase = READ_ROLES
    leases.report_progress(job, phase=phase)
    found = []
    for number, entitlement in enumerate(session.list_entitlements(), 1):
        found.append(entitlement)
        if number % BATCH == 0:
            # Also the place where a cancelled sync stops.
            leases.report_progress(job, phase=phase)
        if phase == READ_ROLES and entitlement.kind not in {GROUP_KIND, ROLE_KIND}:
            phase = READ_ENTITLEMENTS
            leases.report_progress(job, phase=phase)
    return found


def _people(
    integration: Integration, accounts: Iterator[ObservedAccount]
) -> Iterator[ObservedAccount]:
    """Leave out Keyway's own account: it is not a person to provision."""
    own = integration.own_username.casefold()
    return (account for account in accounts if account.username.casefold() != own)


def _batches(things: Iterator[T]) -> Iterator[list[T]]:
    while batch := list(islice(things, BATCH)):
        yield batch


def _save(job: Job, integration: Integration, found: Found, now: datetime) -> Report:
    report = Report()
    total = len(found.accounts)
    leases.report_progress(job, phase=SAVE, done=0, total=total)
    for held in _batches(iter(found.entitlements)):
        importing.take_entitlements(integration, held, report, now=now)
        leases.report_progress(job, phase=SAVE, done=0, total=total)
    for batch in _batches(iter(found.accounts.values())):
        importing.take_accounts(integration, batch, report, now=now)
        leases.report_progress(job, phase=SAVE, done=report.users, total=total)
        fault("sync.batch_saved")
    with transaction.atomic():
        # Holds the job's row: who cancels now comes before, or too late.
        leases.report_progress(job, phase=SAVE, done=total, total=total)
        importing.forget_lost(integration, report, now=now)
        integration.refresh_from_db(fields=["sync_schedule"])
        _, integration.sync_overdue_at = cron.times(
            integration.sync_schedule, after=now
        )
        integration.last_synced_at = now
        integration.save(update_fields=["last_synced_at", "sync_overdue_at"])
        proving.after_import(integration, now=now)
        health.note_success(integration, now=now)
    drifting.note(integration, now=now)
    log.info("sync_finished", integration=integration.pk, users=report.users)
    return report
