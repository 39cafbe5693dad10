"""The job engine: nothing is lost, nothing is done twice at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, connection, connections, transaction

from tests import factories
from workspaces import jobs, leases, periodic
from workspaces.clock import database_now
from workspaces.jobs import GiveUp, RetryLater
from workspaces.leases import LostLease
from workspaces.management.commands.worker import (
    HEARTBEAT_SECONDS,
    IDLE_SECONDS,
    Worker,
)
from workspaces.models import Job, User, Workspace

KIND = "tests.work"
SECOND = timedelta(seconds=1)


@pytest.fixture
def now(workspace: Workspace) -> datetime:
    return database_now()


@pytest.fixture
def put_off(workspace: Workspace) -> Callable[..., jobs.Enqueued]:
    def enqueue(subject: str = "s", **kwargs: object) -> jobs.Enqueued:
        values = {"trigger": Job.Trigger.WEB, "now": database_now(), **kwargs}
        return jobs.enqueue(KIND, workspace=workspace, subject=subject, **values)

    return enqueue


@contextmanager
def carried_out_by(carry: jobs.Carry) -> Iterator[None]:
    jobs.register(KIND, carry)
    try:
        yield
    finally:
        del jobs._carriers[KIND]


def claim(now: datetime | None = None, worker: str = "w") -> Job | None:
    return leases.claim(worker=worker, now=now or database_now())


def claimed(now: datetime | None = None) -> Job:
    job = claim(now)
    assert job is not None
    return job


def state(job: Job) -> str:
    job.refresh_from_db()
    return job.state


class TestClaim:
    def test_takes_a_lease_and_counts_the_attempt(
        self, put_off: Callable[..., jobs.Enqueued], now: datetime
    ) -> None:
        put_off(now=now)

        job = claimed(now)

        job.refresh_from_db()
        assert job.state == Job.State.STARTED
        assert job.attempt == 1
        assert job.worker == "w"
        assert job.lease_ends_at == now + leases.LEASE
        assert job.started_at == now

    def test_nothing_due_is_none(
        self, put_off: Callable[..., jobs.Enqueued], now: datetime
    ) -> None:
        put_off(now=now + SECOND)

        assert claim(now) is None

    def test_due_longest_comes_first(
        self, put_off: Callable[..., jobs.Enqueued], now: datetime
    ) -> None:
        for subject, wait in (("young", 1), ("old", 3), ("middle", 2)):
            put_off(subject, now=now - wait * SECOND)

        order = [claimed(now).subject for _ in range(3)]

        assert order == ["old", "middle", "young"]

    def test_a_subject_is_worked_on_once_at_a_time(
        self, put_off: Callable[..., jobs.Enqueued], now: datetime
    ) -> None:
        put_off(now=now)
        first = claimed(now)
        put_off(now=now)
        put_off("other", now=now)

        assert claimed(now).subject == "other"
        assert claim(now) is None

        leases.complete(first, None, now=now)
        assert claimed(now).subject == "s"

    def test_same_subject_of_another_kind_is_free(
        self,
        put_off: Callable[..., jobs.Enqueued],
        workspace: Workspace,
        now: datetime,
    ) -> None:
        put_off(now=now)
        jobs.enqueue(
            "tests.other", workspace=workspace, subject="s", trigger="web", now=now
        )

        assert {claimed(now).kind, claimed(now).kind} == {KIND, "tests.other"}


class TestCoalescing:
    def test_waiting_job_is_joined(
        self, put_off: Callable[..., jobs.Enqueued], now: datetime
    ) -> None:
        first, second = put_off(), put_off()

        assert first.created
        assert not second.created
        assert first.job == second.job

    def test_request_while_it_runs_makes_exactly_one_more(
        self, put_off: Callable[..., jobs.Enqueued], now: datetime
    ) -> None:
        put_off()
        running = claimed()

        more = [put_off() for _ in range(5)]

        assert [each.created for each in more] == [True] + [False] * 4
        assert {each.job.pk for each in more} != {running.pk}
        assert Job.objects.count() == 2

    def test_job_that_waits_for_a_retry_becomes_due_at_once(
        self, put_off: Callable[..., jobs.Enqueued], now: datetime
    ) -> None:
        put_off(now=now)
        leases.retry(claimed(now), "down", after=timedelta(hours=1), now=now)

        joined = put_off(now=now + SECOND)

        assert not joined.created
        assert claimed(now + SECOND).failures == 0

    def test_ended_job_is_not_joined(
        self, put_off: Callable[..., jobs.Enqueued], now: datetime
    ) -> None:
        put_off()
        leases.complete(claimed(), None, now=now)

        assert put_off().created

    def test_database_refuses_a_second_waiting_and_a_second_running_one(
        self, put_off: Callable[..., jobs.Enqueued], workspace: Workspace, now: datetime
    ) -> None:
        put_off()
        for state in Job.OPEN:
            same = Job(
                workspace=workspace, kind=KIND, subject="t", due_at=now, state=state
            )
            same.save()
            twin = Job(
                workspace=workspace, kind=KIND, subject="t", due_at=now, state=state
            )
            with pytest.raises(IntegrityError), transaction.atomic():
                twin.save()
            same.delete()


class TestParked:
    """E0-22: what waits for a person has a state of its own that says so."""

    @pytest.fixture
    def parked(
        self, put_off: Callable[..., jobs.Enqueued], now: datetime
    ) -> Callable[[str], Job]:
        def park(state: str) -> Job:
            put_off(now=now)
            job = claimed(now)
            leases.park(job, "Somebody decides.", state=Job.State(state))
            job.refresh_from_db()
            return job

        return park

    @pytest.mark.parametrize(
        ("state", "label"),
        [
            (Job.State.HELD, "Waiting for a decision"),
            (Job.State.PAUSED, "Waiting: integration is paused"),
        ],
    )
    def test_no_worker_takes_it(
        self, parked: Callable[[str], Job], state: str, label: str, now: datetime
    ) -> None:
        job = parked(state)

        assert job.get_state_display() == label
        assert job.error == "Somebody decides."
        assert claim(now + timedelta(days=900)) is None

    @pytest.mark.parametrize("state", Job.PARKED)
    def test_goes_on_when_it_is_woken(
        self, parked: Callable[[str], Job], state: str, now: datetime
    ) -> None:
        job = parked(state)

        assert jobs.wake(Job.objects.all(), now=now) == 1
        assert claim(now) == job

    def test_request_wakes_a_held_one_and_leaves_a_paused_one(
        self,
        parked: Callable[[str], Job],
        put_off: Callable[..., jobs.Enqueued],
        now: datetime,
    ) -> None:
        held = parked(Job.State.HELD)
        assert not put_off(now=now + SECOND).created
        assert state(held) == Job.State.QUEUED
        assert held.error == ""

        Job.objects.all().delete()
        paused = parked(Job.State.PAUSED)
        assert not put_off(now=now + SECOND).created
        assert state(paused) == Job.State.PAUSED


class TestCancel:
    @pytest.fixture
    def cancel(self, alice: User, now: datetime) -> Callable[[], None]:
        def run() -> None:
            with transaction.atomic():
                job = jobs.lock_to_cancel(Job.objects.all())
                jobs.cancel(job, actor=alice, note="Nothing was changed.", now=now)

        return run

    def test_ends_one_that_waits(
        self,
        put_off: Callable[..., jobs.Enqueued],
        cancel: Callable[[], None],
        alice: User,
        now: datetime,
    ) -> None:
        job = put_off(now=now).job

        cancel()

        assert state(job) == Job.State.NOT_COMPLETED
        assert job.error == "Cancelled by Alice. Nothing was changed."
        assert (job.ended_by, job.ended_at) == (alice, now)
        assert claim(now) is None

    def test_worker_that_has_it_loses_it_at_its_next_report(
        self,
        put_off: Callable[..., jobs.Enqueued],
        cancel: Callable[[], None],
        now: datetime,
    ) -> None:
        put_off(now=now)
        job = claimed(now)
        cancel()

        with pytest.raises(leases.LostLease):
            leases.report_progress(job, done=1)
        with pytest.raises(leases.LostLease):
            leases.complete(job, None, now=now)
        assert state(job) == Job.State.NOT_COMPLETED

    @pytest.mark.parametrize("state", [Job.State.COMPLETED, *Job.PARKED])
    def test_one_that_has_ended_or_waits_for_a_decision_is_refused(
        self,
        put_off: Callable[..., jobs.Enqueued],
        cancel: Callable[[], None],
        state: str,
    ) -> None:
        put_off()
        Job.objects.update(state=state)

        with pytest.raises(jobs.AlreadyEnded):
            cancel()


class TestFence:
    def test_zombie_cannot_finish_what_another_took_over(
        self, put_off: Callable[..., jobs.Enqueued], now: datetime
    ) -> None:
        put_off(now=now)
        zombie = claimed(now)
        later = now + leases.LEASE + SECOND
        assert leases.release_expired(now=later) == 1
        owner = claimed(later + leases.BACKOFF_CAP)

        assert owner.attempt == 2
        for end in (
            lambda: leases.complete(zombie, {}, now=later),
            lambda: leases.give_up(zombie, "no", now=later),
            lambda: leases.retry(zombie, "no", now=later),
            lambda: leases.report_progress(zombie, done=1),
        ):
            with pytest.raises(LostLease):
                end()
        leases.heartbeat([zombie], now=later + timedelta(days=1))
        owner.refresh_from_db()
        assert owner.state == Job.State.STARTED
        assert owner.lease_ends_at == later + leases.BACKOFF_CAP + leases.LEASE

        leases.complete(owner, {"by": "owner"}, now=later)
        assert state(zombie) == Job.State.COMPLETED
        assert zombie.result == {"by": "owner"}

    def test_job_ends_once(
        self, put_off: Callable[..., jobs.Enqueued], now: datetime
    ) -> None:
        put_off()
        job = claimed()
        leases.complete(job, None, now=now)

        with pytest.raises(LostLease):
            leases.give_up(job, "no", now=now)

    def test_zombie_ends_in_silence(
        self, put_off: Callable[..., jobs.Enqueued], now: datetime
    ) -> None:
        put_off(now=now)
        zombie = claimed(now)

        def overtaken(_: Job) -> None:
            leases.release_expired(now=now + leases.LEASE + SECOND)

        with carried_out_by(overtaken):
            leases.carry_out(zombie)

        assert state(zombie) == Job.State.RETRYING


class TestLease:
    def test_heartbeat_prolongs_it(
        self, put_off: Callable[..., jobs.Enqueued], now: datetime
    ) -> None:
        put_off(now=now)
        job = claimed(now)

        leases.heartbeat([job], now=now + leases.LEASE)

        assert leases.release_expired(now=now + leases.LEASE + SECOND) == 0
        assert leases.release_expired(now=now + 2 * leases.LEASE + SECOND) == 1

    def test_heartbeat_of_nothing_touches_nothing(
        self, put_off: Callable[..., jobs.Enqueued], now: datetime
    ) -> None:
        put_off(now=now)
        job = claimed(now)

        leases.heartbeat([], now=now + timedelta(days=1))

        job.refresh_from_db()
        assert job.lease_ends_at == now + leases.LEASE

    def test_expired_one_goes_back_and_says_why(
        self, put_off: Callable[..., jobs.Enqueued], now: datetime
    ) -> None:
        put_off(now=now)
        job = claimed(now)

        leases.release_expired(now=now + leases.LEASE + SECOND)

        assert state(job) == Job.State.RETRYING
        assert job.error == "The worker stopped in the middle."
        assert job.lease_ends_at is None
        assert claimed(now + leases.BACKOFF_CAP).pk == job.pk

    def test_living_one_stays(
        self, put_off: Callable[..., jobs.Enqueued], now: datetime
    ) -> None:
        put_off(now=now)
        job = claimed(now)

        assert leases.release_expired(now=now + leases.LEASE) == 0
        assert state(job) == Job.State.STARTED

    def test_first_death_of_a_worker_costs_no_wait(
        self, put_off: Callable[..., jobs.Enqueued], now: datetime
    ) -> None:
        """F14: a killed worker's job goes on once its lease is over."""
        put_off(now=now)
        job = claimed(now)
        over = now + leases.LEASE + SECOND

        leases.release_expired(now=over)

        assert claimed(over).pk == job.pk

    def test_job_of_many_deaths_waits_no_longer_than_a_lease_until_it_is_given_up(
        self, put_off: Callable[..., jobs.Enqueued], now: datetime
    ) -> None:
        """F21: what kills its worker each time ends, and does so in minutes."""
        job = put_off(now=now, max_failures=12).job

        for _ in range(12):
            claimed(now)
            now += leases.LEASE + SECOND
            leases.release_expired(now=now)
            now += leases.LEASE

        assert state(job) == Job.State.NOT_COMPLETED

    def test_worker_that_slept_while_it_asked_asks_again(
        self,
        put_off: Callable[..., jobs.Enqueued],
        now: datetime,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """F22: the first answer said yes, and another took the job over since."""
        put_off(now=now)
        job = claimed(now)
        times = iter((0.0, 12.0, 12.0))

        def seconds() -> float:
            at = next(times)
            if at:
                Job.objects.filter(pk=job.pk).update(attempt=job.attempt + 1)
            return at

        monkeypatch.setattr(leases, "_seconds", seconds)

        with pytest.raises(LostLease):
            leases.require_lease(job)

    def test_change_renews_the_lease_of_a_job_that_nobody_took_over(
        self, put_off: Callable[..., jobs.Enqueued], now: datetime
    ) -> None:
        """F22: who is slow and not overtaken goes on, and is left alone meanwhile."""
        put_off(now=now - leases.LEASE)
        job = claimed(now - leases.LEASE)

        leases.require_lease(job)

        assert leases.release_expired(now=now + leases.LEASE - SECOND) == 0

    def test_expired_one_makes_way_for_a_newer_request(
        self, put_off: Callable[..., jobs.Enqueued], now: datetime
    ) -> None:
        put_off(now=now)
        old = claimed(now)
        new = put_off(now=now).job

        leases.release_expired(now=now + leases.LEASE + SECOND)

        assert state(old) == Job.State.NOT_COMPLETED
        assert "A newer request took over." in old.error
        assert claimed(now + leases.LEASE + SECOND) == new


class TestRetry:
    def test_backoff_doubles_within_its_bounds(self) -> None:
        for failures in (1, 2, 3, 5, 9, 10, 11, 20, 1000):
            ceiling = min(
                leases.BACKOFF_CAP, leases.BACKOFF_BASE * 2 ** min(failures - 1, 30)
            )
            waits = [leases.backoff(failures) for _ in range(200)]
            assert ceiling / 2 <= min(waits) <= max(waits) <= ceiling
            assert len(set(waits)) > 100, "without jitter all come back together"

    def test_counts_failures_until_it_gives_up(
        self, put_off: Callable[..., jobs.Enqueued], now: datetime
    ) -> None:
        put_off(max_failures=3, now=now)
        times = []
        for _ in range(3):
            now += timedelta(hours=1)
            times.append(leases.retry(claimed(now), "down", now=now))

        job = Job.objects.get()
        assert [time is None for time in times] == [False, False, True]
        assert job.state == Job.State.NOT_COMPLETED
        assert job.error == "down"
        assert job.ended_at == now
        assert job.attempt == 3
        assert claim(now + timedelta(days=9)) is None

    def test_waits_as_long_as_the_app_asks_for(
        self, put_off: Callable[..., jobs.Enqueued], now: datetime
    ) -> None:
        put_off(now=now)
        wait = timedelta(seconds=77)

        due_at = leases.retry(claimed(now), "busy", after=wait, now=now)

        assert due_at == now + wait
        assert claim(now + wait - SECOND) is None
        assert claimed(now + wait)


class TestCarryOut:
    def test_result_is_kept(
        self, put_off: Callable[..., jobs.Enqueued], now: datetime
    ) -> None:
        put_off()
        job = claimed()

        with carried_out_by(lambda _: {"users": 3}):
            leases.carry_out(job)

        assert state(job) == Job.State.COMPLETED
        assert job.result == {"users": 3}
        assert job.ended_at is not None

    def test_retry_later(
        self, put_off: Callable[..., jobs.Enqueued], now: datetime
    ) -> None:
        put_off()
        job = claimed()

        def later(_: Job) -> None:
            raise RetryLater("down", after=timedelta(minutes=5))

        with carried_out_by(later):
            leases.carry_out(job)

        assert state(job) == Job.State.RETRYING
        assert job.error == "down"
        assert job.due_at > now + timedelta(minutes=4)

    def test_give_up(
        self, put_off: Callable[..., jobs.Enqueued], now: datetime
    ) -> None:
        put_off()
        job = claimed()

        def never(_: Job) -> None:
            raise GiveUp("refused")

        with carried_out_by(never):
            leases.carry_out(job)

        assert state(job) == Job.State.NOT_COMPLETED
        assert job.error == "refused"

    def test_kind_that_nobody_carries_out_is_a_programming_error(
        self, put_off: Callable[..., jobs.Enqueued]
    ) -> None:
        put_off()

        with pytest.raises(jobs.UnknownKind, match=KIND):
            leases.carry_out(claimed())


class TestWorker:
    def test_unexpected_error_is_retried_and_its_words_stay_in_the_log(
        self,
        put_off: Callable[..., jobs.Enqueued],
        now: datetime,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        job = put_off().job

        def broken(_: Job) -> None:
            raise ValueError("canary-of-a-value")

        with carried_out_by(broken):
            Worker(threads=1).drain()

        assert state(job) == Job.State.RETRYING
        assert "canary" not in job.error
        assert "unexpected" in job.error

    @pytest.mark.parametrize("error", [ValueError, IntegrityError])
    def test_one_bad_job_does_not_stop_the_others(
        self,
        put_off: Callable[..., jobs.Enqueued],
        now: datetime,
        error: type[Exception],
    ) -> None:
        bad = put_off("bad", now=now - SECOND).job
        good = put_off("good").job

        def carry(job: Job) -> None:
            if job.subject == "bad":
                raise error

        with carried_out_by(carry):
            Worker(threads=1).drain()

        assert state(bad) == Job.State.RETRYING
        assert state(good) == Job.State.COMPLETED

    def test_holds_nothing_afterwards(
        self, put_off: Callable[..., jobs.Enqueued]
    ) -> None:
        put_off()
        worker = Worker(threads=1)

        with carried_out_by(lambda _: None):
            worker.drain()

        assert worker.held == {}

    def test_a_silence_of_the_database_gives_no_job_back(
        self, put_off: Callable[..., jobs.Enqueued], now: datetime
    ) -> None:
        """F32: the living renew their leases before any job is held to be lost."""
        put_off(now=now - 2 * leases.LEASE)
        job = claimed(now - 2 * leases.LEASE)
        worker = Worker(threads=1)

        worker._keep_leases()
        assert state(job) == Job.State.STARTED
        worker._keep_leases()
        assert state(job) == Job.State.RETRYING

    def test_a_job_whose_end_fails_keeps_no_other_from_being_given_back(
        self,
        put_off: Callable[..., jobs.Enqueued],
        now: datetime,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        past = now - 2 * leases.LEASE
        put_off("broken", now=past, max_failures=1)
        put_off("other", now=past)
        broken, other = claimed(past), claimed(past)

        def fail(_job: Job, _error: str) -> None:
            raise ValueError

        monkeypatch.setitem(jobs._mourners, KIND, fail)

        assert leases.release_expired(now=now) == 1

        assert (state(broken), state(other)) == ("started", "retrying")

    def test_what_is_asked_for_by_the_clock_cannot_end_the_heartbeat(
        self,
        put_off: Callable[..., jobs.Enqueued],
        now: datetime,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def fail(_now: datetime) -> int:
            raise ValueError

        monkeypatch.setattr(periodic, "_askers", [fail])
        put_off(now=now - leases.LEASE)
        worker = Worker(threads=1)
        job = claimed(now - leases.LEASE)
        worker.held = {job.pk: job}

        worker._look_round()
        worker._keep_leases()

        job.refresh_from_db()
        assert job.lease_ends_at > now

    def test_a_job_goes_on_within_ten_seconds_of_its_workers_death(self) -> None:
        """F14: the lease, a beat and a look for work."""
        seconds = leases.LEASE.total_seconds() + HEARTBEAT_SECONDS + IDLE_SECONDS

        assert seconds <= 10
        assert leases.LEASE.total_seconds() >= HEARTBEAT_SECONDS * 4


def ask_for(workspace: Workspace, subject: str) -> jobs.Enqueued:
    with transaction.atomic():
        return jobs.enqueue(
            KIND,
            workspace=workspace,
            subject=subject,
            trigger=Job.Trigger.WEB,
            now=database_now(),
        )


def in_threads(*works: Callable[[], None]) -> list[Exception]:
    """Run each in a thread with a connection of its own; return what was raised."""
    failures: list[Exception] = []
    together = threading.Barrier(len(works))

    def run(work: Callable[[], None]) -> None:
        try:
            together.wait(10)
            work()
        except Exception as error:  # noqa: BLE001  the test shows it
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    return failures


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_four_claimers_share_forty_jobs_without_loss_or_double(self) -> None:
        workspace = factories.WorkspaceFactory()
        for number in range(40):
            ask_for(workspace, str(number))
        taken: list[int] = []

        def work() -> None:
            idle = 0
            while idle < 3:
                job = claim(worker=threading.current_thread().name)
                if job is None:
                    idle += 1
                    continue
                taken.append(job.pk)
                leases.complete(job, None, now=database_now())

        failures = in_threads(*[work] * 4)

        assert failures == []
        assert len(taken) == len(set(taken)) == 40
        assert set(Job.objects.values_list("state", "attempt")) == {("completed", 1)}

    def test_four_claimers_never_work_on_one_subject_together(self) -> None:
        workspace = factories.WorkspaceFactory()
        busy, overlaps, done = threading.Lock(), [], []

        def work() -> None:
            for _ in range(15):
                ask_for(workspace, "one")
                job = claim()
                if job is None:
                    continue
                if not busy.acquire(blocking=False):
                    overlaps.append(job.pk)
                    continue
                done.append(job.pk)
                # Free first: once the row is ended, another may start at once.
                busy.release()
                leases.complete(job, None, now=database_now())

        failures = in_threads(*[work] * 4)

        assert failures == []
        assert overlaps == []
        assert len(done) == len(set(done))
        assert Job.objects.filter(state__in=Job.LEASED).count() == 0
        assert Job.objects.filter(state__in=Job.WAITING).count() <= 1

    def test_requests_that_come_together_make_one_job(self) -> None:
        workspace = factories.WorkspaceFactory()
        made: list[jobs.Enqueued] = []

        def ask() -> None:
            made.append(ask_for(workspace, "one"))

        failures = in_threads(*[ask] * 6)

        assert failures == []
        assert Job.objects.count() == 1
        assert sum(each.created for each in made) == 1

    def test_of_zombie_and_owner_one_finishes(self) -> None:
        workspace = factories.WorkspaceFactory()
        ask_for(workspace, "one")
        now = database_now()
        zombie = claimed(now)
        later = now + leases.LEASE + SECOND
        leases.release_expired(now=later)
        owner = claimed(later + leases.BACKOFF_CAP)

        def finish(job: Job, name: str) -> Callable[[], None]:
            return lambda: leases.complete(job, {"by": name}, now=later)

        failures = in_threads(finish(zombie, "zombie"), finish(owner, "owner"))

        assert [type(each) for each in failures] == [LostLease]
        assert Job.objects.get().result == {"by": "owner"}

    def test_worker_threads_do_everything_and_stop(self) -> None:
        workspace = factories.WorkspaceFactory()
        for number in range(12):
            ask_for(workspace, str(number))
        worker = Worker(threads=3)
        done: list[str] = []

        def carry(job: Job) -> None:
            done.append(job.subject)
            if len(done) == 12:
                worker.stopping.set()

        with carried_out_by(carry):
            failures = in_threads(worker.run, lambda: worker.stopping.wait(30))

        assert failures == []
        assert sorted(done, key=int) == [str(number) for number in range(12)]
        # The worker also puts the day's periodic work off, which is not ours.
        ours = Job.objects.filter(kind=KIND)
        assert set(ours.values_list("state", flat=True)) == {"completed"}

    def test_without_memory_a_worker_ends_and_blames_no_job(self) -> None:
        """F35: here one job after another would fail; a new process goes on."""
        workspace = factories.WorkspaceFactory()
        first, second = (ask_for(workspace, name).job for name in ("1", "2"))
        worker = Worker(threads=1)

        def carry(_job: Job) -> None:
            raise MemoryError

        with carried_out_by(carry):
            failures = in_threads(worker.run)

        assert failures == []
        assert worker.is_out_of_memory
        assert (state(first), state(second)) == ("started", "queued")


def test_claim_of_a_subject_that_was_started_meanwhile_is_none(
    put_off: Callable[..., jobs.Enqueued],
    workspace: Workspace,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Between look and write of a claim another worker may start the subject."""
    put_off(now=now)
    save = Job.save

    def overtaken(job: Job, **kwargs: object) -> None:
        if kwargs.get("update_fields"):
            Job.objects.bulk_create(
                [
                    Job(
                        workspace=workspace,
                        kind=KIND,
                        subject="s",
                        state=Job.State.STARTED,
                        due_at=now,
                    )
                ]
            )
        save(job, **kwargs)

    monkeypatch.setattr(Job, "save", overtaken)

    assert claim(now) is None
    assert connection.is_usable()
