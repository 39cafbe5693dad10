"""How a client proves who it is: RFC 6749 section 2.3, and RFC 7523 section 2.2."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote_plus

from django.conf import settings
from django.db import IntegrityError, transaction

from tokens import credential, key_change, services
from tokens.credential import Credential, Kind
from tokens.models import ClientSecret, OAuthClient, UsedAssertion
from tokens.oauth import jose
from workspaces.key_ring import in_use

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST_ASSERTION = timedelta(hours=1)
_LONGEST_JTI = 500


class ProofRefused(Exception):
    """The client is not who it says, or says it in a wrong way."""


class Ambiguous(Exception):
    """The request proves a client in more than one way. Its text is for people."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a request brings. Its values show in no representation of it."""

    client_id: str
    secret: str = field(default="", repr=False)
    assertion: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Proven:
    """The client, and the secret that it used, if it used one."""

    client: OAuthClient
    secret: ClientSecret | None


def read(authorization: str, params: Mapping[str, str]) -> Proof:
    """Return the proof of a request. Raises Ambiguous, and ProofRefused without one."""
    basic = _basic(authorization)
    ways = [bool(basic), "client_secret" in params, "client_assertion" in params]
    if sum(ways) > 1:
        raise Ambiguous("Send the client's proof in one way only.")
    stated = params.get("client_id", "")
    if basic is not None:
        client_id, secret = basic
        if stated and stated != client_id:
            raise Ambiguous("client_id differs from the Authorization header.")
        return Proof(client_id, secret)
    if "client_secret" in params:
        return Proof(stated, params["client_secret"])
    if "client_assertion" in params:
        if params.get("client_assertion_type") != ASSERTION_TYPE:
            raise Ambiguous(f"client_assertion_type must be {ASSERTION_TYPE}.")
        return Proof(stated, assertion=params["client_assertion"])
    raise ProofRefused


def prove(
    proof: Proof, directory_key: str, *, audiences: Sequence[str], now: datetime
) -> Proven:
    """Return who sent a proof. Raises ProofRefused, always the same.

    A right secret that has ended, and a JWT by the right key that cannot be taken, are
    written into the audit log.
    """
    if proof.assertion:
        return _by_assertion(proof, directory_key, audiences, now)
    return _by_secret(proof, directory_key, now)


def _basic(authorization: str) -> tuple[str, str] | None:
    """Return client id and secret of the header, None if it is not Basic."""
    scheme, _, encoded = authorization.strip().partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except ValueError:
        raise ProofRefused from None
    client_id, colon, secret = text.partition(":")
    if not colon:
        raise ProofRefused
    return unquote_plus(client_id), unquote_plus(secret)


def _by_secret(proof: Proof, directory_key: str, now: datetime) -> Proven:
    given = credential.parse(proof.secret)
    is_named = proof.client_id.isalnum()
    if given is None or given.kind is not Kind.CLIENT or not is_named:
        raise ProofRefused
    secret = (
        ClientSecret.objects.select_related("client__directory__workspace")
        .filter(
            key=given.key,
            client__key=proof.client_id,
            client__directory__key=directory_key,
        )
        .first()
    )
    if secret is None or not _is_right(given, secret):
        raise ProofRefused
    client_state = secret.client.state(now)
    state = secret.state(now) if client_state.is_live else client_state
    if not state.is_live:
        _note_refusal(secret.client, state.label, now)
        raise ProofRefused
    if secret.digest_key < in_use(settings.KEYWAY_TOKEN_KEYS):
        key_change.renew(ClientSecret, secret.pk, given)
    return Proven(secret.client, secret)


def _is_right(given: Credential, secret: ClientSecret) -> bool:
    pepper = settings.KEYWAY_TOKEN_KEYS.get(secret.digest_key)
    return pepper is not None and credential.verify(given, secret.digest, pepper)


def _by_assertion(
    proof: Proof, directory_key: str, audiences: Sequence[str], now: datetime
) -> Proven:
    """Check a JWT that the client signed: RFC 7523 section 3."""
    if not jose.is_jwt(proof.assertion):
        raise ProofRefused
    client_id = proof.client_id or jose.unproven_subject(proof.assertion)
    if not client_id.isalnum():
        raise ProofRefused
    client = (
        OAuthClient.objects.select_related("directory__workspace")
        .filter(
            key=client_id,
            directory__key=directory_key,
            method=OAuthClient.Method.PRIVATE_KEY,
        )
        .first()
    )
    if client is None:
        raise ProofRefused
    wanted = {"iss": client.key, "sub": client.key, "aud": audiences}
    try:
        claims = jose.verified(
            proof.assertion, client.public_keys, wanted=wanted, now=now
        )
        ends_at = _end_of(claims, now)
    except jose.WrongClaims as error:
        _note_refusal(client, str(error), now)
        raise ProofRefused from None
    except jose.NotTrusted:
        raise ProofRefused from None
    state = client.state(now)
    if not state.is_live:
        _note_refusal(client, state.label, now)
        raise ProofRefused
    _use_up(client, claims, ends_at, now)
    return Proven(client, None)


def _end_of(claims: Mapping[str, Any], now: datetime) -> datetime:
    """Return until when a used JWT is remembered: longer than it is taken.

    Raises WrongClaims.
    """
    longest = (now + LONGEST_ASSERTION).timestamp()
    if claims["exp"] > longest + jose.SKEW_SECONDS:
        raise jose.WrongClaims("It lives longer than 1 hour")
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= _LONGEST_JTI:
        raise jose.WrongClaims("It has no jti")
    return datetime.fromtimestamp(claims["exp"] + 2 * jose.SKEW_SECONDS, UTC)


def _use_up(
    client: OAuthClient, claims: Mapping[str, Any], ends_at: datetime, now: datetime
) -> None:
    """Remember the jti of a JWT. Raises ProofRefused if it was sent before.

    The constraint decides: of two that come together, one is the second.
    """
    digest = hashlib.sha256(claims["jti"].encode("utf-8", "surrogatepass")).hexdigest()
    try:
        with transaction.atomic():
            UsedAssertion.objects.create(
                directory=client.directory,
                client=client,
                digest=digest,
                expires_at=ends_at,
            )
    except IntegrityError:
        _note_refusal(client, "Its jti was used before", now)
        raise ProofRefused from None


def _note_refusal(client: OAuthClient, reason: str, now: datetime) -> None:
    services.note_refusal(OAuthClient, client.pk, reason=reason, now=now)
