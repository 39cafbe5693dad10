"""A backup is one file: the database at one moment, and a manifest that says which.

The keys are not in it: with the file alone no stored secret can be read and no token
checked. What people are called and what they did is in it in clear, so the file is
readable by its owner only.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from config.operations import postgres
from workspaces import progress
from workspaces.clock import database_now

FORMAT = 1
MANIFEST, DATABASE = "manifest.json", "database"
_CHUNK = 1_048_576


class BackupError(Exception):
    """A backup could not be taken or restored. Says why and what to do."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is in a backup."""

    format: int
    database: str
    """The kind of database: sqlite or postgresql."""

    taken_at: str
    """ISO 8601, by the database's clock."""

    migrations: list[str]
    counts: dict[str, int]
    """Rows of each table."""

    sha256: str
    """Of the database's part of the file."""

    keys: dict[str, list[int]]
    """The numbers of the keys that were there. The keys themselves are not."""


def take(target: Path) -> Manifest:
    """Write a backup while everything goes on. Raises BackupError.

    The file appears under its name once it is whole.
    """
    if target.exists():
        raise BackupError(f"{target} is there already. Name a file that is not.")
    if not target.parent.is_dir():
        raise BackupError(f"There is no folder {target.parent}.")
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".backup-") as folder:
        dump = Path(folder) / DATABASE
        progress.phase("Copying the database")
        manifest = _dump_sqlite(dump) if _is_sqlite() else _dump_postgres(dump)
        text = Path(folder) / MANIFEST
        text.write_text(json.dumps(asdict(manifest), indent=2), encoding="utf-8")
        packed = Path(folder) / "packed"
        with tarfile.open(packed, "w:gz", compresslevel=6) as archive:
            archive.add(text, MANIFEST)
            with progress.reading(dump, "Packing") as watched:
                archive.addfile(archive.gettarinfo(dump, DATABASE), watched)
        packed.chmod(0o600)
        packed.rename(target)
    return manifest


@contextmanager
def opened(source: Path) -> Iterator[tuple[Manifest, Path]]:
    """Unpack a backup, checked, while the block lasts. Raises BackupError."""
    with tempfile.TemporaryDirectory(prefix="keyway-restore-") as folder:
        progress.phase("Unpacking the backup")
        try:
            with tarfile.open(source, "r:gz") as archive:
                archive.extractall(folder, filter="data")
            text = (Path(folder) / MANIFEST).read_text(encoding="utf-8")
            manifest = Manifest(**json.loads(text))
        except (OSError, tarfile.TarError, EOFError, ValueError, TypeError) as error:
            raise BackupError(
                f"{source} is no backup that this version can read: {error}"
            ) from error
        dump = Path(folder) / DATABASE
        if manifest.format != FORMAT or _digest(dump) != manifest.sha256:
            raise BackupError(f"{source} was changed or cut off. Take another backup.")
        yield manifest, dump


def counts() -> dict[str, int]:
    """Return the number of rows of each table, by its name."""
    with connection.cursor() as cursor:
        tables = sorted(connection.introspection.table_names(cursor))
        found = {}
        for table in tables:
            cursor.execute(f"SELECT count(*) FROM {connection.ops.quote_name(table)}")
            (found[table],) = cursor.fetchone()
    return found


def _dump_sqlite(dump: Path) -> Manifest:
    connection.ensure_connection()
    with closing(sqlite3.connect(dump)) as copy:
        connection.connection.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")
        tables = [
            name
            for (name,) in copy.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table'"
                " AND name NOT LIKE 'sqlite_%' ORDER BY name"
            )
        ]
        rows = {
            table: copy.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]
            for table in tables
        }
    return _manifest(dump, rows, datetime.now(UTC))


@transaction.atomic
def _dump_postgres(dump: Path) -> Manifest:
    """Let pg_dump and the counts look at one snapshot."""
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        cursor.execute("SELECT pg_export_snapshot()")
        (snapshot,) = cursor.fetchone()
    taken_at = database_now()
    rows = counts()
    try:
        postgres.dump(dump, snapshot=snapshot)
    except postgres.ToolFailed as error:
        raise BackupError(str(error)) from None
    return _manifest(dump, rows, taken_at)


def _manifest(dump: Path, rows: dict[str, int], taken_at: datetime) -> Manifest:
    applied = MigrationRecorder(connection).applied_migrations()
    return Manifest(
        format=FORMAT,
        database=connection.vendor,
        taken_at=taken_at.astimezone(UTC).isoformat(),
        migrations=sorted(f"{app}.{name}" for app, name in applied),
        counts=rows,
        sha256=_digest(dump),
        keys={
            name: sorted(getattr(settings, name))
            for name in ("KEYWAY_ENCRYPTION_KEYS", "KEYWAY_TOKEN_KEYS")
        },
    )


def _is_sqlite() -> bool:
    return connection.vendor == "sqlite"


def _digest(path: Path) -> str:
    sha256 = hashlib.sha256()
    with progress.reading(path, "Checking") as file:
        while chunk := file.read(_CHUNK):
            sha256.update(chunk)
    return sha256.hexdigest()


def put_back(manifest: Manifest, dump: Path) -> None:
    """Fill the empty database from a dump. Raises BackupError, and changes nothing."""
    _require_fitting(manifest)
    if _is_sqlite():
        source: Any
        with closing(sqlite3.connect(dump)) as source:
            source.backup(connection.connection)
    else:
        try:
            postgres.restore(dump)
        except postgres.ToolFailed as error:
            raise BackupError(str(error)) from None


def _require_fitting(manifest: Manifest) -> None:
    connection.ensure_connection()
    if manifest.database != connection.vendor:
        raise BackupError(
            f"The backup is of {manifest.database}, and DATABASE_URL is "
            f"{connection.vendor}. Restore it into a database of its own kind."
        )
    if connection.introspection.table_names():
        raise BackupError(
            "The database is not empty. Restore into a new one: no table may be there."
        )
    known = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations}
    newer = sorted(set(manifest.migrations) - known)
    if newer:
        raise BackupError(
            f"The backup is of a newer version: {newer[-1]} is not known here. "
            "Install the version that took it, or a later one."
        )
