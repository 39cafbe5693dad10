"""Look at the product from outside while it works: ages, memory, connections."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from tests.faults.processes import Product

EVERY_SECONDS = 1.0
_PAGE_KB = os.sysconf("SC_PAGE_SIZE") // 1024
_AGE = (
    "SELECT coalesce(extract(epoch FROM max(clock_timestamp() - due_at)), 0)::float8"
    " FROM workspaces_job WHERE state IN ('queued', 'retrying')"
    " AND due_at <= clock_timestamp()"
)
_CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"


@dataclass
class Ages:
    """How long the job that waits longest was due, each second."""

    seconds: list[float] = field(default_factory=list)

    @property
    def longest(self) -> float:
        return max(self.seconds, default=0)


@contextmanager
def queue_age(product: Product) -> Iterator[Ages]:
    """Measure while the block lasts. The database has to be there."""
    ages, done = Ages(), threading.Event()

    def look() -> None:
        with product.cluster.connect(product.name) as database:
            while not done.wait(EVERY_SECONDS):
                ages.seconds.append(age(database))

    with ThreadPoolExecutor(1) as pool:
        looking = pool.submit(look)
        try:
            yield ages
        finally:
            done.set()
            looking.result()


def age(database: psycopg.Connection) -> float:
    """Return for how many seconds the oldest job could have run and did not."""
    (seconds,) = database.execute(_AGE).fetchone()
    return seconds


@dataclass
class Sample:
    """What the product takes at one moment."""

    memory_mb: dict[str, float]
    """By process."""

    connections: int
    tables_mb: float
    rows: dict[str, int]


def sample(product: Product, database: psycopg.Connection) -> Sample:
    """Measure once."""
    (connections,) = database.execute(_CONNECTIONS, [product.name]).fetchone()
    (size,) = database.execute("SELECT pg_database_size(%s)", [product.name]).fetchone()
    counted = database.execute(
        "SELECT relname, n_live_tup FROM pg_stat_user_tables WHERE n_live_tup > 100"
    )
    return Sample(
        memory_mb={
            name: _memory_kb(pid) / 1024 for name, pid in product.processes().items()
        },
        connections=connections - 1,
        tables_mb=size / 2**20,
        rows=dict(counted.fetchall()),
    )


def _memory_kb(pid: int) -> int:
    """Return the resident memory of a process with its children."""
    return sum(
        int(Path(f"/proc/{one}/statm").read_text().split()[1]) * _PAGE_KB
        for one in (pid, *children(pid))
    )


def children(pid: int) -> list[int]:
    """Return the ids of the processes that this one started."""
    return [
        int(child)
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    ]


def wait_until_gone(pid: int, *, seconds: float) -> float | None:
    """Return after how many seconds a process was gone; None if it was not."""
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return time.monotonic() - begun
        time.sleep(0.02)
    return None
