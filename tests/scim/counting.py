"""Count what a request costs the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.test.utils import CaptureQueriesContext

_STATEMENTS = ("SELECT", "INSERT", "UPDATE", "DELETE")


class Statements(list[str]):
    """The statements of a block, without those that open and close savepoints."""

    def on(self, table: str) -> list[str]:
        return [sql for sql in self if table in sql]


@contextmanager
def statements() -> Iterator[Statements]:
    """Collect the statements that the block sends."""
    found = Statements()
    with CaptureQueriesContext(connection) as captured:
        yield found
    found += [
        query["sql"] for query in captured if query["sql"].startswith(_STATEMENTS)
    ]
