"""The audit log in the hands of who owns its tables: no trigger stops them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from workspaces import append_only


@contextmanager
def as_its_owner() -> Iterator[None]:
    """Take the triggers down while the block lasts.

    If it fails, the transaction around it is undone, and they are up again.
    """
    down, up = _of_sqlite() if connection.vendor == "sqlite" else _of_postgres()
    _execute(down)
    yield
    _execute(up)


def tamper(sql: str, *params: object) -> None:
    """Change the log as nobody may."""
    with as_its_owner(), connection.cursor() as cursor:
        cursor.execute(sql, params)


def _of_sqlite() -> tuple[list[str], list[str]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        made = dict(cursor.fetchall())
    names = sorted(append_only.in_force())
    return [f"DROP TRIGGER {name}" for name in names], [made[name] for name in names]


def _of_postgres() -> tuple[list[str], list[str]]:
    down, up = [], []
    for name in sorted(append_only.in_force()):
        table = f"workspaces_{name.rpartition('_')[0].replace('_', '')}"
        down.append(f"ALTER TABLE {table} DISABLE TRIGGER {name}")
        up.append(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")
    return down, up


def _execute(statements: list[str]) -> None:
    if connection.vendor == "postgresql":
        # It alters no table for which it still has foreign keys to check.
        connection.check_constraints()
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
