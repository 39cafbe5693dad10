"""Read resources: raw rows, one statement a page.

The only module that knows both the filter's syntax tree and the tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple

from django.db import connection

from scim import counts, related_sql
from scim.filter_sql import Compiler, order_by, sort_key_of_all
from scim.json_sql import Sql
from scim.models import Resource
from scim.protocol import paths
from scim.protocol.errors import InvalidFilter, NotFound
from scim.protocol.schema import MAX_RESULTS, ResourceSchema
from scim.related_sql import Related
from workspaces.models import Directory

BY_ID = Sql("r.id")
_TIME = {
    "sqlite": "strftime('%%Y-%%m-%%dT%%H:%%M:%%fZ', {})",
    "postgresql": (
        "to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"
    ),
}
"""A time as SCIM writes it: UTC, milliseconds, Z."""


class Row(NamedTuple):
    """What an answer is made of, all of it as it will be sent."""

    id: int
    public_id: str
    resource_type: str
    document: str
    version: int
    created_at: str
    modified_at: str
    related: str | None
    """A group's members or a user's groups as a JSON list: None without any."""


@dataclass(frozen=True, slots=True)
class Query:
    """A list request. `start_index` counts from 1; `count` may be 0."""

    filter: str | None = None
    sort_by: str | None = None
    descending: bool = False
    start_index: int = 1
    count: int = 100


@dataclass(frozen=True, slots=True)
class Page:
    """One page and how many there are in all."""

    total: int
    rows: list[Row]


def get(
    directory: Directory,
    schema: ResourceSchema,
    public_id: str,
    *,
    related: Related | None = None,
) -> Row:
    """Return one resource, with its `members` or `groups` if asked. Raises NotFound."""
    listed = related_sql.of(related, directory.base_url)
    rows = _fetch(
        f"SELECT {_columns()}, {listed.text} FROM scim_resource r "
        "WHERE r.directory_id = %s AND r.resource_type = %s AND r.public_id = %s",
        [*listed.params, directory.pk, schema.name, public_id],
    )
    if not rows:
        raise NotFound(f"There is no {schema.name} with this id in this directory.")
    return rows[0]


def search(
    directory: Directory,
    schema: ResourceSchema,
    query: Query,
    *,
    related: Related | None = None,
) -> Page:
    """Return a page of the resources of one type.

    Raises InvalidFilter and InvalidPath. RFC 7644 section 3.4.2.
    """
    where = where_of(directory, schema, query)
    listed = related_sql.of(related, directory.base_url)
    if not query.filter and not query.sort_by:
        return _plain_page(directory, schema, where, query, listed)
    order = BY_ID
    if query.sort_by:
        key = Compiler(schema, directory.base_url).sort_key(query.sort_by)
        order = order_by(key, descending=query.descending)
    return _page(where, order, query, listed)


def search_all(
    directory: Directory,
    schemas: Sequence[ResourceSchema],
    query: Query,
    *,
    related: Mapping[str, Related | None],
) -> Page:
    """Return a page of the resources of several types, as one collection.

    An attribute that a type does not have matches none of its resources, and is no
    value to sort by; one that no type has is an error. RFC 7644 section 3.4.2.1.
    """
    where = where_of_all(directory, schemas, query)
    order = BY_ID
    if query.sort_by:
        key = sort_key_of_all(schemas, directory.base_url, query.sort_by)
        order = order_by(key, descending=query.descending)
    listed = related_sql.of_each(related, directory.base_url)
    return _page(where, order, query, listed)


def where_of_all(
    directory: Directory, schemas: Sequence[ResourceSchema], query: Query
) -> Sql:
    """Return the condition of a search over several types."""
    conditions: list[Sql] = []
    refusal: InvalidFilter | None = None
    for schema in schemas:
        try:
            conditions.append(where_of(directory, schema, query))
        except InvalidFilter as error:
            refusal = error
    if not conditions and refusal is not None:
        raise refusal
    return Sql(
        " OR ".join(f"({condition.text})" for condition in conditions),
        [param for condition in conditions for param in condition.params],
    )


def where_of(directory: Directory, schema: ResourceSchema, query: Query) -> Sql:
    """Return the condition of what a query finds of one type."""
    where = Sql(
        "r.directory_id = %s AND r.resource_type = %s", [directory.pk, schema.name]
    )
    if not query.filter:
        return where
    compiler = Compiler(schema, directory.base_url)
    condition = compiler.visit(paths.parse_filter(schema, query.filter))
    return Sql(f"{where.text} AND ({condition.text})", where.params + condition.params)


def _plain_page(
    directory: Directory, schema: ResourceSchema, where: Sql, query: Query, listed: Sql
) -> Page:
    """Return a page in the order of creation, at the same cost wherever it is."""
    count = min(query.count, MAX_RESULTS)
    place = counts.find(directory, schema.name, query.start_index)
    if not count or query.start_index > place.total:
        return Page(place.total, [])
    where = Sql(f"{where.text} AND r.id >= %s", [*where.params, place.first_id])
    return Page(place.total, _slice(where, BY_ID, listed, count, place.skip))


def _page(where: Sql, order: Sql, query: Query, listed: Sql) -> Page:
    count = min(query.count, MAX_RESULTS)
    rows = _slice(where, order, listed, count, query.start_index - 1)
    if query.start_index == 1 and len(rows) < count:
        return Page(len(rows), rows)
    return Page(count_of(where), rows)


def _slice(where: Sql, order: Sql, listed: Sql, count: int, skip: int) -> list[Row]:
    """Return some rows in order. Those before them are skipped in the index."""
    return _fetch(
        f"SELECT {_columns()}, {listed.text} FROM (SELECT r.id FROM scim_resource r"
        f" WHERE {where.text} ORDER BY {order.text} LIMIT %s OFFSET %s) page"
        f" JOIN scim_resource r ON r.id = page.id ORDER BY {order.text}",
        [*listed.params, *where.params, *order.params, count, skip, *order.params],
    )


def row_of(
    directory: Directory, resource: Resource, *, related: Related | None = None
) -> Row:
    """Return a resource that was just written as a row to answer with.

    Where somebody deleted it in between, nothing is related to it any more.
    """
    found: str | None = None
    if related is not None:
        listed = related_sql.of(related, directory.base_url)
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {listed.text} FROM scim_resource r WHERE r.id = %s",
                [*listed.params, resource.pk],
            )
            (found,) = cursor.fetchone() or (None,)
    return Row(
        resource.pk,
        resource.public_id,
        resource.resource_type,
        resource.document,
        resource.version,
        _time(resource.created_at),
        _time(resource.modified_at),
        found,
    )


def count_of(where: Sql) -> int:
    """Return how many resources fulfil a condition."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT COUNT(*) FROM scim_resource r WHERE {where.text}",
            where.params,
        )
        (total,) = cursor.fetchone()
    return int(total)


def keyed_slice(
    where: Sql, order: Sql, key: Sql, listed: Sql, count: int
) -> list[tuple[Row, Any]]:
    """Return the first rows in order, each with the value of a key of `r`."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_columns()}, {listed.text}, {key.text} FROM (SELECT r.* FROM"
            f" scim_resource r WHERE {where.text} ORDER BY {order.text} LIMIT %s) r"
            f" ORDER BY {order.text}",
            [
                *listed.params,
                *key.params,
                *where.params,
                *order.params,
                count,
                *order.params,
            ],
        )
        return [(Row._make(row[:8]), row[8]) for row in cursor.fetchall()]


def _fetch(sql: str, params: list[Any]) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return [Row._make(row) for row in cursor.fetchall()]


def _columns() -> str:
    """Return the columns of a Row, but for what it is related to."""
    return _columns_of(connection.vendor)


@cache
def _columns_of(vendor: str) -> str:
    times = (
        _TIME[vendor].format(f"r.{name}") for name in ("created_at", "modified_at")
    )
    names = "r.id, r.public_id, r.resource_type, r.document, r.version"
    return ", ".join([names, *times])


def _time(value: datetime) -> str:
    return f"{value.astimezone(UTC).isoformat(timespec='milliseconds')[:23]}Z"
