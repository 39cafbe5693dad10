"""The pictures of the browser's steps, below the calls of a job."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from integrations import deleting
from integrations.connectors.exchange import Exchange
from integrations.models import AppCall, Integration, Screenshot
from integrations.outside.call_log import CallLog
from integrations.syncing import sync
from tests.routes import a_step
from workspaces.clock import database_now
from workspaces.models import Job, User, Workspace

PICTURE = b"\xff\xd8\xff\xd9"


@pytest.fixture
def job(integration: Integration) -> Job:
    """A sync that took two steps in the browser and made one call without."""
    job = Job.objects.create(
        workspace=integration.workspace,
        kind=sync.JOB,
        subject=integration.directory.key,
        trigger=Job.Trigger.WEB,
        state=Job.State.COMPLETED,
        due_at=database_now(),
        attempt=1,
    )
    log = CallLog(integration, job=job, resource_id="")
    log.begin("Read users")
    log.note(a_step())
    log.note(Exchange(database_now(), "GET", "/users", "", 200, "", "", 3))
    log.note(a_step())
    log.write()
    return job


def pictures(client: Client, job: Job) -> list[str]:
    page = client.get(f"/activity/jobs/{job.public_id}/")
    return re.findall(r'<img class="screenshot"\s+src="([^"]+)"', page.content.decode())


def test_each_step_that_has_a_picture_shows_it(alice_client: Client, job: Job) -> None:
    shown = pictures(alice_client, job)

    steps = AppCall.objects.filter(job=job, method="CLICK").order_by("id")
    assert shown == [f"/activity/calls/{step.pk}/screenshot/" for step in steps]
    answer = alice_client.get(shown[0])
    assert answer.content == PICTURE
    assert answer["Content-Type"] == "image/jpeg"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in answer["Cache-Control"]
    assert "private" in answer["Cache-Control"]


def test_page_reads_no_picture(
    alice_client: Client,
    job: Job,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_max_num_queries(20) as asked:
        assert pictures(alice_client, job)

    assert not any('"image"' in query["sql"] for query in asked.captured_queries)


def test_call_without_a_picture_and_one_that_is_not_there_are_404(
    alice_client: Client, job: Job
) -> None:
    call = AppCall.objects.get(job=job, method="GET")

    for number in (call.pk, 987_654_321, 10**30):
        assert (
            alice_client.get(f"/activity/calls/{number}/screenshot/").status_code == 404
        )


def test_another_workspace_and_a_member_without_rights_see_none(
    client: Client, job: Job, charlie: User, bob: User, other_workspace: Workspace
) -> None:
    url = f"/activity/calls/{Screenshot.objects.first().pk}/screenshot/"

    client.force_login(charlie)
    assert client.get(url).status_code == 404
    client.force_login(bob)
    assert client.get(url).status_code == 403


def test_pictures_go_with_their_calls(
    job: Job, integration: Integration, alice: User
) -> None:
    first = AppCall.objects.filter(job=job).order_by("id")[0]
    first.delete()
    assert Screenshot.objects.count() == 1

    deleting.delete(
        integration, typed_name=integration.name, actor=alice, now=database_now()
    )
    assert not Screenshot.objects.exists()
