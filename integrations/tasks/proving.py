"""What a list of the app's accounts says of the tasks that were marked as done."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db import transaction

from integrations.audit import Action
from integrations.models import AppAccount, Integration, Task
from integrations.provisioning import wanted
from integrations.tasks.known import waiting_list
from workspaces import audit
from workspaces.models import Job

_FIELDS = (
    ("User name", "username", "username"),
    ("Email", "email", "email"),
    ("Display name", "display_name", "display_name"),
    ("Active", "active", "is_active"),
)


@transaction.atomic
def after_import(integration: Integration, *, now: datetime) -> None:
    """Prove what was done before the list was made, or open the task again.

    The list is used up by that. Does nothing for an app that Keyway calls itself.
    """
    imported = waiting_list(integration)
    if imported is None:
        return
    accounts = {
        account.external_id: account
        for account in AppAccount.objects.filter(
            integration=integration
        ).prefetch_related("entitlements")
    }
    unproved = Task.objects.select_for_update().filter(
        integration=integration,
        state=Task.State.DONE,
        proved_at=None,
        closed_at__lt=imported.uploaded_at,
    )
    latest = {task.account_key: task for task in unproved.order_by("closed_at", "id")}
    for task in unproved:
        found = list(_differences(task, _account_of(task, accounts)))
        if not found or latest[task.account_key].pk != task.pk:
            # What a later task changed again needs no proof of its own.
            Task.objects.filter(pk=task.pk).update(proved_at=now)
        else:
            _open_again(integration, task, " ".join(found), now)
    imported.imported_at = now
    imported.rows = []
    imported.save(update_fields=["imported_at", "rows"])


def _open_again(
    integration: Integration, task: Task, finding: str, now: datetime
) -> None:
    """Let the person see what is missing. Provisioning says what to do about it."""
    row = task.provisioning
    newer = Task.objects.filter(provisioning=row, state=Task.State.OPEN)
    if newer.update(finding=finding):
        return
    task.state, task.finding = Task.State.OPEN, finding
    task.closed_at = task.closed_by = task.mailed_at = None
    task.save(update_fields=["state", "finding", "closed_at", "closed_by", "mailed_at"])
    audit.record(
        Action.TASK_REOPENED,
        workspace=integration.workspace,
        actor=None,
        target=task,
        data={"integration": integration.name},
    )
    if row.resource_id is not None:
        wanted.want(
            integration.directory,
            [row.resource_id],
            trigger=Job.Trigger.SCHEDULE,
            now=now,
        )


def _account_of(task: Task, accounts: dict[str, AppAccount]) -> AppAccount | None:
    """Return the account of a task; one that should be gone, by its name."""
    if task.outcome["exists"]:
        return accounts.get(task.account_key)
    name = task.outcome["username"].casefold()
    found = (a for a in accounts.values() if a.username.casefold() == name)
    return next(found, None)


def _differences(task: Task, account: AppAccount | None) -> Iterator[str]:
    outcome = task.outcome
    if not outcome["exists"]:
        if account is not None:
            yield f"The list still has the account {account.username}."
        return
    if account is None:
        yield f"The list has no account {outcome['username']}."
        return
    for label, name, column in _FIELDS:
        shown = getattr(account, column)
        if shown != outcome[name]:
            yield (
                f"{label} is {_text(shown)} in the list, and should be "
                f"{_text(outcome[name])}."
            )
    held = {each.key: each.name for each in account.entitlements.all()}
    wished = {(kind, key) for kind, key in outcome["entitlements"]}
    for kind, key in sorted(wished - held.keys()):
        yield f"The account does not hold the {kind} {key}."
    for kind, key in sorted(held.keys() - wished):
        yield f"The account holds the {kind} {held[kind, key]}."


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value or "empty"
