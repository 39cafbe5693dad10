"""What goes wrong with the database: connections, locks, its disk."""

from __future__ import annotations

import errno
import subprocess
import sys
import time
from collections.abc import Callable
from io import RawIOBase
from pathlib import Path

import psycopg

from tests.bench.processes import ROOT, Cluster
from tests.faults.processes import kill_group
from tests.faults.scene import Scene

HELD_SECONDS = 12
"""Longer than anybody waits for a lock, which is 8 s."""

FULL_SECONDS = 8
LONGEST_SECONDS = 10
"""In which each call has its answer, whatever it is."""

_MADE = (
    "SELECT app, name FROM django_migrations",
    "SELECT app_label, model, codename FROM auth_permission"
    " JOIN django_content_type c ON c.id = content_type_id",
)
_CUT = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE datname = %s AND pid <> pg_backend_pid()"
)


def cut_connections(scene: Scene) -> None:
    """F32: all connections end, as with a failover or a proxy that restarts."""
    product = scene.product
    with product.cluster.connect() as database:
        while not scene.stopping.wait(scene.chance.uniform(0.5, 1.5)):
            (count,) = database.execute(_CUT, [product.name]).fetchone()
            product.kills["connections"] += count


def take_few_connections(scene: Scene) -> None:
    """F32: too few for everybody: some are told that there are too many clients."""
    cluster, refused = scene.product.cluster, 0
    few = {"max_connections": "6", "superuser_reserved_connections": "0"}
    while not scene.stopping.wait(4):
        cluster.stop()
        cluster.start(**few, max_wal_senders="0")
        scene.product.kills["shortages"] += 1
        for _ in range(40):
            refused += _is_refused(cluster.connect)
            time.sleep(0.3)
        cluster.stop()
        cluster.start()
    scene.figures.append(f"{refused} of our own attempts were refused")
    if not refused:
        scene.wrong.append("there were always enough connections")


def _is_refused(connect: Callable[[], psycopg.Connection]) -> bool:
    try:
        connect().close()
    except psycopg.OperationalError:
        return True
    return False


def hold_rows(scene: Scene) -> None:
    """F33: a group that many want to change, and the row of the app's lane."""
    product, held = scene.product, list[tuple[float, float]]()
    group = next(iter(scene.idp.groups.values()))
    rows = (
        f"SELECT 1 FROM scim_resource WHERE public_id = '{group}' FOR UPDATE",
        "SELECT 1 FROM workspaces_lane FOR UPDATE",
    )
    while not scene.stopping.wait(3):
        for row in rows:
            begun = time.monotonic()
            with product.cluster.connect(product.name) as database:
                database.autocommit = False
                database.execute(row)
                time.sleep(HELD_SECONDS)
                database.rollback()
            held.append((begun, time.monotonic()))
            product.kills["locks"] += 1
    calls = [call for call in scene.idp.tally.calls if group not in call.path]
    beside = sorted(c.seconds for c in calls if any(a < c.at < b for a, b in held))
    p95 = beside[int(len(beside) * 0.95)]
    longest = max(call.seconds for call in scene.idp.tally.calls)
    scene.figures.append(f"p95 of {len(beside)} calls for other rows {p95:.2f} s")
    scene.figures.append(f"the longest call of all {longest:.1f} s")
    if longest > LONGEST_SECONDS:
        scene.wrong.append(f"a call took {longest:.1f} s")


def _fill(file: RawIOBase) -> None:
    """Write to the file until its disk takes no more."""
    try:
        while True:
            file.write(bytes(2**16))
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise


def fill_disk(scene: Scene) -> None:
    """F34: a file takes what is left of the database's disk, and goes again."""
    cluster = scene.product.cluster
    filler = Path(cluster.folder) / "filler"
    while not scene.stopping.wait(4):
        with filler.open("wb", buffering=0) as file:
            full_until = time.monotonic() + FULL_SECONDS
            while time.monotonic() < full_until:
                _fill(file)
                time.sleep(0.1)
        filler.unlink()
        scene.product.kills["full disks"] += 1
        time.sleep(1)
        if not cluster.is_running():
            # What restarts it in production: compose.yaml, systemd.
            cluster.start()
            scene.product.kills["database"] += 1


def kill_migrations(scene: Scene) -> None:
    """F41: `migrate` of an empty database is killed until it once comes to its end."""
    cluster, kills = scene.product.cluster, scene.product.kills
    cluster.create("migrated")
    environment = scene.product.environment | {"DATABASE_URL": cluster.url("migrated")}
    while True:
        migrating = subprocess.Popen(
            [sys.executable, "manage.py", "migrate", "--verbosity=0"],
            cwd=ROOT,
            env=environment,
            start_new_session=True,
        )
        try:
            status = migrating.wait(scene.chance.uniform(2, 4) * (1 + kills["migrate"]))
        except subprocess.TimeoutExpired:
            kill_group(migrating)
            kills["migrate"] += 1
            continue
        break
    if status or _schema(cluster, "migrated") != _schema(cluster, scene.product.name):
        scene.wrong.append(f"migrate ended with {status}, or made another schema")
    if not kills["migrate"]:
        scene.wrong.append("migrate was never killed")


def _schema(cluster: Cluster, name: str) -> list[object]:
    """Return what migrations make: the schema, and rows that every database has."""
    dumped = subprocess.run(
        [cluster.programs / "pg_dump", "--schema-only", "--dbname", cluster.url(name)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    # A dump begins and ends with a word of its own.
    lines = [line for line in dumped.stdout.splitlines() if line[:1] != "\\"]
    with cluster.connect(name) as database:
        return [lines, *(sorted(database.execute(rows).fetchall()) for rows in _MADE)]
