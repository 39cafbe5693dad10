"""Quarantine: reads go on, writes wait."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.conftest import ScimClient
from tests.scim.counting import statements
from tests.scim.test_errors import assert_is_scim_error
from tests.tokens.test_limits import WRITES
from tokens import quarantine
from tokens.audit import Action
from workspaces.clock import database_now
from workspaces.models import AuditEvent, Directory, User


@pytest.fixture
def quarantined(scim: ScimClient, alice: User) -> ScimClient:
    scim.add_user("ann@acme.test")
    quarantine.begin(scim.directory, actor=alice, now=database_now())
    return scim


@pytest.mark.parametrize("write", WRITES)
def test_write_waits(quarantined: ScimClient, write: str) -> None:
    (ann,) = quarantined.get("/Users").resources

    refused = WRITES[write](quarantined, ann["id"])

    assert refused.status == 503
    assert refused.headers["Retry-After"] == "300"
    assert_is_scim_error(refused)
    assert "in quarantine" in refused.body["detail"]
    assert quarantined.get("/Users").resources == [ann]


def test_reads_go_on_at_the_same_cost(quarantined: ScimClient) -> None:
    assert quarantined.get("/Users").body["totalResults"] == 1
    assert quarantined.post("/Users/.search", {"count": 1}).status == 200

    with statements() as found:
        assert quarantined.get("/Schemas").status == 200

    assert len(found) == 1


def test_other_connections_are_unaffected(
    quarantined: ScimClient, other_scim: ScimClient
) -> None:
    other_scim.add_user("bo@other.test")


def test_buttons_start_and_end_it(
    alice_client: Client, alice: User, scim: ScimClient
) -> None:
    path = f"/tokens/{scim.directory.key}/quarantine/"

    page = alice_client.post(path, follow=True)
    assert "In quarantine" in page.text
    assert "End quarantine" in page.text
    assert "In quarantine: reads go on" in alice_client.get("/dashboard/").text
    assert scim.post("/Users", {"userName": "ann"}).status == 503

    page = alice_client.post(f"{path}end/", follow=True)
    assert "Start quarantine" in page.text
    assert scim.post("/Users", {"userName": "ann"}).status == 201

    actions = AuditEvent.objects.filter(
        actor=alice, target_id=scim.directory.key
    ).values_list("action", flat=True)
    assert [a for a in actions.order_by("id") if "quarantine" in a] == [
        Action.QUARANTINED,
        Action.QUARANTINE_ENDED,
    ]


def test_second_press_changes_nothing(directory: Directory, alice: User) -> None:
    first = database_now()

    begun = [quarantine.begin(directory, actor=alice, now=first) for _ in range(2)]
    ended = [quarantine.end(directory, actor=alice) for _ in range(2)]

    assert (begun, ended) == ([True, False], [True, False])
    assert AuditEvent.objects.filter(action=Action.QUARANTINED).count() == 1


def test_another_tenants_connection_is_not_found(
    alice_client: Client, other_scim: ScimClient
) -> None:
    path = f"/tokens/{other_scim.directory.key}/quarantine/"

    assert alice_client.post(path).status_code == 404
    assert alice_client.post(f"{path}end/").status_code == 404
