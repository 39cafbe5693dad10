"""F40: a migration takes its time, and holds nobody up while it waits for a table."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.models.signals import pre_migrate
from django.test.utils import captured_stdout

from tests.operations import processes

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        connection.vendor != "postgresql", reason="SQLite has no such limits"
    ),
]


def limits() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        (statement,) = cursor.fetchone()
        cursor.execute("SHOW lock_timeout")
        return [statement, *cursor.fetchone()]


@pytest.fixture
def held() -> Iterator[None]:
    """Somebody reads every table of an app in a transaction that does not end."""
    tables = [
        name
        for name in connection.introspection.table_names()
        if name.startswith("integrations_")
    ]
    with psycopg.connect(processes.database_url()) as other:
        other.execute(f"LOCK TABLE {', '.join(tables)} IN ACCESS SHARE MODE")
        yield
        other.rollback()


def test_f40_limits_of_requests_are_no_limits_of_migrations() -> None:
    found: list[list[str]] = []

    def look(**_given: object) -> None:
        found.append(limits())

    pre_migrate.connect(look)
    try:
        with captured_stdout():
            call_command("migrate", verbosity=0)
    finally:
        pre_migrate.disconnect(look)

    assert found
    assert all(seen == ["0", "2s"] for seen in found)
    assert limits() == ["9s", "8s"]


def test_f40_table_in_use_undoes_the_migration_and_says_what_to_do(held: None) -> None:
    (newest,) = MigrationLoader(connection).graph.leaf_nodes("integrations")
    (before,) = [
        parent
        for parent in MigrationLoader(connection).graph.node_map[newest].parents
        if parent.key[0] == "integrations"
    ]

    with pytest.raises(CommandError, match="migrate again"):
        call_command("migrate", "integrations", before.key[1], verbosity=0)

    assert newest in MigrationLoader(connection).applied_migrations
    assert limits() == ["9s", "8s"]
