"""From a JWT that an IdP signed itself to the directory that trusts it, in one query."""

from __future__ import annotations

from datetime import datetime, timedelta

import orjson
from rest_framework.exceptions import APIException

from tokens.models import IdpTrust
from tokens.oauth import jose, trusts
from tokens.opening import (
    Found,
    ScimPrincipal,
    find,
    note_refusal,
    selected_last,
)
from workspaces.clock import as_time

_SELECT = (
    "SELECT t.id, t.key, t.issuer, t.audience, t.tenant_id, t.public_keys,"
    " t.keys_asked_at, t.keys_fetched_at, t.last_used_at, t.refused_at, "
    f"{selected_last('t')}"
    " FROM tokens_idptrust t"
    " JOIN workspaces_directory d ON d.id = t.directory_id"
    " WHERE d.key = %s AND t.revoked_at IS NULL"
)
_WAIT_FOR_KEYS = timedelta(minutes=1)


class KeysAwaited(APIException):
    """The key of a JWT is not known yet and is being fetched by a worker."""

    status_code = 503
    default_detail = (
        "The JWT names a signing key that Keyway does not know yet. It is fetching the "
        "IdP's keys. Send this again in a moment."
    )
    wait = 10
    """Seconds."""


def authenticate(text: str, directory_key: str) -> ScimPrincipal | None:
    """Return the IdP that signed a JWT, None if the directory does not trust it.

    Raises KeysAwaited where it names a key that is being fetched. Nothing is sent
    from here: a worker fetches, at most once in `trusts.ASK_APART` for each trust.
    """
    if not jose.is_jwt(text):
        return None
    found = find(_SELECT, [directory_key])
    if found is None:
        return None
    trust_id, key, issuer, audience, tenant_id, keys, *times = found.own
    asked_at, fetched_at, used_at, refused_at = map(as_time, times)
    principal = ScimPrincipal(
        IdpTrust,
        trust_id,
        key,
        used_at,
        refused_at,
        found.directory,
        found.limits,
        found.now,
    )
    wanted = {"iss": issuer, "aud": audience}
    if tenant_id:
        wanted["tid"] = tenant_id
    try:
        jose.verified(text, orjson.loads(keys), wanted=wanted, now=found.now)
    except jose.UnknownKey:
        _await_keys(found, trust_id, asked_at, fetched_at)
        return None
    except jose.WrongClaims as error:
        note_refusal(principal, reason=str(error))
        return None
    except jose.NotTrusted:
        return None
    return principal


def _await_keys(
    found: Found, trust_id: int, asked_at: datetime | None, fetched_at: datetime | None
) -> None:
    """Have the keys fetched. Raises KeysAwaited while they are under way."""
    if trusts.ask_for_keys(trust_id, asked_at=asked_at, now=found.now):
        raise KeysAwaited
    is_fetched = fetched_at is not None and asked_at is not None
    if is_fetched and fetched_at >= asked_at:  # type: ignore[operator]
        return
    if asked_at is not None and found.now - asked_at < _WAIT_FOR_KEYS:
        raise KeysAwaited
