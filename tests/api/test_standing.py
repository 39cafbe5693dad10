"""How things stand, by API: jobs and what they found, connections, audit events."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from integrations.models import AppAccount, ConnectionWatch, Integration, SeenPlace
from integrations.syncing import sync
from tests import factories
from tests.api.conftest import ApiClient
from workspaces import audit_chain, directory_sync
from workspaces.clock import database_now
from workspaces.models import AuditEvent, Directory, Job, User, Workspace


@pytest.fixture
def one(integration: Integration) -> str:
    return f"/v1/integrations/{integration.directory.key}"


def add_sync(integration: Integration, **columns: Any) -> Job:
    values = {
        "workspace": integration.workspace,
        "kind": sync.JOB,
        "subject": integration.directory.key,
        "trigger": Job.Trigger.WEB,
        "due_at": database_now(),
    }
    return Job.objects.create(**values | columns)


def add_account(integration: Integration, name: str) -> AppAccount:
    return AppAccount.objects.create(
        integration=integration, external_id=name, username=name, seen_at=database_now()
    )


class TestJobs:
    def test_e0_22_job_says_who_asked_how_often_it_was_tried_and_what_came_of_it(
        self, api: ApiClient, alice: User, integration: Integration
    ) -> None:
        job = add_sync(
            integration,
            actor=alice,
            attempt=2,
            state=Job.State.COMPLETED,
            result={
                "message": "Sync finished. 1 user.",
                "skipped": ["Group X: taken."],
            },
        )

        told = api.get(f"/v1/jobs/{job.public_id}").body

        assert (told["actor"], told["attempts"]) == (str(alice), 2)
        assert told["message"] == "Sync finished. 1 user."
        assert told["skipped"] == ["Group X: taken."]

    def test_lists_take_as_many_queries_for_many_as_for_one(
        self,
        api: ApiClient,
        alice: User,
        integration: Integration,
        one: str,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        def read() -> tuple[int, int]:
            with django_assert_num_queries(4):
                jobs = api.get("/v1/jobs").body["data"]
            with django_assert_num_queries(5):
                return len(jobs), len(api.get(f"{one}/syncs").body["data"])

        add_sync(integration, actor=alice)
        few = read()
        for _ in range(3):
            add_sync(integration, actor=factories.UserFactory(), state="completed")

        assert (few, read()) == ((1, 1), (4, 4))

    def test_e0_19_held_sync_tells_whom_it_would_remove(
        self, api: ApiClient, integration: Integration, other_integration: Integration
    ) -> None:
        gone = [add_account(integration, name) for name in ("ann", "ben")]
        add_account(integration, "cid")
        foreign = add_account(other_integration, "dan")
        keys = [account.pk for account in (*gone, foreign)]
        job = add_sync(integration, state=Job.State.HELD, result={"gone": keys})
        path = f"/v1/jobs/{job.public_id}/gone"

        first = api.get(f"{path}?limit=1").body
        rest = api.get(f"{path}?cursor={first['nextCursor']}").body
        api.post(f"/v1/jobs/{job.public_id}/discard")

        names = [row["usernameInApp"] for row in (*first["data"], *rest["data"])]
        assert names == ["ben", "ann"]
        assert rest["nextCursor"] is None
        assert api.get(path).body["data"] == []


class TestConnection:
    def test_tells_its_rhythm_and_from_where_it_is_used(
        self, api: ApiClient, integration: Integration, one: str
    ) -> None:
        directory = integration.directory
        now = database_now()
        ConnectionWatch.objects.create(
            directory=directory,
            usual_gap=timedelta(minutes=40),
            alarm_after=timedelta(hours=2),
            watched_since=now,
            silent_since=now,
        )
        token = factories.issue_token(directory, name="okta").token
        SeenPlace.objects.create(
            directory=directory,
            token=token,
            kind=SeenPlace.Kind.NETWORK,
            value="203.0.113.0/24",
            first_seen_at=now,
            last_seen_at=now,
        )
        api.call("PUT", f"{one}/quarantine")

        told = api.get(f"{one}/connection").body

        assert (told["usualGapSeconds"], told["alarmAfterSeconds"]) == (2400, 7200)
        assert told["quarantinedAt"]
        assert told["silentSince"]
        assert told["lastCallAt"] is None
        (place,) = told["places"]
        assert (place["kind"], place["value"]) == ("network", "203.0.113.0/24")
        assert place["openerName"] == "okta"

    def test_switches_are_read_as_they_were_set(
        self, api: ApiClient, workspace: Workspace, integration: Integration, one: str
    ) -> None:
        directory_sync.directory_of(workspace)
        for path in (one, "/v1/directory-sync"):
            before = api.get(f"{path}/connection").body
            api.delete(f"{path}/silence-alarm")

            after = api.get(f"{path}/connection").body

            assert (before["silenceAlarm"], after["silenceAlarm"]) == (True, False)
            assert (before["quarantinedAt"], before["places"]) == (None, [])
        assert Directory.objects.in_workspace(workspace).count() == 2


def test_audit_events_have_their_place_in_the_chain(
    api: ApiClient, workspace: Workspace
) -> None:
    audit_chain.seal(workspace.pk)

    first = api.get("/v1/audit-events").body["data"][-1]

    event = AuditEvent.objects.get(sequence=1)
    assert (first["sequence"], first["digest"]) == (1, event.digest)
