"""F38: the broker of Celery goes away and comes back empty. The rows are the truth."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from celery import Celery
from celery.contrib.testing.worker import start_worker
from django.db import InterfaceError, connections
from kombu.exceptions import OperationalError

import config.celery  # noqa: F401  registers the task
from tests import factories
from tests.bench.processes import free_port
from tests.faults.brokers import start_redis
from tests.real_apps.debian import installed
from tests.workspaces.test_jobs import KIND, carried_out_by
from workspaces import celery_dispatcher, jobs, leases
from workspaces.celery_dispatcher import SEND_AGAIN, Dispatcher, send_due
from workspaces.clock import database_now
from workspaces.management.commands import worker
from workspaces.models import Job

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 30
"""Seconds, for what takes two."""


@pytest.fixture
def port() -> int:
    installed("redis-server", package="redis-server")
    return free_port()


@pytest.fixture
def app(port: int, settings: Any) -> Celery:
    settings.KEYWAY_CELERY_BROKER_URL = f"redis://127.0.0.1:{port}/0"
    app = celery_dispatcher.make_app()
    # Celery gives it the tasks of the entry point.
    assert celery_dispatcher.TASK in app.tasks
    return app


@pytest.fixture
def done() -> Iterator[queue.Queue[str]]:
    """The subjects that were carried out."""
    subjects: queue.Queue[str] = queue.Queue()
    with carried_out_by(lambda job: subjects.put(job.subject)):
        yield subjects


@pytest.fixture
def put_off() -> Callable[[str], None]:
    workspace = factories.WorkspaceFactory()

    def ask(subject: str) -> None:
        jobs.enqueue(
            KIND,
            workspace=workspace,
            subject=subject,
            trigger=Job.Trigger.SCIM,
            now=database_now(),
        )

    return ask


def test_without_a_broker_the_work_waits_and_then_goes_on(
    app: Celery,
    done: queue.Queue[str],
    put_off: Callable[[str], None],
    port: int,
    tmp_path: Path,
) -> None:
    with ExitStack() as ends:
        with start_redis(tmp_path / "first", port):
            ends.enter_context(start_worker(app, pool="solo", perform_ping_check=False))
            put_off("before")
            send_due(app, now=database_now())
            assert done.get(timeout=PATIENCE) == "before"
        put_off("meanwhile")
        with pytest.raises(OperationalError):
            send_due(app, now=database_now())
        with start_redis(tmp_path / "second", port):
            assert send_due(app, now=database_now()) == 1

            assert done.get(timeout=PATIENCE) == "meanwhile"
            ends.close()
    assert set(Job.objects.values_list("state", flat=True)) == {Job.State.COMPLETED}


def test_message_that_a_broker_lost_is_sent_again(
    app: Celery, put_off: Callable[[str], None], port: int, tmp_path: Path
) -> None:
    put_off("lost")
    with start_redis(tmp_path / "first", port):
        assert send_due(app, now=database_now()) == 1
    with start_redis(tmp_path / "second", port):
        assert send_due(app, now=database_now()) == 0
        assert send_due(app, now=database_now() + SEND_AGAIN) == 1


def test_broker_that_hangs_does_not_hold_up_who_gives_dead_jobs_back(
    put_off: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    put_off("of the dead")
    long_ago = database_now() - 2 * leases.LEASE
    Job.objects.update(due_at=long_ago)
    leases.claim(worker="killed", now=long_ago)
    answered = Event()
    monkeypatch.setattr(worker, "HEARTBEAT_SECONDS", 0.05)
    monkeypatch.setattr(
        celery_dispatcher, "send_due", lambda *_, **__: answered.wait(PATIENCE)
    )
    dispatcher = Dispatcher(threads=4)

    def run() -> None:
        dispatcher.run()
        connections.close_all()

    running = Thread(target=run)
    running.start()

    ends_at = time.monotonic() + PATIENCE
    while Job.objects.filter(state__in=Job.LEASED).exists():
        assert time.monotonic() < ends_at
        answered.wait(0.05)
    dispatcher.stopping.set()
    answered.set()
    running.join(PATIENCE)
    assert not running.is_alive()


def test_connection_that_died_does_not_end_the_sending(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A connection that the server closed is no DatabaseError."""
    dispatcher = Dispatcher(threads=1)
    tries: list[int] = []

    def send(*_: Any, **__: Any) -> int:
        tries.append(1)
        if len(tries) == 1:
            raise InterfaceError("connection already closed")
        dispatcher.stopping.set()
        return 0

    monkeypatch.setattr(celery_dispatcher, "send_due", send)
    monkeypatch.setattr(celery_dispatcher, "EVERY_SECONDS", 0.01)
    running = Thread(target=dispatcher._work)

    running.start()
    running.join(PATIENCE)

    assert len(tries) == 2


def test_sender_does_not_wait_for_a_broker_for_ever() -> None:
    waits = celery_dispatcher.make_sender().conf.broker_transport_options

    assert waits["socket_timeout"] == waits["read_timeout"] < leases.LEASE.seconds
