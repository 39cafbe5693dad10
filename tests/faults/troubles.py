"""What goes wrong with the processes of the product, and with a neighbour's app."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from datetime import UTC, datetime

import psycopg

from tests.faults import watch, witness
from tests.faults.scene import Scene

LEASE_SECONDS = 8
ASLEEP_SECONDS = 12
"""Longer than a lease."""

EXIT_SECONDS = 30
"""In which whoever is told to stop has to be gone."""

QUEUE_SECONDS = 60
"""How long no job may ever be due while processes die, or in a soak."""


def kill_at_random(scene: Scene, *, every: dict[str, float]) -> None:
    """Kill each kind at random; `every` has the mean seconds between two deaths."""
    product, chance = scene.product, scene.chance

    def kill(kind: str) -> None:
        if kind == "web":
            product.kill_web(chance.randrange(len(product.webs)))
        elif kind == "worker":
            product.kill_worker()
        else:
            product.crash_database()

    def next_of(kind: str) -> float:
        return time.monotonic() + every[kind] * chance.uniform(0.5, 1.5)

    due = {kind: next_of(kind) for kind in every}
    while not scene.stopping.wait(0.05):
        for kind in due:
            if time.monotonic() >= due[kind]:
                kill(kind)
                due[kind] = next_of(kind)


def kill_a_quarter(scene: Scene) -> None:
    """F37: of two web servers and two workers one dies every 3 s."""
    scene.product.wait_for_workers()
    product = scene.product
    with watch.queue_age(product) as ages:
        while not scene.stopping.wait(3):
            number = scene.chance.randrange(4)
            kill = product.kill_web if number < 2 else product.kill_worker
            kill(number % 2)
    scene.figures.append(f"a job waited {ages.longest:.0f} s at most")
    if ages.longest > QUEUE_SECONDS:
        scene.wrong.append(f"a job waited {ages.longest:.0f} s")


def stop_workers(scene: Scene) -> None:
    """F22: each time the worker with jobs in hand sleeps until another has them."""
    scene.product.wait_for_workers()
    product = scene.product
    in_hand = taken_over = 0
    with product.cluster.connect(product.name) as database:
        witness.install(database)
        while not scene.stopping.wait(0.5):
            pid = product.worker_pid(scene.chance.randrange(2))
            held = _stopped_with(pid, database)
            if held:
                time.sleep(ASLEEP_SECONDS)
                in_hand += len(held)
                taken_over += witness.taken_over(database, held)
                product.kills["worker asleep"] += 1
            os.kill(pid, signal.SIGCONT)
        time.sleep(LEASE_SECONDS)
        late = witness.late_ends(database)
    scene.figures.append(
        f"of {in_hand} jobs in hand {taken_over} were taken over, {late} ended late"
    )
    if late or not taken_over:
        scene.wrong.append(f"{late} late ends, {taken_over} taken over")


def _stopped_with(pid: int, database: psycopg.Connection) -> dict[int, int]:
    """Stop a worker in the middle of jobs; their attempts by id, empty if none."""
    for _ in range(100):
        os.kill(pid, signal.SIGSTOP)
        rows = database.execute(
            "SELECT id, attempt FROM workspaces_job"
            " WHERE state IN ('started', 'running') AND worker LIKE %s",
            [f"%:{pid}"],
        ).fetchall()
        if rows:
            return dict(rows)
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.02)
    return {}


def count_deaths(scene: Scene) -> None:
    """F35: the workers run out of memory by themselves."""
    scene.product.wait_for_workers()
    product, seen = scene.product, set[int]()
    while not scene.stopping.wait(0.05):
        try:
            seen.add(product.worker_pid(0))
        except (FileNotFoundError, ValueError):
            continue
    product.kills["worker out of memory"] = len(seen) - 1
    if len(seen) < 3:
        scene.wrong.append("no worker ended for want of memory")


def replace_all(scene: Scene) -> None:
    """F39: all are told to stop while a locked group keeps calls in flight."""
    scene.product.wait_for_workers()
    product, exits = scene.product, list[float]()
    group = next(iter(scene.idp.groups.values()))
    while not scene.stopping.wait(1):
        for number in range(2):
            with product.cluster.connect(product.name) as database:
                database.autocommit = False
                database.execute(
                    "SELECT 1 FROM scim_resource WHERE public_id = %s FOR UPDATE",
                    [group],
                )
                old = product.replace_web(number)
                # As long as a proxy takes to send nobody there any more.
                time.sleep(0.5)
                old.process.send_signal(signal.SIGTERM)
                time.sleep(0.5)
                database.rollback()
            exits.append(_seconds_to_end(old.process))
            exits.append(_told_to_stop(scene, number))
            product.kills["successors"] += 2
    scene.figures.append(f"gone {max(exits, default=0):.1f} s after SIGTERM at most")
    unanswered = scene.idp.tally.unanswered
    scene.figures.append(f"{unanswered} calls without an answer")
    if unanswered or not exits or max(exits) >= EXIT_SECONDS:
        scene.wrong.append(f"{unanswered} dropped, exits after {exits}")


def _seconds_to_end(process: subprocess.Popen[bytes]) -> float:
    begun = time.monotonic()
    try:
        process.wait(EXIT_SECONDS)
    except subprocess.TimeoutExpired:
        return float("inf")
    return time.monotonic() - begun


def _told_to_stop(scene: Scene, number: int) -> float:
    """Tell a worker to stop; it must leave no job in hand. Returns the seconds."""
    product = scene.product
    pid = product.worker_pid(number)
    os.kill(pid, signal.SIGTERM)
    gone = watch.wait_until_gone(pid, seconds=EXIT_SECONDS)
    with product.cluster.connect(product.name) as database:
        (left,) = database.execute(
            "SELECT count(*) FROM workspaces_job"
            " WHERE state IN ('started', 'running') AND worker LIKE %s",
            [f"%:{pid}"],
        ).fetchone()
    if left:
        scene.wrong.append(f"a worker left {left} jobs in hand")
    return float("inf") if gone is None else gone


def hang_the_neighbour(scene: Scene) -> None:
    """F18: a second integration's app hangs; how long do jobs of the first wait."""
    product, neighbour = scene.product, "acme"
    effects = product.folder / "neighbour.jsonl"
    scene.product.wait_for_workers()
    time.sleep(5)
    since = datetime.now(UTC)
    time.sleep(15)
    hanging = product.start_app("neighbour", effects, neighbour, seed=1, faults=0)
    told = scene.idp.neighbour(product.folder / "neighbour-client.jsonl")
    with product.cluster.connect(product.name) as database:
        (begun,) = database.execute("SELECT clock_timestamp()").fetchone()
        os.kill(hanging.pid, signal.SIGSTOP)
        writing = threading.Thread(
            target=told.provision, args=[40], kwargs={"writes": 1, "pause": 3}
        )
        writing.start()
        scene.stopping.wait()
        os.kill(hanging.pid, signal.SIGCONT)
        writing.join()
        alone = _delay(database, since, begun)
        beside = _delay(database, begun, datetime.now(UTC))
        (repeated,) = database.execute(
            "SELECT coalesce(sum(attempt - 1), 0)::int FROM workspaces_job j"
            " JOIN workspaces_workspace w ON w.id = j.workspace_id WHERE w.slug = %s",
            [neighbour],
        ).fetchone()
    scene.figures.append(
        f"p95 of its jobs {alone:.1f} s alone, {beside:.1f} s beside the hanging app"
    )
    if beside > alone + 2 or not repeated:
        scene.wrong.append(f"{alone} s, {beside} s, {repeated} calls hung")


def _delay(database: psycopg.Connection, since: datetime, until: datetime) -> float:
    """Return the 95th percentile of the seconds from a write to its effect."""
    (seconds,) = database.execute(
        "SELECT coalesce(percentile_cont(0.95) WITHIN GROUP"
        " (ORDER BY extract(epoch FROM j.ended_at - j.created_at)), 0)::float8"
        " FROM workspaces_job j JOIN workspaces_workspace w ON w.id = j.workspace_id"
        " WHERE w.slug = 'demo' AND j.kind = 'integrations.provision'"
        " AND j.state = 'completed' AND j.created_at BETWEEN %s AND %s",
        [since, until],
    ).fetchone()
    return seconds


def watch_growth(scene: Scene) -> None:
    """F49: what the product takes after a quarter of the run and at its end."""
    scene.product.wait_for_workers()
    product, samples = scene.product, list[watch.Sample]()
    with (
        watch.queue_age(product) as ages,
        product.cluster.connect(product.name) as database,
    ):
        while not scene.stopping.wait(5):
            samples.append(watch.sample(product, database))
    early, end = samples[len(samples) // 4], samples[-1]
    for name, before in early.memory_mb.items():
        after = end.memory_mb[name]
        scene.figures.append(f"{name} {before:.0f} -> {after:.0f} MB")
        if after > before * 1.2 + 10:
            scene.wrong.append(f"{name} grew from {before:.0f} to {after:.0f} MB")
    scene.figures.append(f"{early.connections} -> {end.connections} connections")
    scene.figures.append(f"database {early.tables_mb:.0f} -> {end.tables_mb:.0f} MB")
    scene.figures.append(f"a job waited {ages.longest:.0f} s at most")
    if end.connections > early.connections + 2 or ages.longest > QUEUE_SECONDS:
        scene.wrong.append(f"connections or queue: {scene.figures[-3:]}")
