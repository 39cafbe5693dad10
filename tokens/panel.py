"""The tokens of a directory as a part of other pages."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse

from tokens.models import ScimToken
from tokens.state import TokenState
from workspaces.models import Directory
from workspaces.pages import Pill

PILLS = {
    TokenState.ACTIVE: Pill("Active", "success"),
    TokenState.EXPIRING: Pill("Expiring", "warning"),
    TokenState.EXPIRED: Pill("Expired", "danger"),
    TokenState.REPLACED: Pill("Replaced", "neutral"),
    TokenState.REVOKED: Pill("Revoked", "neutral"),
    TokenState.OWNER_INACTIVE: Pill("Owner inactive", "danger"),
}


def panel(directory: Directory, *, can_manage: bool, now: datetime) -> dict[str, Any]:
    """Return the context of `tokens/panel.html`."""
    rows = [
        _row(token, directory, can_manage=can_manage, now=now)
        for token in ScimToken.objects.of_directory(directory)
    ]
    live = [row for row in rows if row["is_live"]]
    return {
        "tokens": live,
        "inactive": [row for row in rows if not row["is_live"]],
        "has_live_token": bool(live),
        "can_generate": can_manage,
        "generate_url": reverse("tokens:generate", args=[directory.key]),
    }


def _row(
    token: ScimToken, directory: Directory, *, can_manage: bool, now: datetime
) -> dict[str, Any]:
    state = token.state(now)
    revocable = can_manage and state.is_live
    return {
        "name": token.name,
        "hint": token.hint,
        "created_by": str(token.created_by or "the command line"),
        "created_at": token.created_at,
        "last_used_at": token.last_used_at,
        "last_used_ip": token.last_used_address,
        "last_used_client": token.last_used_client,
        "expires_at": token.expires_at,
        "state": PILLS[state],
        "is_live": state.is_live,
        "revoke_url": (
            reverse("tokens:revoke", args=[directory.key, token.key])
            if revocable
            else None
        ),
    }
