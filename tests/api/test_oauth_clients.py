"""OAuth clients and trust by API."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from integrations.models import IdempotencyRecord, Integration
from tests.api.conftest import ApiClient
from tests.fakes import signer
from tokens import confirmed
from tokens.models import ClientSecret
from workspaces import confirmation_policy
from workspaces.models import AuditEvent, Membership

TRUST = {
    "name": "Entra",
    "issuer": "https://sts.windows.net/acme/",
    "audience": "8adf8e6e-67b2-4cf2-a259-e3dc5476c621",
    "tenantId": "acme",
    "keysUrl": "https://login.acme.test/discovery/keys",
}


@pytest.fixture
def one(integration: Integration) -> str:
    return f"/v1/integrations/{integration.directory.key}"


def test_secrets_are_told_once_and_two_at_most_work(api: ApiClient, one: str) -> None:
    path = f"{one}/oauth-clients"
    made = api.post(path, {"name": "entra-prod"}, idempotency_key="a")
    again = api.post(path, {"name": "entra-prod"}, idempotency_key="a")
    secrets = f"{path}/{made.body['id']}/secrets"
    second = api.post(secrets)
    third = api.post(secrets)
    first_id = made.body["secrets"][0]["id"]

    kept = [*IdempotencyRecord.objects.values(), *AuditEvent.objects.values()]
    assert (made.status, again.status) == (201, 409)
    assert (second.status, third.status) == (201, 409)
    for answer in (made, second):
        assert answer.body["secret"] not in str([api.get(path).body, *kept])
    assert [api.delete(f"{secrets}/{first_id}").status for _ in range(2)] == [204, 409]
    assert ClientSecret.objects.exclude(revoked_at=None).get().key == first_id
    assert api.delete(f"{path}/{made.body['id']}").status == 204
    assert api.get(path).body[0]["revokedAt"]


def test_client_signs_with_its_own_key(api: ApiClient, one: str) -> None:
    path = f"{one}/oauth-clients"
    wish = {"name": "okta-prod", "method": "private_key"}

    without = api.post(path, wish)
    made = api.post(path, wish | {"publicKey": json.dumps(signer.jwks(signer.rsa()))})
    other = {"publicKey": json.dumps(signer.jwks(signer.ec()))}
    changed = api.call("PUT", f"{path}/{made.body['id']}/keys", other)

    assert without.body["errors"][0]["pointer"] == "#/publicKey"
    assert (made.status, changed.status) == (201, 200)
    assert "secret" not in made.body
    assert api.post(f"{path}/{made.body['id']}/secrets").status == 409


def test_trust_is_made_once_and_ended(api: ApiClient, one: str) -> None:
    path = f"{one}/idp-trusts"
    made = api.post(path, TRUST)
    another = api.post(path, TRUST)
    wrong = api.post(path, TRUST | {"keysUrl": "nowhere"})
    trust = f"{path}/{made.body['id']}"

    assert {name: made.body[name] for name in TRUST} == TRUST
    assert (another.status, wrong.status) == (409, 422)
    assert wrong.body["errors"][0]["pointer"] == "#/keysUrl"
    assert api.post(f"{trust}/keys").status == 200
    assert api.delete(trust).status == 204
    assert api.post(f"{trust}/keys").status == 409
    assert [row["id"] for row in api.get(path).body] == [made.body["id"]]


def test_session_goes_through_the_page_where_a_confirmation_is_asked_for(
    alice_client: Client, membership: Membership, one: str
) -> None:
    confirmation_policy.set_actions([confirmed.LET_IN.name], by=membership)
    browser = ApiClient("", alice_client)
    calls: list[tuple[str, Any]] = [
        ("oauth-clients", {"name": "x"}),
        ("idp-trusts", TRUST),
    ]

    assert {browser.post(f"{one}/{path}", body).status for path, body in calls} == {403}
