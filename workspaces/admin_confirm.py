"""An action of the Django admin that asks before it acts."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

Act = Callable[[Any, HttpRequest, QuerySet[Any]], HttpResponse | None]


def asks_first(consequence: str) -> Callable[[Act], Act]:
    """Put a page before an action: the chosen rows, and what comes of it."""

    def decorate(act: Act) -> Act:
        @wraps(act)
        def action(
            page: Any, request: HttpRequest, queryset: QuerySet[Any]
        ) -> HttpResponse | None:
            if "confirmed" in request.POST:
                return act(page, request, queryset)
            label = action.short_description  # type: ignore[attr-defined]
            context = {
                **page.admin_site.each_context(request),
                "title": label,
                "opts": page.opts,
                "rows": queryset,
                "consequence": consequence,
                "action": act.__name__,
                "row_field": ACTION_CHECKBOX_NAME,
            }
            return TemplateResponse(request, "administration/confirm.html", context)

        return action

    return decorate
