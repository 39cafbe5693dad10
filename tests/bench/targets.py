"""The servers that are compared: how each is set up, filled and started."""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench import load_floor
from tests.bench.installs import HERE, node_folder, python_environment
from tests.bench.processes import HOST, ROOT, Cluster, Server, free_port, python

TOKEN = "bench-token"
WORKERS, THREADS = "2", "4"
OURS, FLOOR = "keyway", "floor"


@dataclass
class Bench:
    """Where a run keeps its things, and what it has started."""

    folder: Path
    cluster: Cluster
    servers: list[Server] = field(default_factory=list)

    def start(
        self,
        name: str,
        command: list[str | Path],
        *,
        port: int,
        environment: dict[str, str],
        folder: Path = ROOT,
    ) -> Server:
        server = Server(
            name,
            command,
            port=port,
            folder=folder,
            log=self.folder / f"{name}.log",
            environment=environment,
        )
        self.servers.append(server)
        return server

    def stop(self, server: Server) -> None:
        server.stop()
        self.servers.remove(server)

    def database(self, name: str) -> str:
        self.cluster.create(name)
        return name


@contextmanager
def bench(*, keep: bool) -> Iterator[Bench]:
    """Give a folder and a cluster, and end whatever was started."""
    folder = Path(tempfile.mkdtemp(prefix="keyway-bench-"))
    # PostgreSQL's own user must get to its folder below.
    folder.chmod(0o711)
    cluster = Cluster(folder / "postgres")
    opened = Bench(folder, cluster)
    try:
        yield opened
    finally:
        for server in opened.servers:
            server.stop()
        cluster.stop()
        if keep:
            print(f"Logs and database are in {folder}")
        else:
            shutil.rmtree(folder)


@dataclass(frozen=True)
class Target:
    """A running server as the driver wants to know it."""

    name: str
    users: int
    base_url: str
    token: str
    server: Server
    state: Path
    environment: dict[str, str]
    database: bool = True

    def spec(self, cluster: Cluster, *, name: str = "") -> dict[str, Any]:
        pids = {"server": [self.server.pid]}
        if self.database:
            pids["db"] = [cluster.pid]
        return {
            "name": name or self.name,
            "base_url": self.base_url,
            "token": self.token,
            "users": self.users,
            "state": str(self.state),
            "pids": pids,
        }


def start_keyway(bench: Bench, users: int) -> Target:
    """Start Keyway as docs/howto/production.md says, but without TLS in front."""
    port, name = free_port(), f"{OURS}-{users}"
    environment = clean_environment() | {
        # Production refuses plain http; on the path of a SCIM request nothing
        # else differs.
        "KEYWAY_ENV": "development",
        "KEYWAY_PUBLIC_URL": f"http://{HOST}:{port}",
        "KEYWAY_VAR_DIR": str(bench.folder / name),
        "KEYWAY_SECRET_KEY": secrets.token_urlsafe(50),
        "KEYWAY_ENCRYPTION_KEYS": new_key(),
        "KEYWAY_TOKEN_KEYS": new_key(),
        "KEYWAY_ALLOWED_NETWORKS": "127.0.0.0/8",
        "KEYWAY_LOG_LEVEL": "INFO",
        "KEYWAY_SCIM_RATE": "0",
        "DATABASE_URL": bench.cluster.url(bench.database(name)),
        "PORT": str(port),
    }

    def manage(*arguments: str) -> str:
        return _output(["manage.py", *arguments], environment)

    manage("migrate", "-v0")
    manage("collectstatic", "--no-input", "-v0")
    manage("load_catalog")
    manage("seed_demo")
    issued = json.loads(manage("generate_token", "--workspace", "demo", "--json"))
    state = bench.folder / f"{name}.json"
    load = ["-m", "tests.bench.load_keyway", issued["base_url"], str(users)]
    _output([*load, str(state)], environment)
    server = bench.start(
        name,
        _granian(port, "config.wsgi:application"),
        port=port,
        environment=environment,
    )
    return Target(
        OURS, users, issued["base_url"], issued["token"], server, state, environment
    )


def start_floor(bench: Bench, users: int) -> Target:
    """Start raw WSGI and psycopg with the same SQL: what could be reached."""
    port, name = free_port(), f"{FLOOR}-{users}"
    base_url = f"http://{HOST}:{port}/v2"
    database = bench.database(name)
    state = bench.folder / f"{name}.json"
    with bench.cluster.connect(database) as connection:
        content = load_floor.load(connection, base_url, users)
    state.write_text(json.dumps(content))
    environment = clean_environment() | {"FLOOR_DSN": bench.cluster.dsn(database)}
    server = bench.start(
        name,
        _granian(port, "floor_wsgi:app"),
        port=port,
        environment=environment,
        folder=HERE / "floors",
    )
    return Target(FLOOR, users, base_url, TOKEN, server, state, environment)


def start_django_scim2(bench: Bench, users: int) -> Target:
    port, name = free_port(), f"django-scim2-{users}"
    programs = python_environment("django-scim2", HERE / "peers/django_scim2")
    folder = bench.folder / name
    # A copy, because its migration is made here.
    shutil.copytree(HERE / "peers/django_scim2", folder)
    environment = clean_environment() | {
        "DJANGO_SETTINGS_MODULE": "peerapp.settings",
        "BENCH_TOKEN": TOKEN,
        "PGHOST": HOST,
        "PGPORT": str(bench.cluster.port),
        "PGUSER": "postgres",
        "PGDATABASE": bench.database(name),
    }
    for command in (["makemigrations", "peerapp"], ["migrate"]):
        subprocess.run(
            [programs / "python", "-m", "django", *command, "-v0"],
            cwd=folder,
            env=environment,
            check=True,
        )
    server = bench.start(
        name,
        _gunicorn(programs, port, "peerapp.wsgi", WORKERS, THREADS),
        port=port,
        environment=environment,
        folder=folder,
    )
    base_url = f"http://{HOST}:{port}/scim/v2"
    state = bench.folder / f"{name}.json"
    return Target("django-scim2", users, base_url, TOKEN, server, state, environment)


def start_scim2_server(bench: Bench, users: int) -> Target:
    """Start scim2-server; its store is in memory, so it is one process."""
    port, name = free_port(), f"scim2-server-{users}"
    programs = python_environment("scim2-server", HERE / "peers/scim2_server")
    environment = clean_environment() | {"BENCH_TOKEN": TOKEN}
    server = bench.start(
        name,
        _gunicorn(programs, port, "app:app", "1", "8"),
        port=port,
        environment=environment,
        folder=HERE / "peers/scim2_server",
    )
    return Target(
        "scim2-server",
        users,
        f"http://{HOST}:{port}/v2",
        TOKEN,
        server,
        bench.folder / f"{name}.json",
        environment,
        database=False,
    )


def start_scimmy(bench: Bench, users: int) -> Target:
    """Start scimmy-routers; its store is in memory, and node is one process."""
    port, name = free_port(), f"scimmy-{users}"
    folder = node_folder("scimmy", HERE / "peers/scimmy")
    environment = clean_environment() | {"BENCH_TOKEN": TOKEN, "PORT": str(port)}
    server = bench.start(
        name,
        ["node", "app.mjs"],
        port=port,
        environment=environment,
        folder=folder,
    )
    return Target(
        "scimmy",
        users,
        f"http://{HOST}:{port}/scim/v2",
        TOKEN,
        server,
        bench.folder / f"{name}.json",
        environment,
        database=False,
    )


PEERS: dict[str, Callable[[Bench, int], Target]] = {
    "django-scim2": start_django_scim2,
    "scim2-server": start_scim2_server,
    "scimmy": start_scimmy,
}


def clean_environment() -> dict[str, str]:
    ours = ("KEYWAY_", "DJANGO_", "DATABASE_", "PG", "FLOOR_")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    # Python would look for modules in the folder of whoever called.
    kept.pop("PYTHONPATH", None)
    return kept | {"NODE_ENV": "production", "PYTHONDONTWRITEBYTECODE": "1"}


def new_key() -> str:
    return "1:" + base64.b64encode(secrets.token_bytes(32)).decode()


def _granian(port: int, application: str) -> list[str | Path]:
    return python(
        "granian",
        *("--interface", "wsgi", "--host", HOST, "--port", str(port)),
        *("--workers", WORKERS, "--blocking-threads", THREADS),
        application,
    )


def _gunicorn(
    programs: Path, port: int, application: str, workers: str, threads: str
) -> list[str | Path]:
    return [
        programs / "gunicorn",
        *("--workers", workers, "--threads", threads, "--worker-class", "gthread"),
        *("--timeout", "300", "--bind", f"{HOST}:{port}"),
        application,
    ]


def _output(arguments: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        check=True,
        text=True,
        stdout=subprocess.PIPE,
    )
    return done.stdout
