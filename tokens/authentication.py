"""From the Authorization header to a directory, in one query.

Raw SQL: this runs before every SCIM request, and building it through the ORM
would cost more than the rest of a read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.db.models import Q
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from tokens import credential, key_change, services
from tokens.limits import Limits
from tokens.models import ScimToken, is_owner_active
from tokens.state import token_state
from workspaces.clock import as_time, now_sql
from workspaces.key_ring import in_use
from workspaces.models import Directory

LAST_USED_PRECISION = timedelta(minutes=1)
_REFUSED = (
    "The bearer token is missing, wrong, expired or revoked, or it does not belong "
    "to this SCIM base URL."
)
_DIRECTORY = (
    "id",
    "workspace_id",
    "key",
    "kind",
    "dialect",
    "reveal_rule",
    "created_at",
    "confirms_with_app",
    "quarantined_at",
    "user_schema",
)
_SELECT = (
    "SELECT t.id, t.digest, t.digest_key, t.revoked_at, t.expires_at,"
    " t.replaced_by_id, t.overlap_ends_at, t.last_used_at, t.refused_at,"
    " t.is_read_only, t.network_rule, t.networks, t.email_domains,"
    " t.owner_label, m.role, (u.is_active AND m.is_active), "
    f"{', '.join(f'd.{column}' for column in _DIRECTORY)}, {{now}}"
    " FROM tokens_scimtoken t"
    " JOIN workspaces_directory d ON d.id = t.directory_id"
    " LEFT JOIN workspaces_membership m ON m.id = t.owner_id"
    " LEFT JOIN workspaces_user u ON u.id = m.user_id"
    " WHERE t.key = %s"
)


@dataclass(frozen=True, slots=True)
class ScimPrincipal:
    """Who calls: not a person but a token, which opens one directory."""

    token_id: int
    token_key: str
    last_used_at: datetime | None
    refused_at: datetime | None
    directory: Directory
    limits: Limits
    now: datetime
    """The database's clock, which came with the token."""

    is_authenticated = True


class ScimTokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer kwg_…`, with or without the word Bearer.

    Every refusal reads the same, whatever the reason.
    """

    def authenticate(self, request: Request) -> tuple[ScimPrincipal, str]:
        """Return the principal. Raises AuthenticationFailed."""
        path_key = request.parser_context["kwargs"].get("directory_key", "")
        principal = authenticate(request.META.get("HTTP_AUTHORIZATION", ""))
        if principal is None:
            raise AuthenticationFailed(_REFUSED)
        if principal.directory.key != path_key:
            note_refusal(principal, reason="Another SCIM base URL")
            raise AuthenticationFailed(_REFUSED)
        note_use(
            principal,
            address=request.META.get("REMOTE_ADDR"),
            client=request.META.get("HTTP_USER_AGENT", ""),
        )
        return principal, principal.token_key

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of a 401."""
        return 'Bearer realm="scim"'


def authenticate(header: str) -> ScimPrincipal | None:
    """Return whom the header's token stands for, None if it opens nothing.

    A header that is no well-formed token costs no query.
    """
    scheme, _, rest = header.strip().partition(" ")
    given = credential.parse(rest.strip() if scheme.lower() == "bearer" else header)
    if given is None:
        return None
    row = _read(given.key)
    if row is None:
        return None
    token_id, digest, digest_key, *times = row[:9]
    is_read_only, rule, networks, domains, owner_label, role, is_active = row[9:16]
    pepper = settings.KEYWAY_TOKEN_KEYS.get(digest_key)
    if pepper is None or not credential.verify(given, digest, pepper):
        return None
    revoked_at, expires_at, replaced_by, overlap_ends_at, used_at, refused_at = times
    now = as_time(row[-1])
    assert now is not None  # noqa: S101  a clock always has a time
    state = token_state(
        revoked_at=as_time(revoked_at),
        expires_at=as_time(expires_at),
        is_replaced=replaced_by is not None,
        overlap_ends_at=as_time(overlap_ends_at),
        is_owner_active=is_owner_active(owner_label, role, is_active=bool(is_active)),
        now=now,
    )
    principal = ScimPrincipal(
        token_id,
        given.key,
        as_time(used_at),
        as_time(refused_at),
        Directory.from_db(None, _DIRECTORY, [*row[16:-2], orjson.loads(row[-2])]),
        Limits(
            bool(is_read_only),
            rule,
            tuple(orjson.loads(networks)),
            tuple(orjson.loads(domains)),
        ),
        now,
    )
    if not state.is_live:
        note_refusal(principal, reason=state.label)
        return None
    if digest_key < in_use(settings.KEYWAY_TOKEN_KEYS):
        key_change.renew(token_id, given)
    return principal


def _read(key: str) -> tuple[Any, ...] | None:
    """Return the row of a token. Once over a new connection if the old one is dead."""
    try:
        return _select(key)
    except (InterfaceError, OperationalError):
        if connection.in_atomic_block:
            raise
        connection.close()
        return _select(key)


def _select(key: str) -> tuple[Any, ...] | None:
    with connection.cursor() as cursor:
        cursor.execute(_SELECT.format(now=now_sql()), [key])
        row: tuple[Any, ...] | None = cursor.fetchone()
        return row


def note_refusal(principal: ScimPrincipal, *, reason: str) -> None:
    """Write down that a token that was right once is refused, once an hour (S0-129).

    Who does not know a token's value leaves no trace; who does, costs no query more
    than a first one.
    """
    refused, now = principal.refused_at, principal.now
    if refused is None or now - refused >= services.REFUSALS_APART:
        services.note_refusal(principal.token_id, reason=reason, now=now)


def note_use(principal: ScimPrincipal, *, address: str | None, client: str) -> None:
    """Remember when, from where and by what the token was used, once a minute.

    A conditional update: when two requests come together, one of them writes.
    """
    now, used = principal.now, principal.last_used_at
    if used is not None and now - used < LAST_USED_PRECISION:
        return
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - LAST_USED_PRECISION)
    ScimToken.objects.filter(stale, pk=principal.token_id).update(
        last_used_at=now, last_used_address=address, last_used_client=client[:120]
    )
