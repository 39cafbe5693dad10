"""Read resources: raw rows, one statement a page.

The only module that knows both the filter's syntax tree and the tables.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from django.db import connection

from scim import counts
from scim.filter_sql import Compiler, member_condition
from scim.json_sql import Sql
from scim.models import Resource
from scim.protocol import paths
from scim.protocol.errors import InvalidFilter, InvalidPath, NotFound
from scim.protocol.schema import MAX_RESULTS, ResourceSchema
from workspaces.models import Directory

_COLUMNS = (
    "r.id, r.public_id, r.resource_type, r.document, r.version, "
    "r.created_at, r.modified_at"
)
BY_ID = Sql("r.id")
_RELATED = {"members": ("group_id", "member_id"), "groups": ("member_id", "group_id")}


class Membership(NamedTuple):
    """The other end of a membership, for `groups` and `members`."""

    public_id: str
    resource_type: str
    label: str


class Row(NamedTuple):
    """What an answer is made of."""

    id: int
    public_id: str
    resource_type: str
    document: str
    version: int
    created_at: str
    modified_at: str
    related: list[Membership]
    """A group's members or a user's groups, if they were asked for."""


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
    related: str | None = None,
) -> Row:
    """Return one resource, with its `members` or `groups` if asked. Raises NotFound."""
    rows = _fetch(
        f"SELECT {_COLUMNS}, {related_sql(related)} FROM scim_resource r "
        "WHERE r.directory_id = %s AND r.resource_type = %s AND r.public_id = %s",
        [directory.pk, schema.name, public_id],
    )
    if not rows:
        raise NotFound(f"There is no {schema.name} with this id in this directory.")
    return rows[0]


def search(
    directory: Directory,
    schema: ResourceSchema,
    query: Query,
    *,
    related: str | None = None,
) -> Page:
    """Return a page of the resources of one type.

    Raises InvalidFilter and InvalidPath. RFC 7644 section 3.4.2.
    """
    where = where_of(directory, schema, query)
    if not query.filter and not query.sort_by:
        return _plain_page(directory, schema, where, query, related_sql(related))
    order = BY_ID
    if query.sort_by:
        compiler = Compiler(schema, directory.base_url)
        order = compiler.order_by(query.sort_by, descending=query.descending)
    return _page(where, order, query, related_sql(related))


def search_all(
    directory: Directory, schemas: Iterable[ResourceSchema], query: Query
) -> Page:
    """Return a page of the resources of several types, as one collection.

    An attribute that a type does not have matches none of its resources; one
    that no type has is an error. RFC 7644 section 3.4.2.1.
    """
    where, related = where_of_all(directory, schemas, query)
    return _page(where, BY_ID, query, related)


def where_of_all(
    directory: Directory, schemas: Iterable[ResourceSchema], query: Query
) -> tuple[Sql, str]:
    """Return the condition of a search over several types, and their memberships."""
    if query.sort_by:
        raise InvalidPath("sortBy works at the endpoint of one resource type.")
    conditions: list[Sql] = []
    refusal: InvalidFilter | None = None
    for schema in schemas:
        try:
            conditions.append(where_of(directory, schema, query))
        except InvalidFilter as error:
            refusal = error
    if not conditions and refusal is not None:
        raise refusal
    where = Sql(
        " OR ".join(f"({condition.text})" for condition in conditions),
        [param for condition in conditions for param in condition.params],
    )
    related = (
        f"CASE r.resource_type WHEN 'Group' THEN {related_sql('members')} "
        f"ELSE {related_sql('groups')} END"
    )
    return where, related


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
    directory: Directory, schema: ResourceSchema, where: Sql, query: Query, related: str
) -> Page:
    """Return a page in the order of creation, at the same cost wherever it is."""
    count = min(query.count, MAX_RESULTS)
    place = counts.find(directory, schema.name, query.start_index)
    if not count or query.start_index > place.total:
        return Page(place.total, [])
    where = Sql(f"{where.text} AND r.id >= %s", [*where.params, place.first_id])
    return Page(place.total, _slice(where, BY_ID, related, count, place.skip))


def _page(where: Sql, order: Sql, query: Query, related: str) -> Page:
    count = min(query.count, MAX_RESULTS)
    rows = _slice(where, order, related, count, query.start_index - 1)
    if query.start_index == 1 and len(rows) < count:
        return Page(len(rows), rows)
    return Page(count_of(where), rows)


def _slice(where: Sql, order: Sql, related: str, count: int, skip: int) -> list[Row]:
    """Return some rows in order. Only they are joined to their memberships."""
    return _fetch(
        f"SELECT {_COLUMNS}, {related} FROM (SELECT r.* FROM scim_resource r"
        f" WHERE {where.text} ORDER BY {order.text} LIMIT %s OFFSET %s) r"
        f" ORDER BY {order.text}",
        [*where.params, *order.params, count, skip, *order.params],
    )


def select_members(
    schema: ResourceSchema, group: Resource, where: paths.FilterNode
) -> list[int]:
    """Return the ids of the membership rows that a value filter selects."""
    condition = member_condition(schema, where, group.directory.base_url)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT m.id FROM scim_groupmember m "
            "JOIN scim_resource x ON x.id = m.member_id "
            f"WHERE m.group_id = %s AND ({condition.text})",
            [group.pk, *condition.params],
        )
        return [pk for (pk,) in cursor.fetchall()]


def row_of(resource: Resource, *, related: str | None = None) -> Row:
    """Return a resource that was just written as a row to answer with."""
    found: Any = None
    if related is not None:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {related_sql(related)} FROM scim_resource r WHERE r.id = %s",
                [resource.pk],
            )
            (found,) = cursor.fetchone()
    return Row(
        resource.pk,
        resource.public_id,
        resource.resource_type,
        resource.document,
        resource.version,
        _time(resource.created_at),
        _time(resource.modified_at),
        _memberships(found),
    )


def related_sql(name: str | None) -> str:
    """Return the SQL of a row's memberships as a JSON list, in the order they came."""
    if name is None:
        return "NULL"
    own, other = _RELATED[name]
    listed = (
        "json_group_array(json_array(public_id, resource_type, label))"
        if connection.vendor == "sqlite"
        else "json_agg(json_build_array(public_id, resource_type, label))::text"
    )
    return (
        f"(SELECT {listed} FROM (SELECT x.public_id, x.resource_type, x.label"
        f" FROM scim_groupmember m JOIN scim_resource x ON x.id = m.{other}"
        f" WHERE m.{own} = r.id ORDER BY m.id) AS o)"
    )


def _memberships(found: str | None) -> list[Membership]:
    return [Membership(*other) for other in orjson.loads(found)] if found else []


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
    where: Sql, order: Sql, key: Sql, related: str, count: int
) -> list[tuple[Row, Any]]:
    """Return the first rows in order, each with the value of a key of `r`."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_COLUMNS}, {related}, {key.text} FROM (SELECT r.* FROM"
            f" scim_resource r WHERE {where.text} ORDER BY {order.text} LIMIT %s) r"
            f" ORDER BY {order.text}",
            [*key.params, *where.params, *order.params, count, *order.params],
        )
        return [(_row(row), row[8]) for row in cursor.fetchall()]


def _fetch(sql: str, params: list[Any]) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return [_row(row) for row in cursor.fetchall()]


def _row(found: Any) -> Row:
    return Row._make(
        [*found[:5], _time(found[5]), _time(found[6]), _memberships(found[7])]
    )


def _time(value: datetime | str) -> str:
    """Return a time as SCIM writes it: UTC, milliseconds, Z."""
    if isinstance(value, datetime):
        return f"{value.isoformat(timespec='milliseconds')[:23]}Z"
    # SQLite keeps "2026-11-21 20:15:00.123456", without the fraction if it is 0.
    moment, _, fraction = value.replace(" ", "T").partition(".")
    return f"{moment}.{fraction[:3].ljust(3, '0')}Z"
