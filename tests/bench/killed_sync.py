"""Kill a first import and a group of many members: `python -m tests.bench.killed_sync`.

F27: a sync of many users dies by SIGKILL at `sync.batch_saved`, each time a batch
later, and goes on. F26: the IdP puts all of them into one group, in several calls of
which one dies before it commits, and begins anew; then the workers that give the group
in the app are killed again and again. What the app holds is read from its own file.
Needs PostgreSQL, and works in a test database of its own, which it drops.

    --users N        how many are imported (10,000)
    --members N      how many of them are put into the group (10,000)
    --write          write the figures into docs/reference/reliability.md
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from django.db import connection  # noqa: E402

from integrations import services as integration_services  # noqa: E402
from integrations.models import AppAccount, Integration, Provisioning  # noqa: E402
from integrations.syncing.sync import BATCH  # noqa: E402
from scim import services  # noqa: E402
from scim.models import GroupMember, Resource  # noqa: E402
from scim.served import schema_of  # noqa: E402
from tests import factories  # noqa: E402
from tests.bench import figures, workers  # noqa: E402
from tests.bench.databases import test_database  # noqa: E402
from tests.bench.processes import ROOT  # noqa: E402
from tests.bench.results import markdown  # noqa: E402
from tests.integrations.outside import USERNAME, Outside  # noqa: E402
from workspaces import faults  # noqa: E402
from workspaces.clock import database_now  # noqa: E402
from workspaces.models import Job  # noqa: E402

GROUP = "Sales"
DEATHS = 4
"""Of workers. At the fifth a sync is given up, as a job that kills its workers."""

A_CALL = 1_000
"""Members that the IdP names in one call."""

PAUSE = 0.2


PAGE = ROOT / "docs/reference/reliability.md"
_TEXT = """\
Written by `.venv/bin/python -m tests.bench.killed_sync --write` on {when}, on {cores} cores with a load of {load:.0f}:

{table}
"""


class Died(BaseException):
    """The web process is gone in the middle of a call."""


@dataclass(slots=True)
class Outcome:
    """What one part came to."""

    label: str
    seconds: float
    deaths: int
    missing: int
    extra: int
    problems: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        return not (self.missing or self.extra or self.problems)

    def row(self) -> list[str]:
        """Return the figures of the part."""
        counts = (self.deaths, self.missing, self.extra, len(self.problems))
        return [self.label, f"{self.seconds:.0f} s", *map(str, counts)]


def populate(path: Path, count: int) -> set[str]:
    """Put users into the app, and nobody into a group; return their logins."""
    rows = [(f"user{n}@acme.test", f"user{n}@acme.test") for n in range(count)]
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("DELETE FROM member")
        database.execute("DELETE FROM user WHERE login <> ?", [USERNAME])
        database.executemany("INSERT INTO user (login, email) VALUES (?, ?)", rows)
    return {login for login, _ in rows}


def connect(app: Outside) -> Integration:
    """Make an integration with the app."""
    account = factories.ServiceAccountFactory(username=USERNAME, secret=app.password)
    return factories.IntegrationFactory(
        workspace=account.workspace, service_account=account, base_url=app.base_url
    )


def import_all(integration: Integration, logins: set[str], folder: Path) -> Outcome:
    """Import everybody while the worker dies at a later batch each time."""
    begun, problems = time.monotonic(), []
    job = integration_services.request_sync(integration, actor=None, now=database_now())
    share = len(logins) // BATCH // (DEATHS + 1)
    for death in range(1, DEATHS + 1):
        worker = workers.start(
            folder / "sync.log",
            threads=1,
            FAULTS_POINT=f"sync.batch_saved:{death * share}",
            FAULTS_REACHED=str(folder / "reached"),
        )
        worker.wait()
        integration.refresh_from_db()
        saved = AppAccount.objects.count()
        if integration.last_synced_at is not None or saved != death * share * BATCH:
            problems.append(f"after death {death}: {saved} saved, shown as synced")
    with workers.running(1, folder):
        _wait_until(lambda: not Job.objects.filter(state__in=Job.OPEN).exists())
    job.refresh_from_db()
    if job.state != Job.State.COMPLETED:
        problems.append(f"the sync ended as {job.state}: {job.error}")
    known = list(AppAccount.objects.values_list("username", flat=True))
    users = Resource.objects.filter(resource_type="User").count()
    return Outcome(
        f"first import of {len(logins):,} users",
        time.monotonic() - begun,
        DEATHS,
        len(logins - set(known)),
        len(known) + users - 2 * len(logins),
        problems,
    )


def give_group(
    integration: Integration, app: Outside, count: int, folder: Path
) -> Outcome:
    """Put so many into one group; IdP, web process and workers die meanwhile."""
    begun, problems = time.monotonic(), []
    ids = list(
        Resource.objects.filter(resource_type="User")
        .order_by("pk")
        .values_list("public_id", flat=True)[:count]
    )
    calls = [ids[start : start + A_CALL] for start in range(0, len(ids), A_CALL)]
    half = len(calls) // 2
    _add(integration, calls[:half])
    try:
        faults.hook = _die
        _add(integration, calls[half:])
    except Died:
        faults.hook = None
    if GroupMember.objects.count() != half * A_CALL:
        problems.append(f"{GroupMember.objects.count()} members after the dead call")
    _add(integration, calls)
    if GroupMember.objects.count() != len(ids):
        problems.append(f"{GroupMember.objects.count()} members in the directory")
    _kill_while_working(len(ids), folder)
    held = app.members(GROUP)
    wanted = set(
        AppAccount.objects.filter(resource__public_id__in=ids).values_list(
            "username", flat=True
        )
    )
    left = Provisioning.objects.exclude(state=Provisioning.State.ONBOARDED)
    if left.exists():
        problems.append(f"{left.count()} users are not shown as provisioned")
    return Outcome(
        f"group of {count:,} members",
        time.monotonic() - begun,
        DEATHS + 1,
        len(wanted - held),
        len(held - wanted),
        problems,
    )


def _die(point: str) -> None:
    if point == "scim.before_commit":
        raise Died


def _add(integration: Integration, calls: list[list[str]]) -> None:
    schema = schema_of(integration.directory, "Group")
    group = Resource.objects.get(resource_type="Group", label=GROUP)
    for ids in calls:
        members = [{"value": public_id} for public_id in ids]
        operation = {"op": "add", "path": "members", "value": members}
        services.patch(
            integration.directory,
            schema,
            group.public_id,
            {"Operations": [operation]},
            origin=services.Origin(source=Resource.Source.IDP),
            now=database_now(),
        )


def _kill_while_working(count: int, folder: Path) -> None:
    """Let a worker work; kill it when a part is done, and start the next."""
    for part in range(1, DEATHS + 1):
        worker = workers.start(folder / "group.log")
        _wait_until(lambda most=part * count // (DEATHS + 1): _open() < count - most)
        worker.kill()
        worker.wait()
    with workers.running(1, folder):
        _wait_until(lambda: not _open())


def _open() -> int:
    return Job.objects.filter(state__in=Job.OPEN).count()


def _wait_until(is_so: Callable[[], bool]) -> None:
    while not is_so():
        time.sleep(PAUSE)


def measure(count: int, members: int) -> list[Outcome]:
    """Run both parts."""
    with tempfile.TemporaryDirectory(prefix="keyway-killed-") as name:
        folder = Path(name)
        app = Outside(folder, password="pass-of-outside-1")
        try:
            logins = populate(folder / "demo.sqlite3", count)
            integration = connect(app)
            return [
                import_all(integration, logins, folder),
                give_group(integration, app, members, folder),
            ]
        finally:
            app.stop()


def main() -> int:
    """Run it, print the figures, and write them if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--members", type=int, default=10_000)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    if connection.vendor != "postgresql":
        parser.error("Set DATABASE_URL to a PostgreSQL server.")
    with test_database():
        outcomes = measure(given.users, given.members)
    head = ["what", "time", "deaths", "missing", "extra", "other problems"]
    table = markdown([head, *(outcome.row() for outcome in outcomes)])
    sys.stdout.write(f"{table}\n")
    for problem in (p for outcome in outcomes for p in outcome.problems):
        sys.stdout.write(f"{problem}\n")
    if given.write:
        figures.write(
            PAGE,
            "killed in the middle",
            _TEXT.format(
                when=time.strftime("%Y-%m-%d", time.gmtime()),
                cores=os.cpu_count(),
                load=os.getloadavg()[1],
                table=table,
            ),
        )
    return 0 if all(outcome.is_good for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
