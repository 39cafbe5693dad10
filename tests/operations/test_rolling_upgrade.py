"""F40: the release before works on the migrated database, as the new one does."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from typing import Any

import pytest
from django.db import connection

from tests.operations.test_upgrade import DUMP

OURS = ("integrations_", "scim_", "tokens_", "workspaces_")

REMOVED = {
    "integrations_integration.sync_every_hours": (
        "Gone in integrations 0016, before the first release."
    ),
}
"""Columns that the release before still names, with the reason why that is right."""

pytestmark = pytest.mark.django_db

Columns = dict[str, bool]
"""By name, whether it takes NULL."""


@cache
def before() -> dict[str, Columns]:
    """Return our tables as the release before knows them."""
    with closing(_database_before()) as old:
        tables = old.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {
            table: {
                name: not is_required
                for _, name, _, is_required, *_ in old.execute(
                    f"PRAGMA table_info({table})"
                )
            }
            for (table,) in tables.fetchall()
            if table.startswith(OURS)
        }


def _database_before() -> sqlite3.Connection:
    old = sqlite3.connect(":memory:")
    old.executescript(DUMP.read_text())
    return old


def columns_now(table: str) -> dict[str, Any]:
    """Return the columns of the migrated database; none where there is no table."""
    with connection.cursor() as cursor:
        if table not in connection.introspection.table_names(cursor):
            return {}
        found = connection.introspection.get_table_description(cursor, table)
    return {column.name: column for column in found}


def faults(table: str, known: Columns) -> Iterator[str]:
    """Yield what keeps code that knows these columns from using the table."""
    now = columns_now(table)
    for name, column in now.items():
        if name not in known and not column.null_ok and column.default is None:
            yield f"{table}.{name} is new: give it a db_default, or let it be null"
        if known.get(name) and not column.null_ok:
            yield f"{table}.{name} took NULL: forbid that one release later"
    for name in known.keys() - now.keys():
        if f"{table}.{name}" not in REMOVED:
            yield f"{table}.{name} is gone: drop it one release after its last use"


def test_f40_release_before_finds_its_columns_and_fills_all_that_it_must() -> None:
    assert len(before()) > 20

    assert [fault for table in before().items() for fault in faults(*table)] == []


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ({"id": False, "slug": True}, "took NULL"),
        ({"id": False, "slug": False}, "name is new"),
        ({"id": False, "plan": False}, "plan is gone"),
    ],
)
def test_f40_rule_sees_each_way_to_break_it(known: Columns, words: str) -> None:
    assert words in "".join(faults("workspaces_workspace", known))


def test_f40_renamed_table_is_seen() -> None:
    assert list(faults("workspaces_former", {"id": False})) == [
        "workspaces_former.id is gone: drop it one release after its last use"
    ]


def test_f40_allowed_removals_are_of_the_release_before() -> None:
    """The list is emptied when the base moves to the next release."""
    for name in REMOVED:
        table, column = name.split(".")
        assert column in before()[table].keys() - columns_now(table).keys()


def test_f40_rows_of_the_release_before_can_be_written() -> None:
    """Each row is inserted as older code does: by the columns that it knows."""
    with closing(_database_before()) as old, connection.cursor() as cursor:
        for table in sorted(before(), key="scim_groupmember".__eq__):
            names = [
                name for name in before()[table] if f"{table}.{name}" not in REMOVED
            ]
            columns = ", ".join(f'"{name}"' for name in names)
            rows = [
                [value if value is None else str(value) for value in row]
                for row in old.execute(f"SELECT {columns} FROM {table}")
            ]
            places = ", ".join(["%s"] * len(names))
            cursor.executemany(
                f"INSERT INTO {table} ({columns}) VALUES ({places})",
                rows,
            )
    connection.check_constraints()
