"""AUD-01: the database refuses to change or remove what the audit log holds."""

from __future__ import annotations

import json
import re
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.models import ProtectedError

from tests.audit_log import as_its_owner
from workspaces import append_only, audit, audit_chain, audit_retention
from workspaces.clock import database_now
from workspaces.models import AuditChain, AuditEvent, User, Workspace

EVENTS, CHAINS = AuditEvent._meta.db_table, AuditChain._meta.db_table
VALUES: dict[str, Any] = {
    "id": 4711,
    "public_id": "0" * 32,
    "workspace_id": None,
    "actor_id": 4711,
    "data": "{}",
    "address": "192.0.2.9",
    "at": "2020-01-01 00:00:00+00:00",
    "sequence": 99,
}
"""What an attacker writes into a column; into all others a word."""

on_sqlite = pytest.mark.skipif(
    connection.vendor != "sqlite", reason="a statement of SQLite"
)
on_postgres = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="a statement of PostgreSQL"
)


@pytest.fixture
def event(workspace: Workspace, alice: User) -> AuditEvent:
    """A sealed event in the middle of a chain."""
    made = [
        audit.record(
            audit.Members.LEFT,
            workspace=workspace,
            actor=alice,
            data={"role": "member"},
        )
        for _ in range(3)
    ]
    audit_chain.seal(workspace.pk)
    made[1].refresh_from_db()
    return made[1]


def execute(sql: str, *params: object) -> int:
    """Return how many rows a statement touched."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, params)
        return int(cursor.rowcount)


def refused(sql: str, *params: object) -> None:
    with pytest.raises(IntegrityError, match="only ever added to"):
        execute(sql, *params)


def columns(model: Any) -> list[str]:
    return [field.column for field in model._meta.concrete_fields]


def age(event: AuditEvent, days: float) -> None:
    with as_its_owner():
        mine = AuditEvent.sealing.filter(workspace=event.workspace_id)
        mine.update(at=database_now() - timedelta(days=days))


def record_horizon(event: AuditEvent, length: object) -> None:
    execute(
        f"UPDATE {CHAINS} SET pruned = %s WHERE workspace_id = %s",
        json.dumps({"length": length}),
        event.workspace_id,
    )


class TestEvent:
    @pytest.mark.parametrize("column", columns(AuditEvent))
    def test_aud_01_no_column_of_it_can_be_changed(
        self, event: AuditEvent, column: str
    ) -> None:
        value = VALUES.get(column, "forged")

        refused(f"UPDATE {EVENTS} SET {column} = %s WHERE id = %s", value, event.pk)

    def test_before_its_seal_it_is_no_freer(self, event: AuditEvent) -> None:
        waiting = audit.record(
            audit.Members.LEFT, workspace=event.workspace, actor=None
        )

        refused(f"UPDATE {EVENTS} SET actor_label = 'x' WHERE id = %s", waiting.pk)
        refused(f"DELETE FROM {EVENTS} WHERE id = %s", waiting.pk)

    def test_seal_is_not_taken_off(self, event: AuditEvent) -> None:
        refused(
            f"UPDATE {EVENTS} SET sequence = NULL, digest = '' WHERE id = %s", event.pk
        )

    def test_what_changes_nothing_is_no_change(self, event: AuditEvent) -> None:
        assert execute(f"UPDATE {EVENTS} SET action = action WHERE id = %s", event.pk)

    def test_young_one_stays_whatever_the_horizon_says(self, event: AuditEvent) -> None:
        """Nobody hides what they just did: 90 days are the shortest retention."""
        age(event, 89.9)
        record_horizon(event, 2)

        refused(f"DELETE FROM {EVENTS} WHERE id = %s", event.pk)

    def test_old_one_stays_until_a_horizon_is_recorded(self, event: AuditEvent) -> None:
        age(event, 90.1)
        refused(f"DELETE FROM {EVENTS} WHERE id = %s", event.pk)

        record_horizon(event, (event.sequence or 0) - 1)
        refused(f"DELETE FROM {EVENTS} WHERE id = %s", event.pk)

        record_horizon(event, event.sequence)
        assert execute(f"DELETE FROM {EVENTS} WHERE id = %s", event.pk) == 1

    def test_one_of_the_installation_is_never_pruned(self, db: None) -> None:
        event = audit.record(audit.Members.LEFT, workspace=None, actor=None)
        audit_chain.seal(None)
        age(event, 400)
        execute(
            f"UPDATE {CHAINS} SET pruned = %s WHERE workspace_id IS NULL",
            '{"length": 1}',
        )

        refused(f"DELETE FROM {EVENTS} WHERE id = %s", event.pk)

    def test_no_retention_on_offer_is_shorter_than_the_database_knows(self) -> None:
        assert min(days for days, _ in audit_retention.CHOICES if days) >= 90

    @on_sqlite
    @pytest.mark.parametrize("chosen", ["id", "public_id", "sequence"])
    def test_another_cannot_take_its_row(self, event: AuditEvent, chosen: str) -> None:
        """REPLACE deletes the row in the way, and tells no trigger."""
        forged = dict.fromkeys(columns(AuditEvent), None) | {
            "id": 4711,
            "public_id": "f" * 32,
            "workspace_id": event.workspace_id,
            **dict.fromkeys(("action", "actor_label", "target_label"), "forged"),
            **dict.fromkeys(("target_type", "target_id", "request_id"), ""),
            "data": "{}",
            "digest": "",
            "at": "2026-01-01",
        }
        value = {"public_id": event.public_id.hex}.get(chosen, getattr(event, chosen))
        row = forged | {chosen: value}

        refused(
            f"REPLACE INTO {EVENTS} ({', '.join(row)})"
            f" VALUES ({', '.join(['%s'] * len(row))})",
            *row.values(),
        )

    @on_sqlite
    def test_unsealed_one_cannot_take_its_place(self, event: AuditEvent) -> None:
        waiting = audit.record(
            audit.Members.LEFT, workspace=event.workspace, actor=None
        )

        refused(
            f"UPDATE OR REPLACE {EVENTS} SET sequence = %s WHERE id = %s",
            event.sequence,
            waiting.pk,
        )


class TestChain:
    @pytest.mark.parametrize(
        "change",
        [
            "id = 4711",
            "workspace_id = NULL",
            "length = length - 1",
            "digest = 'forged'",
            "pruned = NULL",
            """pruned = '{"length": 1}'""",
            """pruned = '{"length": 999}'""",
            "pruned = 'null'",
        ],
    )
    def test_aud_01_it_only_grows(self, event: AuditEvent, change: str) -> None:
        record_horizon(event, 2)

        refused(
            f"UPDATE {CHAINS} SET {change} WHERE workspace_id = %s", event.workspace_id
        )

    def test_aud_01_it_stays(self, event: AuditEvent) -> None:
        refused(f"DELETE FROM {CHAINS} WHERE workspace_id = %s", event.workspace_id)

    def test_workspace_goes_only_with_its_log_which_stays(
        self, event: AuditEvent
    ) -> None:
        with pytest.raises(ProtectedError):
            event.workspace.delete()  # type: ignore[union-attr]

    @on_sqlite
    def test_horizon_that_is_a_text_lets_nothing_go(self, event: AuditEvent) -> None:
        """SQLite holds any text to be greater than any number."""
        age(event, 400)
        record_horizon(event, "1")

        refused(f"DELETE FROM {EVENTS} WHERE id = %s", event.pk)

    @on_sqlite
    def test_another_cannot_take_its_row(self, event: AuditEvent) -> None:
        before = AuditChain.objects.get(workspace=event.workspace_id)

        execute(
            f"REPLACE INTO {CHAINS} (workspace_id, length, digest) VALUES (%s, 0, '')",
            event.workspace_id,
        )

        after = AuditChain.objects.get(workspace=event.workspace_id)
        assert (after.pk, after.length) == (before.pk, before.length)


class TestTruncate:
    @on_postgres
    @pytest.mark.parametrize("tables", [EVENTS, CHAINS, f"{EVENTS}, {CHAINS}"])
    def test_aud_01_is_refused(self, event: AuditEvent, tables: str) -> None:
        connection.check_constraints()  # or it is refused for that alone

        refused(f"TRUNCATE {tables} CASCADE")

    @on_postgres
    def test_aud_01_replaying_session_is_refused_too(self, event: AuditEvent) -> None:
        execute("SET LOCAL session_replication_role = replica")

        refused(f"DELETE FROM {EVENTS}")

    @on_postgres
    def test_temporary_table_does_not_stand_in_for_the_horizon(
        self, event: AuditEvent
    ) -> None:
        age(event, 400)
        execute(f"CREATE TEMPORARY TABLE {CHAINS} AS SELECT * FROM {CHAINS}")
        execute(f"UPDATE pg_temp.{CHAINS} SET pruned = %s", '{"length": 9}')

        refused(f"DELETE FROM {EVENTS} WHERE id = %s", event.pk)


def test_reverse_takes_all_down_and_forwards_puts_it_up(db: None) -> None:
    loader = MigrationLoader(None)
    migration = loader.get_migration("workspaces", append_only.MIGRATION)
    (operation,) = migration.operations
    there = ("workspaces", connection.schema_editor(), None, None)
    assert append_only.missing() == set()

    operation.database_backwards(*there)
    assert append_only.in_force() == set()

    for _ in range(2):  # a second time changes nothing
        operation.database_forwards(*there)
    assert append_only.missing() == set()


@on_postgres
def test_aud_01_role_of_the_handbook_cannot_take_it_down(event: AuditEvent) -> None:
    page = (Path(__file__).parents[2] / "docs/howto/production.md").read_text()
    lines = page.partition("```sql\n")[2].partition("```")[0]
    role = f"keyway_{uuid.uuid4().hex}"
    assert append_only.can_be_taken_down()
    execute(f"CREATE ROLE {role}")
    execute(re.sub(r"\bkeyway(?=\W)", role, lines).replace("keyway_owner", f"{role}_o"))
    connection.check_constraints()

    execute(f"SET LOCAL ROLE {role}")

    assert not append_only.can_be_taken_down()
    assert append_only.missing() == set()
    for act in (
        f"ALTER TABLE {EVENTS} DISABLE TRIGGER audit_event_delete",
        f"DROP TRIGGER audit_event_delete ON {EVENTS}",
        "DROP FUNCTION keyway_let_retention_delete() CASCADE",
        f"TRUNCATE {EVENTS}",
        "SET session_replication_role = replica",
    ):
        with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
            execute(act)
    refused(f"DELETE FROM {EVENTS} WHERE id = %s", event.pk)
    audit.record(audit.Members.LEFT, workspace=event.workspace, actor=None)
    assert audit_chain.seal(event.workspace_id) == 1
