"""Read a request's body and query into values of the protocol."""

from __future__ import annotations

import re
from typing import IO, Any

from django.http import HttpRequest, QueryDict
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import BaseParser

from scim.protocol import projection, strict_json
from scim.protocol.errors import InvalidCount, InvalidCursor, InvalidValue, ScimError
from scim.protocol.projection import Projection
from scim.protocol.schema import DEFAULT_RESULTS
from scim.protocol.types import JSON, Document
from scim.queries import Query
from scim.services import Preconditions

_TAG = re.compile(r'(?:W/)?"([^"]*)"|(\*)', re.IGNORECASE)


class ScimParser(BaseParser):
    """JSON objects only, read strictly."""

    media_type = "application/scim+json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Any = None,
    ) -> Document:
        """Return the object in the body. Raises ScimError."""
        charset = re.search(r"charset=\"?([\w-]+)", media_type or "", re.IGNORECASE)
        if charset and charset.group(1).lower() not in {"utf-8", "utf8"}:
            raise UnsupportedMediaType(
                media_type or "", detail="The body must be UTF-8."
            )
        return strict_json.loads(stream.read())


class JsonParser(ScimParser):
    """The same for clients that send plain JSON, as most do."""

    media_type = "application/json"


def query_of(parameters: QueryDict | Document) -> Query:
    """Return a list request from the query string or a SearchRequest body.

    A `startIndex` below 1 reads as 1 and a negative `count` as 0: RFC 7644
    section 3.4.2.4.
    """
    order = _text(parameters, "sortOrder") or "ascending"
    if order.lower() not in {"ascending", "descending"}:
        raise InvalidValue("sortOrder must be ascending or descending.")
    return Query(
        filter=_text(parameters, "filter"),
        sort_by=_text(parameters, "sortBy"),
        descending=order.lower() == "descending",
        start_index=max(1, _integer(parameters, "startIndex", 1)),
        count=max(
            0, _integer(parameters, "count", DEFAULT_RESULTS, refusal=InvalidCount)
        ),
    )


def cursor_of(parameters: QueryDict | Document) -> str | None:
    """Return the cursor, empty for the first page; None to page by index.

    RFC 9865 section 2.
    """
    cursor = _one(parameters, "cursor")
    if cursor is None:
        return None
    if not isinstance(cursor, str):
        raise InvalidCursor("cursor must be a string.")
    if _one(parameters, "startIndex") not in (None, ""):
        raise InvalidValue("Give either a cursor or a startIndex, not both.")
    return cursor


def projection_of(parameters: QueryDict | Document) -> Projection:
    """Return what the client asked to get or to be spared."""
    return projection.parse(
        _names(parameters, "attributes"), _names(parameters, "excludedAttributes")
    )


def preconditions_of(request: HttpRequest) -> Preconditions:
    """Return the conditional headers of a write."""
    return Preconditions(
        if_match=_versions(request.META.get("HTTP_IF_MATCH")),
        if_none_match=_versions(request.META.get("HTTP_IF_NONE_MATCH")),
    )


def is_not_modified(request: HttpRequest, tag: str) -> bool:
    """Say whether the client of a GET has what the entity tag stands for."""
    tags = _tags(request.META.get("HTTP_IF_NONE_MATCH"))
    return tags is not None and bool(tags & {*(_tags(tag) or ()), "*"})


def _versions(header: str | None) -> frozenset[str] | None:
    """Return what a write compares: memberships shown with a resource are not its own.

    See `scim.rendering.etag`.
    """
    tags = _tags(header)
    return None if tags is None else frozenset(tag.partition("-")[0] for tag in tags)


def _tags(header: str | None) -> frozenset[str] | None:
    if not header:
        return None
    # A tag that is a quoted star is a version that nothing has.
    return frozenset(
        star or quoted for quoted, star in _TAG.findall(header) if quoted != "*"
    )


def _one(parameters: QueryDict | Document, name: str) -> JSON:
    if isinstance(parameters, QueryDict):
        values = parameters.getlist(name)
        if len(values) > 1:
            raise InvalidValue(f"{name} is given more than once.")
        return values[0] if values else None
    return next((v for k, v in parameters.items() if k.lower() == name.lower()), None)


def _text(parameters: QueryDict | Document, name: str) -> str | None:
    value = _one(parameters, name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise InvalidValue(f"{name} must be a string.")
    if "\x00" in value:
        raise InvalidValue(f"{name} holds a NUL character.")
    return value


def _names(parameters: QueryDict | Document, name: str) -> str | None:
    value = _one(parameters, name)
    if isinstance(value, list):
        return ",".join(str(item) for item in value)
    return _text(parameters, name)


def _integer(
    parameters: QueryDict | Document,
    name: str,
    default: int,
    *,
    refusal: type[ScimError] = InvalidValue,
) -> int:
    value = _one(parameters, name)
    if value is None or value == "":
        return default
    text = str(value)
    if isinstance(value, bool) or not re.fullmatch(r"[+-]?\d{1,9}", text, re.ASCII):
        raise refusal(f"{name} must be an integer.")
    return int(text)
