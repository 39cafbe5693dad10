"""The left tab **Connected services**: the gateway's URL and its tokens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from integrations.models import Integration
from integrations.reports.lengths import in_words
from integrations.views.frame import frame, get_integration, left_tabs
from integrations.views.live import caller_of, live
from integrations.views.set_up import links
from integrations.watching.panel import watch_panel
from scim import recent
from tokens import ways
from tokens.models import ScimToken
from tokens.oauth.panel import panel as oauth_panel
from tokens.panel import listed, panel
from tokens.rotation import Rotation, overlaps
from workspaces.clock import database_now
from workspaces.models import Directory
from workspaces.permissions import Permission, WorkspaceRequest, can, requires

CALLS_SHOWN = 10


@require_GET
@requires(Permission.VIEW_INTEGRATIONS)
def connected_services(request: WorkspaceRequest, key: str) -> HttpResponse:
    """Show the gateway's URL, its tokens, and how far their replacement is.

    A page that polls gets the rotation alone; 204 if it shows it already, and a
    reload when the overlap has ended.
    """
    integration = get_integration(request, key)
    directory, now = integration.directory, database_now()
    tokens = listed(directory, now)
    can_manage = can(request.membership, Permission.MANAGE_TOKENS)
    rotation = _rotation(directory, tokens, can_manage=can_manage, now=now)
    if request.htmx:
        return _polled(request, rotation)
    shown = panel(directory, tokens, can_manage=can_manage, now=now)
    oauth = oauth_panel(directory, tokens, can_manage=can_manage, now=now)
    has_way_in = shown["has_live_token"] or bool(oauth["live"])
    context = frame(request, integration, current="Settings")
    context |= {
        "left_tabs": left_tabs(integration, current="Connected services"),
        "gateway_url": directory.base_url,
        "panel": shown,
        "oauth": oauth,
        "idps": links(integration),
        "live": live(directory, has_token=has_way_in, seen=None, now=now),
        "live_url": _live_url(integration),
        "watch": watch_panel(directory, integration, can_manage=can_manage, now=now),
        "poll_url": request.path,
        **rotation,
    }
    return render(request, "integrations/connected_services.html", context)


def _live_url(integration: Integration) -> str:
    return reverse("integrations:set_up", args=[integration.directory.key, "other"])


def _polled(request: WorkspaceRequest, rotation: dict[str, Any]) -> HttpResponse:
    if not rotation["rotations"]:
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    if request.GET.get("seen") == rotation["rotation_seen"]:
        return HttpResponse(status=204)
    return render(request, "tokens/_rotation.html", rotation)


def _rotation(
    directory: Directory,
    tokens: Sequence[ScimToken],
    *,
    can_manage: bool,
    now: datetime,
) -> dict[str, Any]:
    """Return the context of `tokens/_rotation.html`; two queries during an overlap."""
    pairs = overlaps(tokens, now)
    if not pairs:
        return {"rotations": []}
    usual = recent.usual_interval(directory)
    calls = recent.calls(directory, limit=CALLS_SHOWN)
    names = {token.key: token.name for token in tokens}
    names |= ways.names_of(directory, {call.token_key for call in calls} - set(names))
    rotations = [
        _described(Rotation(old, new, usual, now), directory, can_manage=can_manage)
        for old, new in pairs
    ]
    seen = [str(calls[0].id if calls else 0)]
    seen += [f"{r['old'].key}{int(r['can_retire'])}" for r in rotations]
    return {
        "rotations": rotations,
        "rotation_seen": "-".join(seen),
        "caller": caller_of(calls[0] if calls else None),
        "calls": [
            {
                "at": call.at,
                "method": call.method,
                "path": call.path,
                "status": call.status,
                "token": names.get(call.token_key, call.token_key),
            }
            for call in calls
        ],
    }


def _described(
    rotation: Rotation, directory: Directory, *, can_manage: bool
) -> dict[str, Any]:
    old = rotation.old
    return {
        "old": old,
        "new": rotation.new,
        "ends_at": old.ends_at,
        "is_new_seen": rotation.is_new_seen,
        "can_retire": rotation.can_retire,
        "usual": rotation.usual is not None,
        "needed": in_words(rotation.needed_quiet),
        "retire_url": reverse("tokens:retire", args=[directory.key, old.key])
        if can_manage
        else None,
    }
