"""Whether an ID token is to be believed: OpenID Connect Core 1.0, section 3.1.3.7."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet, import_key

ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
)
"""Signatures by a private key. Not `none`, and no HMAC: a public key is no secret."""

LEEWAY_SECONDS = 60
_PUBLIC = ("RSA", "EC", "OKP")
_BROKEN = (JoseError, ValueError, TypeError, KeyError, RecursionError)

Claims = dict[str, Any]


class NotBelieved(Exception):
    """The token proves nothing. `reason` is a word for the audit log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def believed(
    token: str,
    jwks: dict[str, Any],
    *,
    issuer: str,
    client_id: str,
    nonce: str,
    now: datetime,
) -> Claims:
    """Return the claims of an ID token that this provider made for this sign-in.

    Raises NotBelieved.
    """
    claims = _signed(token, jwks)
    rules = jwt.JWTClaimsRegistry(
        now=int(now.timestamp()),
        leeway=LEEWAY_SECONDS,
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": client_id},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True, "value": nonce},
    )
    try:
        rules.validate(claims)
    except JoseError as error:
        claim = getattr(error, "claim", "")
        raise NotBelieved(f"id_token_{error.error}_{claim}".rstrip("_")) from None
    if not _is_for(claims, client_id):
        raise NotBelieved("id_token_invalid_claim_azp")
    return claims


def _signed(token: str, jwks: dict[str, Any]) -> Claims:
    published = jwks.get("keys")
    found = map(_usable, published) if isinstance(published, list) else ()
    try:
        key_set = KeySet([key for key in found if key])
        return dict(jwt.decode(token, key_set, algorithms=ALGORITHMS).claims)
    except _BROKEN as error:
        word = error.error if isinstance(error, JoseError) else "malformed"
        raise NotBelieved(f"id_token_{word}") from None


def _usable(key: object) -> Key | None:
    """Return a published key that can check signatures.

    None if it is for something else, or not understood: RFC 7517 section 5.
    """
    if not isinstance(key, dict) or key.get("use", "sig") != "sig":
        return None
    try:
        return import_key(key) if key.get("kty") in _PUBLIC else None
    except _BROKEN:
        return None


def _is_for(claims: Claims, client_id: str) -> bool:
    """Say whether, of several audiences, it is we for whom the token was made."""
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    party = claims.get("azp")
    return party == client_id if several or party is not None else True
