"""Carry out background jobs until told to stop."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
import uuid
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from types import FrameType
from typing import Any

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import (
    DatabaseError,
    InterfaceError,
    OperationalError,
    close_old_connections,
    connections,
)
from django.utils.module_loading import import_string

from workspaces import heartbeats, leases, periodic
from workspaces.clock import database_now
from workspaces.models import Job

log = structlog.get_logger(__name__)

IDLE_SECONDS = 0.5
HEARTBEAT_SECONDS = 1
ROUND_SECONDS = 5


_KINDS = {
    "worker": f"{__name__}.Worker",
    "celery": "workspaces.celery_dispatcher.Dispatcher",
}


class Command(BaseCommand):
    """Runs threads that claim jobs, and one that keeps their leases alive."""

    help = "Carry out background jobs until told to stop (Ctrl-C or SIGTERM)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--threads", type=int, default=settings.KEYWAY_WORKER_THREADS
        )
        parser.add_argument(
            "--until-idle",
            action="store_true",
            help="Stop when no job is due, instead of waiting for more.",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run until told to stop."""
        kind = import_string(_KINDS[settings.KEYWAY_JOBS])
        worker = kind(threads=options["threads"])
        if options["until_idle"]:
            with worker.keeping_leases():
                worker.drain()
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, worker.stop)
        worker.run()
        if worker.is_out_of_memory:
            raise CommandError(
                "The worker ran out of memory and has stopped. Start it again: "
                "its jobs go on."
            )


class Worker:
    """The threads of one worker process."""

    def __init__(self, *, threads: int) -> None:
        self.name = f"{socket.gethostname()[:40]}:{os.getpid()}"
        self.threads = threads
        self.stopping = threading.Event()
        self.is_out_of_memory = False
        self.held: dict[int, Job] = {}
        self._heard_at: datetime | None = None
        self._next_round = time.monotonic()

    def stop(self, _number: int, _frame: FrameType | None) -> None:
        """Take no more jobs; those in hand are finished."""
        self.stopping.set()

    def run(self) -> None:
        """Work until stopped."""
        threads = [
            threading.Thread(target=self._work, name=f"worker-{number}")
            for number in range(self.threads)
        ]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            self._beat()
            for thread in threads:
                thread.join(HEARTBEAT_SECONDS / len(threads))
        self._sign_off()

    def drain(self) -> None:
        """Work in this thread until nothing is due."""
        while self._work_once():
            pass

    def work_on(self, public_id: uuid.UUID) -> bool:
        """Carry out this job and keep its lease. False if it may not start now."""
        with self.keeping_leases():
            return self._work_once(only=public_id)

    @contextmanager
    def keeping_leases(self) -> Iterator[None]:
        """Keep leases in a thread beside what works in this one."""
        done = threading.Event()

        def keep() -> None:
            while not done.wait(HEARTBEAT_SECONDS):
                self._keep_leases()
                close_old_connections()
            connections.close_all()

        keeper = threading.Thread(target=keep, name="heartbeat")
        keeper.start()
        try:
            yield
        finally:
            done.set()
            keeper.join()

    def _work(self) -> None:
        while not self.stopping.is_set():
            try:
                busy = self._work_once()
            except MemoryError:
                # Job after job would fail here. A new process has memory again.
                self.is_out_of_memory = True
                self.stopping.set()
                log.error("worker_out_of_memory")  # noqa: TRY400  its trace is no news
                break
            except Exception:
                # A thread that ended would leave the worker slower, and silent of it.
                log.exception("worker_failed")
                busy = False
            if not busy:
                self.stopping.wait(IDLE_SECONDS)
            close_old_connections()
        connections.close_all()

    def _work_once(self, *, only: uuid.UUID | None = None) -> bool:
        job = leases.claim(worker=self.name, now=database_now(), only=only)
        if job is None:
            return False
        self.held[job.pk] = job
        try:
            leases.carry_out(job)
        except (OperationalError, InterfaceError, MemoryError):
            # Nobody here could say so now: when the lease ends, another goes on.
            raise
        except Exception:
            # The edge of the worker: the next job must not suffer from this one.
            if leases.is_lost(job):
                # Who ended it may have deleted what it was about.
                log.info("job_lost_lease", job=str(job.public_id))
            else:
                log.exception("job_failed_unexpectedly", job=str(job.public_id))
                self._retry_unexpected(job)
        finally:
            self.held.pop(job.pk, None)
        return True

    def _retry_unexpected(self, job: Job) -> None:
        try:
            leases.retry(
                job,
                "Keyway failed in an unexpected way. The log of the worker says more.",
                now=database_now(),
            )
        except leases.LostLease:
            log.info("job_lost_lease", job=str(job.public_id))

    def _sign_off(self) -> None:
        try:
            heartbeats.end(self.name)
        except DatabaseError:
            log.exception("worker_heartbeat_failed")

    def _beat(self) -> None:
        """Keep leases; every few seconds look for what is due by the clock too."""
        self._keep_leases()
        if time.monotonic() >= self._next_round:
            self._next_round = time.monotonic() + ROUND_SECONDS
            self._look_round()
        close_old_connections()

    def _keep_leases(self) -> None:
        """Renew our leases, and give back the jobs of the dead.

        After a silence of the database, or a jump of its clock, the living come
        first: nothing is given back until each of them could renew its own.
        """
        try:
            now = database_now()
            leases.heartbeat(list(self.held.values()), now=now)
            heard_at, self._heard_at = self._heard_at, now
            if heard_at is not None and abs(now - heard_at) < leases.LEASE / 2:
                leases.release_expired(now=now)
        except Exception:
            # Without this thread no lease here is kept, and none of the dead given back.
            log.exception("worker_heartbeat_failed")

    def _look_round(self) -> None:
        try:
            now = database_now()
            heartbeats.beat(self.name, now=now)
            periodic.enqueue_due(now=now)
        except Exception:
            # What one app asks for by the clock must not end the keeping of leases.
            log.exception("worker_round_failed")
