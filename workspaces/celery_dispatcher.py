"""Let Celery carry jobs out: it gets the id of a job that may start, and no more.

The row stays the truth. A message that is lost is sent again; one that comes twice,
late or for a job that may not start any more finds nothing to claim. Nobody but this
loop speaks to the broker, so that no request waits for it: without a broker the work
waits, and is there when it is back.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import structlog
from celery import Celery
from django.conf import settings
from django.db import (
    DatabaseError,
    InterfaceError,
    close_old_connections,
    connections,
)
from django.db.models import F, Q
from kombu.exceptions import OperationalError

from workspaces import leases
from workspaces.clock import database_now
from workspaces.management.commands.worker import Worker
from workspaces.models import Job

TASK = "keyway.carry_out"
EVERY_SECONDS = 0.5
SEND_AGAIN = timedelta(seconds=10)
"""A message that nobody took by then is held to be lost."""

BROKER_SECONDS = 2
"""How long the sender waits for an answer of the broker."""

_BATCH = 500
log = structlog.get_logger(__name__)


def make_app() -> Celery:
    """Return the Celery application: late acknowledgement, no results."""
    app = Celery("keyway", broker=settings.KEYWAY_CELERY_BROKER_URL)
    app.conf.update(
        task_default_queue="keyway",
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_ignore_result=True,
        worker_prefetch_multiplier=1,
        broker_connection_retry_on_startup=True,
        broker_transport_options={"visibility_timeout": 3600},
    )
    return app


def make_sender() -> Celery:
    """Return an application that sends, and does not wait long for a broker."""
    app = make_app()
    # By the names that Redis and RabbitMQ have for it.
    names = ("socket_timeout", "socket_connect_timeout", "read_timeout")
    app.conf.broker_transport_options |= dict.fromkeys(
        (*names, "write_timeout"), BROKER_SECONDS
    )
    return app


class Dispatcher(Worker):
    """Sends what may start, gives back what died; carries nothing out itself.

    A thread of its own sends: a broker that hangs must not hold up the rest.
    """

    def __init__(self, *, threads: int) -> None:
        del threads  # Celery has those that carry jobs out.
        super().__init__(threads=1)

    def _work(self) -> None:
        """Send until stopped. What is sent is carried out by Celery."""
        app = make_sender()
        while not self.stopping.wait(EVERY_SECONDS):
            try:
                send_due(app, now=database_now())
            except (DatabaseError, InterfaceError, OperationalError):
                log.exception("dispatch_failed")
            close_old_connections()
        connections.close_all()


def send_due(app: Celery, *, now: datetime) -> int:
    """Send the ids of the jobs that may start, as many as a lane takes. How many."""
    lost_before = now - SEND_AGAIN
    on_its_way = Q(state__in=Job.READY, sent_at__gte=F("due_at"))
    on_its_way &= Q(sent_at__gt=lost_before)
    to_send = Q(sent_at=None) | Q(sent_at__lt=F("due_at"))
    to_send |= Q(sent_at__lte=lost_before)
    under_way = Q(state__in=Job.LEASED) | on_its_way
    taken = Counter(Job.objects.filter(under_way).values_list("lane", flat=True))
    sent = []
    for job in leases.claimable(now=now).filter(to_send)[:_BATCH]:
        if job.lane and taken[job.lane] >= settings.KEYWAY_JOBS_PER_LANE:
            continue
        taken[job.lane] += 1
        app.send_task(TASK, [str(job.public_id)], retry=False)
        sent.append(job.pk)
    # After sending: whoever dies between sends twice, which does no harm.
    Job.objects.filter(pk__in=sent).update(sent_at=now)
    return len(sent)
