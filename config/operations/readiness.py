"""Whether this process can serve: database, migrations, keys; and who works."""

from __future__ import annotations

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from config.operations.findings import Finding, failed, ok, warning
from workspaces import heartbeats, sealed
from workspaces.clock import database_now


def readiness() -> list[Finding]:
    """Look at what every request needs. Takes a handful of queries."""
    try:
        database_now()
    except DatabaseError:
        return [
            failed(
                "database",
                "The database does not answer.",
                "Start it, or correct DATABASE_URL.",
            )
        ]
    found = [ok("database", "The database answers."), migrations()]
    if found[-1].level == "ok":
        found += [keys(), worker()]
    return found


def migrations() -> Finding:
    """Look for migrations that this version brings and the database lacks."""
    count = len(_applied.pending())
    if count:
        return failed(
            "migrations",
            f"{count} migrations have not been applied.",
            "Run manage.py migrate.",
        )
    return ok("migrations", "Every migration is applied.")


def keys() -> Finding:
    """Look whether the key ring opens what is stored, by one value of each kind."""
    lost = [
        column.label
        for column in sealed.columns()
        if (newest := column.newest()) is not None and not column.is_readable(newest)
    ]
    if lost:
        return failed(
            "keys",
            f"The newest secret cannot be read in: {', '.join(lost)}.",
            "Put the key that it was made with back into KEYWAY_ENCRYPTION_KEYS.",
        )
    return ok("keys", "The stored secrets can be read.")


def worker() -> Finding:
    """Look for a worker's heartbeat. Without one SCIM goes on, and work waits."""
    seen = heartbeats.last_seen()
    start = "Start one: manage.py worker."
    if seen is None:
        return warning("worker", "No worker is known.", start)
    silent = database_now() - seen
    if silent > heartbeats.MISSED:
        minutes = round(silent.total_seconds() / 60)
        return warning("worker", f"No worker for {minutes} minutes.", start)
    return ok("worker", "A worker is there.")


def pending_migrations() -> list[str]:
    """Return the names of the migrations that the database lacks."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [str(migration) for migration, _ in plan]


class _Applied:
    """Remembers, for this process, that no migration is left: none comes later."""

    def __init__(self) -> None:
        self.is_known = False

    def pending(self) -> list[str]:
        if self.is_known:
            return []
        pending = pending_migrations()
        self.is_known = not pending
        return pending


_applied = _Applied()
