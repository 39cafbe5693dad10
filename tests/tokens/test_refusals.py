"""A token that was right once and is refused leaves a line in the audit log."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from integrations.models import Integration
from tests import factories
from tests.conftest import ScimClient
from tests.scim.counting import statements
from tokens import credential, services
from tokens.audit import Action
from tokens.models import ScimToken
from tokens.services import IssuedToken, Overlap
from workspaces.clock import database_now
from workspaces.models import AuditEvent, Directory, User


def refusals() -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action=Action.REFUSED).order_by("id"))


@pytest.fixture
def ended(
    request: pytest.FixtureRequest, directory: Directory, alice: User
) -> IssuedToken:
    """A token that has ended in the way that the test asks for."""
    now = database_now()
    if request.param == "Expired":
        return factories.issue_token(directory, lifetime=timedelta(seconds=-1))
    issued = factories.issue_token(directory)
    if request.param == "Revoked":
        services.revoke(issued.token, actor=None, now=now)
    else:
        services.rotate(
            directory, issued.token, overlap=Overlap.NOW, actor=alice, now=now
        )
    return issued


@pytest.mark.parametrize("ended", ["Expired", "Revoked", "Replaced"], indirect=True)
def test_s0_129_refused_use_is_written_down_with_reason_and_address(
    ended: IssuedToken, directory: Directory, request: pytest.FixtureRequest
) -> None:
    answer = ScimClient(directory, ended.plaintext).get("/Users")

    assert answer.status == 401
    (event,) = refusals()
    assert event.workspace == directory.workspace
    assert event.target_id == ended.token.key
    assert event.actor is None
    assert event.address == "127.0.0.1"
    assert event.request_id
    assert event.data == {
        "directory": directory.key,
        "reason": request.node.callspec.params["ended"],
    }
    assert ended.plaintext not in str(vars(event))


def test_s0_129_another_integrations_token_is_written_down_where_it_belongs(
    scim: ScimClient, other_integration: Integration
) -> None:
    theirs = factories.issue_token(other_integration.directory)

    assert ScimClient(scim.directory, theirs.plaintext).get("/Users").status == 401

    (event,) = refusals()
    assert event.workspace == other_integration.workspace
    assert event.data["reason"] == "Another SCIM base URL"
    assert scim.directory.key not in str(event.data)


def test_flood_writes_one_line_an_hour_and_asks_no_more_than_a_success(
    directory: Directory,
) -> None:
    issued = factories.issue_token(directory, lifetime=timedelta(seconds=-1))
    client = ScimClient(directory, issued.plaintext)
    client.get("/Users")

    with statements() as later:
        for _ in range(3):
            client.get("/Users")
    assert len(refusals()) == 1
    assert all("SELECT t.id" in sql or "scim_" in sql for sql in later), later

    hour_ago = database_now() - services.REFUSALS_APART
    ScimToken.objects.update(refused_at=hour_ago)
    client.get("/Users")
    assert len(refusals()) == 2


def test_two_at_once_write_one_line(directory: Directory) -> None:
    token = factories.issue_token(directory).token
    now = database_now()

    written = [
        services.note_refusal(ScimToken, token.pk, reason="Expired", now=now)
        for _ in range(2)
    ]

    assert written == [True, False]


@pytest.mark.parametrize("given", ["unknown", "wrong secret", "no token"])
def test_who_does_not_know_a_token_leaves_no_line(
    directory: Directory, given: str
) -> None:
    key = factories.issue_token(directory, lifetime=timedelta(seconds=-1)).token.key
    kind = credential.Kind.GATEWAY
    value = {
        "unknown": credential.generate(kind).plaintext,
        "wrong secret": credential.Credential(kind, key, "s" * 43).plaintext,
        "no token": "nonsense",
    }[given]

    assert ScimClient(directory, value).get("/Users").status == 401

    assert refusals() == []


def test_token_that_works_leaves_no_line(scim: ScimClient) -> None:
    assert scim.get("/Users").status == 200
    assert refusals() == []


class TestShown:
    def test_s0_129_the_showing_of_a_first_token_is_written_down(
        self, alice_client: Client, alice: User, directory: Directory
    ) -> None:
        alice_client.post(f"/tokens/{directory.key}/generate/")
        alice_client.post(f"/tokens/{directory.key}/generate/")

        event = AuditEvent.objects.get(action=Action.SHOWN)
        assert event.actor == alice
        assert event.address == "127.0.0.1"
        assert event.target_id == ScimToken.objects.get().key

    def test_s0_129_so_is_that_of_a_new_one(
        self, alice_client: Client, directory: Directory
    ) -> None:
        old = factories.issue_token(directory).token

        alice_client.post(f"/tokens/{directory.key}/{old.key}/new/", {"overlap": "now"})

        old.refresh_from_db()
        assert old.replaced_by is not None
        event = AuditEvent.objects.get(action=Action.SHOWN)
        assert event.target_id == old.replaced_by.key
