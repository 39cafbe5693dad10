"""The one clock that decides every expiry: the database's."""

from __future__ import annotations

from datetime import datetime

from django.db import connection
from django.utils import timezone
from django.utils.dateparse import parse_datetime


def database_now() -> datetime:
    """Return the database's present time, in UTC. Takes one query."""
    sql = (
        "SELECT strftime('%Y-%m-%dT%H:%M:%f', 'now')"
        if connection.vendor == "sqlite"
        else "SELECT clock_timestamp()"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql)
        (now,) = cursor.fetchone()
    if isinstance(now, str):
        parsed = parse_datetime(now)
        assert parsed is not None  # noqa: S101  the format is ours, above
        return timezone.make_aware(parsed, timezone.get_default_timezone())
    return now
