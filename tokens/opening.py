"""What every way into a directory shares: who comes, the one query, what is noted.

Raw SQL: it runs before every SCIM request, and building it through the ORM would
cost more than the rest of a read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.db import InterfaceError, OperationalError, connection
from django.db.models import Q

from tokens import services
from tokens.limits import Limits
from tokens.opener import Opener
from workspaces.clock import as_time, now_sql
from workspaces.models import Directory

LAST_USED_PRECISION = timedelta(minutes=1)
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
_LIMITS = ("is_read_only", "network_rule", "networks", "email_domains")
_WIDTH = len(_LIMITS) + len(_DIRECTORY) + 1
Row = tuple[Any, ...]


def selected_last(opener: str) -> str:
    """Return what every query selects last: limits of an opener, directory `d`, time."""
    columns = [f"{opener}.{name}" for name in _LIMITS]
    columns += [f"d.{name}" for name in _DIRECTORY]
    return f"{', '.join(columns)}, {{now}}"


@dataclass(frozen=True, slots=True)
class ScimPrincipal:
    """Who calls: not a person but what opens one directory."""

    opener: type[Opener]
    token_id: int
    token_key: str
    last_used_at: datetime | None
    refused_at: datetime | None
    directory: Directory
    limits: Limits
    now: datetime
    """The database's clock, which came with the token."""

    is_authenticated = True


@dataclass(frozen=True, slots=True)
class Found:
    """A row: its own columns, how far it reaches, the directory, the database's time."""

    own: Row
    limits: Limits
    directory: Directory
    now: datetime


def find(sql: str, params: Sequence[str]) -> Found | None:
    """Return the row of a query. Once over a new connection if the old one is dead."""
    try:
        row = _select(sql, params)
    except (InterfaceError, OperationalError):
        if connection.in_atomic_block:
            raise
        connection.close()
        row = _select(sql, params)
    if row is None:
        return None
    is_read_only, rule, networks, domains, *directory, user_schema, time = row[-_WIDTH:]
    now = as_time(time)
    assert now is not None  # noqa: S101  a clock always has a time
    values = [*directory, orjson.loads(user_schema)]
    limits = Limits(
        bool(is_read_only),
        rule,
        tuple(orjson.loads(networks)),
        tuple(orjson.loads(domains)),
    )
    found = Directory.from_db(None, _DIRECTORY, values)
    return Found(row[:-_WIDTH], limits, found, now)


def _select(sql: str, params: Sequence[str]) -> Row | None:
    with connection.cursor() as cursor:
        cursor.execute(sql.format(now=now_sql()), params)
        row: Row | None = cursor.fetchone()
        return row


def note_refusal(principal: ScimPrincipal, *, reason: str) -> None:
    """Write down that what was right once is refused, once an hour (S0-129).

    Who does not know a token's value leaves no trace; who does, costs no query more
    than a first one.
    """
    refused, now = principal.refused_at, principal.now
    if refused is None or now - refused >= services.REFUSALS_APART:
        services.note_refusal(
            principal.opener, principal.token_id, reason=reason, now=now
        )


def note_use(principal: ScimPrincipal, *, address: str | None, client: str) -> None:
    """Remember when, from where and by what a directory was opened, once a minute.

    A conditional update: when two requests come together, one of them writes.
    """
    now, used = principal.now, principal.last_used_at
    if used is not None and now - used < LAST_USED_PRECISION:
        return
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - LAST_USED_PRECISION)
    rows = principal.opener._default_manager  # noqa: SLF001  public by the docs
    rows.filter(stale, pk=principal.token_id).update(
        last_used_at=now, last_used_address=address, last_used_client=client[:120]
    )
