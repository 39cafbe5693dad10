"""What an experiment starts and kills: the app, web servers, workers, the database."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.bench.processes import (
    HOST,
    ROOT,
    START_SECONDS,
    Cluster,
    NotStarted,
    Server,
    free_port,
    python,
)
from tests.bench.targets import clean_environment, new_key
from tests.faults import brokers

CELERY = python(
    "celery", "-A", "config.celery", "worker", "--queues=keyway", "--concurrency=4"
)
TEMPLATE = "template_faults"


class Product:
    """Keyway on a database of its own, with one integration into the hostile app."""

    def __init__(
        self,
        name: str,
        folder: Path,
        cluster: Cluster,
        *,
        seed: int,
        web: int = 2,
        workers: int = 1,
        faults: float = 0.06,
        point: str = "",
        broken: str = "",
        database: str = "",
        broker: str = "",
        settings: dict[str, str] | None = None,
    ) -> None:
        self.name, self.folder, self.cluster = name, folder / name, cluster
        self.folder.mkdir()
        self.effects = self.folder / "effects.jsonl"
        self.reached = self.folder / "reached"
        self.environment = environment_for(self.folder, cluster.url(name))
        self.environment |= {"FAULTS_POINT": point, "FAULTS_BREAK": broken}
        self.environment["FAULTS_REACHED"] = str(self.reached)
        self.environment |= settings or {}
        # What the template's secrets were sealed with.
        self.environment |= json.loads((folder / "keys.json").read_text())
        with cluster.connect() as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE {TEMPLATE}')
            if database:
                connection.execute(f'ALTER DATABASE "{name}" SET {database}')
        self.workers = [self.folder / f"worker-{n}.pid" for n in range(workers)]
        """Files with the ids of the workers, of which each is replaced at its end."""

        self.celery: subprocess.Popen[bytes] | None = None
        self.kills: Counter[str] = Counter()
        self.stack = ExitStack()
        try:
            if broker:
                self._start_broker(broker)
            self._start(seed, faults, web, broker)
        except BaseException:
            self.stop()
            raise

    def _start(self, seed: int, faults: float, web: int, broker: str) -> None:
        self.app = self.start_app("app", self.effects, "demo", seed=seed, faults=faults)
        self.ports = [free_port() for _ in range(web)]
        self.webs = [self._web(port) for port in self.ports]
        if broker:
            # The worker only sends; what carries jobs out is Celery.
            self.celery = self._process("celery", CELERY)
            self._process("worker", [sys.executable, "manage.py", "worker"])
            return
        for file in self.workers:
            self._process(file.stem, python("tests.faults.launch", str(file)))

    def start_app(
        self, name: str, effects: Path, workspace: str, *, seed: int, faults: float
    ) -> Server:
        """Start a hostile app as the app of that workspace."""
        port = free_port()
        app = self._server(
            name,
            python(
                "tests.faults.app",
                *("--port", str(port), "--effects", str(effects)),
                *("--seed", str(seed), "--faults", str(faults)),
            ),
            port,
        )
        url = f"http://{HOST}:{port}"
        of = (
            "WHERE workspace_id = (SELECT id FROM workspaces_workspace WHERE slug = %s)"
        )
        with self.cluster.connect(self.name) as connection:
            connection.execute(
                f"UPDATE integrations_integration SET base_url = %s {of}",
                [url, workspace],
            )
            connection.execute(
                f"UPDATE integrations_serviceaccount SET origins = %s::jsonb {of}",
                [json.dumps([url]), workspace],
            )
        return app

    def _process(self, name: str, command: list[str]) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            # By its name PostgreSQL says whose a connection is.
            env=self.environment | {"PGAPPNAME": name},
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / f"{name}.log").open("ab"),
            start_new_session=True,
        )
        self.stack.callback(kill_group, process)
        return process

    def _start_broker(self, kind: str) -> None:
        port = free_port()
        start = brokers.start_redis if kind == "redis" else brokers.start_rabbitmq
        url = self.stack.enter_context(start(self.folder / kind, port))
        self.environment |= {"KEYWAY_JOBS": "celery", "KEYWAY_CELERY_BROKER_URL": url}

    def _server(self, name: str, command: list[str], port: int) -> Server:
        server = Server(
            name,
            command,
            port=port,
            folder=ROOT,
            log=self.folder / f"{name}.log",
            environment=self.environment,
        )
        self.stack.callback(kill_group, server.process)
        return server

    def _web(self, port: int) -> Server:
        command = python(
            "granian",
            *("--interface=wsgi", f"--host={HOST}", f"--port={port}"),
            *("--blocking-threads=4", "--log-level=warning"),
            *("--respawn-failed-workers", "--respawn-interval=0.1"),
            "tests.faults.web:application",
        )
        if self.environment["FAULTS_POINT"].startswith("scim."):
            # A server whose process dies twice within 5 s gives up: start it again,
            # as the system does that runs it.
            command = ["sh", "-c", 'while :; do "$@"; done', "web", *command]
        return self._server(f"web-{port}", command, port)

    def kill_web(self, number: int) -> None:
        """Kill one web server and start it anew."""
        kill_group(self.webs[number].process)
        self.kills["web"] += 1
        self.webs[number] = self._web(self.ports[number])

    def replace_web(self, number: int) -> Server:
        """Start the successor of a web server, where clients go from now on.

        Returns the old one, which still runs.
        """
        old, port = self.webs[number], free_port()
        self.webs[number] = self._web(port)
        self.ports[number] = port
        return old

    def kill_worker(self, number: int = 0) -> None:
        """Kill a worker with all its threads; another takes its place."""
        if self.celery is not None:
            kill_group(self.celery)
            self.celery = self._process("celery", CELERY)
            self.kills["Celery"] += 1
            return
        try:
            os.kill(self.worker_pid(number), signal.SIGKILL)
        except (FileNotFoundError, ValueError, ProcessLookupError):
            return
        self.kills["worker"] += 1

    def worker_pid(self, number: int) -> int:
        """Return the id of a worker. Raises what reading its file raises."""
        return int(self.workers[number].read_text())

    def wait_for_workers(self) -> None:
        """Come back once every worker has started. Raises NotStarted."""
        ends_at = time.monotonic() + START_SECONDS
        while not all(file.exists() and file.read_text() for file in self.workers):
            if time.monotonic() > ends_at:
                raise NotStarted("A worker did not start.")
            time.sleep(0.1)

    def processes(self) -> dict[str, int]:
        """Return the ids of web servers and workers, by name."""
        found = {f"web {n}": web.pid for n, web in enumerate(self.webs)}
        return found | {
            f"worker {n}": self.worker_pid(n) for n in range(len(self.workers))
        }

    def crash_database(self) -> None:
        """End the database server and start it again."""
        self.cluster.crash()
        self.kills["database"] += 1
        self.cluster.start()

    def broken_audit(self) -> list[str]:
        """Verify the hash chains of the audit log; what is wrong with them."""
        verifying = subprocess.run(
            [sys.executable, "manage.py", "verify_audit"],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return [verifying.stdout.strip()] if verifying.returncode else []

    def stop(self) -> None:
        """End every process of it."""
        self.stack.close()


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL a process with all its children, and reap it."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def environment_for(folder: Path, database: str) -> dict[str, str]:
    return clean_environment() | {
        "KEYWAY_ENV": "development",
        "KEYWAY_PUBLIC_URL": "http://127.0.0.1",
        "KEYWAY_ALLOWED_NETWORKS": "127.0.0.0/8",
        "KEYWAY_VAR_DIR": str(folder),
        "KEYWAY_LOG_LEVEL": "ERROR",
        "KEYWAY_SCIM_RATE": "0",
        # What a killed worker held fills its lane until the lease ends.
        "KEYWAY_JOBS_PER_LANE": "40",
        "DATABASE_URL": database,
    }


def make_template(folder: Path, cluster: Cluster) -> dict[str, Any]:
    """Set Keyway up in a database that the experiments copy.

    Returns the SCIM address, the token and the groups of its one integration.
    """
    keys = {
        "KEYWAY_SECRET_KEY": new_key() * 3,
        "KEYWAY_ENCRYPTION_KEYS": new_key(),
        "KEYWAY_TOKEN_KEYS": new_key(),
    }
    (folder / "keys.json").write_text(json.dumps(keys))
    cluster.create(TEMPLATE)
    environment = environment_for(folder, cluster.url(TEMPLATE)) | keys
    made = subprocess.run(
        python("tests.faults.template"),
        cwd=ROOT,
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    return json.loads(made.stdout)


@contextmanager
def running_cluster(folder: Path) -> Iterator[Cluster]:
    """A PostgreSQL that keeps what it has acknowledged; its folder is removed."""
    folder.chmod(0o711)
    cluster = Cluster(folder / "postgres")
    try:
        yield cluster
    finally:
        cluster.crash()
        shutil.rmtree(folder / "postgres", ignore_errors=True)
