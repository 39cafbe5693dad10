"""Mails to those who work by hand: tasks, and a list of accounts that is too old.

Of tasks each person gets one mail for all that came within some minutes.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Max, QuerySet
from django.urls import reverse

from integrations.models import Integration, Task
from workspaces import jobs, mailing
from workspaces.clock import database_now
from workspaces.models import Job, Membership, Role, User, Workspace
from workspaces.permissions import ALLOWED, Permission

JOB = "integrations.tell_of_tasks"
REMIND = "integrations.remind_of_tasks"
GATHER = timedelta(minutes=3)
"""How long to wait for more tasks, so that one mail tells of all."""

REMIND_AFTER = timedelta(days=3)
ASK_FOR_LIST = "integrations.ask_for_list"
ASK_EVERY = timedelta(days=1)
"""No more often than this a mail asks for a list, whatever the schedule."""

_MOST_LINES = 20


def request(integration: Integration, *, now: datetime) -> None:
    """Put a mail about new tasks off. One that waits tells of these too."""
    jobs.enqueue(
        JOB,
        workspace=integration.workspace,
        subject=integration.workspace.slug,
        trigger=Job.Trigger.SCIM,
        max_failures=mailing.MAX_FAILURES,
        now=now + GATHER,
    )


def send(job: Job) -> dict[str, object]:
    """Tell of the tasks that no mail has told of. Raises RetryLater."""
    untold = _open_tasks(job.workspace).filter(mailed_at=None)
    return {"sent": _tell(job.workspace, list(untold), "to do")}


def remind(job: Job) -> dict[str, object]:
    """Tell again of the tasks that are open for days. Raises RetryLater."""
    before = database_now() - REMIND_AFTER
    old = _open_tasks(job.workspace).filter(mailed_at__lt=before)
    return {"sent": _tell(job.workspace, list(old), "still open")}


def assignees(integration: Integration) -> list[User]:
    """Return who does the tasks: the named people, or else every administrator.

    Somebody who may no longer do it is left out.
    """
    may = allowed(integration.workspace)
    named = set(integration.assignees.values_list("user", flat=True))
    return [user for user in may if user.pk in named] or may


def allowed(workspace: Workspace) -> list[User]:
    """Return the members who may do tasks, by name."""
    roles = [role for role in Role if Permission.MANAGE_INTEGRATIONS in ALLOWED[role]]
    found = Membership.objects.filter(
        workspace=workspace, role__in=roles, is_active=True
    ).select_related("user")
    return sorted((each.user for each in found), key=str)


def _open_tasks(workspace: Workspace) -> QuerySet[Task]:
    return (
        Task.objects.in_workspace(workspace)
        .filter(state=Task.State.OPEN)
        .select_related("integration__workspace")
    )


def _tell(workspace: Workspace, tasks: list[Task], what: str) -> int:
    """Send each person one mail, and note that the tasks were told of."""
    by_person: dict[User, list[Task]] = {}
    for task in tasks:
        for person in assignees(task.integration):
            by_person.setdefault(person, []).append(task)
    for person, theirs in by_person.items():
        subject, text = written(workspace, theirs, what)
        mailing.send(subject, text, [person.email])
    Task.objects.filter(pk__in=[task.pk for task in tasks]).update(
        mailed_at=database_now()
    )
    return len(by_person)


def written(workspace: Workspace, tasks: list[Task], what: str) -> tuple[str, str]:
    """Return subject and text of a mail. It names people and apps, and no values."""
    name = " ".join(workspace.name.split())
    count = "1 task" if len(tasks) == 1 else f"{len(tasks)} tasks"
    lines = [
        f"- {' '.join(task.user_name.split())} in "
        f"{' '.join(task.integration.name.split())}: "
        f"{settings.KEYWAY_PUBLIC_URL}"
        f"{reverse('tasks:task', args=[task.public_id])}"
        for task in tasks[:_MOST_LINES]
    ]
    if len(tasks) > _MOST_LINES:
        lines.append(f"and {len(tasks) - _MOST_LINES} more")
    parts = [
        f"{count} {what} in {name}. Keyway cannot reach these apps, so a person does "
        "it and marks it as done.",
        "\n".join(lines),
        f"All tasks: {settings.KEYWAY_PUBLIC_URL}{reverse('tasks:list')}",
    ]
    return f"Keyway: {count} {what} in {name}", "\n\n".join(parts) + "\n"


def request_list(integration: Integration, *, now: datetime) -> bool:
    """Put a mail off that asks for a list of the accounts. False if one did lately."""
    subject = integration.directory.key
    lately = Job.objects.filter(
        kind=ASK_FOR_LIST, subject=subject, created_at__gt=now - ASK_EVERY
    )
    if lately.exists():
        return False
    jobs.enqueue(
        ASK_FOR_LIST,
        workspace=integration.workspace,
        subject=subject,
        trigger=Job.Trigger.SCHEDULE,
        max_failures=mailing.MAX_FAILURES,
        now=now,
    )
    return True


def ask_for_list(job: Job) -> dict[str, int | str]:
    """Send the mail of a job. Raises RetryLater if the mail server refuses it."""
    integration = (
        Integration.objects.select_related("workspace", "directory", "app")
        .filter(workspace=job.workspace_id, directory__key=job.subject)
        .first()
    )
    if integration is None:
        return {"sent": 0, "note": "The integration was deleted meanwhile."}
    last = integration.account_lists.aggregate(at=Max("uploaded_at"))["at"]
    if last is not None and last > job.created_at:
        return {"sent": 0, "note": "A list has come meanwhile."}
    subject, text = asking_for_list(integration, last)
    people = [each.pk for each in assignees(integration)]
    return mailing.deliver(subject, text, User.objects.filter(pk__in=people))


def asking_for_list(integration: Integration, last: datetime | None) -> tuple[str, str]:
    """Return subject and text of the mail; `last` is when a list was brought."""
    name = " ".join(integration.name.split())
    path = reverse("integrations:upload_list", args=[integration.directory.key])
    age = f"The last list is of {last:%d %B %Y}." if last else "There is no list yet."
    parts = [
        f"Keyway needs a fresh list of the accounts in {name}, to see that what was "
        f"marked as done is so. {age}",
        "Export the accounts from the app as CSV and upload the file: "
        f"{settings.KEYWAY_PUBLIC_URL}{path}",
    ]
    return f"Keyway: {name} needs a fresh accounts list", "\n\n".join(parts) + "\n"
