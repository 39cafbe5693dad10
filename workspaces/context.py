"""What every page of the portal shows."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from workspaces.navigation import entries_for

THEMES = ("system", "light", "dark")


def portal(request: HttpRequest) -> dict[str, Any]:
    """Return the theme, the present workspace and the menu entries one may use."""
    theme = request.COOKIES.get("theme", "system")
    return {
        "theme": theme if theme in THEMES else "system",
        "workspace": getattr(request, "workspace", None),
        "membership": getattr(request, "membership", None),
        "workspaces": [m.workspace for m in getattr(request, "memberships", [])],
        "navigation": entries_for(request),
        "administration": entries_for(request, is_administration=True),
    }
