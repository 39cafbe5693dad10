"""**Activity**: the timeline, one request, one person, **Retry**, export."""

from __future__ import annotations

import csv
import io
import re
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from integrations.audit import Action
from integrations.models import AppAccount, Integration, Provisioning, RestorePoint
from integrations.provisioning import wanted
from integrations.reports import activity
from integrations.reports.activity_filters import Filters
from integrations.syncing import person, sync
from scim import records
from scim.models import RequestRecord
from tests import factories
from tests.conftest import ScimClient
from tests.portal.words import query_count, read, text_of
from workspaces import jobs, leases
from workspaces.clock import database_now
from workspaces.models import AuditEvent, Job, Role, User, Workspace

PATH = "/activity/"
OKTA = {"user_agent": "Okta SCIM Client 1.0.0"}
TAKEN = "The app already has an account with this user name or email address."

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


def fail(resource_id: str, error: str = TAKEN) -> Job:
    """Let the waiting job of a user end without success, as the worker does."""
    Job.objects.exclude(subject=resource_id).filter(state__in=Job.WAITING).delete()
    job = leases.claim(worker="test", now=database_now())
    assert job is not None
    Provisioning.objects.filter(resource_id_public=resource_id).update(
        state=Provisioning.State.PROVISIONING_ONGOING
    )
    leases.report_progress(job, act="invite")
    leases.give_up(job, error, now=database_now())
    return job


@pytest.fixture
def failed(scim: ScimClient) -> str:
    """A user whom Okta made and the app refused; the public id."""
    resource_id: str = scim.post(
        "/Users", {"userName": "ann@acme.test", "password": "secret-1"}, **OKTA
    ).body["id"]
    records.flush()
    fail(resource_id)
    return resource_id


def change(integration: Integration, job: Job) -> RestorePoint:
    """Let a job have changed a display name."""
    return RestorePoint.objects.create(
        integration=integration,
        run=uuid.uuid4(),
        job=job,
        resource_id=job.subject,
        user_name="ann@acme.test",
        granted=[],
        changes=[["update", {"display_name": ["Ann", "Anna"]}]],
        at=database_now(),
    )


def exported(client: Client, query: str = "") -> list[list[str]]:
    answer = client.get(f"/activity/export/{query}")
    assert answer.status_code == 200
    return list(csv.reader(io.StringIO(b"".join(answer).decode())))[1:]


def test_of_nothing_says_what_comes_here(alice_client: Client) -> None:
    assert "No activity yet" in read(alice_client, PATH)


def test_tells_the_request_and_the_work_below_it(
    alice_client: Client, failed: str
) -> None:
    page = read(alice_client, PATH)

    assert "Okta created ann@acme.test → Acme Demo Succeeded" in page
    assert "User invite failed: ann@acme.test by Keyway → Acme Demo" in page
    assert TAKEN in page
    assert "Retry" in page


def test_work_stands_below_the_request_that_is_nearest(
    workspace: Workspace, scim: ScimClient, add: Add
) -> None:
    user = scim.add_user("ana@acme.test")["id"]
    records._waiting.clear()
    job = Job.objects.get(subject=user)
    for path, later in (("/Users", 0), (f"/Users/{user}", 800)):
        at = job.created_at + timedelta(milliseconds=later)
        add(method="POST", path=path, resource_id=user, at=at)

    found = activity.page(workspace, Filters(), now=database_now())

    (update, creation) = [e for e in found.entries if e.record and e.resource_id]
    assert [entry.job for entry in creation.jobs] == [job]
    assert update.jobs == []


def test_refused_request_says_why(
    alice_client: Client, scim: ScimClient, failed: str
) -> None:
    scim.post("/Users", {"userName": "ann@acme.test"}, **OKTA)
    records.flush()

    page = read(alice_client, PATH)

    assert "Okta tried: POST user → Acme Demo" in page
    assert "Failed 409" in page
    assert "Another user or group of this directory has the same name." in page


def test_shows_nothing_of_another_workspace(
    alice_client: Client, integration: Integration, other_scim: ScimClient
) -> None:
    other_scim.add_user("zoe@other.test")
    records.flush()

    assert "zoe" not in read(alice_client, PATH)
    assert "No match" in read(alice_client, f"{PATH}?q=zoe")
    key = other_scim.directory.key
    assert "No match" in read(alice_client, f"{PATH}?integration={key}")
    assert "zoe" not in str(exported(alice_client))
    assert exported(alice_client, "?action=create") == []


EVERYTHING = {"POST", "GET", "DELETE", "provision", "sync", "audit"}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", EVERYTHING),
        ("?action=create", {"POST"}),
        ("?action=read", {"GET"}),
        ("?action=provision", {"provision"}),
        ("?action=sync", {"sync"}),
        ("?action=unknown", EVERYTHING),
        ("?status=failed", {"DELETE", "provision"}),
        ("?status=open", {"sync"}),
        ("?status=succeeded", {"POST", "GET", "audit"}),
        ("?time=1h", EVERYTHING - {"GET"}),
        ("?event=user-invite-failed", {"provision"}),
        ("?event=user-invite-requested", set()),
        ("?event=service-account-created", {"audit"}),
        ("?q=ANN", {"POST", "provision"}),
        ("?q=nobody", set()),
        ("?q=%00", EVERYTHING),
        ("?integration=unknown", set()),
        ("?integration=Acme+Demo", EVERYTHING),
        ("?integration=%20acme", EVERYTHING),
        ("?before=nonsense", EVERYTHING),
    ],
)
def test_filters_are_in_the_address(
    alice_client: Client,
    add: Add,
    integration: Integration,
    query: str,
    found: set[str],
) -> None:
    now = database_now()
    add(method="GET", at=now - timedelta(days=2))
    scim = ScimClient(
        integration.directory, factories.issue_token(integration.directory).plaintext
    )
    resource_id = scim.add_user("ann@acme.test")["id"]
    records.flush()
    fail(resource_id)
    add(method="DELETE", status=404)
    jobs.enqueue(
        sync.JOB,
        workspace=integration.workspace,
        subject=integration.directory.key,
        trigger=Job.Trigger.WEB,
        now=now,
    )

    rows = exported(alice_client, query)

    kinds = {"Provisioning": "provision", "Sync": "sync", "Audit log": "audit"}
    assert {kinds.get(row[1], row[5]) for row in rows} == found
    assert alice_client.get(PATH + query).status_code == 200


def test_integration_is_found_by_key_name_or_part_of_a_name(
    alice_client: Client, workspace: Workspace, add: Add
) -> None:
    """A link carries the key; the field then shows the name, which finds the same."""
    account = Integration.objects.get().service_account
    crm, longer = (
        factories.IntegrationFactory(
            workspace=workspace, service_account=account, name=name
        )
        for name in ("CRM", "CRM of sales")
    )
    for each in (crm, longer):
        add(directory=each.directory, method="PUT")

    def places(integration: str) -> set[str]:
        rows = exported(alice_client, f"?action=replace&integration={integration}")
        return {row[3] for row in rows}

    assert places(crm.directory.key) == places("CRM") == {"CRM"}
    assert places("crm") == {"CRM", "CRM of sales"}
    page = alice_client.get(f"{PATH}?integration={crm.directory.key}").content.decode()
    assert re.search(r'name="integration"\s+value="CRM"', page)
    assert '<option value="CRM of sales">' in page


def test_suggests_no_more_than_fifty_integrations(
    alice_client: Client, workspace: Workspace, integration: Integration
) -> None:
    for number in range(52):
        factories.IntegrationFactory(
            workspace=workspace,
            service_account=integration.service_account,
            name=f"App {number:02}",
        )

    page = alice_client.get(PATH).content.decode()

    assert page.count('<option value="A') == 50


def test_somebody_who_is_not_there_is_no_failure(
    alice_client: Client, add: Add
) -> None:
    add(method="GET", status=404, path="/scim/x/v2/Users/1")

    assert "Not found" in read(alice_client, PATH)
    assert "No match" in read(alice_client, f"{PATH}?status=failed")


def test_pages_hold_every_entry_once(
    workspace: Workspace, add: Add, integration: Integration
) -> None:
    """Two logs, one of them with the same time for all its rows."""
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

    seen: list[tuple[str, int]] = []
    times: list[datetime] = []
    mark: activity.Mark | None = activity.newest_mark(workspace)
    while mark is not None:
        found = activity.page(workspace, Filters(), before=mark, now=now)
        assert len(found.entries) <= 50
        times += [entry.at for entry in found.entries]
        seen += [
            ("r", entry.record.pk) if entry.record else ("j", entry.job.pk)
            for entry in found.entries
            if entry.record or entry.job
        ]
        mark = found.older

    assert len(seen) == len(set(seen)) == 130
    assert times == sorted(times, reverse=True)


def test_page_costs_the_same_however_much_happened(
    alice_client: Client, add: Add, failed: str, scim: ScimClient
) -> None:
    scim.add_user("person@acme.test")
    records.flush()
    few = query_count(alice_client, PATH)
    for number in range(20):
        scim.add_user(f"person{number}@acme.test")
    records.flush()

    assert query_count(alice_client, PATH) == few <= 22


class TestRequest:
    def test_says_everything_from_the_request_to_the_app(
        self, alice_client: Client, failed: str, integration: Integration
    ) -> None:
        record = RequestRecord.objects.get()
        AppAccount.objects.create(
            integration=integration,
            external_id="42",
            username="ann-in-app",
            seen_at=database_now(),
        )
        Provisioning.objects.update(account=AppAccount.objects.get())

        page = read(alice_client, f"{PATH}{record.request_id}/")

        for part in (
            "Okta created ann@acme.test",
            f"POST {record.path}",
            "201, after",
            "test kwg_",
            "It did not name its schemas.",
            '"password": "***"',
            "Created User, version 1",
            "Version 1, nothing is applied in the app yet",
            "Provisioning failed",
            "ann-in-app 42",
            f"Cause {TAKEN}",
            "Whose side The app",
            "Fix Rename or delete the other account in the app",
        ):
            assert part in page
        assert "secret-1" not in page

    def test_is_found_by_its_time_too(self, alice_client: Client, failed: str) -> None:
        page = alice_client.get(PATH).content.decode()
        url = page.partition('<a href="/activity/')[2].partition('"')[0]

        assert "?at=" in url
        assert "Request from Okta" in read(alice_client, f"{PATH}{url}")
        assert alice_client.get(f"{PATH}{url[:36]}/?at=x").status_code == 200

    def test_of_another_workspace_is_not_found(
        self, alice_client: Client, other_scim: ScimClient
    ) -> None:
        user = other_scim.add_user("zoe@other.test")
        records.flush()
        record = RequestRecord.objects.get()

        for path in (f"{PATH}{record.request_id}/", f"{PATH}people/{user['id']}/"):
            assert alice_client.get(path).status_code == 404
        assert alice_client.get(f"{PATH}{uuid.uuid4()}/").status_code == 404

    def test_bulk_lists_every_change(
        self, alice_client: Client, scim: ScimClient
    ) -> None:
        operations = [
            {
                "method": "POST",
                "path": "/Users",
                "bulkId": str(number),
                "data": {"userName": f"u{number}@acme.test"},
            }
            for number in range(3)
        ]
        scim.post("/Bulk", {"Operations": operations})
        records.flush()

        page = read(alice_client, f"{PATH}{RequestRecord.objects.get().request_id}/")

        assert "sent several changes at once" in page
        assert page.count("Created User, version 1") == 3


class TestPerson:
    def test_has_the_timeline_of_that_person_only(
        self, alice_client: Client, scim: ScimClient, failed: str
    ) -> None:
        scim.add_user("bo@acme.test")
        records.flush()

        page = read(alice_client, f"{PATH}people/{failed}/")

        assert "Okta created ann@acme.test" in page
        assert "Whose side The app" in page
        assert "bo@acme.test" not in page

    def test_retry_puts_the_work_off_again(
        self, alice_client: Client, alice: User, failed: str
    ) -> None:
        answer = alice_client.post(f"{PATH}people/{failed}/retry/", follow=True)

        assert "ann@acme.test is tried again." in text_of(answer)
        row = Provisioning.objects.get()
        assert row.state == Provisioning.State.PROVISIONING_AWAITING
        assert Job.objects.get(state=Job.State.QUEUED).actor == alice
        assert AuditEvent.objects.filter(action=Action.RETRY_REQUESTED).exists()

    def test_what_did_not_fail_is_not_retried(
        self, alice_client: Client, scim: ScimClient
    ) -> None:
        user = scim.add_user()
        before = Job.objects.count()

        answer = alice_client.post(f"{PATH}people/{user['id']}/retry/", follow=True)

        assert "has nothing to retry" in text_of(answer)
        assert Job.objects.count() == before

    def test_undo_stands_where_the_change_is_told(
        self,
        alice_client: Client,
        integration: Integration,
        scim: ScimClient,
    ) -> None:
        resource_id = scim.add_user()["id"]
        job = Job.objects.get(subject=resource_id)
        Job.objects.update(state=Job.State.COMPLETED)
        points = [change(integration, job) for _ in range(2)]
        path = f"{PATH}people/{resource_id}/"
        undo = f"/integrations/{integration.directory.key}/changes/of/{{}}/undo/"

        page = alice_client.get(path).content.decode()

        assert f'href="{undo.format(points[0].public_id)}"' in page
        assert str(points[1].public_id) not in page
        assert "Undo" not in read(alice_client, PATH)
        RestorePoint.objects.update(undone_at=database_now())
        assert "Undo" not in read(alice_client, path)

    def test_sync_of_one_person_is_told(
        self, alice_client: Client, alice: User, scim: ScimClient
    ) -> None:
        resource_id = scim.add_user()["id"]
        row = Provisioning.objects.get()
        job = person.request(row, actor=alice, now=database_now())
        path = f"{PATH}people/{resource_id}/"

        for page in (path, PATH, f"{PATH}?action=sync", f"{PATH}?q=ann"):
            told = read(alice_client, page)
            assert "Alice asked for a sync of ann@acme.test → Acme Demo" in told

        Job.objects.filter(pk=job.pk).update(state=Job.State.COMPLETED)
        assert "Alice synced ann@acme.test → Acme Demo" in read(alice_client, path)
        (row_of_export,) = exported(alice_client, "?action=sync")
        assert (row_of_export[1], row_of_export[6]) == ("Sync", "ann@acme.test")

    def test_of_another_workspace_cannot_be_retried(
        self, alice_client: Client, other_scim: ScimClient
    ) -> None:
        user = other_scim.add_user()

        answer = alice_client.post(f"{PATH}people/{user['id']}/retry/")

        assert answer.status_code == 404


def test_export_is_recorded_and_no_cell_is_a_formula(
    alice_client: Client, scim: ScimClient
) -> None:
    scim.add_user("=cmd@acme.test")
    records.flush()

    rows = exported(alice_client, "?action=create")

    assert rows[0][6] == "'=cmd@acme.test"
    event = AuditEvent.objects.get(action=Action.ACTIVITY_EXPORTED)
    assert event.data == {"filters": "action=create"}


def test_auditor_has_no_activity(workspace: Workspace) -> None:
    client = Client()
    auditor = factories.MembershipFactory(workspace=workspace, role=Role.AUDITOR)
    client.force_login(auditor.user)

    assert client.get(PATH).status_code == 403
