"""Public keys and signed JWTs. No tables and no settings here.

Only asymmetric algorithms, so that a public key is never taken for a shared secret;
keys come from the caller, so that nothing in a JWT says by which key to check it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)
from joserfc import jwk, jws, jwt
from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry

ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
)
"""Signatures by a private key. Not `none`, and no HMAC: a public key is no secret."""

SKEW_SECONDS = 60
LONGEST = 16_384
"""Characters of a JWT."""

MOST_KEYS = 20
_SMALLEST_RSA_BITS = 2048
_PARTS = ("kty", "kid", "alg", "n", "e", "crv", "x", "y")
_CURVES = {"P-256", "P-384", "P-521", "Ed25519"}
_SHAPE = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----[^-]+-----END \1-----")
_BROKEN = (
    *(JoseError, ValueError, TypeError, KeyError, OverflowError),
    RecursionError,  # JSON that is nested without end
    UnsupportedAlgorithm,  # a key of a kind or on a curve that nobody knows here
)

Jwk = dict[str, Any]


class NoPublicKey(ValueError):
    """A text holds no key that can be used. Its text is for people."""


class PrivateKey(NoPublicKey):
    """A text holds a private key, which must stay where it is."""

    def __init__(self) -> None:
        super().__init__(
            "This is a private key. Enter the public key that belongs to it. Treat the "
            "private one as leaked if others can see this page."
        )


class NotTrusted(ValueError):
    """A JWT proves nothing. Its text says why, without a value of it."""


class WrongClaims(NotTrusted):
    """A known key signed the JWT, but not for this, or not for now."""


class UnknownKey(NotTrusted):
    """The JWT names a key that is not among those known."""


def read_public_keys(text: str) -> list[Jwk]:
    """Return the public keys of a JWKS, a JWK, or PEM. Raises NoPublicKey."""
    text = text.strip()
    if "PRIVATE KEY-----" in text:
        raise PrivateKey
    keys = _keys_of_json(text) if text.startswith("{") else _keys_of_pem(text)
    usable = [found for found in map(_usable, keys) if found]
    if not usable:
        raise NoPublicKey(
            "There is no usable key. Enter an RSA key of at least 2048 bits, an EC key "
            "(P-256, P-384, P-521) or an Ed25519 key, as PEM or as a JWKS."
        )
    if len(usable) > MOST_KEYS:
        raise NoPublicKey(f"Enter at most {MOST_KEYS} keys.")
    return usable


def usable_keys(document: object) -> list[Jwk]:
    """Return the keys of a fetched JWKS that can check signatures. None is an error.

    What is not understood is left out: RFC 7517 section 5.
    """
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list):
        raise NoPublicKey("The answer is no JWKS: it has no list of keys.")
    usable = [
        found
        for found in map(_usable, keys[: MOST_KEYS * 5])
        if found and not is_private(found)
    ]
    if not usable:
        raise NoPublicKey(
            "The JWKS has no RSA, EC or Ed25519 key that can check signatures."
        )
    return usable[:MOST_KEYS]


def is_private(key: Jwk) -> bool:
    """Say whether a JWK holds more than its public half."""
    return "d" in key or key.get("kty") == "oct"


def is_jwt(text: str) -> bool:
    """Say whether a text has the shape of a signed JWT."""
    return len(text) <= LONGEST and _SHAPE.fullmatch(text) is not None


def key_id(text: str) -> str | None:
    """Return which key a JWT says that it was signed by. Raises NotTrusted."""
    try:
        header = jws.extract_compact(text.encode()).headers()
    except _BROKEN as error:
        raise NotTrusted("It is no JWT") from error
    if header.get("alg") not in ALGORITHMS:
        raise NotTrusted("Its algorithm is not allowed")
    kid = header.get("kid")
    if kid is not None and not isinstance(kid, str):
        raise NotTrusted("Its key id is no text")
    return kid


def unproven_subject(text: str) -> str:
    """Return whom a JWT claims to speak for. Only good to find whose keys to try."""
    try:
        claims = json.loads(jws.extract_compact(text.encode()).payload or b"")
    except _BROKEN:
        return ""
    subject = claims.get("sub") if isinstance(claims, dict) else None
    return subject if isinstance(subject, str) else ""


def verified(
    text: str,
    keys: Sequence[Jwk],
    *,
    wanted: Mapping[str, str | Sequence[str]],
    now: datetime,
) -> dict[str, Any]:
    """Return the claims of a JWT that one of the keys signed.

    `wanted` names the claims that it must have and their value, or a list of which
    it must have one; `exp` is a must besides. Raises UnknownKey, WrongClaims and
    otherwise NotTrusted.
    """
    claims = signed_claims(text, keys)
    _check(claims, wanted, now)
    return claims


def signed_claims(text: str, keys: Sequence[Jwk]) -> dict[str, Any]:
    """Return the claims of a JWT that one of the keys signed, whatever they say.

    Raises UnknownKey and otherwise NotTrusted.
    """
    key = _chosen(key_id(text), keys)
    registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
    try:
        decoded = jwt.decode(
            text, jwk.import_key(key), algorithms=ALGORITHMS, registry=registry
        )
    except _BROKEN as error:
        raise NotTrusted("Its signature is wrong") from error
    return dict(decoded.claims)


def _chosen(kid: str | None, keys: Sequence[Jwk]) -> Jwk:
    """Return the key of that id; the only one there is if the JWT names none."""
    if kid is None and len(keys) == 1:
        return keys[0]
    for key in keys:
        if kid is not None and key["kid"] == kid:
            return key
    raise UnknownKey("Its key is not known")


def _check(
    claims: dict[str, Any], wanted: Mapping[str, str | Sequence[str]], now: datetime
) -> None:
    for name, values in wanted.items():
        accepted = {values} if isinstance(values, str) else set(values)
        given = claims.get(name)
        # Only an audience can be a list: RFC 7519 section 4.1.3.
        several = given if name == "aud" and isinstance(given, list) else [given]
        if not accepted & {one for one in several if isinstance(one, str)}:
            raise WrongClaims(f"Its {name} is wrong")
    times = jwt.JWTClaimsRegistry(
        now=int(now.timestamp()), leeway=SKEW_SECONDS, exp={"essential": True}
    )
    try:
        times.validate({n: claims[n] for n in ("exp", "nbf", "iat") if n in claims})
    except _BROKEN as error:
        raise WrongClaims("It is expired, or not valid yet") from error


def _keys_of_json(text: str) -> list[Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NoPublicKey("This is not JSON. Enter a JWKS, or a key as PEM.") from error
    keys = document.get("keys", [document])
    if not isinstance(keys, list):
        raise NoPublicKey("In a JWKS, “keys” is a list.")
    if any(isinstance(key, dict) and is_private(key) for key in keys):
        raise PrivateKey
    return keys


def _keys_of_pem(text: str) -> list[Any]:
    found = []
    for block in _PEM.finditer(text):
        pem = block.group().encode()
        try:
            if block.group(1) == "CERTIFICATE":
                found.append(_jwk_of(x509.load_pem_x509_certificate(pem).public_key()))
            else:
                found.append(_jwk_of(load_pem_public_key(pem)))
        except _BROKEN as error:
            raise NoPublicKey(
                "This PEM cannot be read. Copy it whole, with its first and last line."
            ) from error
    return found


def _jwk_of(public: object) -> Jwk | None:
    """Return a public key as a JWK, None if it is not of a kind that is taken."""
    if isinstance(public, RSAPublicKey) and public.key_size >= _SMALLEST_RSA_BITS:
        kind: type[jwk.RSAKey] | type[jwk.ECKey] | type[jwk.OKPKey] = jwk.RSAKey
    elif isinstance(public, EllipticCurvePublicKey):
        kind = jwk.ECKey
    elif isinstance(public, Ed25519PublicKey):
        kind = jwk.OKPKey
    else:
        return None
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return dict(kind.import_key(pem).as_dict(private=False))


def _usable(given: Any) -> Jwk | None:
    """Return the parts of a JWK that check signatures, None if it is not for that."""
    if not isinstance(given, dict) or given.get("use", "sig") != "sig":
        return None
    if given.get("kty") == "RSA" and _bits(given.get("n")) < _SMALLEST_RSA_BITS:
        return None
    try:
        key = jwk.import_key({n: given[n] for n in _PARTS if n in given})
        key.ensure_kid()
        parts = key.as_dict(private=False)
    except _BROKEN:
        return None
    if not str(parts["kid"]).isprintable():
        return None
    if isinstance(key, jwk.RSAKey):
        is_strong = key.raw_value.key_size >= _SMALLEST_RSA_BITS
    else:
        is_curve = isinstance(key, jwk.ECKey | jwk.OKPKey)
        is_strong = is_curve and parts.get("crv") in _CURVES
    return dict(parts) if is_strong else None


def _bits(number: object) -> int:
    """Return how many bits a base64url number can have."""
    return 6 * len(number) if isinstance(number, str) else 0
