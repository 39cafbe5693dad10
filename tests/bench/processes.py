"""Start what is measured, and end it: servers and a PostgreSQL cluster."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psycopg

HOST = "127.0.0.1"
START_SECONDS = 60
STOP_SECONDS = 20
ROOT = Path(__file__).resolve().parents[2]
POSTGRES_SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    "max_connections": "200",
}


class NotStarted(Exception):
    """A process ended or did not answer; the message has the end of its log."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


class Server:
    """A program that listens on a port of its own."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        port: int,
        folder: Path,
        log: Path,
        environment: Mapping[str, str],
    ) -> None:
        self.name, self.port, self.log = name, port, log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                list(map(str, command)),
                cwd=folder,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._wait()

    @property
    def pid(self) -> int:
        return self.process.pid

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                socket.create_connection((HOST, self.port), timeout=1).close()
            except OSError:
                time.sleep(0.1)
            else:
                return
        self.stop()
        tail = self.log.read_text(errors="replace")[-2000:]
        raise NotStarted(f"{self.name} did not start.\n{tail}")

    def stop(self) -> None:
        """End the process and its children, which are a group of their own."""
        for number, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, 5)):
            if self.process.poll() is None:
                os.killpg(self.process.pid, number)
                try:
                    self.process.wait(seconds)
                except subprocess.TimeoutExpired:
                    continue


class Cluster:
    """A PostgreSQL cluster in a folder of its own, as safe as in production."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.data = folder, folder / "data"
        self.port = free_port()
        self.programs = postgres_programs()
        folder.mkdir(mode=0o700)
        if os.getuid() == 0:
            shutil.chown(folder, "postgres")
        self._run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8")
        self.start()
        with self.connect() as connection:
            (self.version,) = connection.execute("SHOW server_version").fetchone()

    def start(self, **changed: str) -> None:
        """Start the server, also after a crash; returns once it takes connections.

        `changed` are settings for this time.
        """
        settings = POSTGRES_SETTINGS | {"listen_addresses": HOST} | changed
        given = " ".join(f"-c {name}={value}" for name, value in settings.items())
        self._run(
            *("pg_ctl", "-w", "-s", "-l", self.folder / "log"),
            *("-o", f"-p {self.port} -k {self.folder} {given}", "start"),
        )
        self.pid = int((self.data / "postmaster.pid").read_text().split()[0])

    def is_running(self) -> bool:
        """Say whether the server is there, be it that it recovers."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def crash(self) -> None:
        """End the server without a word to anybody and without saving anything."""
        self._run("pg_ctl", "-m", "immediate", "-s", "stop")

    def _run(self, program: str, *arguments: str | Path) -> None:
        # Nothing of PostgreSQL runs as root.
        user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        subprocess.run(
            [*user, self.programs / program, "-D", self.data, *arguments],
            cwd=self.folder,
            check=True,
            stdout=subprocess.DEVNULL,
        )

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        return psycopg.connect(self.dsn(database), autocommit=True)

    def dsn(self, database: str) -> str:
        return f"host={HOST} port={self.port} user=postgres dbname={database}"

    def url(self, database: str) -> str:
        return f"postgres://postgres@{HOST}:{self.port}/{database}"

    def create(self, database: str) -> None:
        with self.connect() as connection:
            connection.execute(f'CREATE DATABASE "{database}"')

    def settle(self) -> None:
        """Leave the work of filling the databases to nobody who is measured."""
        with self.connect() as connection:
            names = connection.execute(
                "SELECT datname FROM pg_database WHERE NOT datistemplate"
            ).fetchall()
        for (name,) in names:
            with self.connect(name) as connection:
                connection.execute("VACUUM ANALYZE")
        with self.connect() as connection:
            connection.execute("CHECKPOINT")

    def stop(self) -> None:
        self._run("pg_ctl", "-m", "fast", "-s", "stop")


def postgres_programs() -> Path:
    found = shutil.which("pg_ctl")
    if found:
        return Path(found).resolve().parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    if not installed:
        raise NotStarted("Install PostgreSQL: the benchmark starts a cluster.")
    return installed[-1].parent


def python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]
