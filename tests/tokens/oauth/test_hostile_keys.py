"""Keys and JWTs that are made to break what reads them."""

from __future__ import annotations

import base64
import json
import time

import pytest
from django.test import Client

from tests.fakes import signer
from tests.tokens.oauth.conftest import ask
from tests.tokens.oauth.test_token_endpoint import TYPE
from tokens.oauth import jose
from workspaces.models import Directory

DEEP = "[" * 11_000


def unsigned(header: str, claims: str) -> str:
    parts = [base64.urlsafe_b64encode(part.encode()) for part in (header, claims)]
    return b".".join([*(part.rstrip(b"=") for part in parts), b"AA"]).decode()


@pytest.mark.parametrize(
    ("header", "claims"),
    [
        ('{"alg":"RS256"}', f'{{"sub":{DEEP}'),
        (f'{{"alg":"RS256","a":{DEEP}', "{}"),
        ('{"alg":["RS256"]}', "{}"),
        ("[]", "[]"),
    ],
    ids=["deep claims", "deep header", "algorithms", "lists"],
)
def test_jwt_that_cannot_be_read_opens_nothing(
    directory: Directory, header: str, claims: str
) -> None:
    jwt = unsigned(header, claims)

    answer = ask(directory, client_assertion=jwt, client_assertion_type=TYPE)
    scim = Client().get(
        f"/scim/{directory.key}/v2/Users", headers={"authorization": f"Bearer {jwt}"}
    )

    assert (answer.status, answer.body["error"]) == (401, "invalid_client")
    assert scim.status_code == 401


@pytest.mark.parametrize(
    "text",
    ['{"keys":' + "[" * 50_000, '{"a":' * 9_000, "-----BEGIN A-----" * 3_500],
    ids=["deep list", "deep objects", "beginnings"],
)
def test_text_without_end_is_no_key_and_takes_no_time(text: str) -> None:
    began = time.process_time()

    with pytest.raises(jose.NoPublicKey):
        jose.read_public_keys(text)

    assert time.process_time() - began < 0.5


@pytest.mark.parametrize("kid", ["a\x00b", "\ud800"], ids=["NUL", "surrogate"])
def test_key_whose_id_no_database_takes_is_left_out(kid: str) -> None:
    good, bad = signer.rsa().public, {**signer.ec().public, "kid": kid}

    assert [key["kid"] for key in jose.usable_keys({"keys": [bad, good]})] == [
        good["kid"]
    ]
    with pytest.raises(jose.NoPublicKey):
        jose.read_public_keys(json.dumps(bad))


@pytest.mark.parametrize(
    ("known", "unknown"),
    [("2a8648ce3d030107", "2a8648ce3d030106"), ("2a8648ce3d0201", "2a8648ce3d0209")],
    ids=["curve", "kind"],
)
def test_key_of_a_kind_that_nobody_knows_is_refused(known: str, unknown: str) -> None:
    lines = signer.ec().pem.split("\n")[1:-2]
    whole = base64.b64decode("".join(lines)).hex().replace(known, unknown)
    text = base64.b64encode(bytes.fromhex(whole)).decode()

    with pytest.raises(jose.NoPublicKey, match="cannot be read"):
        jose.read_public_keys(
            f"-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----"
        )
