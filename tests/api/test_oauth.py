"""OAuth clients and trust by API: the services of the portal, every directory."""

from __future__ import annotations

import pytest
from django.test import Client

from integrations.models import IdempotencyRecord, Integration
from tests import factories
from tests.api.conftest import ApiClient
from tests.conftest import ScimClient
from tests.fakes import signer
from tests.tokens.oauth.conftest import ask
from tokens.audit import Action
from tokens.models import OAuthClient
from tokens.oauth import grants
from workspaces import directory_sync
from workspaces.clock import database_now
from workspaces.models import AuditEvent, Directory, Job, User, Workspace
from workspaces.permissions import Permission

BY_SECRET = {"name": "entra-prod", "method": "secret"}
TRUST = {
    "name": "Entra",
    "issuer": "https://sts.windows.net/t/",
    "audience": "aud",
    "keysUrl": "https://login.example/keys",
}


@pytest.fixture(autouse=True)
def nobody_asked_yet() -> None:
    grants.reset_limits()


@pytest.fixture(params=["gateway", "directory_sync"])
def of_any_kind(
    request: pytest.FixtureRequest, integration: Integration, alice: User
) -> Directory:
    if request.param == "gateway":
        return integration.directory
    workspace = integration.workspace
    directory_sync.turn_on(workspace, actor=alice, now=database_now())
    return directory_sync.directory_of(workspace)


def at(directory: Directory, rest: str = "") -> str:
    return f"/v1/directories/{directory.key}/oauth/{rest}"


def opens(directory: Directory, client_id: str, secret: str) -> bool:
    answer = ask(directory, basic=(client_id, secret))
    if answer.status != 200:
        return False
    return ScimClient(directory, answer.access_token).get("/Users").status == 200


def test_add_rotate_revoke(api: ApiClient, of_any_kind: Directory) -> None:
    directory = of_any_kind
    made = api.post(at(directory, "clients"), BY_SECRET)
    assert made.status == 201
    client_id, [first] = made.body["id"], made.body["secrets"]
    secrets = at(directory, f"clients/{client_id}/secrets")
    second = api.post(secrets).body

    assert api.post(secrets).status == 409, "two secrets work already"
    assert opens(directory, client_id, made.body["secret"])
    assert opens(directory, client_id, second["secret"])

    assert api.delete(f"{secrets}/{first['id']}").status == 204
    assert not opens(directory, client_id, made.body["secret"])
    assert opens(directory, client_id, second["secret"])
    [listed] = api.get(at(directory, "clients")).body["data"]
    assert [row["state"] for row in listed["secrets"]] == ["active", "revoked"]
    assert second["secret"] not in str(listed)

    assert api.delete(at(directory, f"clients/{client_id}")).status == 204
    assert not opens(directory, client_id, second["secret"])
    assert api.delete(at(directory, f"clients/{client_id}")).status == 409
    event = AuditEvent.objects.get(action=Action.CLIENT_REVOKED)
    assert event.target_id == client_id


def test_client_with_a_key(api: ApiClient, integration: Integration) -> None:
    directory = integration.directory
    wish = {"name": "okta", "method": "private_key", "publicKey": signer.rsa().pem}
    made = api.post(at(directory, "clients"), wish)
    keys = at(directory, f"clients/{made.body['id']}/keys")

    replaced = api.call("PUT", keys, {"publicKey": signer.ec().pem})

    assert (made.status, replaced.status) == (201, 200)
    assert "secret" not in made.body
    [key] = OAuthClient.objects.get().public_keys
    assert key["kty"] == "EC"
    assert api.post(at(directory, f"clients/{made.body['id']}/secrets")).status == 409


def test_trust_in_an_idp(api: ApiClient, of_any_kind: Directory) -> None:
    made = api.post(at(of_any_kind, "trusts"), TRUST)
    again = api.post(at(of_any_kind, "trusts"), TRUST)

    assert (made.status, again.status) == (201, 409)
    assert made.body["tenantId"] == ""
    assert api.delete(at(of_any_kind, f"trusts/{made.body['id']}")).status == 204
    [listed] = api.get(at(of_any_kind, "trusts")).body["data"]
    assert (listed["state"], listed["issuer"]) == ("revoked", TRUST["issuer"])


@pytest.mark.parametrize(("kind", "wish"), [("clients", BY_SECRET), ("trusts", TRUST)])
def test_limits_are_those_of_a_token(
    api: ApiClient, of_any_kind: Directory, kind: str, wish: dict[str, str]
) -> None:
    made = api.post(at(of_any_kind, kind), wish).body
    path = at(of_any_kind, f"{kind}/{made['id']}")
    body = {
        "readOnly": True,
        "networkRule": "enforce",
        "networks": ["203.0.113.0/24"],
        "emailDomains": ["acme.test"],
    }

    limited = api.call("PUT", f"{path}/limits", body)
    wrong = api.call("PUT", f"{path}/limits", {"networkRule": "enforce"})

    assert (limited.status, limited.body) == (200, body)
    assert api.get(f"{path}/limits").body == body
    assert wrong.body["errors"][0]["pointer"] == "#/networks"
    action = Action.CLIENT_LIMITED if kind == "clients" else Action.TRUST_LIMITED
    assert AuditEvent.objects.get(action=action).target_id == made["id"]
    assert api.delete(path).status == 204
    assert api.call("PUT", f"{path}/limits", {}).status == 409


def test_secret_is_not_kept_for_a_replay(
    api: ApiClient, integration: Integration
) -> None:
    """S0-128."""
    path = at(integration.directory, "clients")
    made = api.post(path, BY_SECRET, idempotency_key="k").body
    again = api.post(path, BY_SECRET, idempotency_key="k")

    assert again.status == 409
    assert f"with the id {made['id']}" in again.body["detail"]
    assert made["secret"] not in str(IdempotencyRecord.objects.values())
    assert OAuthClient.objects.count() == 1


@pytest.mark.parametrize(
    ("kind", "body", "pointer"),
    [
        ("clients", {"name": "", "method": "secret"}, "#/name"),
        ("clients", {"name": "x", "method": "private_key"}, "#/publicKey"),
        (
            "clients",
            {
                "name": "x",
                "method": "private_key",
                "publicKey": signer.rsa().private_pem,
            },
            "#/publicKey",
        ),
        ("trusts", {**TRUST, "keysUrl": "ftp://x"}, "#/keysUrl"),
        ("trusts", {**TRUST, "key": "x"}, "#/key"),
    ],
)
def test_what_is_wrong_is_said(
    api: ApiClient,
    integration: Integration,
    kind: str,
    body: dict[str, str],
    pointer: str,
) -> None:
    answer = api.post(at(integration.directory, kind), body)

    assert answer.status == 422
    assert [error["pointer"] for error in answer.body["errors"]] == [pointer]
    assert "PRIVATE KEY" not in str(answer.body)


def test_browser_confirms_in_the_portal_and_a_token_has_confirmed(
    api: ApiClient, alice_client: Client, workspace: Workspace, integration: Integration
) -> None:
    workspace.confirmed_actions = ["tokens.let_in"]
    workspace.save()
    path = at(integration.directory, "trusts")

    by_session = ApiClient("", alice_client).post(path, TRUST)

    assert by_session.status == 403
    assert "confirm your identity" in by_session.body["detail"]
    assert api.post(path, TRUST).status == 201


def test_another_tenants_directory_is_not_found(
    api: ApiClient, other_integration: Integration
) -> None:
    assert api.get(at(other_integration.directory, "clients")).status == 404
    assert api.post(at(other_integration.directory, "trusts"), TRUST).status == 404


def test_directory_sync_that_is_off_is_not_found(
    api: ApiClient, workspace: Workspace
) -> None:
    directory = directory_sync.directory_of(workspace)

    assert api.get(at(directory, "clients")).status == 404


def test_scope_of_gateways_lets_nobody_into_directory_sync(
    workspace: Workspace, alice: User, integration: Integration
) -> None:
    """Who opens Directory Sync makes members."""
    directory_sync.turn_on(workspace, actor=alice, now=database_now())
    directory = directory_sync.directory_of(workspace)
    issued = factories.issue_api_token(workspace, scopes=[Permission.MANAGE_TOKENS])
    api = ApiClient(issued.plaintext)

    assert api.get(at(directory, "clients")).status == 403
    assert api.post(at(directory, "clients"), BY_SECRET).status == 403
    assert api.post(at(directory, "trusts"), TRUST).status == 403
    assert not OAuthClient.objects.exists()
    assert api.post(at(integration.directory, "clients"), BY_SECRET).status == 201


def test_keys_of_a_trust_are_fetched_anew_while_it_stands(
    api: ApiClient, integration: Integration
) -> None:
    trusts = at(integration.directory, "trusts")
    made = api.post(trusts, TRUST).body
    Job.objects.all().delete()

    assert api.post(f"{trusts}/{made['id']}/keys", {}).status == 202
    assert Job.objects.filter(subject__contains=made["id"]).exists()

    api.delete(f"{trusts}/{made['id']}")
    assert api.post(f"{trusts}/{made['id']}/keys", {}).status == 409
