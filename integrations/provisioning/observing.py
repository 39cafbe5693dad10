"""Observe only: the IdP is answered truthfully, and nothing is changed in the app.

Like a pause it keeps the work; unlike a pause it is how a connection begins: an
admin reads the plan first, and then lets it loose.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from integrations.audit import Action
from integrations.models import Integration
from integrations.provisioning import pausing
from workspaces import audit, jobs, leases
from workspaces.models import Job, User

REASON = (
    "Observe only: Keyway shows what it would do. This goes on when it is let loose."
)


@transaction.atomic
def begin(integration: Integration, *, actor: User, now: datetime) -> bool:
    """Change nothing in the app from now on. False if that was so before."""
    locked = pausing.lock(integration)
    if locked.observing_since is not None:
        return False
    locked.observing_since = now
    locked.save(update_fields=["observing_since"])
    audit.record(
        Action.OBSERVING, workspace=locked.workspace, actor=actor, target=locked
    )
    return True


@transaction.atomic
def let_loose(integration: Integration, *, actor: User, now: datetime) -> int | None:
    """Carry out the plan, and each change from now on. None if that was so before.

    Returns how many people wait.
    """
    locked = pausing.lock(integration)
    if locked.observing_since is None:
        return None
    locked.observing_since = None
    locked.save(update_fields=["observing_since"])
    waiting = pausing.provisioning_jobs(locked).filter(state=Job.State.HELD)
    woken = jobs.wake(waiting, now=now)
    audit.record(
        Action.LET_LOOSE,
        workspace=locked.workspace,
        actor=actor,
        target=locked,
        data={"people": woken},
    )
    return woken


def wait(job: Job, integration: Integration) -> None:
    """Park the job, unless somebody let it loose meanwhile. Raises Parked."""
    with transaction.atomic():
        if pausing.lock(integration).observing_since is None:
            return
        leases.park(job, REASON, state=Job.State.HELD)
    raise jobs.Parked
