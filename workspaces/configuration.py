"""The tabs of **Workspace Configuration**: each app registers its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from workspaces.permissions import Permission, WorkspaceRequest, can


@dataclass(frozen=True, slots=True)
class Tab:
    """A page of the configuration. `order` counts from the left."""

    order: int
    label: str
    url_name: str
    permission: Permission


_tabs: list[Tab] = []


def register(tab: Tab) -> None:
    """Add a tab. Registering it again changes nothing."""
    if tab not in _tabs:
        _tabs.append(tab)
        _tabs.sort(key=lambda known: known.order)


def tabs_for(request: WorkspaceRequest, *, current: str) -> list[dict[str, Any]]:
    """Return what `<c-tabs>` takes: the tabs that the person may open."""
    return [
        {
            "label": tab.label,
            "url": reverse(tab.url_name),
            "current": tab.label == current,
        }
        for tab in _tabs
        if can(request.membership, tab.permission)
    ]
