"""OAuth clients in the browser: added, shown once, rotated, revoked; without script."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from integrations.models import Integration
from tests.conftest import ScimClient
from tests.fakes import signer
from tests.scim.counting import statements
from tests.tokens.oauth.conftest import ask
from tokens.models import ClientSecret, IdpTrust, OAuthClient
from tokens.oauth import clients, grants, trusts
from workspaces.clock import database_now
from workspaces.models import Directory, Job, User, Workspace

TRUST = {
    "name": "Entra",
    "issuer": "https://sts.windows.net/1/",
    "audience": "8adf8e6e",
    "tenant_id": "",
    "keys_url": "https://login.example/keys",
}


@pytest.fixture(autouse=True)
def nobody_asked_yet() -> None:
    grants.reset_limits()


def url(directory: Directory, name: str, *keys: str) -> str:
    return reverse(f"oauth:{name}", args=[directory.key, *keys])


def services_page(client: Client, integration: Integration) -> str:
    key = integration.directory.key
    return client.get(
        reverse("integrations:connected_services", args=[key])
    ).content.decode()


def test_secret_is_shown_by_the_answer_that_made_it_and_never_again(
    alice_client: Client, directory: Directory
) -> None:
    """S0-128."""
    form = {"name": "entra-prod", "method": "secret"}

    made = alice_client.post(url(directory, "new_client"), form)

    value = made.context["shown"].value
    client = OAuthClient.objects.get()
    page = alice_client.get(url(directory, "client", client.key)).content.decode()
    assert made["Cache-Control"].count("no-store") == 1
    assert value in made.content.decode()
    assert value not in page
    assert ClientSecret.objects.get().hint in page
    assert value not in str(alice_client.session.items())
    assert ask(directory, basic=(client.key, value)).status == 200


def test_dialog_is_the_same_as_the_page(
    alice_client: Client, directory: Directory
) -> None:
    headers = {"HX-Request": "true"}
    asked = alice_client.get(url(directory, "new_client"), headers=headers)
    made = alice_client.post(
        url(directory, "new_client"), {"name": "x", "method": "secret"}, headers=headers
    )

    assert "<dialog" in asked.content.decode()
    assert 'hx-post="' in asked.content.decode()
    assert "data-keep-open" in made.content.decode()


def test_third_secret_is_refused_with_the_way_on(
    alice_client: Client, directory: Directory, alice: User
) -> None:
    issued = clients.add_with_secret(
        directory, name="x", actor=alice, now=database_now()
    )
    key = issued.secret.client.key

    second = alice_client.post(url(directory, "new_secret", key))
    third = alice_client.post(url(directory, "new_secret", key), follow=True)

    assert second.context["shown"].value.startswith("kws_")
    assert "two working secrets" in third.content.decode()
    assert "Generate new secret" not in third.content.decode()
    assert ClientSecret.objects.count() == 2


def test_client_with_a_key_is_added_and_gets_other_keys(
    alice_client: Client, directory: Directory
) -> None:
    form = {"name": "okta", "method": "private_key", "public_key": signer.rsa().pem}

    alice_client.post(url(directory, "new_client"), form)
    client = OAuthClient.objects.get()
    alice_client.post(
        url(directory, "keys", client.key), {"public_key": signer.ec().pem}
    )

    client.refresh_from_db()
    assert [key["kty"] for key in client.public_keys] == ["EC"]
    assert (
        alice_client.post(url(directory, "new_secret", client.key)).status_code == 302
    )
    assert not ClientSecret.objects.exists()


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({}, "Enter a name."),
        ({"name": "x"}, "Choose how the client proves itself."),
        ({"name": "x", "method": "magic"}, "Choose one of the ways"),
        ({"name": "x", "method": "private_key"}, "Enter the public key."),
        ({"name": "x", "method": "private_key", "public_key": "x"}, "no usable key"),
    ],
    ids=str,
)
def test_wrong_form_says_what_would_be_right(
    alice_client: Client, directory: Directory, form: dict[str, str], words: str
) -> None:
    answer = alice_client.post(url(directory, "new_client"), form)

    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not OAuthClient.objects.exists()


def test_private_key_is_refused_and_not_sent_back(
    alice_client: Client, directory: Directory
) -> None:
    private = signer.ec().private_pem
    form = {"name": "okta", "method": "private_key", "public_key": private}

    answer = alice_client.post(url(directory, "new_client"), form)

    assert answer.status_code == 422
    assert "This is a private key." in answer.content.decode()
    assert private.split("\n")[1] not in answer.content.decode()
    assert 'value="okta"' in answer.content.decode()


def test_both_ways_stand_side_by_side_with_what_was_used_last(
    alice_client: Client, integration: Integration, alice: User, scim: ScimClient
) -> None:
    """S0-127."""
    directory = integration.directory
    issued = clients.add_with_secret(
        directory, name="entra-prod", actor=alice, now=database_now()
    )
    scim.get("/Users")
    before = services_page(alice_client, integration)
    token = ask(directory, basic=(issued.secret.client.key, issued.plaintext))
    ScimClient(directory, token.access_token).get("/Users")

    after = services_page(alice_client, integration)

    assert "<strong>test</strong> (token)" in before
    assert "entra-prod" in before
    assert "<strong>entra-prod</strong> (OAuth client)" in after


def test_panel_costs_as_many_queries_for_many_as_for_one(
    alice_client: Client, integration: Integration, alice: User
) -> None:
    counts = []
    for number in (1, 6):
        for each in range(number):
            clients.add_with_secret(
                integration.directory,
                name=f"client {number} {each}",
                actor=alice,
                now=database_now(),
            )
        with statements() as sent:
            services_page(alice_client, integration)
        counts.append((len(sent), len(sent.on("tokens_oauthclient"))))

    assert counts[0] == counts[1]
    assert counts[0][1] == 2, "the list, and the places of Usual use"


def test_revoking_asks_then_ends(
    alice_client: Client, directory: Directory, alice: User
) -> None:
    issued = clients.add_with_secret(
        directory, name="x", actor=alice, now=database_now()
    )
    key, secret = issued.secret.client.key, issued.secret.key

    asked = alice_client.get(url(directory, "revoke_secret", key, secret))
    alice_client.post(url(directory, "revoke_secret", key, secret))
    again = alice_client.post(url(directory, "revoke_secret", key, secret), follow=True)
    alice_client.post(url(directory, "revoke_client", key))
    page = alice_client.get(url(directory, "client", key)).content.decode()

    assert "one working secret" in asked.content.decode()
    assert "revoked already" in again.content.decode()
    assert OAuthClient.objects.get().revoked_at is not None
    assert "Generate new secret" not in page


def test_trust_is_added_fetched_and_revoked(
    alice_client: Client, directory: Directory
) -> None:
    added = alice_client.post(url(directory, "new_trust"), TRUST, follow=True)
    twice = alice_client.post(url(directory, "new_trust"), TRUST, follow=True)
    trust = IdpTrust.objects.get()
    trusts.note_failure(trust, "The address did not answer.")
    page = alice_client.get(url(directory, "trust", trust.key)).content.decode()
    alice_client.post(url(directory, "fetch_keys", trust.key))
    alice_client.post(url(directory, "revoke_trust", trust.key))

    assert "Its keys are fetched" in added.content.decode()
    assert "Revoke that trust first" in twice.content.decode()
    assert "The address did not answer." in page
    assert Job.objects.filter(kind=trusts.FETCH, subject=trust.key).count() == 1
    trust.refresh_from_db()
    assert trust.revoked_at is not None


@pytest.mark.parametrize(
    "address",
    ["", "ftp://x/keys", "https://", "https://u:p@x/keys", "http://[", "x"],
    ids=str,
)
def test_address_of_keys_must_be_one(
    alice_client: Client, directory: Directory, address: str
) -> None:
    form = {**TRUST, "keys_url": address}

    answer = alice_client.post(url(directory, "new_trust"), form)

    assert answer.status_code == 422
    assert not IdpTrust.objects.exists()


def test_confirmation_is_asked_for_where_the_workspace_says_so(
    alice_client: Client, directory: Directory, workspace: Workspace
) -> None:
    workspace.confirmed_actions = ["tokens.let_in"]
    workspace.save()

    answer = alice_client.post(
        url(directory, "new_client"), {"name": "x", "method": "secret"}
    )

    assert answer.status_code == 403
    assert not OAuthClient.objects.exists()
