"""ID tokens: what is believed, and the ways in which one is not."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from integrations.single_sign_on.id_token import NotBelieved, believed
from tests.fakes.identity_provider import KEY, jwks

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
AT = int(NOW.timestamp())
CLAIMS = {
    "iss": "https://idp.test",
    "aud": "keyway",
    "sub": "s-1",
    "nonce": "n-1",
    "iat": AT,
    "exp": AT + 300,
}


def check(token: str, keys: dict[str, Any] | None = None) -> dict[str, Any]:
    return believed(
        token,
        jwks() if keys is None else keys,
        issuer="https://idp.test",
        client_id="keyway",
        nonce="n-1",
        now=NOW,
    )


def signed(key: Any = KEY, alg: str = "ES256", **changes: Any) -> str:
    claims = {k: v for k, v in {**CLAIMS, **changes}.items() if v is not None}
    return jwt.encode({"alg": alg, "kid": "one"}, claims, key, [alg])


@pytest.mark.parametrize(
    "changes",
    [{}, {"aud": ["keyway"]}, {"aud": ["keyway", "other"], "azp": "keyway"}],
    ids=["plain", "one audience in a list", "several, made for us"],
)
def test_token_of_this_sign_in_is_believed(changes: dict[str, Any]) -> None:
    assert check(signed(**changes))["sub"] == "s-1"


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (RSAKey.generate_key(2048, {"kid": "one"}), "RS256"),
        (OKPKey.generate_key("Ed25519", {"kid": "one"}), "Ed25519"),
        pytest.param(
            OKPKey.generate_key("Ed25519", {"kid": "one"}),
            "EdDSA",
            # Providers still use the name that RFC 9864 replaces.
            marks=pytest.mark.filterwarnings("ignore:EdDSA is deprecated"),
        ),
    ],
    ids=["RSA", "Ed25519", "EdDSA"],
)
def test_other_kinds_of_key_are_believed_too(key: Any, algorithm: str) -> None:
    assert check(signed(key, algorithm), {"keys": [key.as_dict(private=False)]})


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": "https://evil.test"}, "id_token_invalid_claim_iss"),
        ({"aud": "another-client"}, "id_token_invalid_claim_aud"),
        ({"aud": ["other", "third"]}, "id_token_invalid_claim_aud"),
        ({"aud": ["keyway", "other"]}, "id_token_invalid_claim_azp"),
        ({"azp": "another-client"}, "id_token_invalid_claim_azp"),
        ({"nonce": "of-another-sign-in"}, "id_token_invalid_claim_nonce"),
        ({"nonce": None}, "id_token_missing_claim_nonce"),
        ({"exp": AT - 61}, "id_token_expired_token_exp"),
        ({"exp": None}, "id_token_missing_claim_exp"),
        ({"iat": AT + 3600}, "id_token_invalid_claim_iat"),
        ({"sub": None}, "id_token_missing_claim_sub"),
        ({"sub": 7}, "id_token_invalid_claim_sub"),
    ],
)
def test_claim_of_another_sign_in_is_refused(
    changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(NotBelieved) as refused:
        check(signed(**changes))

    assert refused.value.reason == reason


def _unsigned() -> str:
    parts = ({"alg": "none", "kid": "one"}, CLAIMS)
    encoded = (base64.urlsafe_b64encode(json.dumps(p).encode()) for p in parts)
    return ".".join(part.rstrip(b"=").decode() for part in encoded) + "."


def _hmac_with_public_key() -> str:
    published = json.dumps(KEY.as_dict(private=False)).encode()
    return signed(OctKey.import_key(published), "HS256")


def _other_key_same_name() -> str:
    return signed(ECKey.generate_key("P-256", {"kid": "one"}))


@pytest.mark.parametrize(
    "forge",
    [
        _unsigned,
        _hmac_with_public_key,
        _other_key_same_name,
        lambda: signed().rpartition(".")[0] + ".",
        lambda: "no token",
        lambda: "",
    ],
    ids=["alg none", "HS256", "another key", "no signature", "no token", "nothing"],
)
def test_what_the_provider_did_not_sign_is_refused(forge: Any) -> None:
    with pytest.raises(NotBelieved):
        check(forge())


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"keys": "none"},
        {"keys": []},
        {"keys": [7]},
        {"keys": [{"kty": "oct", "k": "AAAA", "kid": "one"}]},
        {"keys": [{"kty": "EC", "kid": "one"}]},
    ],
)
def test_without_a_public_key_nothing_is_believed(keys: dict[str, Any]) -> None:
    with pytest.raises(NotBelieved):
        check(signed(), keys)


def test_keys_that_are_not_understood_stop_nobody() -> None:
    strange = [
        {"kty": ["RSA"]},
        {"kty": "OKP", "crv": "X25519", "x": "AA"},
        {"kty": "EC", "crv": {}, "x": 5},
        {**jwks()["keys"][0], "kid": 5},
        "text",
    ]

    keys = {"keys": [*strange, *jwks()["keys"]]}

    assert check(signed(), keys)["sub"] == "s-1"
