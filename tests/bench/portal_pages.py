"""Measure the portal's pages with 10,000 integrations behind them.

python -m tests.bench.portal_pages [--write]

Fills a test database of its own and drops it in the end. Times are CPU of the
server alone: middleware, view and template, and the database too if it is SQLite.
"""

from __future__ import annotations

import os
import sys
import time
import uuid
from datetime import timedelta
from statistics import median
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from django.db import connection  # noqa: E402  after the setup
from django.test import Client  # noqa: E402
from django.test.utils import (  # noqa: E402
    setup_databases,
    setup_test_environment,
    teardown_databases,
)

from integrations.models import Integration, Provisioning  # noqa: E402
from integrations.provisioning import wanted  # noqa: E402
from scim.models import RequestRecord, Resource  # noqa: E402
from tests import factories  # noqa: E402
from tests.bench.page import PAGE, PORTAL, portal_section  # noqa: E402
from tests.bench.results import markdown  # noqa: E402
from tokens.models import ScimToken  # noqa: E402
from workspaces.clock import database_now  # noqa: E402
from workspaces.models import Directory, Job, Role, User  # noqa: E402

INTEGRATIONS = 10_000
PEOPLE = 1
"""Users of each integration, each with a request and a job."""

ROUNDS = 7
LIMIT = 100
"""Milliseconds that a page may take."""

PAGES = {
    "Integrations, first page": "/integrations/",
    "Integrations, page 200": "/integrations/?page=200",
    "Integrations, search": "/integrations/?q=app+77",
    "Integrations, status Active": "/integrations/?status=active",
    "Integrations, status Unknown": "/integrations/?status=unknown",
    "Dashboard": "/dashboard/",
    "Activity": "/activity/",
    "Activity, one integration": "/activity/?integration=App+77",
    "Activity, one event": "/activity/?event=user-invite-failed",
}
Copy = dict[str, Any]


def _copies(model: Any, rows: list[Copy]) -> None:
    model.objects.bulk_create((model(**row) for row in rows), batch_size=500)


def _columns(row: Any, *without: str) -> Copy:
    """Return the columns of a row that may be copied."""
    skipped = {"id", *without}
    fields = (f.attname for f in row._meta.concrete_fields)
    return {name: getattr(row, name) for name in fields if name not in skipped}


def fill() -> User:
    """Make one integration by the services, and copy its rows. Returns the Owner."""
    now = database_now()
    first = factories.IntegrationFactory()
    owner = factories.MembershipFactory(workspace=first.workspace, role=Role.OWNER)
    token = factories.issue_token(first.directory).token
    like = _columns(first.directory, "key")
    _copies(Directory, [like for _ in range(INTEGRATIONS - 1)])
    directories = list(
        Directory.objects.in_workspace(first.workspace)
        .exclude(pk=first.directory_id)
        .values_list("pk", flat=True)
    )
    like = _columns(first, "directory_id", "name") | {"last_synced_at": now}
    _copies(
        Integration,
        [like | {"directory_id": d, "name": f"App {d}"} for d in directories],
    )
    like = _columns(token, "key", "directory_id")
    _copies(
        ScimToken,
        [like | {"directory_id": d, "key": f"{d:012d}"[:12]} for d in directories],
    )
    keys = dict(Integration.objects.values_list("directory", "pk"))
    _fill_people(first.workspace.pk, [(d, keys[d]) for d in directories], now)
    return owner.user


def _fill_people(workspace: int, of: list[tuple[int, int]], now: Any) -> None:
    people = [(d, i, str(uuid.uuid4())) for d, i in of for _ in range(PEOPLE)]
    times = [now - timedelta(seconds=2 * number) for number in range(len(people))]
    shared: Copy = {"created_at": now, "modified_at": now, "active": True}
    shared |= {"resource_type": "User", "document": "{}", "comparable": {}}
    _copies(
        Resource,
        [
            shared | {"directory_id": d, "public_id": key, "user_name_key": key}
            for d, _, key in people
        ],
    )
    done = {"state": Provisioning.State.ONBOARDED, "changed_at": now}
    _copies(
        Provisioning,
        [
            done | {"integration_id": i, "resource_id_public": key, "user_name": key}
            for _, i, key in people
        ],
    )
    asked: Copy = {"method": "POST", "path": "/v2/Users", "status": 201}
    asked |= {"milliseconds": 9, "dialect": "okta"}
    _copies(
        RequestRecord,
        [
            asked
            | {"directory_id": d, "resource_id": key, "at": at}
            | {"request_id": str(uuid.uuid4())}
            for (d, _, key), at in zip(people, times, strict=True)
        ],
    )
    job: Copy = {"workspace_id": workspace, "kind": wanted.JOB, "due_at": now}
    job |= {"trigger": Job.Trigger.SCIM, "state": Job.State.COMPLETED}
    job |= {"progress": {"act": "invite"}, "ended_at": now}
    _copies(Job, [job | {"subject": key} for _, _, key in people])


def measure(owner: User) -> list[list[str]]:
    """Return a line for each page: its name, median and slowest CPU time."""
    client = Client()
    client.force_login(owner)
    lines = []
    for name, path in PAGES.items():
        answer = client.get(path)
        if answer.status_code != 200:
            raise SystemExit(f"{path} answered {answer.status_code}.")
        taken = sorted(_milliseconds(client, path) for _ in range(ROUNDS))
        lines.append([name, f"{median(taken):.0f}", f"{taken[-1]:.0f}"])
    return lines


def _milliseconds(client: Client, path: str) -> float:
    """Return the CPU time: other processes do not make it longer."""
    begun = time.process_time()
    client.get(path)
    return (time.process_time() - begun) * 1000


def main() -> None:
    """Measure, print, and write the section of the page if asked."""
    setup_test_environment()
    database = setup_databases(verbosity=0, interactive=False)
    try:
        owner = fill()
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE")
        lines = measure(owner)
    finally:
        teardown_databases(database, verbosity=0)
    head = ["page", "median ms", "slowest ms"]
    table = markdown([head, *lines])
    sys.stdout.write(f"{table}\n")
    if "--write" in sys.argv:
        text = PAGE.read_text()
        before = text.removesuffix(portal_section(text))
        told = PORTAL.format(
            integrations=f"{INTEGRATIONS:,}",
            people=PEOPLE,
            database=connection.vendor,
            rounds=ROUNDS,
            limit=LIMIT,
            table=table,
        )
        PAGE.write_text(f"{before.rstrip()}\n\n{told}")
    slow = [name for name, taken, *_ in lines if int(taken) > LIMIT]
    if slow:
        raise SystemExit(f"Slower than {LIMIT} ms: {', '.join(slow)}.")


if __name__ == "__main__":
    main()
