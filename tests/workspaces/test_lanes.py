"""One place that fails, or is slow, does not hold up the work for others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.workspaces.test_jobs import KIND, carried_out_by, claim, claimed
from workspaces import jobs, lanes, leases
from workspaces.clock import database_now
from workspaces.models import Job, Lane, Workspace

SECOND = timedelta(seconds=1)


@pytest.fixture
def now(workspace: Workspace) -> datetime:
    return database_now()


@pytest.fixture
def put_off(workspace: Workspace) -> Callable[..., Job]:
    def enqueue(subject: str, *, lane: str = "app", **kwargs: Any) -> Job:
        values = {"trigger": Job.Trigger.SCIM, "now": database_now(), **kwargs}
        return jobs.enqueue(
            KIND, workspace=workspace, subject=subject, lane=lane, **values
        ).job

    return enqueue


def fail(
    workspace: Workspace,
    now: datetime,
    times: int = 1,
    pause: timedelta | None = None,
) -> None:
    for _ in range(times):
        lanes.note_failure(workspace.pk, "app", "Out of order.", pause=pause, now=now)


class TestPriority:
    def test_who_waits_for_it_comes_before_what_came_earlier(
        self, put_off: Callable[..., Job], now: datetime
    ) -> None:
        put_off("nightly", trigger=Job.Trigger.SCHEDULE, now=now - 2 * SECOND)
        put_off("change", now=now - SECOND)
        put_off("person", trigger=Job.Trigger.WEB, now=now)

        taken = [claimed(now).subject for _ in range(3)]

        assert taken == ["person", "change", "nightly"]

    def test_joining_makes_more_urgent_and_never_less(
        self, put_off: Callable[..., Job], now: datetime
    ) -> None:
        put_off("s", trigger=Job.Trigger.SCHEDULE)
        put_off("s", trigger=Job.Trigger.WEB)
        put_off("s", trigger=Job.Trigger.SCHEDULE)

        assert Job.objects.get().priority == Job.Priority.PERSON


class TestWidth:
    def test_a_lane_leaves_workers_to_the_others(
        self, put_off: Callable[..., Job], settings: Any
    ) -> None:
        """F18: one slow app does not take every worker."""
        settings.KEYWAY_JOBS_PER_LANE = 2
        for number in range(4):
            put_off(f"slow-{number}")
        put_off("other", lane="quick")

        taken = [claimed() for _ in range(3)]

        assert [job.lane for job in taken] == ["app", "app", "quick"]
        assert claim() is None

        leases.complete(taken[0], None, now=database_now())
        assert claimed().lane == "app"

    def test_work_without_a_lane_has_no_limit(
        self, put_off: Callable[..., Job], settings: Any
    ) -> None:
        settings.KEYWAY_JOBS_PER_LANE = 1
        for number in range(3):
            put_off(str(number), lane="")

        assert all(claim() for _ in range(3))


class TestClosing:
    def test_closes_after_five_failures_in_a_row(
        self, workspace: Workspace, put_off: Callable[..., Job], now: datetime
    ) -> None:
        """F18: the circuit opens after 5."""
        put_off("s", now=now)
        fail(workspace, now, 4)
        lanes.note_success("app")
        fail(workspace, now, 4)
        assert Lane.objects.get().closed_until is None

        fail(workspace, now)

        assert Lane.objects.get().closed_until == now + lanes.SHORTEST_PAUSE
        assert claim(now) is None

    def test_pauses_grow_up_to_a_limit(
        self, workspace: Workspace, now: datetime
    ) -> None:
        fail(workspace, now, 7)
        assert Lane.objects.get().closed_until == now + 4 * lanes.SHORTEST_PAUSE

        fail(workspace, now, 20)
        assert Lane.objects.get().closed_until == now + lanes.LONGEST_PAUSE

    def test_waits_as_long_as_the_place_asks_for(
        self, workspace: Workspace, put_off: Callable[..., Job], now: datetime
    ) -> None:
        """F17: nobody calls during the wait, and no shorter wish ends it."""
        put_off("s", now=now)
        put_off("other", lane="quick", now=now)
        fail(workspace, now, pause=timedelta(hours=1))
        fail(workspace, now, pause=SECOND)

        assert claimed(now).lane == "quick"
        assert claim(now + timedelta(minutes=59)) is None
        assert claimed(now + timedelta(hours=1)).subject == "s"

    def test_lets_one_job_in_as_a_trial(
        self, workspace: Workspace, put_off: Callable[..., Job], now: datetime
    ) -> None:
        for number in range(3):
            put_off(str(number), now=now)
        fail(workspace, now, pause=SECOND)
        later = now + SECOND

        trial = claimed(later)
        assert claim(later) is None

        lanes.note_success("app")
        leases.complete(trial, None, now=later)
        assert claimed(later).lane == "app"
        assert claimed(later).lane == "app"

    def test_trial_that_dies_is_followed_by_another(
        self, workspace: Workspace, put_off: Callable[..., Job], now: datetime
    ) -> None:
        put_off("dies", now=now)
        put_off("next", now=now)
        fail(workspace, now, pause=SECOND)
        claimed(now + SECOND)

        assert claimed(now + SECOND + lanes.TRIAL).subject == "next"

    def test_reopening_asks_for_a_trial_at_once(
        self, workspace: Workspace, put_off: Callable[..., Job], now: datetime
    ) -> None:
        put_off("s", now=now)
        fail(workspace, now, pause=timedelta(hours=1))

        lanes.reopen(["app"], now=now)

        assert claimed(now).subject == "s"


def test_an_outage_does_not_bring_a_job_nearer_to_its_end(
    put_off: Callable[..., Job],
) -> None:
    """F19: who waits for an app that is down for a day is not given up."""
    put_off("s", max_failures=2)

    def carry(job: Job) -> None:
        raise jobs.RetryLater("Down.", after=timedelta(0), counts=False)

    with carried_out_by(carry):
        for _ in range(5):
            Job.objects.update(due_at=database_now())
            leases.carry_out(claimed())

    assert Job.objects.get().state == Job.State.RETRYING


def test_zombie_is_stopped_before_it_changes_anything(
    put_off: Callable[..., Job], now: datetime
) -> None:
    """F22: a worker that slept until another took over calls nobody any more."""
    put_off("s", now=now)
    zombie = claimed(now)
    leases.release_expired(now=now + leases.LEASE + SECOND)

    with pytest.raises(leases.LostLease):
        leases.require_lease(zombie)
