"""What happened, read by API: requests, one user's timeline, calls to the app."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from integrations.connectors.exchange import Exchange
from integrations.models import AppAccount, AppCall, Integration, Provisioning
from integrations.outside.call_log import CallLog
from integrations.provisioning import wanted
from scim import records
from tests.api.conftest import ApiClient
from tests.conftest import ScimClient, scim_client
from tests.routes import a_step
from workspaces import directory_sync
from workspaces.clock import database_now
from workspaces.models import Job, User, Workspace

OKTA = {"user_agent": "Okta SCIM Client 1.0.0"}
SECRET = "secret-of-ann-1"
NOBODYS = uuid.UUID(int=0)
"""Of no request. The same in every process, as names of tests have to be."""


@pytest.fixture(autouse=True)
def _no_records_of_other_tests() -> None:
    records._waiting.clear()


@pytest.fixture
def one(integration: Integration) -> str:
    return f"/v1/integrations/{integration.directory.key}"


ANN = {"userName": "ann@acme.test", "password": SECRET, "active": True}


def add_ann(scim: ScimClient) -> str:
    added = scim.post("/Users", ANN, **OKTA)
    records.flush()
    return str(added.body["id"])


def rename(scim: ScimClient, user: str, name: str) -> None:
    scim.patch(f"/Users/{user}", {"op": "replace", "path": "title", "value": name})


def requests_of(api: ApiClient, query: str = "") -> list[dict[str, Any]]:
    listed = api.get(f"/v1/activity{query}").body["data"]
    return [entry for entry in listed if entry["kind"] == "request"]


class TestRequest:
    def test_is_found_by_its_line_and_told_as_on_its_page(
        self, api: ApiClient, scim: ScimClient, integration: Integration
    ) -> None:
        resource_id = add_ann(scim)
        (line,) = requests_of(api)

        found = [
            api.get(f"/v1/activity/requests/{line['id']}{at}").body
            for at in ("", f"?at={line['at']}".replace("+00:00", "Z"))
        ]

        assert found[0] == found[1]
        told = found[0]
        assert (told["method"], told["status"]) == ("POST", 201)
        assert told["integration"] == integration.directory.key
        assert (told["idp"], told["tokenName"]) == ("okta", "test")
        assert (told["resourceId"], line["resourceId"]) == (resource_id, resource_id)
        assert '"userName":"ann@acme.test"' in told["body"]
        assert SECRET not in str(told)
        (change,) = told["changes"]
        assert (change["kind"], change["resourceId"]) == ("created", resource_id)
        assert told["cause"] is None

    def test_that_was_refused_says_whose_side_it_is_on(
        self, api: ApiClient, scim: ScimClient
    ) -> None:
        add_ann(scim)
        scim.post("/Users", ANN)
        records.flush()
        (line,) = requests_of(api, "?status=failed")

        told = api.get(f"/v1/activity/requests/{line['id']}").body

        assert (told["status"], told["changes"]) == (409, [])
        assert told["cause"]["side"] == "Your IdP"
        assert told["cause"]["fix"]

    def test_of_directory_sync_has_no_integration(
        self, api: ApiClient, alice: User, workspace: Workspace
    ) -> None:
        scim_client(directory_sync.directory_of(workspace)).get("/Users")
        records.flush()
        (line,) = requests_of(api)

        assert (
            api.get(f"/v1/activity/requests/{line['id']}").body["integration"] is None
        )

    @pytest.mark.parametrize(
        ("query", "right"),
        [
            (f"requests/{NOBODYS}?at=yesterday", "2026-01-31T09:30:00Z"),
            (f"requests/{NOBODYS}?at=2026-01-31T09:30", "2026-01-31T09:30:00Z"),
            (f"requests/{NOBODYS}?at=0001-01-01T00:00%2B14:00", "2026-01-31T09"),
            (f"requests/{NOBODYS}?at=9999-12-31T23:59-14:00", "2026-01-31T09"),
            ("?status=broken", "failed"),
            ("?event=party", "user-invited"),
        ],
    )
    def test_wrong_question_is_told_what_would_be_right(
        self, api: ApiClient, query: str, right: str
    ) -> None:
        joined = query if query.startswith("?") else f"/{query}"

        answer = api.get(f"/v1/activity{joined}")

        assert answer.status == 400
        assert right in answer.body["detail"]


class TestTimelineOfAUser:
    def test_holds_what_is_about_the_user_page_by_page(
        self, api: ApiClient, scim: ScimClient, integration: Integration
    ) -> None:
        ann = add_ann(scim)
        scim.add_user("ben@acme.test")
        rename(scim, ann, "Head")
        records.flush()
        path = f"/v1/activity/users/{ann}"

        first = api.get(f"{path}?limit=1").body
        rest = api.get(f"{path}?cursor={first['nextCursor']}").body

        assert first["integration"] == integration.directory.key
        assert first["userName"] == "ann@acme.test"
        lines = [*first["data"], *rest["data"]]
        assert {line["resourceId"] for line in lines} == {ann}
        kinds = [line["kind"] for line in lines]
        assert sorted(kinds) == ["job", "request", "request"]
        whole = [
            datetime.fromisoformat(line["at"]) for line in api.get(path).body["data"]
        ]
        assert whole == sorted(whole, reverse=True)
        assert rest["nextCursor"] is None

    def test_takes_as_many_queries_for_many_as_for_one(
        self,
        api: ApiClient,
        scim: ScimClient,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        ann = add_ann(scim)
        with django_assert_num_queries(11):
            assert len(api.get(f"/v1/activity/users/{ann}").body["data"]) == 2
        for name in ("Head", "Lead", "Boss"):
            rename(scim, ann, name)
        records.flush()

        with django_assert_num_queries(11):
            assert len(api.get(f"/v1/activity/users/{ann}").body["data"]) == 5


@pytest.fixture
def job(integration: Integration) -> Job:
    """A provisioning whose first attempt failed and whose second took three calls."""
    made = Job.objects.create(
        workspace=integration.workspace,
        kind=wanted.JOB,
        subject=str(uuid.uuid4()),
        trigger=Job.Trigger.SCIM,
        state=Job.State.COMPLETED,
        due_at=database_now(),
        attempt=1,
    )
    refused = Exchange(
        database_now(), "POST", "/users", '{"login":"ann"}', 422, "", '{"error":1}', 9
    )
    log_calls(integration, made, "Create the account", [refused])
    made.attempt = 2
    made.save(update_fields=["attempt"])
    created = Exchange(database_now(), "POST", "/users", "{}", 201, "", "", 7)
    log_calls(integration, made, "Create the account", [created, a_step()])
    looked = Exchange(database_now(), "GET", "/users/7", "", 200, "", "", 3)
    log_calls(integration, made, "", [looked])
    return made


def log_calls(
    integration: Integration, job: Job, act: str, exchanges: list[Exchange]
) -> None:
    log = CallLog(integration, job=job, resource_id=job.subject)
    log.begin(act or "Look", is_change=bool(act))
    for exchange in exchanges:
        log.note(exchange)
    log.write()


class TestCallsOfAJob:
    def test_are_those_of_its_last_attempt_with_the_steps_that_they_made(
        self, api: ApiClient, job: Job
    ) -> None:
        told = api.get(f"/v1/jobs/{job.public_id}/calls").body

        assert (told["attempt"], told["attempts"]) == (2, 2)
        assert [call["method"] for call in told["data"]] == ["GET", "CLICK", "POST"]
        assert told["steps"] == [{"step": "Create the account", "succeeded": True}]
        assert [call["changesApp"] for call in told["data"]] == [False, True, True]

    def test_of_an_earlier_attempt_say_what_the_app_refused(
        self, api: ApiClient, job: Job
    ) -> None:
        told = api.get(f"/v1/jobs/{job.public_id}/calls?attempt=1").body

        (call,) = told["data"]
        assert (call["status"], call["failed"]) == (422, True)
        assert (call["sent"], call["answered"]) == ('{"login":"ann"}', '{"error":1}')
        assert told["steps"] == [{"step": "Create the account", "succeeded": False}]

    @pytest.mark.parametrize("attempt", ["0", "3", "x", "9" * 30])
    def test_of_an_attempt_that_was_not_made_are_refused(
        self, api: ApiClient, job: Job, attempt: str
    ) -> None:
        answer = api.get(f"/v1/jobs/{job.public_id}/calls?attempt={attempt}")

        assert (answer.status, answer.body["detail"]) == (
            400,
            "attempt must be a number from 1 to 2.",
        )

    def test_come_page_by_page_in_as_many_queries(
        self,
        api: ApiClient,
        job: Job,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        path = f"/v1/jobs/{job.public_id}/calls"
        with django_assert_num_queries(6):
            first = api.get(f"{path}?limit=1").body
        with django_assert_num_queries(6):
            rest = api.get(f"{path}?cursor={first['nextCursor']}").body

        numbers = [call["id"] for call in [*first["data"], *rest["data"]]]
        mine = AppCall.objects.filter(job=job, attempt=2).order_by("-id")
        assert numbers == list(mine.values_list("pk", flat=True))
        assert rest["nextCursor"] is None

    def test_of_the_browser_lead_to_a_picture(self, api: ApiClient, job: Job) -> None:
        calls = api.get(f"/v1/jobs/{job.public_id}/calls").body["data"]
        places = [call["screenshot"] for call in calls]

        picture = api.get(str(places[1]).removeprefix("/api"))

        assert (places[0], places[2]) == (None, None)
        assert picture.body == a_step().screenshot
        assert picture.headers["Content-Type"] == "image/jpeg"
        assert picture.headers["X-Content-Type-Options"] == "nosniff"
        assert "no-store" in picture.headers["Cache-Control"]
        without = api.get(f"/v1/app-calls/{calls[0]['id']}/screenshot")
        beyond = api.get(f"/v1/app-calls/{'9' * 30}/screenshot")
        assert (without.status, beyond.status) == (404, 404)


class TestUser:
    def test_that_waits_is_told_with_the_steps_to_come(
        self, api: ApiClient, scim: ScimClient, one: str
    ) -> None:
        ann = add_ann(scim)

        told = api.get(f"{one}/users/{ann}").body

        assert told["user"]["userName"] == "ann@acme.test"
        assert told["user"]["usernameInApp"] is None
        assert told["nextSteps"][0].startswith("Look for an account of ann@acme.test")
        assert [job["state"] for job in told["jobs"]] == ["queued"]
        assert [change["kind"] for change in told["changes"]] == ["created"]
        assert told["cause"] is None
        assert SECRET not in str(told)

    def test_that_is_in_the_app_is_told_on_both_sides(
        self, api: ApiClient, scim: ScimClient, integration: Integration, one: str
    ) -> None:
        ann = add_ann(scim)
        account = AppAccount.objects.create(
            integration=integration,
            external_id="7",
            username="ann",
            seen_at=database_now(),
        )
        Provisioning.objects.filter(resource_id_public=ann).update(
            account=account,
            applied_version=1,
            state=Provisioning.State.UPDATE_FAILED,
            last_error="The app already has an account with this user name.",
        )

        told = api.get(f"{one}/users/{ann}").body

        name = next(side for side in told["sides"] if side["name"] == "User name")
        assert name == {
            "name": "User name",
            "idp": "ann@acme.test",
            "app": "ann",
            "differs": True,
        }
        assert (told["user"]["externalId"], told["user"]["activeInApp"]) == ("7", True)
        assert told["nextSteps"] == []
        assert told["cause"]["side"] == "The app"

    def test_steps_are_those_of_the_last_attempt(
        self, api: ApiClient, scim: ScimClient, job: Job, one: str
    ) -> None:
        ann = add_ann(scim)
        Job.objects.filter(kind=wanted.JOB, subject=ann).delete()
        Job.objects.filter(pk=job.pk).update(subject=ann)

        told = api.get(f"{one}/users/{ann}").body

        assert told["lastSteps"] == [{"step": "Create the account", "succeeded": True}]
        assert api.get(f"{one}/users/{uuid.uuid4()}").status == 404
