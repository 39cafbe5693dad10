"""Look after all connections of a workspace, every few minutes."""

from __future__ import annotations

from datetime import timedelta

from integrations.watching import places, silence
from workspaces.clock import database_now
from workspaces.models import Job

JOB = "integrations.watch_connections"
EVERY = timedelta(minutes=15)


def carry_out(job: Job) -> dict[str, int]:
    """Learn, and tell what is unusual. The result says how often it was."""
    now = database_now()
    return places.look(job.workspace, now=now) | silence.look(job.workspace, now=now)
