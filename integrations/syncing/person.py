"""Sync one person: read their account alone, and save what the app says of it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from integrations.audit import Action
from integrations.connectors.base import ConnectorError, Misconfigured, TemporaryFailure
from integrations.desired import ObservedAccount
from integrations.models import AppAccount, Integration, Provisioning
from integrations.outside import connections, health
from integrations.syncing import drifting, importing
from integrations.syncing.importing import Report
from workspaces import audit, jobs
from workspaces.clock import database_now
from workspaces.models import Job, User

JOB = "integrations.sync_person"


@transaction.atomic
def request(row: Provisioning, *, actor: User, now: datetime) -> Job:
    """Ask for the sync of one person. One that waits already is the answer."""
    audit.record(
        Action.PERSON_SYNCED,
        workspace=row.integration.workspace,
        actor=actor,
        target=row.integration,
        data={"user": row.resource_id_public},
    )
    return jobs.enqueue(
        JOB,
        workspace=row.integration.workspace,
        subject=row.resource_id_public,
        trigger=Job.Trigger.WEB,
        actor=actor,
        lane=row.integration.lane,
        max_failures=5,
        now=now,
    ).job


def carry_out(job: Job) -> dict[str, object]:
    """Sync one person. Raises RetryLater or GiveUp, with the reason."""
    row = (
        Provisioning.objects.select_related(
            "integration__app",
            "integration__workspace",
            "integration__directory__workspace",
            "integration__service_account__workspace",
            "account",
        )
        .filter(resource_id_public=job.subject, integration__workspace=job.workspace_id)
        .first()
    )
    if row is None:
        return {"message": "The user was deleted meanwhile."}
    integration, now = row.integration, database_now()
    try:
        with connections.open_session(
            integration, job=job, resource_id=job.subject
        ) as session:
            if row.account is not None:
                found = session.get_account(row.account.external_id)
            else:
                found = session.find_account(row.user_name)
    except Misconfigured as error:
        health.note_misconfigured(integration, error.message, now=database_now())
        raise jobs.GiveUp(error.message) from None
    except TemporaryFailure as error:
        later = health.note_failure(integration, error, now=database_now())
        # Somebody waits for the answer, if it is that the app is down.
        later.counts = True
        raise later from None
    except ConnectorError as error:
        raise jobs.GiveUp(error.message) from None
    return {"message": _save(integration, row, found, now)}


def _save(
    integration: Integration,
    row: Provisioning,
    found: ObservedAccount | None,
    now: datetime,
) -> str:
    """Save what was read, and return it in words."""
    health.note_success(integration, now=now)
    if found is None:
        gone = AppAccount.objects.filter(pk=row.account_id or 0, exempted_at=None)
        # A person whose account is gone keeps their resource: the IdP decides.
        if row.is_matched:
            gone.delete()
        drifting.note(integration, only=row, now=now)
        return f"The app has no account of {row.user_name}."
    report = Report()
    importing.take_accounts(integration, [found], report, now=now)
    drifting.note(integration, only=row, now=now)
    if report.skipped:
        return report.skipped[0]
    return f"{found.username}: {'changed' if report.changed else 'as known'}."
