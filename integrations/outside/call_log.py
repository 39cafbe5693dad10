"""Remember the calls to outside apps.

A session gathers its calls in memory and writes them at once when it ends, also
when it fails. A process that is killed loses them; what was done is in the app,
and what is wanted in Provisioning.
"""

from __future__ import annotations

from collections import deque
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import DatabaseError, IntegrityError, transaction

from integrations.connectors.exchange import Exchange
from integrations.models import AppCall, Integration, Screenshot
from integrations.outside import acts
from workspaces.clock import database_now
from workspaces.models import Job

PRUNE = "integrations.prune_calls"
PRUNE_EVERY = timedelta(days=1)
PRUNE_BATCH = 5_000
KEPT_AT_EACH_END = 50
"""Of a session with more calls than twice this, those between are left out."""

_Kept = tuple[AppCall, bytes]
"""A call, and its picture where it has one."""

log = structlog.get_logger(__name__)


class CallLog:
    """The calls of one session."""

    def __init__(
        self, integration: Integration, *, job: Job | None, resource_id: str
    ) -> None:
        self._integration = integration
        self._job = job
        self._resource_id = resource_id
        self._act, self._is_change = "", False
        self._count = 0
        self._first: list[_Kept] = []
        self._last: deque[_Kept] = deque(maxlen=KEPT_AT_EACH_END)

    def begin(self, act: str, *, is_change: bool = False) -> None:
        """Say what the next calls are for."""
        self._act, self._is_change = act[:300], is_change

    def note(self, exchange: Exchange) -> None:
        """Keep a call. Writes nothing yet."""
        self._count += 1
        is_full = len(self._first) >= KEPT_AT_EACH_END
        kept = self._last if is_full else self._first
        kept.append((self._row(exchange), exchange.screenshot))

    def write(self) -> None:
        """Write what has gathered. Never raises: the work itself is done."""
        kept = [*self._first, *self._last]
        if not kept:
            return
        try:
            _save(kept)
        except IntegrityError:
            self._write_without_integration(kept)
        except DatabaseError:
            log.exception("app_calls_lost", calls=len(kept))

    def _write_without_integration(self, kept: list[_Kept]) -> None:
        """Keep the calls for the job's page: the integration was deleted meanwhile."""
        for row, _ in kept:
            row.pk, row.integration = None, None
        try:
            _save(kept)
        except DatabaseError:
            log.exception("app_calls_lost", calls=len(kept))

    def _row(self, exchange: Exchange) -> AppCall:
        integration, job = self._integration, self._job
        return AppCall(
            workspace_id=job.workspace_id if job else integration.workspace_id,
            integration_id=integration.pk,
            job=job,
            resource_id=self._resource_id,
            attempt=job.attempt if job else 0,
            sequence=self._count,
            act=acts.LOG_IN if exchange.is_login else self._act,
            is_change=self._is_change and not exchange.is_login,
            at=exchange.at,
            method=exchange.method,
            path=exchange.path,
            request_body=exchange.request_body,
            status=exchange.status,
            error=exchange.error,
            answer_body=exchange.answer_body,
            milliseconds=exchange.milliseconds,
        )


def _save(kept: list[_Kept]) -> None:
    with transaction.atomic():
        rows = AppCall.objects.bulk_create(row for row, _ in kept)
        Screenshot.objects.bulk_create(
            Screenshot(call=row, workspace_id=row.workspace_id, image=picture)
            for row, (_, picture) in zip(rows, kept, strict=True)
            if picture
        )


def prune(job: Job) -> dict[str, int]:
    """Delete the workspace's calls that are older than the set time."""
    keep = timedelta(days=settings.KEYWAY_RECORD_DAYS)
    old = AppCall.objects.filter(
        workspace=job.workspace_id, at__lt=database_now() - keep
    )
    deleted = 0
    while batch := list(old.values_list("pk", flat=True)[:PRUNE_BATCH]):
        AppCall.objects.filter(pk__in=batch).delete()
        deleted += len(batch)
    return {"deleted": deleted}
