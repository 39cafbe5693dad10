"""Small things that every list page needs."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

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


def own_path(wish: str, otherwise: str) -> str:
    """Return `wish` if it is a path of this site, to redirect to; else `otherwise`."""
    is_ours = url_has_allowed_host_and_scheme(wish, None) and wish.startswith("/")
    return wish if is_ours else otherwise
