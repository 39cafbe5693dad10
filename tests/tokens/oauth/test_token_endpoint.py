"""An access token for client id and secret: RFC 6749 section 4.4."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from pytest_django import Settings

from tests.conftest import ScimClient
from tests.scim.counting import statements
from tests.tokens.oauth.conftest import GRANT, Answer, ask, post
from tokens import credential, leaks, services
from tokens.audit import Action
from tokens.credential import Kind
from tokens.models import AccessToken, ClientSecret, OAuthClient
from tokens.oauth import clients, endings, grants
from tokens.oauth.clients import IssuedSecret
from workspaces.clock import database_now
from workspaces.models import AuditEvent, Directory, Job, User, Workspace

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def get_token(directory: Directory, issued: IssuedSecret) -> Answer:
    return ask(directory, basic=(issued.secret.client.key, issued.plaintext))


def users(directory: Directory, token: str) -> int:
    return ScimClient(directory, token).get("/Users").status


def test_basic_and_post_both_give_a_token_of_one_hour(
    directory: Directory, issued: IssuedSecret
) -> None:
    client = issued.secret.client.key

    for answer in (
        ask(directory, basic=(client, issued.plaintext)),
        ask(directory, client_id=client, client_secret=issued.plaintext),
    ):
        assert answer.status == 200
        assert answer.body["token_type"] == "Bearer"
        assert answer.body["expires_in"] == 3600
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.access_token.startswith("kwo_")
        assert users(directory, answer.access_token) == 200


def test_value_is_kept_as_a_digest_only(
    directory: Directory, issued: IssuedSecret
) -> None:
    """S0-128."""
    value = get_token(directory, issued).access_token

    kept = str(list(AccessToken.objects.values()) + list(ClientSecret.objects.values()))
    told = str(list(AuditEvent.objects.values()))
    for secret in (value, issued.plaintext):
        assert secret not in kept + told
        assert secret[16:59] not in kept + told


def test_issue_use_and_make_are_written_down(
    directory: Directory, issued: IssuedSecret
) -> None:
    """S0-129."""
    value = get_token(directory, issued).access_token
    users(directory, value)

    client = OAuthClient.objects.get()
    assert client.last_used_address == "127.0.0.1"
    assert ClientSecret.objects.get().last_used_at is not None
    for action in (Action.CLIENT_ADDED, Action.OAUTH_GENERATED, Action.ACCESS_ISSUED):
        assert AuditEvent.objects.filter(action=action).count() == 1


def test_access_token_authenticates_with_one_query(
    directory: Directory, issued: IssuedSecret
) -> None:
    scim = ScimClient(directory, get_token(directory, issued).access_token)
    scim.get("/Users")

    with statements() as sent:
        scim.get("/Users")

    assert len(sent.on("tokens_")) == 1


@pytest.mark.parametrize(
    ("basic", "form"),
    [
        (None, {}),
        (None, {"client_id": "{id}"}),
        (("{id}", ""), {}),
        (("{id}", "kws_wrong"), {}),
        (("unknown", "{secret}"), {}),
        (("", "{secret}"), {}),
        (None, {"client_secret": "{secret}"}),
        (None, {"client_id": "a\x00b", "client_secret": "{secret}"}),
        (
            None,
            {
                "client_id": "{id}",
                "client_assertion": "x",
                "client_assertion_type": TYPE,
            },
        ),
    ],
    ids=str,
)
def test_wrong_proof_gets_invalid_client_with_a_challenge(
    directory: Directory,
    issued: IssuedSecret,
    basic: tuple[str, str] | None,
    form: dict[str, str],
) -> None:
    values = {"id": issued.secret.client.key, "secret": issued.plaintext}
    filled = {name: text.format(**values) for name, text in form.items()}
    header = tuple(text.format(**values) for text in basic) if basic else None

    answer = ask(directory, basic=header, **filled)  # type: ignore[arg-type]

    assert answer.status == 401
    assert answer.body["error"] == "invalid_client"
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    assert issued.plaintext not in str(answer.body)
    assert not AccessToken.objects.exists()


@pytest.mark.parametrize("encoded", ["!!!", "bm9jb2xvbg==", "/w=="], ids=str)
def test_broken_basic_header_is_an_invalid_client(
    directory: Directory, encoded: str
) -> None:
    answer = post(directory, GRANT, {"authorization": f"Basic {encoded}"})

    assert (answer.status, answer.body["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ("", "invalid_request"),
        ("grant_type=", "invalid_request"),
        ("grant_type=password", "unsupported_grant_type"),
        ("grant_type=authorization_code&code=1", "unsupported_grant_type"),
        (
            "grant_type=client_credentials&grant_type=client_credentials",
            "invalid_request",
        ),
        ("&".join(f"f{n}=1" for n in range(30)), "invalid_request"),
        ("grant_type=client_credentials&client_assertion=x", "invalid_request"),
        (
            "grant_type=client_credentials&client_secret=a&client_assertion=x",
            "invalid_request",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_request_that_is_none_says_what_is_wrong(
    directory: Directory, form: str, error: str
) -> None:
    answer = post(directory, form, {})

    assert (answer.status, answer.body["error"]) == (400, error)
    assert answer.body["error_description"]


def test_two_proofs_at_once_are_refused(
    directory: Directory, issued: IssuedSecret
) -> None:
    client = issued.secret.client.key

    both = ask(
        directory, basic=(client, issued.plaintext), client_secret=issued.plaintext
    )
    other = ask(directory, basic=(client, issued.plaintext), client_id="another")

    assert {both.body["error"], other.body["error"]} == {"invalid_request"}


def test_other_methods_and_bodies_are_refused(directory: Directory) -> None:
    url = f"/scim/{directory.key}/oauth/token"

    got = Client().get(url)
    json = Client().post(url, "{}", content_type="application/json")
    bytes_ = Client().post(
        url, b"\xff", content_type="application/x-www-form-urlencoded"
    )

    assert (got.status_code, got["Allow"]) == (405, "POST")
    assert (json.status_code, bytes_.status_code) == (400, 400)


def test_client_of_another_directory_gets_nothing(
    issued: IssuedSecret, other_integration: object, directory: Directory
) -> None:
    other = Directory.objects.exclude(workspace=directory.workspace)[0]

    assert get_token(other, issued).status == 401
    token = get_token(directory, issued).access_token
    assert users(other, token) == 401
    assert AuditEvent.objects.filter(action=Action.CLIENT_REFUSED).count() == 1


def test_revoked_client_ends_its_access_tokens_at_once(
    directory: Directory, issued: IssuedSecret, alice: User
) -> None:
    token = get_token(directory, issued).access_token

    endings.revoke(issued.secret.client, actor=alice, now=database_now())

    assert users(directory, token) == 401
    assert get_token(directory, issued).status == 401
    event = AuditEvent.objects.get(action=Action.CLIENT_REFUSED)
    assert event.data["reason"] == "Revoked"


def test_secrets_are_rotated_without_a_gap(
    directory: Directory, issued: IssuedSecret, alice: User
) -> None:
    old = get_token(directory, issued).access_token
    now = database_now()

    second = clients.new_secret(issued.secret.client, actor=alice, now=now)
    assert get_token(directory, issued).status == 200
    new = get_token(directory, second).access_token
    clients.revoke_secret(issued.secret, actor=alice, now=now)

    assert get_token(directory, issued).status == 401
    assert users(directory, old) == 401
    assert users(directory, new) == 200


def test_access_token_ends_after_its_hour_and_its_secret_after_two_years(
    directory: Directory, issued: IssuedSecret
) -> None:
    token = get_token(directory, issued).access_token

    AccessToken.objects.update(expires_at=database_now())
    ClientSecret.objects.update(expires_at=database_now())

    assert users(directory, token) == 401
    assert get_token(directory, issued).status == 401
    assert issued.secret.expires_at - issued.secret.created_at == timedelta(days=730)


def test_wrong_secret_of_a_right_key_is_refused_and_leaves_no_trace(
    directory: Directory, issued: IssuedSecret
) -> None:
    real = get_token(directory, issued).access_token
    guess = credential.Credential(Kind.ACCESS, real[4:16], "s" * 43).plaintext
    secret = credential.Credential(Kind.CLIENT, issued.plaintext[4:16], "s" * 43)
    events = AuditEvent.objects.count()

    assert users(directory, guess) == 401
    assert (
        ask(directory, basic=(issued.secret.client.key, secret.plaintext)).status == 401
    )
    assert users(directory, issued.plaintext) == 401
    assert AuditEvent.objects.count() == events


def test_static_token_and_client_work_side_by_side(
    directory: Directory, issued: IssuedSecret, scim: ScimClient, alice: User
) -> None:
    token = get_token(directory, issued).access_token

    assert scim.get("/Users").status == 200
    created = ScimClient(directory, token).add_user()
    services.revoke(directory.tokens.get(), actor=alice, now=database_now())

    assert scim.get("/Users").status == 401
    found = ScimClient(directory, token).get(f"/Users/{created['id']}")
    assert found.status == 200


def test_too_many_requests_wait(
    directory: Directory, issued: IssuedSecret, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grants, "BURST_OF_ONE_CLIENT", 1)
    monkeypatch.setattr(grants, "BURST_OF_ONE_ADDRESS", 3)

    first, second = (get_token(directory, issued) for _ in range(2))
    third, fourth = (ask(directory) for _ in range(2))

    assert [a.status for a in (first, second, third, fourth)] == [200, 429, 401, 429]
    assert int(second.headers["Retry-After"]) > 0


@pytest.mark.parametrize("kind", ["secret", "access token"])
def test_leaked_value_is_ended(
    directory: Directory, issued: IssuedSecret, kind: str
) -> None:
    token = get_token(directory, issued).access_token
    value = issued.plaintext if kind == "secret" else token

    assert leaks.report(value, now=database_now())
    assert not leaks.report(value, now=database_now())

    assert users(directory, token) == 401
    expected = 401 if kind == "secret" else 200
    assert get_token(directory, issued).status == expected


def test_key_rotation_renews_the_digest_of_a_secret_that_is_used(
    directory: Directory, issued: IssuedSecret, settings: Settings
) -> None:
    settings.KEYWAY_TOKEN_KEYS = {**settings.KEYWAY_TOKEN_KEYS, 2: b"k" * 32}

    assert get_token(directory, issued).status == 200

    assert ClientSecret.objects.get().digest_key == 2
    settings.KEYWAY_TOKEN_KEYS = {2: b"k" * 32}
    assert get_token(directory, issued).status == 200


def test_metadata_names_the_endpoint(directory: Directory) -> None:
    answer = (
        Client().get(f"/.well-known/oauth-authorization-server{directory.path}").json()
    )

    assert answer["issuer"] == directory.base_url
    assert answer["token_endpoint"].endswith(f"/scim/{directory.key}/oauth/token")
    assert answer["grant_types_supported"] == ["client_credentials"]
    assert "none" not in answer["token_endpoint_auth_signing_alg_values_supported"]


def test_pruning_deletes_what_has_ended(
    directory: Directory, issued: IssuedSecret, workspace: Workspace
) -> None:
    get_token(directory, issued)
    get_token(directory, issued)
    old = AccessToken.objects.order_by("id")[0]
    AccessToken.objects.filter(pk=old.pk).update(
        expires_at=database_now() - timedelta(days=2)
    )

    done = grants.prune(Job(workspace=workspace))

    assert done == {"access_tokens": 1, "assertions": 0}
    assert AccessToken.objects.count() == 1
