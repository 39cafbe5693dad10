"""The OAuth clients of a directory beside its tokens, as a part of other pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, Prefetch
from django.urls import reverse

from tokens.limits import in_words
from tokens.models import ClientSecret, IdpTrust, OAuthClient, ScimToken
from tokens.oauth.models import IdpTrustQuerySet, OAuthClientQuerySet
from tokens.opener import Opener
from tokens.panel import PILLS
from tokens.state import TokenState
from workspaces.models import Directory
from workspaces.pages import Pill

NO_SECRET = Pill("No secret", "danger")
NO_KEYS = Pill("No keys yet", "warning")
MOST = 20
"""How many OAuth clients, and trusts, the panel lists; a page of its own has all."""

_LIVE_FIRST = (F("revoked_at").desc(nulls_first=True), "-id")


@dataclass(frozen=True, slots=True)
class LastUse:
    """What opened the directory last."""

    name: str
    kind: str
    at: datetime


def panel(
    directory: Directory,
    tokens: Sequence[ScimToken],
    *,
    can_manage: bool,
    now: datetime,
) -> dict[str, Any]:
    """Return the context of `tokens/oauth/_panel.html`. Three queries."""
    clients = list(clients_of(directory, now)[: MOST + 1])
    trusts = list(trusts_of(directory)[: MOST + 1])
    shown = rows([*clients[:MOST], *trusts[:MOST]], can_manage=can_manage, now=now)
    return {
        "live": [row for row in shown if row["is_live"]],
        "ended": [row for row in shown if not row["is_live"]],
        "clients_url": reverse("oauth:clients", args=[directory.key])
        if can_manage and len(clients) > MOST
        else None,
        "trusts_url": reverse("oauth:trusts", args=[directory.key])
        if can_manage and len(trusts) > MOST
        else None,
        "last_use": last_use(tokens, clients, trusts),
        "new_client_url": reverse("oauth:new_client", args=[directory.key])
        if can_manage
        else None,
        "new_trust_url": reverse("oauth:new_trust", args=[directory.key])
        if can_manage and not any(t.revoked_at is None for t in trusts)
        else None,
    }


def clients_of(directory: Directory, now: datetime) -> OAuthClientQuerySet:
    """Return the clients of a directory with the secrets that work, live ones first."""
    secrets = Prefetch("secrets", ClientSecret.objects.live(now))
    everything = OAuthClient.objects.of_directory(directory).order_by(*_LIVE_FIRST)
    return everything.prefetch_related(secrets)


def trusts_of(directory: Directory) -> IdpTrustQuerySet:
    """Return what a directory trusts or did, the live one first."""
    return IdpTrust.objects.of_directory(directory).order_by(*_LIVE_FIRST)


def rows(
    openers: Iterable[Opener], *, can_manage: bool, now: datetime
) -> list[dict[str, Any]]:
    """Return clients and trusts as `tokens/oauth/_table.html` lists them."""
    found = []
    for opener in openers:
        if isinstance(opener, OAuthClient):
            found.append(_client_row(opener, now))
        elif isinstance(opener, IdpTrust):
            found.append(_trust_row(opener))
    return found if can_manage else [row | {"url": None} for row in found]


def last_use(
    tokens: Iterable[ScimToken],
    clients: Iterable[OAuthClient],
    trusts: Iterable[IdpTrust],
) -> LastUse | None:
    """Return by what the directory was opened last, None if it never was."""
    uses = [
        LastUse(opener.name, kind, opener.last_used_at)
        for kind, openers in (
            ("token", tokens),
            ("OAuth client", clients),
            ("JWTs of the IdP", trusts),
        )
        for opener in openers
        if opener.last_used_at is not None
    ]
    return max(uses, key=lambda use: use.at, default=None)


def page_of(opener: OAuthClient | IdpTrust) -> str:
    """Return the address of the page of a client or a trust."""
    page = "oauth:client" if isinstance(opener, OAuthClient) else "oauth:trust"
    return reverse(page, args=[opener.directory.key, opener.key])


def client_pill(
    client: OAuthClient, secrets: Iterable[ClientSecret], now: datetime
) -> Pill:
    """Return the state of a client: its own, then that of its best secret."""
    state = client.state(now)
    if not state.is_live or client.method != OAuthClient.Method.SECRET:
        return PILLS[state]
    states = {secret.state(now) for secret in secrets}
    for found in (TokenState.ACTIVE, TokenState.EXPIRING):
        if found in states:
            return PILLS[found]
    return NO_SECRET


def trust_pill(trust: IdpTrust) -> Pill:
    """Return the state of a trust: without keys it opens nothing."""
    if trust.revoked_at is not None:
        return PILLS[TokenState.REVOKED]
    return PILLS[TokenState.ACTIVE] if trust.public_keys else NO_KEYS


def _client_row(client: OAuthClient, now: datetime) -> dict[str, Any]:
    secrets = list(client.secrets.all())
    return {
        **_row(client),
        "second": client.key,
        "method": client.get_method_display(),
        "pill": client_pill(client, secrets, now),
    }


def _trust_row(trust: IdpTrust) -> dict[str, Any]:
    return {
        **_row(trust),
        "second": trust.issuer,
        "method": "JWTs that the IdP signs",
        "pill": trust_pill(trust),
    }


def _row(opener: OAuthClient | IdpTrust) -> dict[str, Any]:
    return {
        "name": opener.name,
        "url": page_of(opener),
        "limits": ", ".join(in_words(opener.limits)),
        "last_used_at": opener.last_used_at,
        "last_used_ip": opener.last_used_address,
        "last_used_client": opener.last_used_client,
        "is_live": opener.revoked_at is None,
    }
