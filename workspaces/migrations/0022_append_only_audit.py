"""The database itself keeps the audit log as it is: docs/reference/audit.md.

SQLite drops the triggers of a table with the table. So a later migration that has
one of the two rebuilt takes the triggers down first and puts them up again after.
"""

from __future__ import annotations

from typing import Any

from django.db import migrations
from django.db.migrations.operations.base import Operation

EVENTS, CHAINS = "workspaces_auditevent", "workspaces_auditchain"
FIXED = (
    *("id", "public_id", "workspace_id", "action", "actor_label", "target_type"),
    *("target_id", "target_label", "data", "address", "request_id", "at"),
)
REFUSED = "The audit log is only ever added to."

EVENT_CHANGES = """
    ({old}) {differ} ({new})
    OR (NEW.actor_id IS NOT NULL AND NEW.actor_id {differ} OLD.actor_id)
    OR (OLD.sequence IS NOT NULL
        AND (NEW.sequence, NEW.digest) {differ} (OLD.sequence, OLD.digest))
"""
"""An event gets its place and digest once, and loses an actor who is deleted."""

CHAIN_CHANGES = """
    (NEW.id, NEW.workspace_id) {differ} (OLD.id, OLD.workspace_id)
    OR NEW.length < OLD.length
    OR (NEW.length = OLD.length AND NEW.digest <> OLD.digest)
    OR {new_pruned} < {old_pruned}
    OR {new_pruned} > NEW.length
"""
"""A chain grows, and what was pruned of it does."""

MAY_BE_PRUNED = """
    SELECT 1 FROM workspaces_auditchain AS chain
    WHERE chain.workspace_id = OLD.workspace_id AND OLD.sequence <= {pruned}
"""
"""The end of what goes is recorded before; 90 days are the shortest retention."""

SQLITE_PRUNED = "coalesce(CAST(json_extract({row}.pruned, '$.length') AS INTEGER), 0)"
SQLITE = {
    "audit_event_change": f"""
        BEFORE UPDATE ON {EVENTS} WHEN {{event_changes}} OR EXISTS (
            SELECT 1 FROM {EVENTS} WHERE id <> OLD.id AND sequence = NEW.sequence
            AND coalesce(workspace_id, 0) = coalesce(NEW.workspace_id, 0)
        ) BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END""",
    "audit_event_delete": f"""
        BEFORE DELETE ON {EVENTS}
        WHEN datetime(OLD.at) > datetime('now', '-90 days')
            OR NOT EXISTS ({{may_be_pruned}})
        BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END""",
    # INSERT OR REPLACE deletes a row without a word to the trigger above.
    "audit_event_replace": f"""
        BEFORE INSERT ON {EVENTS} WHEN EXISTS (
            SELECT 1 FROM {EVENTS} WHERE id = NEW.id OR public_id = NEW.public_id
            OR (coalesce(workspace_id, 0) = coalesce(NEW.workspace_id, 0)
                AND sequence = NEW.sequence)
        ) BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END""",
    "audit_chain_change": f"""
        BEFORE UPDATE ON {CHAINS} WHEN {{chain_changes}}
        BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END""",
    "audit_chain_delete": f"""
        BEFORE DELETE ON {CHAINS} BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END""",
    # A chain is made by INSERT OR IGNORE: what is there stays, whatever is asked.
    "audit_chain_replace": f"""
        BEFORE INSERT ON {CHAINS} WHEN EXISTS (
            SELECT 1 FROM {CHAINS} WHERE id = NEW.id
            OR coalesce(workspace_id, 0) = coalesce(NEW.workspace_id, 0)
        ) BEGIN SELECT RAISE(IGNORE); END""",
}

POSTGRES_PRUNED = "coalesce(({row}.pruned->>'length')::bigint, 0)"
POSTGRES = {
    "audit_event_change": f"""
        BEFORE UPDATE ON {EVENTS} FOR EACH ROW WHEN ({{event_changes}})
        EXECUTE FUNCTION keyway_refuse_audit_change()""",
    "audit_event_delete": f"""
        BEFORE DELETE ON {EVENTS} FOR EACH ROW
        EXECUTE FUNCTION keyway_let_retention_delete()""",
    "audit_event_truncate": f"""
        BEFORE TRUNCATE ON {EVENTS}
        EXECUTE FUNCTION keyway_refuse_audit_change()""",
    "audit_chain_change": f"""
        BEFORE UPDATE ON {CHAINS} FOR EACH ROW WHEN ({{chain_changes}})
        EXECUTE FUNCTION keyway_refuse_audit_change()""",
    "audit_chain_delete": f"""
        BEFORE DELETE ON {CHAINS} FOR EACH ROW
        EXECUTE FUNCTION keyway_refuse_audit_change()""",
    "audit_chain_truncate": f"""
        BEFORE TRUNCATE ON {CHAINS}
        EXECUTE FUNCTION keyway_refuse_audit_change()""",
}
# A fixed search path: no temporary table can stand in for that of the chains.
FUNCTIONS = f"""
    CREATE OR REPLACE FUNCTION keyway_refuse_audit_change() RETURNS trigger
    LANGUAGE plpgsql SET search_path = {{schema}}, pg_temp AS $$
    BEGIN
        RAISE EXCEPTION '{REFUSED}' USING ERRCODE = 'restrict_violation';
    END $$;
    CREATE OR REPLACE FUNCTION keyway_let_retention_delete() RETURNS trigger
    LANGUAGE plpgsql SET search_path = {{schema}}, pg_temp AS $$
    BEGIN
        IF OLD.at > clock_timestamp() - interval '90 days'
            OR NOT EXISTS ({{may_be_pruned}})
        THEN
            RAISE EXCEPTION '{REFUSED}' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN OLD;
    END $$;
"""


class KeepAuditLog(Operation):
    """Let the database refuse what the ORM refuses. `sqlmigrate` shows the SQL."""

    reversible = True

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Change no model."""

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        """Put up the triggers that are not there."""
        if schema_editor.connection.vendor == "sqlite":
            parts = _parts(pruned=SQLITE_PRUNED, differ="IS NOT")
            for name, rule in SQLITE.items():
                sql = f"CREATE TRIGGER IF NOT EXISTS {name} {rule.format(**parts)}"
                schema_editor.execute(sql, params=None)
            return
        parts = _parts(pruned=POSTGRES_PRUNED, differ="IS DISTINCT FROM")
        schema = _quoted_schema(schema_editor.connection)
        schema_editor.execute(FUNCTIONS.format(schema=schema, **parts), params=None)
        for name, rule in POSTGRES.items():
            sql = f"CREATE OR REPLACE TRIGGER {name} {rule.format(**parts)}"
            schema_editor.execute(sql, params=None)
            # Also when a session says that it only replays another database.
            schema_editor.execute(
                f"ALTER TABLE {_table_of(name)} ENABLE ALWAYS TRIGGER {name}"
            )

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        """Leave the log to the ORM alone, as before."""
        if schema_editor.connection.vendor == "sqlite":
            for name in SQLITE:
                schema_editor.execute(f"DROP TRIGGER IF EXISTS {name}")
            return
        for name in POSTGRES:
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {name} ON {_table_of(name)}")
        schema_editor.execute("DROP FUNCTION keyway_refuse_audit_change()")
        schema_editor.execute("DROP FUNCTION keyway_let_retention_delete()")

    def describe(self) -> str:
        """Return what `migrate --plan` says."""
        return "Let the database keep the audit log as it is"


def _parts(*, pruned: str, differ: str) -> dict[str, str]:
    """Return the rules in the words of one database."""
    old, new = (
        ", ".join(f"{row}.{column}" for column in FIXED) for row in ("OLD", "NEW")
    )
    of_row = {
        "old_pruned": pruned.format(row="OLD"),
        "new_pruned": pruned.format(row="NEW"),
    }
    return {
        "event_changes": EVENT_CHANGES.format(old=old, new=new, differ=differ),
        "chain_changes": CHAIN_CHANGES.format(differ=differ, **of_row),
        "may_be_pruned": MAY_BE_PRUNED.format(pruned=pruned.format(row="chain")),
    }


def _table_of(trigger: str) -> str:
    return EVENTS if trigger.startswith("audit_event") else CHAINS


def _quoted_schema(connection: Any) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(current_schema())")
        (schema,) = cursor.fetchone()
    return str(schema)


class Migration(migrations.Migration):
    dependencies = [("workspaces", "0021_database_defaults")]

    operations = [KeepAuditLog()]
