"""Let workers compete while one user changes all the time: `python -m tests.bench.hot_user`.

F23: many users wait to be created in an app that answers at once, and one user is
renamed again and again meanwhile. The app writes down every effect; what it saw of
the one user must be in the order of the changes. Needs PostgreSQL, and works in a
test database of its own, which it drops.

    --users N        how many users wait (9,000)
    --workers N      how many worker processes, of 2 threads each (4)
    --write          write the figures into docs/reference/queue.md
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from django.db import connection  # noqa: E402

from integrations.models import Integration, Provisioning  # noqa: E402
from scim import services  # noqa: E402
from scim.models import Resource  # noqa: E402
from scim.served import schema_of  # noqa: E402
from tests.bench import figures, workers  # noqa: E402
from tests.bench.databases import test_database  # noqa: E402
from tests.bench.provision_users import QUEUE_PAGE, app, fill  # noqa: E402
from tests.bench.results import markdown  # noqa: E402
from workspaces.clock import database_now  # noqa: E402
from workspaces.models import Job  # noqa: E402

HOT = "user0@acme.test"
PAUSE = 0.02
"""Seconds between two changes of the one user."""

_TEXT = """\
Written by `.venv/bin/python -m tests.bench.hot_user --write` on {when}, on {cores} cores with a load of {load:.0f}: {workers}
worker processes of two threads, {users:,} users to create, and one of them renamed all the time.

{table}
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the run came to. All but the first four should be 0."""

    seconds: float
    jobs: int
    changes: int
    """Of the one user."""

    updates: int
    """Of the one user in the app: changes that wait together are one job."""

    inversions: int
    """Updates of the one user with an older name than the app had."""

    stale: int
    """1 if the app did not end with the last name."""

    doubled: int
    failed: int
    deadlocks: int

    @property
    def is_good(self) -> bool:
        wrong = (self.inversions, self.stale, self.doubled, self.failed)
        return not any((*wrong, self.deadlocks))

    def table(self) -> str:
        """Return the figures for a page."""
        names = ("jobs", "changes of the one user", "updates of it in the app")
        wrong = ("out of order", "last name missing", "accounts doubled")
        row = [self.jobs, self.changes, self.updates, self.inversions, self.stale]
        row += [self.doubled, self.failed, self.deadlocks]
        texts = [f"{self.seconds:.0f} s", *(f"{number:,}" for number in row)]
        head = ["time", *names, *wrong, "jobs failed", "deadlocks"]
        return markdown([head, texts])


def measure(users: int, count: int) -> Outcome:
    """Run it."""
    with (
        tempfile.TemporaryDirectory(prefix="keyway-hot-") as name,
        app(Path(name)) as address,
    ):
        integration = fill(address, users)
        # As many at once are: a change of one user comes before them.
        Job.objects.update(priority=Job.Priority.BULK)
        deadlocks, begun = _deadlocks(), time.monotonic()
        with workers.running(count, Path(name)):
            changes = _change_until_done(integration)
        seconds = time.monotonic() - begun
        seen = [
            json.loads(line)
            for line in (Path(name) / "effects").read_text().splitlines()
        ]
    created = Counter(each["login"] for each in seen if each["effect"] == "create")
    hot = [_version(e["display_name"]) for e in seen if e["login"] == HOT]
    left = Provisioning.objects.exclude(state=Provisioning.State.ONBOARDED)
    return Outcome(
        seconds=seconds,
        jobs=Job.objects.count(),
        changes=changes,
        updates=len(hot),
        inversions=sum(newer < older for older, newer in pairwise(hot)),
        stale=int(hot[-1] != changes),
        doubled=sum(number > 1 for number in created.values()),
        failed=left.count() + abs(users - len(created)),
        deadlocks=_deadlocks() - deadlocks,
    )


def _change_until_done(integration: Integration) -> int:
    """Rename the one user until nobody else waits, and wait for the last name."""
    hot = Resource.objects.get(
        directory=integration.directory_id, user_name_key=HOT
    ).public_id
    schema = schema_of(integration.directory, "User")
    others = Job.objects.filter(state__in=Job.OPEN).exclude(subject=hot)
    changes = 0
    while others.exists():
        changes += 1
        services.patch(
            integration.directory,
            schema,
            hot,
            {"Operations": [_rename(changes)]},
            origin=services.Origin(source=Resource.Source.IDP),
            now=database_now(),
        )
        time.sleep(PAUSE)
    while Job.objects.filter(state__in=Job.OPEN).exists():
        time.sleep(PAUSE)
    return changes


def _rename(version: int) -> dict[str, str]:
    return {"op": "replace", "path": "displayName", "value": f"Version {version}"}


def _version(display_name: str) -> int:
    """Return which change a name is of; 0 for the name of the creation."""
    word, _, number = display_name.partition(" ")
    return int(number) if word == "Version" else 0


def _deadlocks() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        )
        return int(cursor.fetchone()[0])


def main() -> int:
    """Run it, print the figures, and write them if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=9_000)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    if connection.vendor != "postgresql":
        parser.error("Set DATABASE_URL to a PostgreSQL server.")
    with test_database():
        outcome = measure(given.users, given.workers)
    sys.stdout.write(f"{outcome.table()}\n")
    if given.write:
        figures.write(
            QUEUE_PAGE,
            "one hot user",
            _TEXT.format(
                when=time.strftime("%Y-%m-%d", time.gmtime()),
                cores=os.cpu_count(),
                load=os.getloadavg()[1],
                workers=given.workers,
                users=given.users,
                table=outcome.table(),
            ),
        )
    return 0 if outcome.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
