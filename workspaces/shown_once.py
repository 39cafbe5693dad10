"""The one page and dialog that show a value which exists nowhere else.

It is the answer to the POST that made the value, which no history and no cache keeps.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers

from workspaces.permissions import WorkspaceRequest


@dataclass(frozen=True, slots=True)
class ShownOnce:
    """A new value, and what people read around it."""

    title: str
    noun: str
    """What it is: `secret`, as in: You cannot see this secret again."""

    value: str = field(repr=False)
    advice: str
    """Where it goes now, and what becomes of a lost one."""

    if_lost: str
    """What to do if nobody has it, before the dialog closes."""

    done_url: str
    where: str
    """The place in the portal, for the title of the page."""

    hint: str = ""
    until_words: str = ""
    until: datetime | None = None
    before: tuple[tuple[str, str], ...] = ()
    after: tuple[tuple[str, str], ...] = ()
    """Other values to copy, by label: above it and below it."""


def show(request: WorkspaceRequest, shown: ShownOnce) -> HttpResponse:
    """Return the page, or the dialog for a request of htmx."""
    part = "#dialog" if request.htmx else ""
    response = render(request, f"shown_once.html{part}", {"shown": shown})
    add_never_cache_headers(response)
    return response
