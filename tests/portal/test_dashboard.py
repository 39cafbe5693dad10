"""**Dashboard**: attention first, then figures, the chart and every integration."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from integrations.models import Integration, Provisioning
from integrations.reports import dashboard
from scim.models import RequestRecord
from tests import factories
from tests.conftest import ScimClient
from tests.portal.words import query_count, read
from workspaces.clock import database_now
from workspaces.models import Job, Workspace

PATH = "/dashboard/"


def add_request(integration: Integration, **columns: Any) -> None:
    values: dict[str, Any] = {
        "method": "PATCH",
        "status": 200,
        "at": database_now(),
    }
    RequestRecord.objects.create(
        directory=integration.directory,
        request_id=str(uuid.uuid4()),
        path="/x",
        milliseconds=1,
        dialect="okta",
        **values | columns,
    )


def add_failed_sync(integration: Integration) -> Job:
    return Job.objects.create(
        workspace=integration.workspace,
        kind="integrations.sync",
        subject=integration.directory.key,
        trigger=Job.Trigger.WEB,
        state=Job.State.NOT_COMPLETED,
        error="The app cannot be reached.",
        due_at=database_now(),
        ended_at=database_now(),
    )


def test_of_nothing_leads_to_the_integrations(alice_client: Client) -> None:
    assert "No integrations yet" in read(alice_client, PATH)


def test_of_no_trouble_says_so(alice_client: Client, integration: Integration) -> None:
    page = read(alice_client, PATH)

    assert "Nothing needs attention." in page
    assert "No requests in the last 24 h." in page
    assert "Acme Demo" in page


def test_integration_that_needs_attention_comes_with_its_reason(
    alice_client: Client, integration: Integration
) -> None:
    integration.status = Integration.Status.NEEDS_ATTENTION
    integration.status_reason = "The password is refused."
    integration.status_at = database_now()
    integration.save()

    page = read(alice_client, PATH)

    assert "Acme Demo The password is refused." in page
    assert page.index("The password is refused.") < page.index("Requests ok")


@pytest.mark.parametrize(("days", "told"), [(29, True), (31, False), (-1, False)])
def test_token_that_expires_within_30_days_is_told(
    alice_client: Client, integration: Integration, days: int, told: bool
) -> None:
    """S0-108."""
    factories.issue_token(
        integration.directory, name="okta-prod", lifetime=timedelta(days=days)
    )

    assert ("Token okta-prod expires" in read(alice_client, PATH)) is told


def test_failed_provisionings_are_counted(
    alice_client: Client, scim: ScimClient
) -> None:
    for number in range(2):
        scim.add_user(f"u{number}@acme.test")
    Provisioning.objects.update(state=Provisioning.State.UPDATE_FAILED)

    assert "2 users could not be provisioned." in read(alice_client, PATH)


@pytest.mark.parametrize("mended", [False, True])
def test_failed_sync_is_told_until_one_succeeds(
    alice_client: Client, integration: Integration, mended: bool
) -> None:
    add_failed_sync(integration)
    if mended:
        later = add_failed_sync(integration)
        later.state = Job.State.COMPLETED
        later.save()

    told = "The last sync failed. The app cannot be reached." in read(
        alice_client, PATH
    )

    assert told is not mended


def test_figures_and_chart_count_the_last_day(
    alice_client: Client, integration: Integration
) -> None:
    now = database_now()
    for hours in (0, 1, 5):
        add_request(integration, at=now - timedelta(hours=hours))
    add_request(integration, status=409)
    add_request(integration, status=404, method="GET")
    add_request(integration, at=now - timedelta(hours=30), status=500)

    overview = dashboard.overview(integration.workspace, now=now)
    page = alice_client.get(PATH).content.decode()

    assert (overview.requests, overview.failed) == (5, 1)
    assert overview.ok_percent == 80.0
    assert len(overview.hours) == 24
    assert "4 succeeded, 1 failed, last 24 h</title>" in page
    assert page.count('<rect class="ok"') == 3
    assert "<style" not in page
    assert "style=" not in page


def test_percent_never_rounds_up_to_all() -> None:
    hours = [dashboard.Hour(database_now, 99_999, 1)]  # type: ignore[arg-type]

    assert dashboard.Overview([], hours, 0, 0, 0, 0).ok_percent == 99.9


def test_shows_nothing_of_another_workspace(
    alice_client: Client, integration: Integration, other_integration: Integration
) -> None:
    add_request(other_integration, status=500)

    page = read(alice_client, PATH)

    assert "Other Demo" not in page
    assert "No requests in the last 24 h." in page


def test_costs_the_same_however_many_integrations(
    alice_client: Client, workspace: Workspace, integration: Integration
) -> None:
    def add_failing() -> None:
        made = factories.IntegrationFactory(workspace=workspace)
        factories.issue_token(made.directory, lifetime=timedelta(days=7))
        add_request(made, status=500)
        add_failed_sync(made)

    add_failing()
    few = query_count(alice_client, PATH)
    for _ in range(4):
        add_failing()

    assert query_count(alice_client, PATH) == few <= 32


def test_lists_fifty_of_many_integrations_those_that_fail_among_them(
    alice_client: Client, workspace: Workspace, integration: Integration
) -> None:
    account = integration.service_account
    for number in range(52):
        made = factories.IntegrationFactory(
            workspace=workspace, service_account=account, name=f"App {number:02}"
        )
    add_request(made, status=500)

    page = read(alice_client, PATH)

    assert "App 51" in page
    assert "App 50" not in page
    assert (
        "Those that need attention or failed most. All integrations : 3 more." in page
    )


def test_lists_those_with_troubles_before_those_that_fail_and_tells_the_rest(
    alice_client: Client, workspace: Workspace, integration: Integration
) -> None:
    account = integration.service_account
    made = [
        factories.IntegrationFactory(
            workspace=workspace, service_account=account, name=f"App {number:02}"
        )
        for number in range(60)
    ]
    add_request(made[59], status=500)
    for each in made[10:59]:
        add_failed_sync(each)
    Integration.objects.filter(name="App 58").update(
        status=Integration.Status.NEEDS_ATTENTION, status_reason="Refused."
    )

    page = read(alice_client, PATH)

    assert "Needs attention App 58 Refused." in page
    assert "And 30 more. Integrations shows" in page
    assert "Integrations 61" in page
    assert {f"App {n:02}" for n in range(10, 60)} == set(re.findall(r"App \d\d", page))


def test_held_sync_leads_to_its_review(
    alice_client: Client, integration: Integration
) -> None:
    job = Job.objects.create(
        workspace=integration.workspace,
        kind="integrations.sync",
        subject=integration.directory.key,
        trigger=Job.Trigger.WEB,
        state=Job.State.HELD,
        due_at=database_now(),
        result={"gone": [], "known": 0},
    )

    page = alice_client.get(PATH).content.decode()

    assert "waits for you" in page
    assert str(job.public_id) in page
