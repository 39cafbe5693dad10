"""Read resources page by page from a position: RFC 9865.

A page is what follows its position in the order of the sort value and the id, so
that what others create and delete meanwhile neither repeats nor hides a resource.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from django.db import connection

from scim import counts, json_sql, queries, related_sql
from scim.filter_sql import Compiler, sort_key_of_all
from scim.json_sql import Sql
from scim.operands import Operand
from scim.protocol.cursors import Position
from scim.protocol.schema import MAX_RESULTS, ResourceSchema
from scim.queries import Page, Query
from scim.related_sql import Related
from workspaces.models import Directory

_LONGEST = 500
"""Characters of a text that count for its place: a cursor must fit into a URL."""

_CASTS = {"json": "numeric", "boolean": "boolean", "time": "timestamptz"}


@dataclass(frozen=True, slots=True)
class CursorPage:
    """A page, and the positions of its neighbours if it has any."""

    page: Page
    next: Position | None = None
    previous: Position | None = None


def search(
    directory: Directory,
    schema: ResourceSchema,
    query: Query,
    position: Position | None,
    *,
    related: Related | None = None,
) -> CursorPage:
    """Return the page at a position, the first without one.

    Raises InvalidFilter and InvalidPath.
    """
    where = queries.where_of(directory, schema, query)
    order = _Order(None, descending=False)
    if query.sort_by:
        operand = Compiler(schema, directory.base_url).sort_key(query.sort_by)
        order = _Order(_short(operand), descending=query.descending)
    listed = related_sql.of(related, directory.base_url)
    if query.filter:
        total = queries.count_of(where)
    else:
        total = counts.find(directory, schema.name, 1).total
    return _page(where, order, query, position, listed, total)


def search_all(
    directory: Directory,
    schemas: Sequence[ResourceSchema],
    query: Query,
    position: Position | None,
    *,
    related: Mapping[str, Related | None],
) -> CursorPage:
    """Return the page at a position of several types, as one collection."""
    where = queries.where_of_all(directory, schemas, query)
    listed = related_sql.of_each(related, directory.base_url)
    order = _Order(None, descending=False)
    if query.sort_by:
        operand = sort_key_of_all(schemas, directory.base_url, query.sort_by)
        order = _Order(_short(operand), descending=query.descending)
    total = queries.count_of(where)
    return _page(where, order, query, position, listed, total)


@dataclass(frozen=True, slots=True)
class _Order:
    """By a key, if there is one, then by id; who has no value comes last."""

    key: Operand | None
    descending: bool

    def order_by(self) -> Sql:
        """Return the ORDER BY."""
        direction = "DESC" if self.descending else "ASC"
        if self.key is None:
            return Sql(f"r.id {direction}")
        sql = self.key.sql
        return Sql(
            f"({sql.text} IS NULL) {direction}, {self._collated()} {direction}, "
            f"r.id {direction}",
            sql.params * 2,
        )

    def after(self, position: Position) -> Sql:
        """Return the condition of what follows a position."""
        sign = "<" if self.descending else ">"
        if self.key is None:
            return Sql(f"r.id {sign} %s", [position.id])
        text, params = self.key.sql.text, self.key.sql.params
        behind = Sql(f"r.id {sign} %s", [position.id])
        if position.value is None:
            same = f"({text} IS NULL AND {behind.text})"
            if self.descending:
                return Sql(
                    f"({same} OR {text} IS NOT NULL)",
                    [*params, *behind.params, *params],
                )
            return Sql(same, [*params, *behind.params])
        value = self._value()
        beyond = "FALSE" if self.descending else f"{text} IS NULL"
        return Sql(
            f"({self._collated()} {sign} {value} OR ({text} = {value} AND "
            f"{behind.text}) OR {beyond})",
            [
                *params,
                position.value,
                *params,
                position.value,
                *behind.params,
                *([] if self.descending else params),
            ],
        )

    def selected(self) -> Sql:
        """Return what to read beside a row: the value that a position holds."""
        if self.key is None:
            return Sql("NULL")
        if connection.vendor == "sqlite" and self.key.kept_as != "time":
            return self.key.sql
        # Times too, which the SQLite driver would read.
        return Sql(f"CAST({self.key.sql.text} AS TEXT)", self.key.sql.params)

    def _collated(self) -> str:
        assert self.key is not None  # noqa: S101  the callers know
        if self.key.kept_as != "text":
            return self.key.sql.text
        return f"{self.key.sql.text} {json_sql.collation()}"

    def _value(self) -> str:
        assert self.key is not None  # noqa: S101  the callers know
        cast = _CASTS.get(self.key.kept_as, "text")
        return "%s" if connection.vendor == "sqlite" else f"%s::{cast}"


def _short(operand: Operand) -> Operand:
    """Return a text so that it fits into a cursor; a column always does."""
    if operand.kept_as != "text" or not operand.sql.params:
        return operand
    if connection.vendor == "sqlite":
        # What is no text there, such as a boolean, is short and keeps its type.
        text = (
            f"(SELECT CASE typeof(k) WHEN 'text' THEN substr(k, 1, {_LONGEST}) "
            f"ELSE k END FROM (SELECT {operand.sql.text} AS k))"
        )
    else:
        text = f"left({operand.sql.text}, {_LONGEST})"
    return replace(operand, sql=Sql(text, operand.sql.params))


def _page(
    where: Sql,
    order: _Order,
    query: Query,
    position: Position | None,
    listed: Sql,
    total: int,
) -> CursorPage:
    count = min(query.count, MAX_RESULTS)
    if not count:
        return CursorPage(Page(total, []))
    backwards = position is not None and position.backwards
    walked = replace(order, descending=order.descending != backwards)
    if position is not None:
        after = walked.after(position)
        where = Sql(f"({where.text}) AND {after.text}", [*where.params, *after.params])
    keyed = queries.keyed_slice(
        where, walked.order_by(), walked.selected(), listed, count + 1
    )
    more = len(keyed) > count
    keyed = keyed[:count]
    if backwards:
        keyed.reverse()
    if not keyed:
        return CursorPage(Page(total, []))
    ends = [Position(row.id, value) for row, value in (keyed[-1], keyed[0])]
    last, first = ends[0], replace(ends[1], backwards=True)
    return CursorPage(
        Page(total, [row for row, _ in keyed]),
        next=last if more or backwards else None,
        previous=first if position is not None and (more or not backwards) else None,
    )
