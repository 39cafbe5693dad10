"""The clock of the database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from pytest_django import DjangoAssertNumQueries

from workspaces.clock import database_now
from workspaces.models import Job, Workspace

pytestmark = pytest.mark.django_db


def test_is_aware_and_in_utc() -> None:
    now = database_now()

    assert now.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - now) < timedelta(minutes=1)


def test_does_not_follow_the_clock_of_the_process() -> None:
    with time_machine.travel(datetime(2001, 1, 1, tzinfo=UTC), tick=False):
        now = database_now()

    assert now.year > 2001


def test_moves_on_within_one_transaction() -> None:
    times = [database_now() for _ in range(2000)]

    assert times == sorted(times)
    assert times[-1] > times[0]


def test_takes_one_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(1):
        database_now()


def test_keeps_its_value_in_a_column(workspace: Workspace) -> None:
    now = database_now()
    job = Job.objects.create(
        workspace=workspace, kind="k", subject="s", trigger="web", due_at=now
    )

    job.refresh_from_db()

    assert job.due_at == now
    assert Job.objects.filter(due_at__lte=now).exists()
    assert not Job.objects.filter(due_at__lt=now).exists()
