"""Pages of a list by cursor: `?limit=` and `?cursor=`, newest first."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api.base import LARGEST_ID
from integrations.api.problems import Problem

M = TypeVar("M", bound=Model)
MOST = 200
PARAMETERS = [
    OpenApiParameter(
        "limit", int, description=f"Rows of a page: 1 to {MOST}, else 50."
    ),
    OpenApiParameter("cursor", str, description="`nextCursor` of the page before."),
]


def limit_of(request: Request) -> int:
    """Return how many rows are asked for. Raises Problem."""
    text = request.query_params.get("limit", "50")
    is_number = text.isascii() and text.isdecimal() and len(text) < 5
    if not (is_number and 1 <= int(text) <= MOST):
        raise Problem(400, f"limit must be a number from 1 to {MOST}.")
    return int(text)


def page(
    request: Request,
    rows: QuerySet,
    shape: type[serializers.Serializer],
    **context: Any,
) -> Response:
    """Answer the rows after the cursor, newest first; `context` is that of the shape."""
    shown, following = window(request, rows)
    data = shape(shown, many=True, context=context).data
    return Response({"data": data, "nextCursor": following})


def window(request: Request, rows: QuerySet[M]) -> tuple[list[M], str | None]:
    """Return the rows after the cursor and the next cursor, without a count or a skip.

    Newest first. Raises Problem.
    """
    limit = limit_of(request)
    cursor = request.query_params.get("cursor", "")
    if cursor:
        if not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 20):
            raise Problem(400, "cursor must be the nextCursor of another page.")
        rows = rows.filter(pk__lt=min(int(cursor), LARGEST_ID))
    found = list(rows.order_by("-pk")[: limit + 1])
    shown = found[:limit]
    return shown, str(shown[-1].pk) if len(found) > limit else None


@cache
def paged(shape: type[serializers.Serializer]) -> Any:
    """Return how the document describes a page of such rows."""
    name = shape.__name__.removesuffix("Serializer")
    return inline_serializer(
        f"{name}Page",
        {
            "data": shape(many=True),
            "nextCursor": serializers.CharField(allow_null=True),
        },
    )
