"""Tokens of Directory Sync by API: the calls that an integration's tokens have."""

from __future__ import annotations

import pytest
from django.test import Client

from integrations.models import IdempotencyRecord
from tests import factories
from tests.api.conftest import ApiClient
from tests.conftest import ScimClient
from tokens.models import ScimToken
from workspaces import directory_sync
from workspaces.clock import database_now
from workspaces.models import Directory, User, Workspace
from workspaces.permissions import Permission

TOKENS = "/v1/directory-sync/tokens"


@pytest.fixture
def directory(workspace: Workspace, alice: User) -> Directory:
    directory_sync.turn_on(workspace, actor=alice, now=database_now())
    return directory_sync.directory_of(workspace)


def test_generated_rotated_retired_and_revoked(
    api: ApiClient, directory: Directory
) -> None:
    """S0-104, S0-105: by API as in the browser, also with an overlap."""
    first = api.post(TOKENS).body
    second = api.post(f"{TOKENS}/{first['id']}/rotate", {"overlap": "24h"}).body

    def opens(made: dict[str, str]) -> bool:
        return ScimClient(directory, made["token"]).get("/Users").status == 200

    assert first["token"].startswith("kwd_")
    assert api.post(TOKENS).status == 409
    assert (opens(first), opens(second)) == (True, True)
    assert api.post(f"{TOKENS}/{first['id']}/retire").body["state"] == "replaced"
    assert (opens(first), opens(second)) == (False, True)
    third = api.post(f"{TOKENS}/{second['id']}/rotate", {}).body
    assert (opens(second), opens(third)) == (False, True)
    assert api.delete(f"{TOKENS}/{third['id']}").status == 204
    assert not opens(third)
    listed = api.get(TOKENS).body["data"]
    assert [row["state"] for row in listed] == ["revoked", "replaced", "replaced"]
    assert "token" not in listed[0]


def test_named_and_limited(api: ApiClient, directory: Directory) -> None:
    key = factories.issue_token(directory).token.key
    wish = {"name": "okta-prod", "lifetimeDays": 90}

    named = api.patch(f"{TOKENS}/{key}", wish).body
    limited = api.call("PUT", f"{TOKENS}/{key}/limits", {"readOnly": True}).body

    assert named["name"] == "okta-prod"
    assert limited["readOnly"] is True
    assert api.get(f"{TOKENS}/{key}/limits").body == limited


def test_value_is_in_one_answer_alone(api: ApiClient, directory: Directory) -> None:
    """S0-102: a request that is sent again makes nothing and tells nothing."""
    made = api.post(TOKENS, idempotency_key="k").body
    path = f"{TOKENS}/{made['id']}/rotate"
    rotated = api.post(path, {"overlap": "1h"}, idempotency_key="r").body

    again = [
        api.post(TOKENS, idempotency_key="k"),
        api.post(path, {"overlap": "1h"}, idempotency_key="r"),
    ]

    assert [answer.status for answer in again] == [409, 409]
    kept = str([*IdempotencyRecord.objects.values(), api.get(TOKENS).body])
    assert made["token"] not in kept
    assert rotated["token"] not in kept
    assert ScimToken.objects.count() == 2


def test_no_token_is_made_while_directory_sync_is_off(
    api: ApiClient, workspace: Workspace
) -> None:
    refused = api.post(TOKENS)

    assert refused.status == 409
    assert "Turn it on, or add an email domain" in refused.body["detail"]
    assert api.get(TOKENS).body == {"data": [], "nextCursor": None}


def test_token_of_an_integration_is_not_among_them(
    api: ApiClient, directory: Directory
) -> None:
    other = factories.IntegrationFactory(workspace=directory.workspace)
    key = factories.issue_token(other.directory).token.key

    assert api.post(f"{TOKENS}/{key}/rotate", {}).status == 404
    assert api.get(TOKENS).body["data"] == []


def test_browser_confirms_what_its_page_would_ask(
    client: Client, directory: Directory, alice: User
) -> None:
    """A session rotates this token on its page, where it is always confirmed."""
    key = factories.issue_token(directory).token.key
    client.force_login(alice)

    refused = client.post(
        f"/api{TOKENS}/{key}/rotate", {}, content_type="application/json"
    )

    assert refused.status_code == 403
    assert "confirm your identity" in refused.json()["detail"]


def test_scope_for_gateways_does_not_reach_it(workspace: Workspace) -> None:
    scopes = [Permission.MANAGE_TOKENS, Permission.VIEW_INTEGRATIONS]
    script = factories.issue_api_token(workspace, scopes=scopes)

    assert ApiClient(script.plaintext).get(TOKENS).status == 403
