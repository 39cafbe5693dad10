"""The ways into a directory, taken together: tokens, OAuth clients and a trusted IdP."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db.models import Max

from tokens.models import IdpTrust, OAuthClient, ScimToken
from workspaces.models import Directory


def has_way_in(directory: Directory, now: datetime) -> bool:
    """Say whether anything opens the directory now."""
    mine = {"directory": directory}
    return (
        ScimToken.objects.live(now).filter(**mine).exists()
        or OAuthClient.objects.live().filter(**mine).exists()
        or IdpTrust.objects.live().filter(**mine).exists()
    )


def last_used_at(directory: Directory) -> datetime | None:
    """Return when the directory was opened last, None if never."""
    times = [
        kind._default_manager.filter(directory=directory).aggregate(  # noqa: SLF001
            at=Max("last_used_at")
        )["at"]
        for kind in (ScimToken, OAuthClient, IdpTrust)
    ]
    return max((at for at in times if at is not None), default=None)


def names_of(directory: Directory, keys: Collection[str]) -> dict[str, str]:
    """Return the names of what a change or a request says that it came by."""
    names: dict[str, str] = {}
    for kind in (ScimToken, OAuthClient, IdpTrust):
        if missing := set(keys) - set(names):
            rows = kind._default_manager.filter(directory=directory, key__in=missing)  # noqa: SLF001
            names |= dict(rows.values_list("key", "name"))
    return names
