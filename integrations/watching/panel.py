"""The usual ways of a connection, as a part of its page."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse

from integrations.audit import Action
from integrations.models import ConnectionWatch, SeenPlace
from integrations.reports.lengths import in_words
from workspaces.audit import Target
from workspaces.models import AuditEvent, Directory

_MOST_PLACES = 50
_NEWS_OF = timedelta(days=7)
_MOST_NEWS = 5


def last_places(directory: Directory) -> list[SeenPlace]:
    """Return from where a connection is used, the last used first, each with its opener."""
    places = SeenPlace.objects.filter(directory=directory).select_related(
        "token", "oauth_client", "trust"
    )
    return list(places.order_by("-last_seen_at")[:_MOST_PLACES])


def watch_panel(
    directory: Directory, target: Target, *, can_manage: bool, now: datetime
) -> dict[str, Any]:
    """Return the context of `integrations/_watch.html`. Three queries.

    `target` is what `target_of` would return.
    """
    watch = ConnectionWatch.objects.filter(directory=directory).first()
    usual = watch.usual_gap if watch else None
    after = watch.alarm_after if watch else None
    kind, key, _ = target.audit_target
    news = AuditEvent.objects.filter(
        workspace=directory.workspace_id,
        action=Action.CONNECTION_NEW_PLACE,
        target_type=kind,
        target_id=key,
        at__gt=now - _NEWS_OF,
    ).order_by("-id")
    return {
        "is_on": watch is None or watch.tells_silence,
        "usual": in_words(usual) if usual else "",
        "alarm_after": in_words(after) if after else "",
        "silent_since": watch.silent_since if watch else None,
        "news": [
            {"at": event.at, "kind": "token", **event.data}
            for event in news[:_MOST_NEWS]
        ],
        "places": last_places(directory),
        "switch_url": reverse("watching:silence_alarm", args=[directory.key])
        if can_manage
        else None,
    }
