"""Small things that every list page needs."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class Pill:
    """A state as a page shows it: `tone` is success, warning, danger, info, neutral."""

    label: str
    tone: str
    icon: str = ""
    since: object = None


def page_of(request: HttpRequest, rows: QuerySet) -> Page:
    """Return the page that `?page=` asks for, or the nearest there is."""
    return Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))


def search_text(request: HttpRequest) -> str:
    """Return what was typed into the search field."""
    return request.GET.get("q", "").replace("\x00", "").strip()[:200]
