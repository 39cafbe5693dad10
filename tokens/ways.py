"""The ways into a directory, taken together: tokens, OAuth clients and a trusted IdP."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

from django.db.models import Exists, Max, OuterRef, Q, QuerySet

from tokens.models import IdpTrust, OAuthClient, ScimToken
from tokens.oauth.panel import client_pill, trust_pill
from tokens.opener import Opener
from tokens.panel import PILLS
from tokens.state import TokenState
from workspaces.models import Directory, Workspace
from workspaces.pages import Pill

KINDS: tuple[type[Opener], ...] = (ScimToken, OAuthClient, IdpTrust)
BY_OAUTH = Pill("OAuth", "success")


def directories_of(workspace: Workspace) -> QuerySet[Directory]:
    """Return the gateways of a workspace, and Directory Sync once it is turned on."""
    is_on = Q(kind=Directory.Kind.GATEWAY) | Q(workspace__directory_sync__isnull=False)
    mine = Directory.objects.in_workspace(workspace).filter(is_on)
    return mine.select_related("workspace")


def open_directories(now: datetime) -> QuerySet[Directory]:
    """Return the directories of all tenants that anything opens now."""
    mine = {"directory": OuterRef("pk")}
    return Directory.objects.filter(
        Exists(ScimToken.objects.live(now).filter(**mine))
        | Exists(OAuthClient.objects.usable(now).filter(**mine))
        | Exists(IdpTrust.objects.live().filter(**mine))
    )


def has_way_in(directory: Directory, now: datetime) -> bool:
    """Say whether anything opens the directory now. One query."""
    return open_directories(now).filter(pk=directory.pk).exists()


def last_used(directories: Collection[int]) -> dict[int, datetime]:
    """Return when directories were opened last, without those never. One query."""
    tokens, *others = (
        kind._default_manager.filter(  # noqa: SLF001  public by the docs
            directory__in=directories, last_used_at__isnull=False
        )
        .order_by()
        .values_list("directory")
        .annotate(at=Max("last_used_at"))
        for kind in KINDS
    )
    return dict(sorted(tokens.union(*others, all=True), key=lambda row: row[1]))


def pills(directories: Collection[int], now: datetime) -> dict[int, Pill]:
    """Return what opens each directory and how that stands, without those closed.

    A live token speaks first. One query, and three where there is none.
    """
    live = (
        ScimToken.objects.live(now)
        .filter(directory__in=directories)
        .select_related("owner__user")
        .order_by("id")
    )
    found = {token.directory_id: PILLS[token.state(now)] for token in live}
    others = [key for key in directories if key not in found]
    for directory, pill in _oauth_pills(others, now):
        if pill == BY_OAUTH or directory not in found:
            found[directory] = pill
    return found


def _oauth_pills(
    directories: Collection[int], now: datetime
) -> Iterator[tuple[int, Pill]]:
    """Yield the state of each client and trust; one that is well says OAuth."""
    mine = {"directory__in": directories}
    clients = OAuthClient.objects.live().filter(**mine).prefetch_related("secrets")
    states = [
        (client.directory_id, client_pill(client, client.secrets.all(), now))
        for client in clients
    ]
    trusts = IdpTrust.objects.live().filter(**mine)
    states += [(trust.directory_id, trust_pill(trust)) for trust in trusts]
    for directory, pill in states:
        is_well = pill == PILLS[TokenState.ACTIVE]
        yield directory, BY_OAUTH if is_well else pill


def names_of(directory: Directory, keys: Collection[str]) -> dict[str, str]:
    """Return the names of what a change or a request says that it came by."""
    names: dict[str, str] = {}
    for kind in KINDS:
        if missing := set(keys) - set(names):
            rows = kind._default_manager.filter(directory=directory, key__in=missing)  # noqa: SLF001
            names |= dict(rows.values_list("key", "name"))
    return names
