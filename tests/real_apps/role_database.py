"""A real PostgreSQL cluster, whose roles are the accounts."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.real_apps.debian import installed
from tests.real_apps.fixtures import OutsideApp
from tests.real_apps.servers import free_port
from tests.tls import NAME, certificate

GRANTABLE = "app_*, readers"

_PASSWORD = "pass-of-roles-1"
_OWNER_PASSWORD = "pass-of-owner-1"
_BEGIN = f"""
CREATE ROLE svc_keyway LOGIN CREATEROLE PASSWORD '{_PASSWORD}';
CREATE ROLE plain LOGIN PASSWORD '{_PASSWORD}';
GRANT pg_signal_backend TO svc_keyway;
CREATE ROLE readers;
CREATE ROLE app_writers;
CREATE ROLE app_root SUPERUSER NOLOGIN;
CREATE ROLE app_maker CREATEROLE NOLOGIN;
CREATE ROLE payroll;
GRANT readers, app_writers TO svc_keyway WITH ADMIN OPTION;
ALTER ROLE postgres PASSWORD '{_OWNER_PASSWORD}';
"""


@dataclass(frozen=True, slots=True)
class RoleDatabase(OutsideApp):
    """Where it runs, whom its certificate names, and how its owner connects."""

    tls_url: str = ""
    certificate: Path = Path()

    def as_owner(self) -> psycopg.Connection:
        """Return a connection of the superuser, who sees what is really there."""
        url = self.base_url.replace("://", f"://postgres:{_OWNER_PASSWORD}@")
        return psycopg.connect(url, autocommit=True)


@pytest.fixture(scope="session")
def role_database() -> Iterator[RoleDatabase]:
    """A cluster with SCRAM, a service account with CREATEROLE, and some groups."""
    pg_ctl = installed(
        "pg_ctl", package="postgresql", folders="usr/lib/postgresql/*/bin"
    )
    # Not below pytest's folder, which the user postgres may not enter.
    folder = Path(tempfile.mkdtemp(prefix="keyway-roles-", dir="/tmp"))
    port = free_port()
    try:
        _set_up(folder, pg_ctl.with_name("initdb"))
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        _run(
            folder,
            [pg_ctl, "-D", "data", "-l", "log", "-w", "-s", "start", "-o", options],
        )
        try:
            yield _filled(folder, port)
        finally:
            _run(folder, [pg_ctl, "-D", "data", "-m", "immediate", "-s", "stop"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _set_up(folder: Path, initdb: Path) -> None:
    (folder / "owner").write_text(_OWNER_PASSWORD)
    certificate(folder)
    if os.geteuid() == 0:
        for each in (folder, *folder.iterdir()):
            shutil.chown(each, "postgres", "postgres")
            each.chmod(0o700 if each.is_dir() else 0o600)
    settings = [
        "-U",
        "postgres",
        "-A",
        "scram-sha-256",
        "--pwfile",
        "owner",
        "-E",
        "UTF8",
    ]
    _run(folder, [initdb, "-D", "data", "--no-sync", *settings])
    with (folder / "data" / "postgresql.conf").open("a") as configuration:
        configuration.write(
            f"ssl = on\nssl_cert_file = '{folder}/certificate.pem'\n"
            f"ssl_key_file = '{folder}/certificate.pem'\n"
        )


def _filled(folder: Path, port: int) -> RoleDatabase:
    app = RoleDatabase(
        f"postgresql://127.0.0.1:{port}/postgres",
        "svc_keyway",
        _PASSWORD,
        tls_url=f"postgresql://{NAME}:{port}/postgres",
        certificate=folder / "certificate.pem",
    )
    with app.as_owner() as owner:
        owner.execute(_BEGIN)
    return app


def _run(folder: Path, command: list[object]) -> None:
    words = [str(word) for word in command]
    as_postgres = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    subprocess.run(
        [*as_postgres, *words],
        cwd=folder,
        check=True,
        stdout=subprocess.DEVNULL,
        timeout=120,
    )
