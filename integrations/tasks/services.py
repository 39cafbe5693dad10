"""What a person says of a task, and who is asked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime

import orjson
from django.db import transaction
from django.db.models import QuerySet

from integrations.audit import Action
from integrations.models import (
    AppAccount,
    AppEntitlement,
    Integration,
    Provisioning,
    Task,
    TaskAssignee,
)
from integrations.provisioning import applying, wanted
from workspaces import audit
from workspaces.models import Job, User


class NotOpen(ValueError):
    """The task was closed, or its steps changed since the page was opened."""

    def __init__(self) -> None:
        super().__init__(
            "This task has changed since you opened it. Look at what it says now."
        )


@transaction.atomic
def done(task: Task, *, version: str, actor: User, now: datetime) -> None:
    """Take the person's word for it: the outcome is what is known of the app.

    `version` is that of the steps that the person saw. Raises NotOpen.
    """
    task = _locked(task, version)
    _take_for_known(task, now=now)
    _close(task, Task.State.DONE, Action.TASK_DONE, actor=actor, now=now)
    _go_on(task, actor=actor, now=now)


@transaction.atomic
def cannot_be_done(
    task: Task, *, version: str, reason: str, actor: User, now: datetime
) -> None:
    """End the provisioning with the person's reason. Raises NotOpen."""
    task = _locked(task, version)
    task.reason = reason
    task.save(update_fields=["reason"])
    _close(
        task, Task.State.NOT_POSSIBLE, Action.TASK_NOT_POSSIBLE, actor=actor, now=now
    )
    error = f"{actor} says that it cannot be done: {reason}"
    parked = _jobs_of(task).filter(state=Job.State.HELD)
    for job in parked:
        Job.objects.filter(pk=job.pk).update(
            state=Job.State.NOT_COMPLETED, error=error, ended_at=now, ended_by=actor
        )
        applying.gave_up(job, error)


@transaction.atomic
def assign(integration: Integration, people: Iterable[User], *, actor: User) -> None:
    """Say who does the tasks of an integration; nobody named is every admin."""
    people = list(people)
    TaskAssignee.objects.filter(integration=integration).delete()
    TaskAssignee.objects.bulk_create(
        TaskAssignee(integration=integration, user=person) for person in people
    )
    audit.record(
        Action.TASKS_ASSIGNED,
        workspace=integration.workspace,
        actor=actor,
        target=integration,
        data={"people": ", ".join(str(person) for person in people)},
    )


def version_of(task: Task) -> str:
    """Return what changes with the steps: the person marks what they saw."""
    return hashlib.sha256(
        orjson.dumps([task.steps, task.outcome], option=orjson.OPT_SORT_KEYS)
    ).hexdigest()[:16]


def _locked(task: Task, version: str) -> Task:
    found = (
        Task.objects.select_for_update(of=("self",))
        .select_related("integration__workspace", "provisioning")
        .get(pk=task.pk)
    )
    if found.state != Task.State.OPEN or version_of(found) != version:
        raise NotOpen
    return found


def _close(
    task: Task, state: Task.State, action: Action, *, actor: User, now: datetime
) -> None:
    task.state, task.closed_at, task.closed_by = state, now, actor
    task.save(update_fields=["state", "closed_at", "closed_by"])
    audit.record(
        action,
        workspace=task.integration.workspace,
        actor=actor,
        target=task,
        data={"integration": task.integration.name},
    )


def _take_for_known(task: Task, *, now: datetime) -> None:
    """Make the account look as the task says. The row is the person's from now on."""
    accounts = AppAccount.objects.filter(integration=task.integration)
    outcome = task.outcome
    if not outcome["exists"]:
        accounts.filter(external_id=task.account_key).delete()
        return
    row = task.provisioning
    account, _ = AppAccount.objects.update_or_create(
        integration=task.integration,
        external_id=task.account_key,
        defaults={
            "username": outcome["username"],
            "email": outcome["email"],
            "display_name": outcome["display_name"],
            "is_active": outcome["active"],
            "resource_id": row.resource_id,
            "seen_at": now,
        },
    )
    held = {(kind, key) for kind, key in outcome["entitlements"]}
    known = AppEntitlement.objects.filter(integration=task.integration)
    account.entitlements.set(each for each in known if each.key in held)
    Provisioning.objects.filter(pk=row.pk).update(account=account)


def _go_on(task: Task, *, actor: User, now: datetime) -> None:
    """Let the job go on, or make one that does."""
    wanted.put_off([task.provisioning], trigger=Job.Trigger.WEB, actor=actor, now=now)


def _jobs_of(task: Task) -> QuerySet[Job]:
    return Job.objects.filter(
        workspace=task.integration.workspace,
        kind=wanted.JOB,
        subject=task.provisioning.resource_id_public,
    )
