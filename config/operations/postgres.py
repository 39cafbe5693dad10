"""pg_dump and pg_restore on the database of the settings, without its password in sight."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from django.db import connection

_VARIABLES = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
}


class ToolFailed(Exception):
    """A program of PostgreSQL is not there or did not do its work."""


def dump(target: Path, *, snapshot: str) -> None:
    """Write what a snapshot shows, in PostgreSQL's custom format. Raises ToolFailed."""
    # The archive around it is compressed.
    _run(
        "pg_dump",
        *("--format=custom", "--compress=0", "--no-owner", "--no-privileges"),
        *(f"--snapshot={snapshot}", f"--file={target}"),
    )


def restore(source: Path) -> None:
    """Fill the database, all or nothing. Raises ToolFailed."""
    _run(
        "pg_restore",
        *("--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"),
        *(f"--dbname={connection.settings_dict['NAME']}", str(source)),
    )


def _run(name: str, *arguments: str) -> None:
    program = shutil.which(name)
    if program is None:
        raise ToolFailed(
            f"There is no {name} here. Install the client of PostgreSQL, of the "
            "server's version or a later one: apt install postgresql-client."
        )
    done = subprocess.run(  # noqa: S603  a program of PostgreSQL, no shell
        [program, *arguments],
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ToolFailed(f"{name} failed: {done.stderr.strip()[-500:]}")


def _environment() -> dict[str, str]:
    """Return the way to the database as libpq's variables, the password among them."""
    given = connection.get_connection_params()
    return os.environ | {
        variable: str(given[name])
        for name, variable in _VARIABLES.items()
        if given.get(name)
    }
