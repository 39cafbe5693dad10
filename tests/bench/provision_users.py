"""Measure what the queue costs per job: `python -m tests.bench.provision_users`.

Provisions many users through the `http` connector into an app that answers at once
and keeps all in memory. Works in a test database of its own, which it drops, with
one thread, so that what is measured is one job after the other.

    --users N        how many (10,000)
    --statements N   print the N statements that took longest
    --write          write docs/reference/queue.md
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from django.db import connection  # noqa: E402
from django.db.models import QuerySet, Sum  # noqa: E402

from integrations.models import AppCall, Integration, Provisioning  # noqa: E402
from integrations.provisioning import wanted  # noqa: E402
from integrations.syncing import importing  # noqa: E402
from integrations.syncing.report import Report  # noqa: E402
from scim import services  # noqa: E402
from scim.models import Resource  # noqa: E402
from scim.served import schema_of  # noqa: E402
from tests import factories  # noqa: E402
from tests.bench import figures  # noqa: E402
from tests.bench.databases import test_database  # noqa: E402
from tests.bench.processes import HOST, ROOT, Server, free_port, python  # noqa: E402
from tests.bench.results import markdown  # noqa: E402
from workspaces.clock import database_now  # noqa: E402
from workspaces.management.commands.worker import Worker  # noqa: E402
from workspaces.models import Job  # noqa: E402

AGAIN = 1_000
"""Of so many users the work is done once more, when all are there."""

QUEUE_PAGE = ROOT / "docs/reference/queue.md"
_TEXT = """\
Written by `.venv/bin/python -m tests.bench.provision_users --write` on {when}, on {cores} cores with a load of {load:.0f}.
{users:,} users are provisioned through the `http` connector into an app that answers at once, one job after the other, on
{database}. *Calls* is what the worker waited for the app, *database* what it waited for the database; both grow with what else the
machine does, CPU does not.

{table}
"""


@dataclass(frozen=True, slots=True)
class Round:
    """What one round of jobs took."""

    label: str
    jobs: int
    queries: int
    seconds: float
    cpu_seconds: float
    database_seconds: float
    call_seconds: float
    calls: int

    def row(self) -> list[str]:
        """Return the figures of one job."""
        spans = (
            self.cpu_seconds,
            self.seconds,
            self.database_seconds,
            self.call_seconds,
        )
        times = [f"{1000 * span / self.jobs:.1f}" for span in spans]
        counts = [f"{count / self.jobs:.1f}" for count in (self.queries, self.calls)]
        return [self.label, f"{self.jobs:,}", *times, *counts]


HEAD = [
    "job that",
    "jobs",
    "CPU of the worker, ms",
    "all, ms",
    "database, ms",
    "calls, ms",
    "queries",
    "calls",
]


class Statements:
    """Counts and times what one thread asks of the database."""

    def __init__(self) -> None:
        self.count: Counter[str] = Counter()
        self.seconds: Counter[str] = Counter()

    def __call__(self, execute: Callable[..., object], *args: object) -> object:
        begun = time.perf_counter()
        try:
            return execute(*args)
        finally:
            sql = str(args[0])
            self.count[sql] += 1
            self.seconds[sql] += time.perf_counter() - begun  # type: ignore[assignment]

    def longest(self, number: int) -> list[str]:
        """Return a line for each of the statements that took longest."""
        return [
            f"{seconds:8.2f} s {self.count[sql]:8,} x {sql[:400]}"
            for sql, seconds in self.seconds.most_common(number)
        ]


@contextmanager
def app(folder: Path) -> Iterator[str]:
    """Run the app of the fault runs, which behaves here; yield its address.

    Each effect becomes a line of the file `effects` in the folder.
    """
    port = free_port()
    effects = folder / "effects"
    server = Server(
        "app",
        python("tests.faults.app", f"--port={port}", f"--effects={effects}"),
        port=port,
        folder=ROOT,
        log=folder / "log",
        environment=os.environ,
    )
    try:
        yield f"http://{HOST}:{port}"
    finally:
        server.stop()


def fill(address: str, count: int) -> Integration:
    """Make an integration and users whose accounts wait to be created."""
    account = factories.ServiceAccountFactory()
    integration = factories.IntegrationFactory(
        workspace=account.workspace, service_account=account, base_url=address
    )
    importing.take_entitlements(integration, [], Report(), now=database_now())
    schema = schema_of(integration.directory, "User")
    for start in range(0, count, 500):
        bodies = [
            {
                "userName": f"user{n}@acme.test",
                "displayName": f"User {n}",
                "active": True,
                "emails": [{"value": f"user{n}@acme.test", "primary": True}],
            }
            for n in range(start, min(start + 500, count))
        ]
        services.create_all(
            integration.directory,
            schema,
            bodies,
            origin=services.Origin(source=Resource.Source.IDP),
            now=database_now(),
        )
    return integration


def _some(integration: Integration) -> QuerySet[Resource]:
    users = Resource.objects.filter(directory=integration.directory_id)
    return users.order_by("pk")[:AGAIN]


def _again(integration: Integration) -> None:
    keys = list(_some(integration).values_list("pk", flat=True))
    wanted.want(integration.directory, keys, now=database_now())


def _rename(integration: Integration) -> None:
    for user in _some(integration):
        services.patch(
            integration.directory,
            schema_of(integration.directory, "User"),
            user.public_id,
            {"Operations": [{"op": "replace", "value": {"displayName": "Changed"}}]},
            origin=services.Origin(source=Resource.Source.IDP),
            now=database_now(),
        )


def _round(label: str, statements: Statements) -> Round:
    """Carry out all that waits."""
    waiting = Job.objects.filter(state__in=Job.WAITING).count()
    AppCall.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    before = statements.count.total(), sum(statements.seconds.values())
    cpu, begun = time.thread_time(), time.perf_counter()
    with connection.execute_wrapper(statements):
        Worker(threads=1).drain()
    seconds, cpu = time.perf_counter() - begun, time.thread_time() - cpu
    calls = AppCall.objects.aggregate(Sum("milliseconds"))["milliseconds__sum"] or 0
    left = Provisioning.objects.exclude(state=Provisioning.State.ONBOARDED).count()
    if left:
        raise SystemExit(f"{label}: {left} users were not provisioned.")
    return Round(
        label,
        waiting,
        statements.count.total() - before[0],
        seconds,
        cpu,
        sum(statements.seconds.values()) - before[1],
        calls / 1000,
        AppCall.objects.count(),
    )


def measure(count: int, statements: Statements) -> list[Round]:
    """Create so many accounts, change some, and look at some once more."""
    with (
        tempfile.TemporaryDirectory(prefix="keyway-queue-") as folder,
        app(Path(folder)) as address,
    ):
        integration = fill(address, count)
        rounds = [_round("creates an account", statements)]
        _rename(integration)
        rounds.append(_round("changes a name", statements))
        _again(integration)
        rounds.append(_round("finds nothing to do", statements))
        return rounds


def _database() -> str:
    if connection.vendor == "sqlite":
        return "SQLite"
    return f"PostgreSQL {connection.pg_version // 10000}"  # type: ignore[attr-defined]


def main() -> None:
    """Measure, print, and write the page if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--statements", type=int, default=0)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    statements = Statements()
    with test_database():
        rounds = measure(given.users, statements)
        database = _database()
    table = markdown([HEAD, *(round_.row() for round_ in rounds)])
    sys.stdout.write(f"{table}\n")
    for line in statements.longest(given.statements):
        sys.stdout.write(f"{line}\n")
    if given.write:
        figures.write(
            QUEUE_PAGE,
            "a job",
            _TEXT.format(
                when=time.strftime("%Y-%m-%d", time.gmtime()),
                cores=os.cpu_count(),
                load=os.getloadavg()[1],
                users=given.users,
                database=database,
                table=table,
            ),
        )


if __name__ == "__main__":
    main()
