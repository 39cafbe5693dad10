"""**Calls to the app**, mapping, plan and state: from a request to the app."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from django.test import Client

from integrations import service_accounts, services
from integrations.models import AppAccount, AppCall, Integration, Provisioning
from scim import records
from scim.models import Change, RequestRecord
from tests import factories
from tests.conftest import ScimClient
from tests.integrations.conftest import connected, outside, outside_process, work
from tests.integrations.outside import Outside
from tests.portal.words import query_count, read
from workspaces.clock import database_now
from workspaces.models import Job, Role, User, Workspace

__all__ = ["connected", "outside", "outside_process", "work"]
Work = Callable[..., None]
OKTA = {"user_agent": "Okta SCIM Client 1.0.0"}
ANN = "ann.lee@acme.test"
NAMES = {
    "displayName": "Ann Lee",
    "name": {"givenName": "Ann", "familyName": "Lee"},
    "emails": [{"value": ANN, "primary": True}],
    "password": "secret-of-ann-1",
}


@pytest.fixture(autouse=True)
def _no_records_of_other_tests() -> None:
    records._waiting.clear()


@pytest.fixture
def integration(connected: Integration) -> Integration:
    return connected


def add_ann(scim: ScimClient) -> str:
    resource_id: str = scim.post("/Users", {"userName": ANN, **NAMES}, **OKTA).body[
        "id"
    ]
    records.flush()
    return resource_id


def person(resource_id: str) -> str:
    return f"/activity/people/{resource_id}/"


def job_page(job: Job, query: str = "") -> str:
    return f"/activity/jobs/{job.public_id}/{query}"


def test_s0_68_request_becomes_an_action_in_the_app_and_is_shown_from_end_to_end(
    alice_client: Client,
    alice: User,
    scim: ScimClient,
    work: Work,
    outside: Outside,
    integration: Integration,
) -> None:
    """S0-68: request, change, job, calls, state of the app, and its next sync."""
    resource_id = add_ann(scim)
    record = RequestRecord.objects.get()
    change = Change.objects.get(request_id=record.request_id)
    job = Job.objects.get(subject=resource_id)
    assert (change.resource_id, job.trigger) == (resource_id, Job.Trigger.SCIM)
    path = f"/activity/{record.request_id}/"

    before = read(alice_client, path)
    assert f"Next steps Look for an account of {ANN}, create it" in before
    assert "Calls to the app" not in before
    work()
    after = read(alice_client, path)
    services.request_sync(integration, actor=alice, now=database_now())
    work()
    synced = read(alice_client, path)

    assert outside.user(ANN)["display_name"] == "Ann Lee"
    for words in (
        "Okta created ann.lee@acme.test",
        f"POST {record.path}",
        "It did not name its schemas.",
        "Created User, version 1",
        f"Mapping As the directory is now User name {ANN} Email {ANN} Given name Ann",
        "Display name Ann Lee Active Yes Should hold nothing",
        "Onboarded",
        "Version 1, applied in the app",
        "Last steps Create the account Succeeded",
        "Asked for by SCIM, 1 attempt",
        "Calls to the app (4)",
        "Log in POST /api/session",
        f"Look for the account by its name GET /api/users?login={ANN}",
        "Create the account POST /api/users 201,",
        f"Account {ANN}",
        "No sync has run yet. The first one reads the account back.",
    ):
        assert words in after, words
    assert "The last sync found the account so." in synced
    for secret in ("secret-of-ann-1", outside.password):
        assert secret not in after


def test_e0_22_job_has_id_target_actor_task_trigger_times_and_status(
    alice_client: Client, scim: ScimClient, work: Work
) -> None:
    resource_id = add_ann(scim)
    job = Job.objects.get(subject=resource_id)

    waiting = read(alice_client, job_page(job))
    work()
    done = read(alice_client, job_page(job))

    assert "Status Queued" in waiting
    assert "No worker has taken this job yet." in waiting
    for words in (
        f"Provisioning of {ANN}",
        f"ID {job.public_id}",
        "Task Provisioning",
        f"Target {ANN}",
        "Actor Keyway",
        "Trigger SCIM",
        "Status Completed",
        "Created ",
        "Updated ",
        "Attempt 1 of 1",
        "Steps Create the account Succeeded",
    ):
        assert words in done, words


def test_e0_18_activity_has_date_actor_event_and_target_and_cannot_be_changed(
    alice_client: Client, scim: ScimClient, work: Work
) -> None:
    resource_id = add_ann(scim)
    work()
    day = f"{database_now():%-d %B %Y}"

    page = read(alice_client, "/activity/")

    assert day in page
    assert f"Okta created {ANN} → Acme Demo" in page
    assert f"User invited: {ANN} by Keyway → Acme Demo" in page
    for path in ("/activity/", person(resource_id)):
        assert alice_client.post(path).status_code == 405


class TestFailure:
    def test_shows_each_attempt_and_what_the_app_said(
        self, alice_client: Client, scim: ScimClient, work: Work, outside: Outside
    ) -> None:
        resource_id = add_ann(scim)
        outside.fault("error", path="/api/users")
        work()
        outside.fault("none")
        work(waiting=True)
        job = Job.objects.get(subject=resource_id)

        last = read(alice_client, job_page(job))
        first = read(alice_client, job_page(job, "?attempt=1"))

        assert "Attempt 2 of 2" in last
        assert "Older attempt" in last
        assert "Newer attempt" not in last
        assert "Create the account POST /api/users 201," in last
        assert "Attempt 1 of 2" in first
        assert "Newer attempt" in first
        assert "500, " in first
        assert "Traceback (most recent call last)" in first

    @pytest.mark.parametrize("query", ["?attempt=9", "?attempt=0", "?attempt=x"])
    def test_attempt_that_never_was_is_the_last(
        self, alice_client: Client, scim: ScimClient, work: Work, query: str
    ) -> None:
        resource_id = add_ann(scim)
        work()
        job = Job.objects.get(subject=resource_id)

        assert "Attempt 1 of 1" in read(alice_client, job_page(job, query))

    def test_app_that_is_down_gave_no_answer(
        self, alice_client: Client, scim: ScimClient, work: Work, outside: Outside
    ) -> None:
        resource_id = add_ann(scim)
        outside.stop()
        work()

        page = read(alice_client, person(resource_id))

        assert "No answer" in page
        assert "Cause The app cannot be reached" in page
        assert "Whose side The app" in page
        assert "Retrying" in page

    def test_can_be_retried_from_its_job(
        self, alice_client: Client, scim: ScimClient, work: Work
    ) -> None:
        user = scim.add_user("bell@acme.test", displayName="bell\u0007")
        work()
        job = Job.objects.get(subject=user["id"])

        page = alice_client.get(job_page(job)).content.decode()

        assert f'action="{person(user["id"])}retry/"' in page
        assert "Update the account" not in page
        assert "display_name holds a control character" in page


class TestPlan:
    def test_of_a_change_names_what_differs(
        self,
        alice_client: Client,
        alice: User,
        scim: ScimClient,
        work: Work,
        integration: Integration,
    ) -> None:
        services.request_sync(integration, actor=alice, now=database_now())
        work()
        resource_id = add_ann(scim)
        work()
        (group,) = scim.get("/Groups", filter='displayName eq "Engineering"').resources
        scim.patch(
            f"/Groups/{group['id']}",
            {"op": "add", "path": "members", "value": [{"value": resource_id}]},
        )
        scim.patch(
            f"/Users/{resource_id}",
            {"op": "replace", "path": "displayName", "value": "Ann B"},
        )

        planned = read(alice_client, person(resource_id))
        work()
        done = read(alice_client, person(resource_id))
        scim.patch(
            f"/Users/{resource_id}",
            {"op": "replace", "path": "active", "value": False},
        )
        leaving = read(alice_client, person(resource_id))

        assert (
            "Next steps Update the account: display name Grant group Engineering"
            in planned
        )
        assert "Should hold group Engineering" in planned
        assert (
            "Last steps Update the account Succeeded Grant group Engineering Succeeded"
            in done
        )
        assert (
            "Next steps Deactivate the account Take away group Engineering" in leaving
        )

    def test_of_a_deleted_user_is_to_delete(
        self, alice_client: Client, scim: ScimClient, work: Work
    ) -> None:
        resource_id = add_ann(scim)
        work()
        scim.delete(f"/Users/{resource_id}")

        planned = read(alice_client, person(resource_id))
        work()
        done = read(alice_client, person(resource_id))

        assert "Next steps Delete the account" in planned
        assert "Mapping" not in planned
        assert "Last steps Delete the account Succeeded" in done

    def test_of_who_should_be_deleted_when_unassigned(
        self, alice_client: Client, scim: ScimClient, work: Work
    ) -> None:
        Integration.objects.update(on_unassign=Integration.OnUnassign.DELETE)
        resource_id = add_ann(scim)
        work()
        scim.patch(
            f"/Users/{resource_id}",
            {"op": "replace", "path": "active", "value": False},
        )

        assert "Next steps Delete the account" in read(
            alice_client, person(resource_id)
        )

    def test_of_nothing_says_so(self, alice_client: Client, scim: ScimClient) -> None:
        user = scim.add_user(ANN, active=False)

        page = read(alice_client, person(user["id"]))

        assert "Nothing is to be changed in the app." in page


def test_sync_leads_to_its_calls(
    alice_client: Client, alice: User, work: Work, integration: Integration
) -> None:
    job = services.request_sync(integration, actor=alice, now=database_now())
    work()
    key = integration.directory.key

    page = alice_client.get(f"/integrations/{key}/sync/{job.public_id}/")
    calls = read(alice_client, job_page(job))

    assert job_page(job) in page.content.decode()
    assert "Sync of Acme Demo" in calls
    assert "Read users GET /api/users?page=1&per_page=100 200," in calls
    assert "Actor Alice" in calls


def test_check_of_a_service_account_has_its_calls(
    alice_client: Client, alice: User, work: Work, integration: Integration
) -> None:
    account = integration.service_account
    job = service_accounts.request_check(account, actor=alice, now=database_now())
    work()

    page = read(alice_client, job_page(job))

    assert f"Target {account.name}" in page
    assert "Log in POST /api/session" in page


def test_calls_that_were_left_out_are_said(
    alice_client: Client, workspace: Workspace, integration: Integration
) -> None:
    job = services.request_sync(integration, actor=None, now=database_now())
    Job.objects.filter(pk=job.pk).update(attempt=1)
    AppCall.objects.bulk_create(
        AppCall(
            workspace=workspace,
            integration=integration,
            job=job,
            attempt=1,
            sequence=sequence,
            act="Read users",
            is_change=False,
            at=database_now(),
            method="GET",
            path="/users",
            status=200,
            milliseconds=2,
        )
        for sequence in (1, 2, 9_951)
    )

    assert "9948 calls left out" in read(alice_client, job_page(job))


def test_job_of_another_workspace_is_not_found(
    alice_client: Client, other_integration: Integration
) -> None:
    job = services.request_sync(other_integration, actor=None, now=database_now())

    assert alice_client.get(job_page(job)).status_code == 404
    assert alice_client.get(f"/activity/jobs/{uuid.uuid4()}/").status_code == 404


def test_job_that_is_nobodys_business_is_not_found(
    alice_client: Client, workspace: Workspace
) -> None:
    job = Job.objects.create(
        workspace=workspace, kind="scim.prune_records", due_at=database_now()
    )

    assert alice_client.get(job_page(job)).status_code == 404


@pytest.mark.parametrize(
    ("role", "status"),
    [
        (Role.SUPER_ADMIN, 200),
        (Role.ADMIN, 200),
        (Role.AUDITOR, 403),
        (Role.MEMBER, 403),
    ],
)
def test_calls_are_for_the_three_roles(
    workspace: Workspace,
    scim: ScimClient,
    integration: Integration,
    role: Role,
    status: int,
) -> None:
    resource_id = scim.add_user()["id"]
    job = Job.objects.get(subject=resource_id)
    client = Client()
    client.force_login(factories.MembershipFactory(workspace=workspace, role=role).user)

    for path in (job_page(job), person(resource_id)):
        assert client.get(path).status_code == status


def test_values_are_shown_and_not_run(
    alice_client: Client, scim: ScimClient, work: Work
) -> None:
    user = scim.add_user("x@acme.test", displayName="<script>alert(1)</script>")
    work()

    page = alice_client.get(person(user["id"])).content.decode()

    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 2


def test_pages_cost_the_same_however_much_was_tried(
    alice_client: Client, scim: ScimClient, work: Work
) -> None:
    resource_id = add_ann(scim)
    work()
    job = Job.objects.get(subject=resource_id)
    paths = [
        person(resource_id),
        f"/activity/{RequestRecord.objects.get().request_id}/",
        job_page(job),
    ]
    few = [query_count(alice_client, path) for path in paths]

    for number in range(4):
        scim.patch(
            f"/Users/{resource_id}",
            {"op": "replace", "path": "displayName", "value": f"Ann {number}"},
        )
        work()
    records.flush()

    assert [query_count(alice_client, path) for path in paths] == few
    assert few[0] <= 30
    assert few[1] <= 25
    assert few[2] <= 10
    assert Provisioning.objects.get().account == AppAccount.objects.get()
