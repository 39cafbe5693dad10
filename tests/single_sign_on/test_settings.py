"""**Single sign-on** under Workspace Configuration."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from tests import factories
from tests.fakes.identity_provider import CLIENT_SECRET, Provider
from tests.single_sign_on.conftest import Door
from workspaces import audit, sign_in_providers
from workspaces.models import AuditEvent, SignInLink, SignInProvider, User, Workspace

PAGE = "/settings/single-sign-on/"


def form(idp: Provider, **changes: str) -> dict[str, str]:
    return {
        "name": "Acme ID",
        "issuer": idp.issuer,
        "client_id": "keyway",
        "client_secret": CLIENT_SECRET,
        **changes,
    }


def test_owner_saves_a_provider(
    alice_client: Client, idp: Provider, workspace: Workspace
) -> None:
    answer = alice_client.post(PAGE, form(idp, trusts_second_step="on"))

    assert answer.url == PAGE
    provider = SignInProvider.objects.get(workspace=workspace)
    assert provider.metadata["token_endpoint"] == f"{idp.issuer}/token"
    assert provider.trusts_second_step
    assert sign_in_providers.client_secret(provider) == CLIENT_SECRET
    assert CLIENT_SECRET not in provider.sealed_secret
    page = alice_client.get(PAGE).content.decode()
    assert CLIENT_SECRET not in page
    assert f"/login/sso/{workspace.public_id}/callback/" in page
    event = AuditEvent.objects.get(action=audit.SingleSignOn.SAVED)
    assert CLIENT_SECRET not in str(event.data)


def test_first_time_the_secret_is_needed(alice_client: Client, idp: Provider) -> None:
    answer = alice_client.post(PAGE, form(idp, client_secret=""))

    assert "Enter the client secret that the provider gave." in answer.content.decode()
    assert idp.asked == []


def test_owner_proves_anew_who_it_is(
    alice_client: Client, idp: Provider, workspace: Workspace
) -> None:
    session = alice_client.session
    del session["proof"]
    session.save()

    answer = alice_client.post(PAGE, form(idp))

    assert answer.url.startswith("/security/confirm/")
    assert not SignInProvider.objects.exists()


def test_empty_secret_keeps_the_present_one(
    alice_client: Client, provider: SignInProvider, idp: Provider
) -> None:
    alice_client.post(PAGE, form(idp, name="Another name", client_secret=""))

    kept = SignInProvider.objects.get()
    assert kept.name == "Another name"
    assert sign_in_providers.client_secret(kept) == CLIENT_SECRET


@pytest.mark.parametrize(
    "change", [{"client_id": "another"}, {"issuer": "http://127.0.0.1:9"}]
)
def test_kept_secret_is_told_to_nobody_else(
    alice_client: Client, provider: SignInProvider, idp: Provider, change: Any
) -> None:
    answer = alice_client.post(PAGE, form(idp, client_secret="", **change))

    assert answer.status_code == 422
    assert "told to no other issuer" in answer.content.decode()
    assert idp.asked[-1].path == "/.well-known/openid-configuration"
    assert SignInProvider.objects.get().client_id == "keyway"


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"issuer": "https://evil.test"}, "calls itself https://evil.test"),
        ({"jwks_uri": "file:///etc/passwd"}, "no usable jwks_uri"),
        ({"token_endpoint": None}, "no usable token_endpoint"),
        (
            {"token_endpoint_auth_methods_supported": ["private_key_jwt"]},
            "takes no client secret",
        ),
    ],
)
def test_unusable_provider_is_refused_with_the_reason(
    alice_client: Client, idp: Provider, overrides: Any, words: str
) -> None:
    idp.overrides = overrides

    answer = alice_client.post(PAGE, form(idp))

    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert CLIENT_SECRET not in answer.content.decode()
    assert not SignInProvider.objects.exists()


@pytest.mark.parametrize(
    ("issuer", "words"),
    [
        ("http://127.0.0.1:9", "cannot be reached"),
        ("https://10.0.0.7", "is not allowed"),
        ("https://169.254.169.254", "is not allowed"),
        ("ftp://idp.test", "is not usable"),
        ("no address", "is not usable"),
        ("", "Enter the issuer"),
    ],
)
def test_issuer_that_cannot_be_called_is_refused(
    alice_client: Client, idp: Provider, issuer: str, words: str
) -> None:
    answer = alice_client.post(PAGE, form(idp, issuer=issuer))

    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert "The app" not in answer.content.decode()


def test_loopback_is_closed_unless_the_operator_opens_it(
    alice_client: Client, idp: Provider, settings: Settings
) -> None:
    settings.KEYWAY_ALLOWED_NETWORKS = []

    answer = alice_client.post(PAGE, form(idp))

    assert "is not allowed" in answer.content.decode()
    assert idp.asked == []


def test_another_issuer_unlinks_everybody(
    door: Door, alice: User, bob: User, provider: SignInProvider
) -> None:
    door.sign_in()
    wanted = sign_in_providers.Settings(
        name="New",
        issuer="https://new.test",
        client_id="keyway",
        client_secret="x",
        trusts_second_step=False,
        metadata=provider.metadata,
    )

    sign_in_providers.save(
        provider.workspace, wanted, actor=alice, now=provider.changed_at
    )

    assert not SignInLink.objects.exists()
    event = AuditEvent.objects.filter(action=audit.SingleSignOn.SAVED).latest("id")
    assert event.data["unlinked"] == 1


def test_owner_unlinks_a_member_and_deletes_the_provider(
    door: Door, alice: User, bob: User
) -> None:
    door.sign_in()
    link = SignInLink.objects.get()
    client = Client()
    client.force_login(alice)

    path = f"{PAGE}links/{link.public_id}/unlink/"
    assert b"no longer vouches for" in client.get(path).content
    assert client.post(path).url == PAGE
    assert client.post(f"{PAGE}{link.provider.public_id}/delete/").url == PAGE

    assert not SignInProvider.objects.exists()
    done = AuditEvent.objects.order_by("-id").values_list("action", "actor")[:2]
    assert list(done) == [
        (audit.SingleSignOn.DELETED, alice.pk),
        (audit.SingleSignOn.UNLINKED, alice.pk),
    ]


def test_list_of_links_costs_the_same_for_one_and_for_many(
    alice_client: Client,
    provider: SignInProvider,
    django_assert_num_queries: Any,
) -> None:
    alice_client.get(PAGE)

    for count in (1, 9):
        for number in range(count):
            user = factories.UserFactory()
            SignInLink.objects.create(
                workspace=provider.workspace,
                provider=provider,
                user=user,
                subject=f"{count}-{number}",
                made_at=provider.changed_at,
                last_used_at=provider.changed_at,
            )
        with django_assert_num_queries(15):
            alice_client.get(PAGE)


@pytest.mark.parametrize(
    "overrides",
    [
        {"jwks_uri": "https://[::1"},
        {"token_endpoint": "https://idp.test/\x00"},
        {"authorization_endpoint": "https://idp.test/\ud800"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"issuer": "\ud800"},
        {"issuer": ["https://idp.test"]},
    ],
    ids=["host", "NUL", "surrogate", "script", "issuer", "list"],
)
def test_discovery_document_that_is_unusable_is_refused_in_words(
    alice_client: Client, idp: Provider, overrides: dict[str, object]
) -> None:
    idp.overrides = overrides

    answer = alice_client.post(PAGE, form(idp))

    assert answer.status_code == 422
    assert "The identity provider " in answer.content.decode()
    assert not SignInProvider.objects.exists()
