"""Whether an ID token is to be believed: OpenID Connect Core 1.0, section 3.1.3.7."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError

from tokens.oauth import jose

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
        leeway=jose.SKEW_SECONDS,
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
    try:
        return jose.signed_claims(token, jose.usable_keys(jwks))
    except jose.NoPublicKey:
        raise NotBelieved("id_token_no_key") from None
    except jose.UnknownKey:
        raise NotBelieved("id_token_unknown_key") from None
    except jose.NotTrusted:
        raise NotBelieved("id_token_not_signed") from None


def _is_for(claims: Claims, client_id: str) -> bool:
    """Say whether, of several audiences, it is we for whom the token was made."""
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    party = claims.get("azp")
    return party == client_id if several or party is not None else True
