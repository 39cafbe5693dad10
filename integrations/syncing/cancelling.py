"""Cancel a sync that waits or runs. What a worker has in hand stops at its next page."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from integrations.audit import Action
from integrations.models import Integration
from integrations.syncing import sync
from workspaces import audit, jobs
from workspaces.models import Job, User

NOTHING = "Nothing was changed."
SOME = "What was saved before that stays; the next sync goes on from there."


class TooLate(ValueError):
    """The sync has ended, or waits for a decision."""

    def __init__(self) -> None:
        super().__init__("This sync has ended, or waits for a decision.")


@transaction.atomic
def cancel(integration: Integration, job: Job, *, actor: User, now: datetime) -> None:
    """End a sync before its end. Raises TooLate.

    Each account is saved as a whole, and nobody is forgotten before all are
    saved: what is there is true, if not complete.
    """
    own = Job.objects.filter(
        pk=job.pk, kind=sync.JOB, subject=integration.directory.key
    )
    try:
        locked = jobs.lock_to_cancel(own)
    except jobs.AlreadyEnded:
        raise TooLate from None
    is_saving = locked.progress.get("phase") == sync.SAVE
    note = SOME if is_saving and locked.state in Job.LEASED else NOTHING
    jobs.cancel(locked, actor=actor, note=note, now=now)
    audit.record(
        Action.SYNC_CANCELLED,
        workspace=integration.workspace,
        actor=actor,
        target=integration,
        data={"job": str(job.public_id)},
    )
