"""A client that signs JWTs in place of a secret: RFC 7523 section 3."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwk

from tests.fakes import signer
from tests.tokens.oauth.conftest import Answer, ask
from tests.tokens.oauth.test_token_endpoint import TYPE, users
from tokens.audit import Action
from tokens.models import AccessToken, OAuthClient, UsedAssertion
from tokens.oauth import clients, endings, jose, proof
from tokens.oauth.grants import token_url
from workspaces.clock import database_now
from workspaces.models import AuditEvent, Directory, User


@pytest.fixture
def client_(directory: Directory, alice: User) -> OAuthClient:
    published = signer.jwks(signer.rsa(), signer.ec())
    keys = [
        *jose.read_public_keys(json.dumps(published)),
        *jose.read_public_keys(signer.ed25519().pem),
    ]
    return clients.add_with_keys(
        directory, name="okta", keys=keys, actor=alice, now=database_now()
    )


def claims_of(client: OAuthClient, **other: Any) -> dict[str, Any]:
    audience = token_url(client.directory)
    return {"iss": client.key, "sub": client.key, "aud": audience, **other}


def send(client: OAuthClient, assertion: str, **form: str) -> Answer:
    return ask(
        client.directory,
        client_assertion=assertion,
        client_assertion_type=TYPE,
        **form,
    )


def test_jwt_of_the_client_gives_an_access_token(client_: OAuthClient) -> None:
    thumbprint = client_.public_keys[-1]["kid"]
    for assertion, form in (
        (signer.rsa().sign(claims_of(client_)), {}),
        (signer.ed25519().sign(claims_of(client_), kid=thumbprint), {}),
        (signer.ec().sign(claims_of(client_)), {"client_id": client_.key}),
        (signer.ec().sign(claims_of(client_, aud=[client_.directory.base_url])), {}),
    ):
        answer = send(client_, assertion, **form)

        assert answer.status == 200, answer.body
        assert users(client_.directory, answer.access_token) == 200


def test_jwt_is_good_once(client_: OAuthClient) -> None:
    assertion = signer.rsa().sign(claims_of(client_))

    first, second = send(client_, assertion), send(client_, assertion)

    assert (first.status, second.status) == (200, 401)
    assert UsedAssertion.objects.count() == 1
    event = AuditEvent.objects.get(action=Action.CLIENT_REFUSED)
    assert event.data["reason"] == "Its jti was used before"


@pytest.mark.parametrize(
    ("claims", "header"),
    [
        ({"aud": "https://other.example/token"}, {}),
        ({"aud": None}, {}),
        ({"iss": "somebody"}, {}),
        ({"sub": "somebody"}, {}),
        ({"sub": 7}, {}),
        ({"jti": None}, {}),
        ({"jti": "j" * 501}, {}),
        ({"exp": None}, {}),
        ({"exp": "soon"}, {}),
        ({"exp": 10**400}, {}),
        ({"exp": timedelta(seconds=-120)}, {}),
        ({"exp": timedelta(seconds=7200)}, {}),
        ({"nbf": timedelta(seconds=120)}, {}),
        ({"iat": timedelta(seconds=120)}, {}),
        ({}, {"kid": "another"}),
        ({}, {"kid": None}),
    ],
    ids=str,
)
def test_jwt_that_does_not_fit_is_an_invalid_client(
    client_: OAuthClient, claims: dict[str, Any], header: dict[str, Any]
) -> None:
    assertion = signer.rsa().sign(claims_of(client_, **claims), **header)

    answer = send(client_, assertion, client_id=client_.key)

    assert (answer.status, answer.body["error"]) == (401, "invalid_client")


def test_only_the_clients_own_keys_count(client_: OAuthClient) -> None:
    """Neither another key of the same id, nor none, nor the public key as a secret."""
    claims = claims_of(client_, exp=int(time.time()) + 60, jti="1")
    pem = signer.rsa().pem.encode()
    other = signer.Signer(jwk.RSAKey.generate_key(2048, {"kid": "rsa-1"}), "RS256")
    forged = [
        other.sign(claims),
        signer.forged(claims, algorithm="HS256", kid="rsa-1", secret=pem),
        signer.forged(claims, algorithm="none", kid="rsa-1", secret=b""),
        signer.rsa().sign(claims)[:-8] + "AAAAAAAA",
        other.sign(claims, jwk=other.public, kid=None),
        other.sign(claims, jku="http://127.0.0.1/keys"),
    ]

    assert [send(client_, one).status for one in forged] == [401] * len(forged)
    assert not UsedAssertion.objects.exists()


def test_revoked_client_and_removed_key_are_refused(
    client_: OAuthClient, alice: User
) -> None:
    now = database_now()
    token = send(client_, signer.rsa().sign(claims_of(client_))).access_token

    clients.replace_keys(
        client_, jose.read_public_keys(signer.ec().pem), actor=alice, now=now
    )
    assert users(client_.directory, token) == 401
    assert send(client_, signer.rsa().sign(claims_of(client_))).status == 401
    # A single key needs no id: PEM has none.
    assert send(client_, signer.ec().sign(claims_of(client_), kid=None)).status == 200
    endings.revoke(client_, actor=alice, now=now)

    assert send(client_, signer.ec().sign(claims_of(client_), kid=None)).status == 401


def test_other_key_of_the_same_id_ends_what_the_former_fetched(
    client_: OAuthClient, alice: User
) -> None:
    token = send(client_, signer.rsa().sign(claims_of(client_))).access_token
    other = signer.Signer(jwk.RSAKey.generate_key(2048, {"kid": "rsa-1"}), "RS256")
    kept = [key for key in client_.public_keys if key["kid"] != "rsa-1"]

    clients.replace_keys(
        client_,
        [*kept, *jose.read_public_keys(json.dumps(other.public))],
        actor=alice,
        now=database_now(),
    )

    assert users(client_.directory, token) == 401
    assert send(client_, signer.rsa().sign(claims_of(client_))).status == 401
    assert send(client_, other.sign(claims_of(client_))).status == 200


def test_keys_that_are_replaced_meanwhile_fetch_nothing(
    client_: OAuthClient, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def proven_and_then_replaced(*_: object, **__: object) -> proof.Proven:
        keys, now = jose.read_public_keys(signer.ec().pem), database_now()
        clients.replace_keys(client_, keys, actor=alice, now=now)
        return proof.Proven(client_, None)

    monkeypatch.setattr(proof, "prove", proven_and_then_replaced)

    answer = send(client_, signer.rsa().sign(claims_of(client_)))

    assert (answer.status, answer.body["error"]) == (401, "invalid_client")
    assert not AccessToken.objects.exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no usable key"),
        ("hello", "no usable key"),
        ("{", "not JSON"),
        ('{"keys": 7}', "is a list"),
        ('{"keys": [7, {}]}', "no usable key"),
        ('{"kty": "RSA", "n": "AQAB", "e": "AQAB"}', "no usable key"),
        ('{"kty": "oct", "k": "c2VjcmV0"}', "private key"),
        (
            "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
            "cannot be read",
        ),
    ],
    ids=str,
)
def test_text_that_is_no_public_key_says_so(text: str, words: str) -> None:
    with pytest.raises(jose.NoPublicKey, match=words):
        jose.read_public_keys(text)


def test_weak_and_private_keys_are_refused() -> None:
    weak = generate_private_key(65537, 1024).public_key()
    pem = weak.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    private = json.dumps(signer.ec().key.as_dict(private=True))

    with pytest.raises(jose.NoPublicKey, match="2048"):
        jose.read_public_keys(pem.decode())
    for text in (private, signer.ec().private_pem):
        with pytest.raises(jose.PrivateKey):
            jose.read_public_keys(text)
