"""What the last requests of a directory say: who calls, how often, how it went.

Reads RequestRecord only, newest first and never more than a set number of rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

from django.db.models import Count, Max

from scim.models import RequestRecord
from scim.protocol.dialects import Dialect
from tokens.opener import Opener
from tokens.usage import Use
from workspaces.models import Directory

LOOK_BACK = 500
"""How many records the usual interval is learnt from."""

MOST_USES = 20_000
"""How many records of a directory the addresses of a token are learnt from."""

BURST = timedelta(minutes=1)
"""Requests closer than this belong to one call of the IdP."""

MIN_GAPS = 3
NAMES: dict[str, str] = {
    Dialect.OKTA: "Okta",
    Dialect.ENTRA: "Microsoft Entra ID",
    Dialect.GOOGLE: "Google Workspace",
}


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it was answered."""

    id: int
    at: datetime
    method: str
    path: str
    status: int
    token_key: str
    caller: str
    """`Okta`, or what the client calls itself; empty if that is nothing."""

    request_id: str

    @property
    def is_refused(self) -> bool:
        """Whether the answer was an error."""
        return self.status >= 400


def calls(directory: Directory, *, limit: int) -> list[Call]:
    """Return the last requests, newest first. One query."""
    records = RequestRecord.objects.filter(directory=directory).order_by("-id")
    return [
        Call(
            id=record.pk,
            at=record.at,
            method=record.method,
            path=record.path.removeprefix(directory.path) or "/",
            status=record.status,
            token_key=record.token_key,
            caller=_caller(record),
            request_id=record.request_id,
        )
        for record in records.defer("body", "tolerances")[:limit]
    ]


def idp_of(directory: Directory) -> str:
    """Return the name of the IdP that calls, empty if it is not known. One query."""
    if directory.dialect == Directory.Dialect.AUTO:
        records = RequestRecord.objects.filter(directory=directory).order_by("-id")
        dialect = records.values_list("dialect", flat=True).first()
    else:
        dialect = directory.dialect
    return NAMES.get(dialect or "", "")


def uses_of(opener: Opener, since: datetime) -> list[Use]:
    """Return the addresses of an opener's last requests, latest first. One query."""
    records = RequestRecord.objects.filter(directory=opener.directory_id, at__gte=since)
    newest = records.order_by("-id").values("pk")[:MOST_USES]
    rows = (
        RequestRecord.objects.filter(
            pk__in=newest, token_key=opener.key, address__isnull=False
        )
        .order_by()
        .values("address")
        .annotate(requests=Count("pk"), last_at=Max("at"))
        .order_by("-last_at")
    )
    return [Use(str(row["address"]), row["requests"], row["last_at"]) for row in rows]


def usual_interval(directory: Directory) -> timedelta | None:
    """Return how long the IdP usually lets pass between two calls. One query.

    None while there are too few calls to tell.
    """
    records = RequestRecord.objects.filter(directory=directory).order_by("-id")
    return median_gap(records.values_list("at", flat=True)[:LOOK_BACK])


def median_gap(times: Iterable[datetime]) -> timedelta | None:
    """Return the median of the gaps between bursts; None with fewer than 3."""
    gaps = [
        (later - earlier).total_seconds()
        for earlier, later in pairwise(sorted(times))
        if later - earlier >= BURST
    ]
    return timedelta(seconds=median(gaps)) if len(gaps) >= MIN_GAPS else None


def client_name(client: str) -> str:
    """Return the first word that a client says of itself: `curl` of `curl/8.5`."""
    return client.partition("/")[0].partition(" ")[0][:40]


def _caller(record: RequestRecord) -> str:
    """Return the IdP's name, else the first word that the client says of itself."""
    return NAMES.get(record.dialect) or client_name(record.client)
