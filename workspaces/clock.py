"""The one clock that decides every expiry: the database's."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import connection


def now_sql() -> str:
    """Return the SQL expression of the database's present time."""
    if connection.vendor == "sqlite":
        return "strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')"
    return "clock_timestamp()"


def as_time(value: datetime | str | None) -> datetime | None:
    """Return a time as a raw cursor gives it: SQLite's are UTC without saying so."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if value is not None and value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    return value


def database_now() -> datetime:
    """Return the database's present time, in UTC. Takes one query."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {now_sql()}", [])
        (value,) = cursor.fetchone()
    now = as_time(value)
    assert now is not None  # noqa: S101  a clock always has a time
    return now
