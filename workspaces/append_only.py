"""Whether the database itself keeps the audit log as it is.

A migration puts the triggers up; docs/reference/audit.md says what they refuse.
"""

from __future__ import annotations

from django.db import connection

from workspaces.models import AuditChain, AuditEvent

MIGRATION = "0022_append_only_audit"
_TABLES = (AuditEvent._meta.db_table, AuditChain._meta.db_table)
_RULES = {"audit_event_change", "audit_event_delete"}
_RULES |= {"audit_chain_change", "audit_chain_delete"}
_ONLY_OF = {
    "sqlite": {"audit_event_replace", "audit_chain_replace"},
    "postgresql": {"audit_event_truncate", "audit_chain_truncate"},
}
_IN_FORCE = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    " AND tbl_name IN (%s, %s)",
    "postgresql": "SELECT tgname FROM pg_trigger"
    " WHERE NOT tgisinternal AND tgenabled = 'A' AND tgrelid IN (%s::regclass, %s::regclass)",
}
_OWNS = (
    "SELECT bool_or(pg_has_role(current_user, relowner, 'USAGE')) FROM pg_class"
    " WHERE oid IN (%s::regclass, %s::regclass)"
)


def missing() -> set[str]:
    """Return the names of the triggers that are not there, or not always heeded."""
    return (_RULES | _ONLY_OF[connection.vendor]) - in_force()


def in_force() -> set[str]:
    """Return the names of the triggers that keep the tables of the audit log."""
    with connection.cursor() as cursor:
        cursor.execute(_IN_FORCE[connection.vendor], _TABLES)
        return {name for (name,) in cursor.fetchall()}


def can_be_taken_down() -> bool:
    """Say whether this process's role of the database could drop the triggers."""
    if connection.vendor == "sqlite":
        return True
    with connection.cursor() as cursor:
        cursor.execute(_OWNS, _TABLES)
        (owns,) = cursor.fetchone()
    return bool(owns)
