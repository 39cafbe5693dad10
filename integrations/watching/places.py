"""First use of a token, an OAuth client or a trust from a new place: network or client.

Learnt from the records of requests, some minutes after them, so that no request waits.
A network is a /24 of IPv4 or a /48 of IPv6; a client is the first word that it says of
itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from django.db import transaction
from django.db.models import Max, Min

from integrations.audit import Action
from integrations.models import SeenPlace
from integrations.watching import notices
from integrations.watching.connections import target_of
from scim.models import RequestRecord
from scim.recent import client_name
from tokens.models import IdpTrust, OAuthClient, ScimToken
from tokens.opener import Opener
from workspaces import audit
from workspaces.models import Workspace

REMEMBERED = timedelta(days=30)
LEARNING = timedelta(days=1)
"""The first day of a token teaches; and what is older than a day is no news."""

OVERLAP = timedelta(minutes=5)
"""Records are written a moment after their request, by several processes."""

MOST_NAMED = 5
MOST_OF_A_LOOK = 20_000
"""Different pairs of address and client that one look reads."""

_FIELDS: dict[type[Opener], str] = {
    ScimToken: "token",
    OAuthClient: "oauth_client",
    IdpTrust: "trust",
}
"""By what column a place is of an opener."""

Key = tuple[str, str]
"""Kind and value of a place."""


@dataclass(slots=True)
class Uses:
    """When a token was first and last used in each place, since the last look."""

    first: dict[Key, datetime] = field(default_factory=dict)
    last: dict[Key, datetime] = field(default_factory=dict)

    def add(self, key: Key, first_at: datetime, last_at: datetime) -> None:
        """Take in some requests from one place."""
        self.first[key] = min(first_at, self.first.get(key, first_at))
        self.last[key] = max(last_at, self.last.get(key, last_at))


def look(workspace: Workspace, *, now: datetime) -> dict[str, int]:
    """Learn the places of what opens a workspace's directories, tell of new ones."""
    uses = _uses(workspace, now=now)
    openers = [
        opener
        for kind in _FIELDS
        for opener in kind._default_manager.filter(  # noqa: SLF001  public by the docs
            directory__workspace=workspace, key__in=uses
        ).select_related("directory__workspace")
    ]
    told = sum(_learn(opener, uses[opener.key], now=now) for opener in openers)
    SeenPlace.objects.filter(
        directory__workspace=workspace, last_seen_at__lte=now - REMEMBERED
    ).delete()
    return {"new_places": told}


def network_of(address: str) -> str:
    """Return the /24 or the /48 that an address is in."""
    given = ip_address(address)
    if isinstance(given, IPv6Address) and given.ipv4_mapped:
        given = given.ipv4_mapped
    length = 24 if given.version == 4 else 48
    return str(ip_network(f"{given}/{length}", strict=False))


def _uses(workspace: Workspace, *, now: datetime) -> dict[str, Uses]:
    """Return the uses since the last look by the tokens' keys. Two queries."""
    known = SeenPlace.objects.filter(directory__workspace=workspace)
    seen_at = known.aggregate(at=Max("last_seen_at"))["at"]
    since = max(seen_at or now - REMEMBERED, now - REMEMBERED)
    rows = (
        RequestRecord.objects.filter(
            directory__workspace=workspace, at__gte=since - OVERLAP
        )
        .exclude(token_key="")
        .order_by()
        .values_list("token_key", "address", "client")
        .annotate(first_at=Min("at"), last_at=Max("at"))
    )
    found: dict[str, Uses] = defaultdict(Uses)
    for token_key, address, client, first_at, last_at in rows[:MOST_OF_A_LOOK]:
        uses = found[token_key]
        if address:
            network = network_of(str(address))
            uses.add((SeenPlace.Kind.NETWORK, network), first_at, last_at)
        name = client_name(client)
        uses.add((SeenPlace.Kind.CLIENT, name), first_at, last_at)
    return found


@transaction.atomic
def _learn(opener: Opener, uses: Uses, *, now: datetime) -> int:
    """Keep the places of an opener. Returns 1 if some of them are news."""
    mine = {_FIELDS[type(opener)]: opener}
    rows = {(row.kind, row.value): row for row in SeenPlace.objects.filter(**mine)}
    new: list[Key] = []
    for key, first_at in uses.first.items():
        row = rows.get(key)
        if row is None or first_at - row.last_seen_at > REMEMBERED:
            new.append(key)
    SeenPlace.objects.bulk_create(
        (
            SeenPlace(
                directory=opener.directory,
                **mine,
                kind=kind,
                value=value,
                first_seen_at=uses.first[kind, value],
                last_seen_at=last_at,
            )
            for (kind, value), last_at in uses.last.items()
        ),
        update_conflicts=True,
        unique_fields=[*mine, "kind", "value"],
        update_fields=["last_seen_at"],
    )
    news = [key for key in new if _is_news(opener, uses.first[key], now=now)]
    if not news:
        return 0
    _tell(opener, news, now=now)
    return 1


def _is_news(opener: Opener, at: datetime, *, now: datetime) -> bool:
    return at - opener.created_at > LEARNING and now - at < LEARNING


def _tell(opener: Opener, news: list[Key], *, now: datetime) -> None:
    """Write one event; the mail about an opener goes out once a day at most."""
    directory = opener.directory
    event = audit.record(
        Action.CONNECTION_NEW_PLACE,
        workspace=directory.workspace,
        actor=None,
        target=target_of(directory),
        data={
            "directory": directory.key,
            "kind": opener.noun,
            "token": opener.key,
            "token_name": opener.name,
            "networks": _named(v for kind, v in news if kind == SeenPlace.Kind.NETWORK),
            "clients": _named(
                v or "no name" for kind, v in news if kind == SeenPlace.Kind.CLIENT
            ),
        },
    )
    notices.tell(event, f"{opener.key}:{now:%Y-%m-%d}", now=now)


def _named(values: Iterable[str]) -> str:
    """Return the first few, and how many more there are."""
    every = sorted(values)
    more = len(every) - MOST_NAMED
    shown = ", ".join(every[:MOST_NAMED])
    return f"{shown} and {more} more" if more > 0 else shown
