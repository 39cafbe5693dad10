"""The left navigation: each app registers its entries when it is ready."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from workspaces.permissions import Permission, can


@dataclass(frozen=True, slots=True)
class Entry:
    """A link for those who have the permission. `order` counts from the top."""

    order: int
    label: str
    url_name: str
    icon: str
    permission: Permission
    also: tuple[str, ...] = ()
    """Starts of other paths at which this entry is the current one."""
    is_administration: bool = False
    """Stands in the menu **Administrator Settings** behind its icon."""


_entries: list[Entry] = []


def register(entry: Entry) -> None:
    """Add an entry. Registering it again changes nothing."""
    if entry not in _entries:
        _entries.append(entry)
        _entries.sort(key=lambda known: known.order)


def entries_for(
    request: HttpRequest, *, is_administration: bool = False
) -> list[dict[str, Any]]:
    """Return what the person may open, with the value of `aria-current`."""
    membership = getattr(request, "membership", None)
    shown = [
        entry
        for entry in _entries
        if entry.is_administration == is_administration
        and can(membership, entry.permission)
    ]
    result = []
    for entry in shown:
        url = reverse(entry.url_name)
        current = ""
        if request.path == url:
            current = "page"
        elif request.path.startswith((url, *entry.also)):
            current = "true"
        result.append(
            {"label": entry.label, "url": url, "icon": entry.icon, "current": current}
        )
    return result
