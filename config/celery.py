"""The Celery entry point: `celery -A config.celery worker`."""

from __future__ import annotations

import os
import uuid

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from workspaces import celery_dispatcher  # noqa: E402
from workspaces.management.commands.worker import Worker  # noqa: E402

app = celery_dispatcher.make_app()


@app.task(name=celery_dispatcher.TASK)
def carry_out(public_id: str) -> None:
    """Carry out one job, if it may start: the row of the job says what it is."""
    Worker(threads=1).work_on(uuid.UUID(public_id))
