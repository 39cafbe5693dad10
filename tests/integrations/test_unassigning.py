"""Deletions whose time has come."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection
from django.test.utils import CaptureQueriesContext

from integrations.desired import ObservedAccount
from integrations.models import Integration, Provisioning
from integrations.provisioning import unassigning, wanted
from integrations.syncing import importing
from integrations.syncing.report import Report
from tests import factories
from workspaces.clock import database_now
from workspaces.models import Job, Workspace


def deactivate_people(integration: Integration, count: int) -> None:
    """Let people have accounts whose deletion is due."""
    accounts = [
        ObservedAccount(f"{integration.pk}-{n}", f"p{integration.pk}-{n}@acme.test")
        for n in range(count)
    ]
    now = database_now()
    importing.take_accounts(integration, accounts, Report(), now=now)
    Provisioning.objects.filter(integration=integration).update(
        delete_at=now - timedelta(minutes=1)
    )


def delete_due(workspace: Workspace) -> int:
    """Return how many queries it took."""
    Job.objects.all().delete()
    with CaptureQueriesContext(connection) as captured:
        unassigning.delete_due(Job(workspace=workspace))
    return len(captured)


def test_due_deletions_cost_one_statement_a_directory(workspace: Workspace) -> None:
    for count in (3, 30):
        integration = factories.IntegrationFactory(workspace=workspace)
        deactivate_people(integration, count)

    queries = delete_due(workspace)

    rows = Provisioning.objects.filter(state=Provisioning.State.UPDATE_AWAITING)
    jobs = Job.objects.filter(kind=wanted.JOB)
    assert {job.subject for job in jobs} == {row.resource_id_public for row in rows}
    assert jobs.count() == 33
    lanes = {i.directory.key for i in Integration.objects.all()}
    assert {job.lane for job in jobs} == lanes
    # The clock, the rows, their state, and the jobs of two directories.
    assert queries == 5
