"""Measure a sync that imports many users: `python -m tests.bench.import_users`.

Works in a test database of its own, which it drops. The app is not part of it: its
accounts are made here, so that what is measured is what Keyway does with them, once
as new and once as known.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from django.db import connection  # noqa: E402

from integrations.desired import Entitlement, ObservedAccount  # noqa: E402
from integrations.syncing import drifting, importing  # noqa: E402
from integrations.syncing.report import Report  # noqa: E402
from integrations.syncing.sync import BATCH  # noqa: E402
from tests import factories  # noqa: E402
from tests.bench.databases import test_database  # noqa: E402
from workspaces.clock import database_now  # noqa: E402

GROUPS = 20


def main() -> None:
    """Measure both rounds and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=10_000)
    count = parser.parse_args().users
    with test_database():
        sys.stdout.write(f"| {connection.vendor}, {count:,} users | s | queries |\n")
        sys.stdout.write("| --- | ---: | ---: |\n")
        for label, seconds, queries in _rounds(count):
            sys.stdout.write(f"| {label} | {seconds:.1f} | {queries:,} |\n")


def _rounds(count: int) -> list[tuple[str, float, int]]:
    integration = factories.IntegrationFactory()
    groups = [Entitlement("group", str(n), f"Group {n}") for n in range(GROUPS)]
    accounts = [
        ObservedAccount(
            external_id=str(number),
            username=f"user{number}@acme.test",
            email=f"user{number}@acme.test",
            display_name=f"User {number}",
            entitlements=frozenset({("group", str(number % GROUPS))}),
        )
        for number in range(count)
    ]

    def save() -> None:
        report, now = Report(), database_now()
        importing.take_entitlements(integration, groups, report, now=now)
        for start in range(0, count, BATCH):
            batch = accounts[start : start + BATCH]
            importing.take_accounts(integration, batch, report, now=now)
        importing.forget_lost(integration, report, now=now)

    def compare() -> None:
        drifting.note(integration, now=database_now())

    return [
        ("first import", *_measured(save)),
        ("second import, nothing new", *_measured(save)),
        ("look for drift", *_measured(compare)),
    ]


def _measured(work: Callable[[], None]) -> tuple[float, int]:
    """Return the seconds that it took and how many queries it made."""
    queries = 0

    def count(execute: Callable[..., object], *args: object) -> object:
        nonlocal queries
        queries += 1
        return execute(*args)

    start = time.monotonic()
    with connection.execute_wrapper(count):
        work()
    return time.monotonic() - start, queries


if __name__ == "__main__":
    main()
