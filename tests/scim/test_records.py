"""Every request leaves a record, without a query of its own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from scim import records
from scim.models import RequestRecord
from scim.protocol.tolerances import Tolerance
from tests.conftest import ScimClient
from workspaces import periodic
from workspaces.clock import database_now
from workspaces.models import Directory, Job


@pytest.fixture(autouse=True)
def nothing_waits() -> Iterator[None]:
    records._waiting.clear()
    yield
    records._waiting.clear()


def last_record() -> RequestRecord:
    records.flush()
    return RequestRecord.objects.latest("id")


def test_write_is_recorded_with_its_body(scim: ScimClient) -> None:
    user = scim.add_user("ann@acme.test")

    record = last_record()

    assert (record.method, record.status) == ("POST", 201)
    assert record.path == f"{scim.directory.path}/Users"
    assert record.resource_id == user["id"]
    assert record.token_key == scim.token[4:16]
    assert "ann@acme.test" in record.body


def test_read_is_recorded_without_body_and_query(scim: ScimClient) -> None:
    scim.get("/Users", filter='userName eq "ann@acme.test"')

    record = last_record()

    assert (record.method, record.status, record.body) == ("GET", 200, "")
    assert "ann" not in record.path


@pytest.mark.parametrize(
    "body",
    [
        {"userName": "ann", "password": "hunter2-hunter2"},
        {"userName": "ann", "urn:x:User": {"apiToken": "hunter2-hunter2"}},
        {"Operations": [{"op": "add", "path": "password", "value": "hunter2-hunter2"}]},
        {"Operations": [{"op": "add", "value": {"password": "hunter2-hunter2"}}]},
    ],
    ids=["password", "nested", "patch", "patch without path"],
)
def test_secrets_are_masked(body: dict[str, object], scim: ScimClient) -> None:
    scim.post("/Users", body)

    assert "hunter2" not in last_record().body


def test_body_that_is_not_json_is_not_kept(scim: ScimClient) -> None:
    scim.request("POST", "/Users", raw=b'{"password": "hunter2')

    assert last_record().body == "21 bytes that are not JSON"


@pytest.mark.parametrize(
    ("agent", "dialect"),
    [
        ("Okta SCIM Client 1.0.0", "okta"),
        ("Microsoft-SCIM-Client/1.0", "entra"),
        ("Google-Cloud-Identity", "google"),
        ("curl/8", "generic"),
    ],
)
def test_dialect_is_recognised(agent: str, dialect: str, scim: ScimClient) -> None:
    scim.request("GET", "/Users", user_agent=agent)

    assert last_record().dialect == dialect


def test_fixed_dialect_of_the_directory_counts(scim: ScimClient) -> None:
    Directory.objects.filter(pk=scim.directory.pk).update(dialect="entra")

    scim.request("GET", "/Users", user_agent="Okta SCIM Client 1.0.0")

    assert last_record().dialect == "entra"


def test_tolerances_are_named(scim: ScimClient) -> None:
    user = scim.add_user()

    scim.patch(f"/Users/{user['id']}", {"op": "Add", "value": {"name.givenName": "A"}})

    record = last_record()
    assert Tolerance.PATHS_IN_VALUE in record.tolerances
    assert record.dialect == "entra"


def test_request_without_a_good_token_is_nobodys(scim: ScimClient) -> None:
    scim.request("GET", "/Users", authorization="Bearer nope")

    assert records.flush() == 0


def test_old_records_are_pruned_once_a_day(scim: ScimClient) -> None:
    scim.get("/Users")
    records.flush()
    now = database_now()
    RequestRecord.objects.update(at=now - timedelta(days=91))
    scim.get("/Users")
    records.flush()

    for _ in range(2):
        periodic.enqueue_due(now=now)
    job = Job.objects.get(kind=records.PRUNE_JOB)
    result = records.prune(job)

    assert result == {"deleted": 1}
    assert RequestRecord.objects.count() == 1


def test_pruning_leaves_other_tenants_alone(
    scim: ScimClient, other_scim: ScimClient
) -> None:
    other_scim.get("/Users")
    records.flush()
    now = database_now()
    RequestRecord.objects.update(at=now - timedelta(days=91))
    periodic.enqueue_due(now=now)

    records.prune(
        Job.objects.get(kind=records.PRUNE_JOB, workspace=scim.directory.workspace_id)
    )

    assert RequestRecord.objects.count() == 1
