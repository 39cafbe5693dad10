"""The heartbeats of workers: whether anybody carries out what is put off."""

from __future__ import annotations

from datetime import datetime, timedelta

from workspaces.models import WorkerProcess

MISSED = timedelta(minutes=2)
"""After so long without a heartbeat a worker counts as gone."""

FORGOTTEN = timedelta(days=1)


def beat(name: str, *, now: datetime) -> None:
    """Say that a worker is there."""
    WorkerProcess.objects.bulk_create(
        [WorkerProcess(name=name, started_at=now, seen_at=now)],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["seen_at"],
    )
    WorkerProcess.objects.filter(seen_at__lt=now - FORGOTTEN).delete()


def end(name: str) -> None:
    """Say that a worker has stopped."""
    WorkerProcess.objects.filter(name=name).delete()


def last_seen() -> datetime | None:
    """Return when any worker was last there; None if none is known."""
    newest = WorkerProcess.objects.order_by("-seen_at").first()
    return newest.seen_at if newest else None
