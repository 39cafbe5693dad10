"""Retry, cancel and decide on a job, whoever asks: the API for members, the admin for superusers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from integrations import services
from integrations.models import Integration, Provisioning
from integrations.provisioning import wanted
from integrations.syncing import cancelling, holding, sync
from workspaces.models import Job, User


class Refused(ValueError):
    """The job is none that a person retries or cancels now; the text says why."""


def retry(job: Job, *, actor: User, now: datetime) -> Job:
    """Try a failed provisioning or a failed sync again. Raises Refused.

    Returns the job that does it.
    """
    if job.kind == sync.JOB and job.state == Job.State.NOT_COMPLETED:
        return services.request_sync(_integration(job), actor=actor, now=now)
    rows = Provisioning.objects.select_related(
        "integration__workspace", "integration__directory"
    ).filter(integration__workspace=job.workspace_id, resource_id_public=job.subject)
    row = rows.first() if job.kind == wanted.JOB else None
    if row is None or not row.last_error:
        raise Refused("Only a provisioning or a sync that failed can be retried.")
    wanted.retry(row, actor=actor, now=now)
    same = Job.objects.filter(workspace=job.workspace_id, kind=job.kind)
    return same.filter(subject=job.subject).latest("pk")


def cancel(job: Job, *, actor: User, now: datetime) -> None:
    """Cancel a sync that waits or runs. Raises Refused."""
    if job.kind != sync.JOB:
        raise Refused("Only syncs can be cancelled.")
    try:
        cancelling.cancel(_integration(job), job, actor=actor, now=now)
    except cancelling.TooLate as error:
        raise Refused(str(error)) from None


def approve(job: Job, *, actor: User, now: datetime) -> None:
    """Let a held sync remove the users whom it found gone. Raises Refused."""
    _decide(holding.approve, job, actor=actor, now=now)


def discard(job: Job, *, actor: User, now: datetime) -> None:
    """End a held sync without changing anything. Raises Refused."""
    _decide(holding.discard, job, actor=actor, now=now)


def _decide(
    decision: Callable[..., None], job: Job, *, actor: User, now: datetime
) -> None:
    if job.kind != sync.JOB:
        raise Refused("Only syncs are held for a decision.")
    try:
        decision(_integration(job), job, actor=actor, now=now)
    except holding.NotHeld as error:
        raise Refused(str(error)) from None


def _integration(job: Job) -> Integration:
    """Return what a sync is of. Raises Refused if it is deleted."""
    found = Integration.objects.select_related("directory", "workspace").filter(
        workspace=job.workspace_id, directory__key=job.subject
    )
    integration = found.first()
    if integration is None:
        raise Refused("The integration of this job is deleted.")
    return integration
