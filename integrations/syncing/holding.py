"""Hold a sync that finds too many users gone, until an admin decides.

A held sync is a job that is parked. Approve lets it run again with the users whom
it found gone; those who are gone besides count against the threshold anew.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from integrations.audit import Action
from integrations.models import AppAccount, Integration, Provisioning
from integrations.outside import health
from workspaces import audit, jobs, leases
from workspaces.models import Job, User, Workspace

JOB = "integrations.sync"
"""The kind of the jobs that sync."""


class NotHeld(ValueError):
    """The sync does not wait for a decision, or somebody else has decided."""

    def __init__(self) -> None:
        super().__init__("This sync does not wait for a decision any more.")


def held_syncs(workspace: Workspace) -> QuerySet[Job]:
    """Return the syncs of a workspace that wait for a decision."""
    return Job.objects.filter(
        workspace=workspace,
        kind=JOB,
        state=Job.State.HELD,
    )


def is_held(job: Job) -> bool:
    """Say whether the sync waits for a decision."""
    return job.state == Job.State.HELD


def gone_of(job: Job) -> list[int]:
    """Return the keys of the accounts that a held sync found gone."""
    gone: list[int] = job.result.get("gone", [])
    return gone


def accounts_gone(job: Job) -> QuerySet[AppAccount]:
    """Return the accounts that a sync would remove if it was approved."""
    rows = AppAccount.objects.filter(
        integration__workspace=job.workspace_id,
        integration__directory__key=job.subject,
    )
    return rows.filter(pk__in=gone_of(job)) if is_held(job) else rows.none()


def hold_if_too_many_are_gone(
    job: Job, integration: Integration, present: Collection[str], *, now: datetime
) -> None:
    """Park the sync if more is gone than the threshold. Raises Parked.

    `present` are the external ids that the app has. Accounts that are to be
    deleted anyway count neither as known nor as gone.
    """
    known = dict(
        AppAccount.objects.filter(integration=integration, seen_at__lt=now)
        .exclude(provisioning__state__in=Provisioning.LEAVING)
        .values_list("pk", "external_id")
    )
    approved = set(job.arguments.get("approved", []))
    gone = [key for key, external_id in known.items() if external_id not in present]
    unexpected = len(set(gone) - approved)
    if unexpected * 100 <= integration.threshold_percent * len(known):
        return
    message = (
        f"{len(gone)} of {len(known)} users would be removed (limit "
        f"{integration.threshold_percent} %). Nothing was changed."
    )
    with transaction.atomic():
        leases.park(
            job,
            message,
            state=Job.State.HELD,
            result={"gone": gone, "known": len(known), "message": message},
        )
        health.note_success(integration, now=now)
        audit.record(
            Action.SYNC_HELD,
            workspace=integration.workspace,
            actor=None,
            target=integration,
            data={"gone": len(gone), "known": len(known)},
        )
    raise jobs.Parked


@transaction.atomic
def approve(integration: Integration, job: Job, *, actor: User, now: datetime) -> None:
    """Let the sync remove the users whom it found gone. Raises NotHeld."""
    job = _locked(integration, job)
    Job.objects.filter(pk=job.pk).update(arguments={"approved": gone_of(job)})
    jobs.wake(Job.objects.filter(pk=job.pk), now=now)
    _record(Action.SYNC_APPROVED, integration, job, actor)


@transaction.atomic
def discard(integration: Integration, job: Job, *, actor: User, now: datetime) -> None:
    """End the sync without changing anything. Raises NotHeld."""
    job = _locked(integration, job)
    Job.objects.filter(pk=job.pk).update(
        state=Job.State.NOT_COMPLETED,
        error=f"Discarded by {actor}. Nothing was changed.",
        ended_at=now,
        ended_by=actor,
    )
    _record(Action.SYNC_DISCARDED, integration, job, actor)


def _locked(integration: Integration, job: Job) -> Job:
    found = (
        held_syncs(integration.workspace)
        .select_for_update(of=("self",))
        .filter(pk=job.pk, subject=integration.directory.key)
        .first()
    )
    if found is None:
        raise NotHeld
    return found


def _record(action: Action, integration: Integration, job: Job, actor: User) -> None:
    audit.record(
        action,
        workspace=integration.workspace,
        actor=actor,
        target=integration,
        data={"gone": len(gone_of(job))},
    )
