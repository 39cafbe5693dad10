"""What every page of the Django admin shares: links, bounded counts, cheap filters."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.paginator import Paginator
from django.db.models import ForeignKey, Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from workspaces.admin_refusals import RefusingAdmin
from workspaces.models import User

MOST_COUNTED = 5000
"""Rows that a list counts and pages through. What is behind them, a search finds."""


def superuser(request: HttpRequest) -> User:
    """Return who uses the admin, which lets nobody else in."""
    assert isinstance(request.user, User)  # noqa: S101  the admin asks for a log-in
    return request.user


class BoundedPaginator(Paginator):
    """Counts no further than people page: a count of all would read the table."""

    @cached_property
    def count(self) -> int:
        """Return how many rows there are, at most `MOST_COUNTED`."""
        rows: Any = self.object_list
        counted: int = rows.order_by()[:MOST_COUNTED].count()
        return counted


class LinkedAdmin(RefusingAdmin):
    """Lists and rows lead to what they belong to, and rows to what belongs to them."""

    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Call a list by what it holds."""
        title = capfirst(str(self.opts.verbose_name_plural))
        return super().changelist_view(
            request, {"title": title} | (extra_context or {})
        )

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """Return the columns; one that names another row links there."""
        shown = list(super().get_list_display(request))
        return [shown[0], *(self._linked(column) for column in shown[1:])]

    def get_readonly_fields(
        self, request: HttpRequest, obj: Any = None
    ) -> list[Any] | tuple[Any, ...]:
        """Add what belongs to a row to what is only read."""
        fields = super().get_readonly_fields(request, obj)
        return [*fields, "related"] if obj is not None else fields

    @admin.display(description="belongs to it")
    def related(self, row: Model) -> SafeString | str:
        """Link to the lists of what points to this row."""
        relations = [
            relation
            for relation in row._meta.related_objects
            if self.admin_site.is_registered(relation.related_model)
        ]
        times = Counter(relation.related_model for relation in relations)
        found = [
            (
                _page(relation.related_model, "changelist"),
                f"{relation.field.name}__id__exact",
                row.pk,
                relation.related_model._meta.verbose_name_plural,
                f" ({relation.field.verbose_name})"
                if times[relation.related_model] > 1
                else "",
            )
            for relation in relations
        ]
        return format_html_join(", ", '<a href="{}?{}={}">{}{}</a>', found) or "-"

    def _linked(self, column: Any) -> Any:
        field = next((f for f in self.opts.fields if f.name == column), None)
        is_link = isinstance(field, ForeignKey) and self.admin_site.is_registered(
            field.related_model
        )
        return _link(column) if is_link else column


def laid_out(name: str) -> Callable[[Any], SafeString | str]:
    """Return a column that shows JSON, or a text of it, with a line for each part.

    What was cut or masked is no JSON any more: it is shown as it is.
    """

    @admin.display(description=name.replace("_", " "))
    def column(row: Any) -> SafeString | str:
        value = getattr(row, name)
        if value in (None, "", [], {}):
            return "-"
        try:
            value = json.loads(value) if isinstance(value, str) else value
        except ValueError:
            return format_html("<pre>{}</pre>", value)
        text = json.dumps(value, indent=2, ensure_ascii=False)
        return format_html("<pre>{}</pre>", text)

    return column


def given(
    parameter: str, title_of: str, choices: Callable[[], Iterable[tuple[str, str]]]
) -> type[admin.SimpleListFilter]:
    """Return a filter of known values: Django's own would read all rows for them."""

    class Given(admin.SimpleListFilter):
        title = title_of
        parameter_name = parameter

        def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
            """Return what can be chosen."""
            return list(choices())

        def queryset(self, request: HttpRequest, queryset: Any) -> Any:
            """Keep the rows of the chosen value."""
            value = self.value()
            if value is None:
                return queryset
            if value not in {known for known, _ in self.lookup_choices}:
                raise IncorrectLookupParameters
            return queryset.filter(**{parameter: value})

    return Given


def _link(name: str) -> Callable[[Any], SafeString | str]:
    @admin.display(description=name.replace("_", " "), ordering=name)
    def column(row: Any) -> SafeString | str:
        other = getattr(row, name)
        if other is None:
            return "-"
        return format_html(
            '<a href="{}">{}</a>', _page(type(other), "change", other.pk), other
        )

    return column


def _page(model: type[Model], name: str, *args: Any) -> str:
    opts = model._meta
    return reverse(f"admin:{opts.app_label}_{opts.model_name}_{name}", args=args)
