"""The seam between provisioning and people.

Provisioning of an app by hand runs as that of any other app, over a session that
asks nobody and writes down the steps that are missing (`connectors.task`). If there
are any, all that it noted is undone, the steps become the person's task and the job
is parked. Done is what somebody marked as done: the outcome of the task is then what
is known of the app, so that the same job finds nothing missing and ends well. What
was wanted in between leads to the next task, with the difference alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import NoReturn

from django.db import transaction

from integrations.audit import Action
from integrations.connectors.task.connector import Step, TaskSession
from integrations.desired import JSON
from integrations.models import App, Provisioning, Task
from integrations.outside.acts import ToldSession
from integrations.tasks import mailing
from workspaces import audit, jobs, leases
from workspaces.clock import database_now
from workspaces.models import Job

WAITING = "Waiting for a person"


class PersonNeeded(Exception):
    """There is something to do in the app that only a person can do."""

    def __init__(self, session: TaskSession) -> None:
        super().__init__()
        self.session = session


def is_by_hand(app: App) -> bool:
    """Say whether people do what has to be done in the app."""
    return app.connector == "task"


@contextmanager
def asking_a_person(session: ToldSession) -> Iterator[None]:
    """Undo what was noted if a person must act first. Raises PersonNeeded.

    Does nothing for an app that Keyway calls itself.
    """
    inner = session.inner
    if not isinstance(inner, TaskSession):
        yield
        return
    with transaction.atomic():
        yield
        if inner.steps:
            raise PersonNeeded(inner)


def wait(job: Job, row: Provisioning, session: TaskSession, *, state: str) -> NoReturn:
    """Give the steps to a person and park the job. `state` is the row's from now on.

    Raises Parked, or LostLease if the job is no longer ours.
    """
    with transaction.atomic():
        Provisioning.objects.filter(
            pk=row.pk, desired_version=row.desired_version
        ).update(state=state, changed_at=database_now())
        task = _ask(row, session)
        leases.park(job, f"{WAITING}.", state=Job.State.HELD, result={"task": task})
    raise jobs.Parked


def _ask(row: Provisioning, session: TaskSession) -> str:
    """Open a task with the steps, or change the one that is open. Returns its id."""
    now = database_now()
    values = {
        "user_name": row.user_name,
        "steps": [as_json(step) for step in session.steps],
        "account_key": session.outcome.account.external_id,
        "outcome": _outcome(session),
    }
    task = (
        Task.objects.select_for_update()
        .filter(provisioning_id=row.pk, state=Task.State.OPEN)
        .first()
    )
    if task is None:
        task = Task.objects.create(
            integration=row.integration,
            provisioning_id=row.pk,
            created_at=now,
            **values,
        )
        action = Action.TASK_OPENED
    elif task.steps == values["steps"] and task.outcome == values["outcome"]:
        return str(task.public_id)
    else:
        for name, value in values.items():
            setattr(task, name, value)
        task.mailed_at = None
        task.save(update_fields=[*values, "mailed_at"])
        action = Action.TASK_CHANGED
    audit.record(
        action,
        workspace=row.integration.workspace,
        actor=None,
        target=task,
        data={"integration": row.integration.name, "steps": len(session.steps)},
    )
    mailing.request(row.integration, now=now)
    return str(task.public_id)


@transaction.atomic(savepoint=False)
def withdraw(row: Provisioning) -> None:
    """Close a task whose steps nobody needs any more."""
    task = Task.objects.filter(provisioning_id=row.pk, state=Task.State.OPEN).first()
    if task is None:
        return
    task.state = Task.State.NOT_NEEDED
    task.closed_at = database_now()
    task.save(update_fields=["state", "closed_at"])
    audit.record(
        Action.TASK_WITHDRAWN,
        workspace=row.integration.workspace,
        actor=None,
        target=task,
    )


def as_json(step: Step) -> JSON:
    """Return a step as a task keeps it."""
    return {
        "words": step.words,
        "values": [{"label": label, "value": value} for label, value in step.values],
    }


def _outcome(session: TaskSession) -> JSON:
    account, exists = session.outcome.account, session.outcome.exists
    held: list[JSON] = [[*pair] for pair in sorted(account.entitlements)]
    return {
        **asdict(account),
        "entitlements": held,
        "attributes": session.attributes,
        "exists": exists,
    }
