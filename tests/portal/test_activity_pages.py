"""**Newer** and **Older** through the timeline, and what is new since it was opened."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from integrations.models import Integration
from integrations.provisioning import wanted
from integrations.reports import activity
from integrations.reports.activity import Mark
from integrations.reports.activity_filters import Filters
from scim import records
from scim.models import RequestRecord
from tests import factories
from tests.conftest import ScimClient
from tests.portal.words import read, text_of
from workspaces.clock import database_now
from workspaces.models import Job, Role, Workspace

PATH = "/activity/"
HTMX = {"HX-Request": "true"}

Add = Callable[..., RequestRecord]


@pytest.fixture(autouse=True)
def _no_records_of_other_tests() -> None:
    records._waiting.clear()


@pytest.fixture
def add(integration: Integration) -> Add:
    def make(**columns: Any) -> RequestRecord:
        values: dict[str, Any] = {
            "directory": integration.directory,
            "request_id": str(uuid.uuid4()),
            "method": "GET",
            "path": f"{integration.directory.path}/Users",
            "status": 200,
            "milliseconds": 3,
            "dialect": "okta",
            "at": database_now(),
        }
        return RequestRecord.objects.create(**values | columns)

    return make


@pytest.fixture
def many(workspace: Workspace, add: Add) -> None:
    """130 events: 70 requests, 60 jobs that have one time."""
    now = database_now()
    Job.objects.bulk_create(
        Job(
            workspace=workspace,
            kind=wanted.JOB,
            subject=str(number),
            trigger=Job.Trigger.SCHEDULE,
            state=Job.State.COMPLETED,
            due_at=now,
        )
        for number in range(60)
    )
    Job.objects.update(created_at=now)
    for number in range(70):
        add(at=now + timedelta(seconds=number - 35))


def ids(found: activity.Found) -> list[tuple[str, int]]:
    return [
        ("r", entry.record.pk) if entry.record else ("j", entry.job.pk)
        for entry in found.entries
        if entry.record or entry.job
    ]


def link(page: str, rel: str) -> str | None:
    found = re.search(rf'rel="{rel}"\s+href="([^"]+)"', page)
    return unescape(found[1]) if found else None


def poll_url(page: str) -> str:
    found = re.search(r'hx-get="([^"]+since=[^"]+)"', page)
    assert found, "The page does not ask for news."
    return unescape(found[1])


def test_newer_leads_back_over_the_same_entries(
    workspace: Workspace, many: None
) -> None:
    now = database_now()

    def page(**marks: Mark | None) -> activity.Found:
        return activity.page(workspace, Filters(), now=now, size=25, **marks)

    down = [page()]
    while down[-1].older:
        down.append(page(before=down[-1].older))
    up = [down[-1]]
    while up[-1].newer:
        up.append(page(after=up[-1].newer))

    every = [each for found in down for each in ids(found)]
    again = {each for found in up for each in ids(found)}
    assert len(every) == len(set(every)) == 130
    assert again == set(every)
    assert ids(up[-1]) == ids(down[0])
    assert [ids(found) for found in up[1:-1]] == [
        ids(page(before=found.top)) for found in up[1:-1]
    ]


def test_links_keep_the_filters(
    alice_client: Client, integration: Integration, many: None
) -> None:
    query = f"?integration={integration.directory.key}&action=read"
    first = alice_client.get(PATH + query).content.decode()
    older = link(first, "next")
    assert older is not None
    assert "action=read" in older
    assert link(first, "prev") is None

    second = alice_client.get(PATH + older).content.decode()
    newer = link(second, "prev")

    assert newer is not None
    assert "action=read" in newer
    assert "before=" not in newer
    back = alice_client.get(PATH + newer).content.decode()
    assert link(back, "prev") is None
    assert back.count("timeline-line") == first.count("timeline-line") == 50


def test_person_has_newer_and_older_too(
    alice_client: Client, scim: ScimClient, add: Add
) -> None:
    user = scim.add_user()
    records.flush()
    for _ in range(60):
        add(method="PATCH", resource_id=user["id"])
    path = f"{PATH}people/{user['id']}/"

    first = alice_client.get(path).content.decode()
    older = link(first, "next")
    assert older is not None
    second = alice_client.get(path + older).content.decode()

    assert link(second, "prev") is not None
    assert link(second, "next") is None


@pytest.mark.parametrize("query", ["?before=r1", "?after=x", "?before=r0-j0-a0"])
def test_any_place_can_be_asked_for(alice_client: Client, query: str) -> None:
    assert alice_client.get(PATH + query).status_code == 200


class TestNews:
    def test_are_counted_and_told_once(
        self, alice_client: Client, scim: ScimClient, add: Add
    ) -> None:
        add()
        url = poll_url(alice_client.get(PATH).content.decode())
        assert alice_client.get(url, headers=HTMX).status_code == 204

        scim.add_user()
        records.flush()
        add()

        answer = alice_client.get(url, headers=HTMX)
        page = answer.content.decode()
        assert "3 new events. Show" in text_of(answer)
        assert 'hx-swap-oob="innerHTML:#live">3 new events</p>' in page
        assert 'href="/activity/?"' in page
        told = poll_url(page)
        assert alice_client.get(told, headers=HTMX).status_code == 204

    def test_are_of_these_filters_and_of_this_workspace(
        self, alice_client: Client, add: Add, other_scim: ScimClient
    ) -> None:
        url = poll_url(alice_client.get(f"{PATH}?action=create").content.decode())

        add()
        other_scim.add_user()
        records.flush()

        assert alice_client.get(url, headers=HTMX).status_code == 204

    def test_of_a_person_are_of_that_person(
        self, alice_client: Client, scim: ScimClient, add: Add
    ) -> None:
        user = scim.add_user()
        records.flush()
        path = f"{PATH}people/{user['id']}/"
        url = poll_url(alice_client.get(path).content.decode())
        add()
        assert alice_client.get(url, headers=HTMX).status_code == 204

        add(method="PATCH", resource_id=user["id"])

        answer = alice_client.get(url, headers=HTMX)
        assert "1 new event." in text_of(answer)

    def test_are_counted_up_to_a_hundred(self, alice_client: Client, add: Add) -> None:
        url = poll_url(alice_client.get(PATH).content.decode())
        for _ in range(120):
            add()

        answer = alice_client.get(url, headers=HTMX)

        assert "100 or more new events" in text_of(answer)

    def test_page_of_the_past_does_not_ask(
        self, alice_client: Client, many: None
    ) -> None:
        older = link(alice_client.get(PATH).content.decode(), "next")

        page = alice_client.get(f"{PATH}{older}").content.decode()

        assert "data-poll" not in page

    def test_cost_few_queries_however_much_happened(
        self, alice_client: Client, add: Add
    ) -> None:
        url = poll_url(alice_client.get(PATH).content.decode())

        def cost() -> int:
            with CaptureQueriesContext(connection) as captured:
                alice_client.get(url, headers=HTMX)
            return len(captured)

        none = cost()
        for _ in range(40):
            add()

        assert cost() == none <= 11

    def test_are_only_for_who_may_see_the_activity(
        self, workspace: Workspace, integration: Integration
    ) -> None:
        client = Client()
        member = factories.MembershipFactory(workspace=workspace, role=Role.MEMBER)
        client.force_login(member.user)

        answer = client.get(f"{PATH}?since=r0-j0-a0&told=0", headers=HTMX)

        assert answer.status_code == 403

    def test_address_without_scripts_is_the_page(
        self, alice_client: Client, add: Add
    ) -> None:
        add()

        assert "Okta read" in read(alice_client, f"{PATH}?since=r0-j0-a0&told=0")
