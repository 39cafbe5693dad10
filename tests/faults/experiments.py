"""Every experiment of `make faults`: how many people, and what goes wrong meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from tests.faults import database_troubles, troubles
from tests.faults.clients import PAUSE
from tests.faults.scene import Trouble, nothing


@dataclass(frozen=True)
class Experiment:
    """What goes wrong while how many people are provisioned."""

    name: str
    about: str
    people: int
    writes: int = 6
    trouble: Trouble = nothing
    pause: float = PAUSE
    """Mean seconds between two writes of a client."""

    faults: float = 0.06
    point: str = ""
    broken: str = ""
    database: str = ""
    broker: str = ""
    shows: str = ""
    """Of a control: what must come out of it, `lost` or `doubled`."""

    web: int = 2
    workers: int = 1
    drain_seconds: float = 300
    disk_mb: int = 0
    """The size of the database's own disk; 0 for that of the machine."""

    verifies_audit: bool = True
    """Whether the chains of the audit log are verified at the end, which takes 3 s."""

    settings: dict[str, str] = field(default_factory=dict)
    """Environment of the product beyond that of every experiment."""


def kills(**every: float) -> Trouble:
    """Kill each of `web`, `worker` and `database` after so many seconds on average."""
    return partial(troubles.kill_at_random, every=every)


POINTS = (
    "job.claimed",
    "app.before_change",
    "app.after_call",
    "job.before_end",
    "job.ended",
)
KILLED = (
    Experiment(
        "all",
        "everything is killed, the app misbehaves",
        680,
        trouble=kills(web=4, worker=1, database=12),
    ),
    *(
        Experiment(point, f"the worker dies at `{point}`", 60, point=f"{point}:5")
        for point in POINTS
    ),
    Experiment(
        "scim.before_commit",
        "the web server dies before it commits",
        60,
        point="scim.before_commit:8",
    ),
    Experiment(
        "scim.after_commit",
        "the web server dies after it has committed, before it answers",
        60,
        point="scim.after_commit:8",
    ),
)
CELERY = tuple(
    Experiment(
        f"celery-{broker}",
        f"jobs run on Celery with {name}; Celery is killed",
        80,
        3,
        kills(worker=3),
        broker=broker,
    )
    for broker, name in (("redis", "Redis"), ("rabbitmq", "RabbitMQ"))
)
PROCESSES = (
    Experiment(
        "zombie",
        "a worker sleeps for longer than its leases, another takes over",
        120,
        5,
        troubles.stop_workers,
        pause=0.7,
        workers=2,
    ),
    Experiment(
        "quarter",
        "a quarter of all processes is killed every 3 s",
        120,
        5,
        troubles.kill_a_quarter,
        pause=1.0,
        workers=2,
    ),
    Experiment(
        "memory",
        "each worker runs out of memory after a dozen jobs",
        80,
        4,
        troubles.count_deaths,
        pause=0.4,
        settings={"FAULTS_MEMORY": "100:1200"},
    ),
    Experiment(
        "graceful stop",
        "web servers and workers are told to stop under load, successors first",
        120,
        5,
        troubles.replace_all,
        pause=0.5,
        workers=2,
        faults=0,
    ),
    Experiment(
        "neighbour",
        "the app of another integration hangs",
        120,
        5,
        troubles.hang_the_neighbour,
        pause=1.0,
        faults=0,
        settings={"KEYWAY_JOBS_PER_LANE": "3"},
    ),
)
DATABASE = (
    Experiment(
        "cut connections",
        "the database cuts all connections every second",
        120,
        5,
        database_troubles.cut_connections,
        pause=0.4,
    ),
    Experiment(
        "few connections",
        "the database takes 6 connections, then enough again",
        120,
        5,
        database_troubles.take_few_connections,
        pause=0.6,
    ),
    Experiment(
        "locks",
        "somebody holds a hot row for 12 s, again and again",
        120,
        5,
        database_troubles.hold_rows,
        pause=0.6,
    ),
    Experiment(
        "migrations",
        "the migration of another database is killed until it comes to its end",
        60,
        3,
        database_troubles.kill_migrations,
    ),
    Experiment(
        "full disk",
        "the disk of the database is full for 8 s, again and again",
        120,
        5,
        database_troubles.fill_disk,
        pause=0.6,
        disk_mb=400,
    ),
)
SOAK = Experiment(
    "soak",
    "nothing is killed for 10 minutes, the app misbehaves",
    400,
    7,
    troubles.watch_growth,
    pause=2.2,
    workers=2,
)
CONTROLS = (
    Experiment(
        "synchronous_commit off",
        "the database acknowledges what it has not saved",
        200,
        1,
        kills(database=1),
        database="synchronous_commit = off",
        shows="lost",
        drain_seconds=20,
    ),
    Experiment(
        "two transactions",
        "user and job are committed one after the other",
        200,
        1,
        kills(web=1),
        broken="two-transactions",
        shows="lost",
        drain_seconds=60,
    ),
    Experiment(
        "no look-up",
        "an account is created without looking for it",
        100,
        1,
        kills(worker=1),
        faults=0.2,
        broken="no-look-up",
        shows="doubled",
        drain_seconds=120,
    ),
)
FULL = (*KILLED, *CELERY, *PROCESSES, *DATABASE, *CONTROLS)
QUICK = (
    Experiment(
        "all",
        "everything is killed, the app misbehaves",
        60,
        3,
        kills(web=3, worker=0.7, database=4),
        verifies_audit=False,
    ),
    Experiment(
        "no look-up",
        "an account is created without looking for it",
        40,
        1,
        kills(worker=1),
        verifies_audit=False,
        faults=0.2,
        broken="no-look-up",
        shows="doubled",
        drain_seconds=120,
    ),
)
