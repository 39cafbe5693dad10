"""Bring the database up to date, while the version before goes on with its work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

LOCK_SECONDS = 2


class Command(migrate.Command):
    """Django's, with all the time that a large table takes, and little for a lock.

    While a migration waits for a table, everybody who comes after it waits too.
    """

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate. Raises CommandError where a table was in use for too long."""
        with _limits_of_migrations(connections[options["database"]]):
            super().handle(*args, **options)


@contextmanager
def _limits_of_migrations(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Replace the limits of requests (config/settings.py) while the block lasts."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(f"SET lock_timeout = '{LOCK_SECONDS}s'")
    try:
        yield
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != "55P03":  # lock_not_available
            raise
        raise CommandError(
            f"A table was in use for longer than {LOCK_SECONDS} s. The migration that "
            "needs it was undone, those before it are kept. Run manage.py migrate again."
        ) from None
    finally:
        if connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("RESET statement_timeout")
                cursor.execute("RESET lock_timeout")
