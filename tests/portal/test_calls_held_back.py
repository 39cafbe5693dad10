"""An app that fails is left alone: the portal says why, since when, and **Try now**."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client

from integrations.audit import Action
from integrations.connectors.base import Misconfigured, TemporaryFailure
from integrations.models import Integration
from integrations.outside import health
from tests.conftest import ScimClient
from tests.portal.words import query_count, read, text_of
from workspaces import lanes
from workspaces.clock import database_now
from workspaces.models import AuditEvent, Job, Lane

DOWN = "The app does not answer."
LEFT_ALONE = "Keyway leaves Demo app alone for now"


def fail(integration: Integration, times: int = lanes.FAILURES_TO_CLOSE) -> None:
    for _ in range(times):
        health.note_failure(integration, TemporaryFailure(DOWN), now=database_now())


@pytest.fixture
def path(integration: Integration) -> str:
    return f"/integrations/{integration.directory.key}/"


@pytest.fixture
def waiting(integration: Integration, scim: ScimClient) -> Job:
    """A change that has failed and waits for its next try."""
    scim.add_user()
    fail(integration)
    Job.objects.update(
        state=Job.State.RETRYING, due_at=database_now() + timedelta(minutes=5)
    )
    return Job.objects.get(lane=integration.lane)


def test_f19_each_page_says_why_since_when_and_when_it_is_tried(
    alice_client: Client, path: str, waiting: Job
) -> None:
    for page in (path + "overview/", path + "users/"):
        text = read(alice_client, page)
        assert f"Calls held back {DOWN} {LEFT_ALONE}: 1 change waits and none" in text
        assert re.search(r"Since .* · next try .* Try now", text)
        assert "Waiting for the app since" in text
    dashboard = read(alice_client, "/dashboard/")
    assert f"Acme Demo {DOWN} Keyway holds its calls back; next try" in dashboard
    assert "Try now" in dashboard
    assert "Waiting for the app" in dashboard


def test_four_failures_are_no_news(
    alice_client: Client, path: str, integration: Integration
) -> None:
    fail(integration, lanes.FAILURES_TO_CLOSE - 1)

    assert "held back" not in read(alice_client, path + "overview/")
    assert "Nothing needs attention." in read(alice_client, "/dashboard/")


def test_since_is_the_first_time_and_ends_with_an_answer(
    integration: Integration, waiting: Job
) -> None:
    integration.refresh_from_db()
    first = integration.calls_stopped_at
    fail(integration, 1)
    integration.refresh_from_db()
    assert first is not None
    assert integration.calls_stopped_at == first

    health.note_refusal(integration)

    integration.refresh_from_db()
    assert integration.calls_stopped_at is None
    fail(integration)
    health.note_success(integration, now=database_now())
    integration.refresh_from_db()
    assert integration.calls_stopped_at is None


def test_refused_login_is_told_once(
    alice_client: Client, path: str, integration: Integration
) -> None:
    refused = Misconfigured("The app refuses the password.")
    health.note_failure(integration, refused, now=database_now())

    assert read(alice_client, path + "overview/").count("refuses the password") == 1
    assert read(alice_client, "/dashboard/").count("refuses the password") == 1


def test_try_now_lets_what_waits_start(
    alice_client: Client, path: str, integration: Integration, waiting: Job
) -> None:
    answer = alice_client.post(path + "try-now/", follow=True)

    assert "Acme Demo is tried now." in text_of(answer)
    waiting.refresh_from_db()
    now = database_now()
    assert waiting.due_at <= now
    assert Lane.objects.get(name=integration.lane).closed_until <= now
    assert AuditEvent.objects.filter(action=Action.TRIED_NOW).count() == 1


def test_try_now_of_nothing_says_so(alice_client: Client, path: str) -> None:
    answer = alice_client.post(path + "try-now/", follow=True)

    assert "Nothing waits for Acme Demo. Sync tries it." in text_of(answer)
    assert not AuditEvent.objects.filter(action=Action.TRIED_NOW).exists()


def test_of_another_workspace_is_not_found(
    alice_client: Client, other_integration: Integration
) -> None:
    key = other_integration.directory.key

    assert alice_client.post(f"/integrations/{key}/try-now/").status_code == 404


def test_costs_nothing_while_all_is_well(
    alice_client: Client, path: str, integration: Integration
) -> None:
    well = query_count(alice_client, path + "overview/")
    fail(integration)

    assert query_count(alice_client, path + "overview/") == well + 2
