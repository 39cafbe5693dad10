"""Lists of an app's accounts that a person brings: look at one, import it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from integrations import services
from integrations.audit import Action
from integrations.models import AccountList, AppAccount, Integration
from integrations.tasks.rows import Row, pairs
from workspaces import audit
from workspaces.models import Job, User


class NotWaiting(ValueError):
    """The list was imported, or another was uploaded after it."""


@dataclass(slots=True)
class Preview:
    """What the import of a list changes. Names, sorted."""

    new: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    unchanged: int = 0


def preview(integration: Integration, rows: list[Row]) -> Preview:
    """Return what an import would change. Takes two queries."""
    known = {
        account.username.casefold(): account
        for account in AppAccount.objects.filter(
            integration=integration
        ).prefetch_related("entitlements")
    }
    found = Preview()
    for row in rows:
        account = known.pop(row["username"].casefold(), None)
        if account is None:
            found.new.append(row["username"])
        elif _differs(account, row):
            found.changed.append(row["username"])
        else:
            found.unchanged += 1
    found.gone = sorted(account.username for account in known.values())
    found.new.sort()
    found.changed.sort()
    return found


def _differs(account: AppAccount, row: Row) -> bool:
    held = {each.key for each in account.entitlements.all()}
    return held != set(pairs(row)) or any(
        was != now
        for was, now in (
            (account.username, row["username"]),
            (account.email, row["email"]),
            (account.display_name, row["display_name"]),
            (account.is_active, row["active"]),
        )
    )


@transaction.atomic
def upload(
    integration: Integration,
    *,
    file_name: str,
    rows: list[Row],
    actor: User,
    now: datetime,
) -> AccountList:
    """Keep a list to be looked at. Those before it that nobody imported are dropped."""
    AccountList.objects.filter(integration=integration, imported_at=None).delete()
    uploaded = AccountList.objects.create(
        integration=integration,
        file_name=file_name[:255],
        rows=rows,
        uploaded_at=now,
        uploaded_by=actor,
    )
    audit.record(
        Action.ACCOUNTS_UPLOADED,
        workspace=integration.workspace,
        actor=actor,
        target=integration,
        data={"accounts": len(rows)},
    )
    return uploaded


@transaction.atomic
def import_list(uploaded: AccountList, *, actor: User, now: datetime) -> Job:
    """Let a sync import the list. Raises NotWaiting."""
    waiting = AccountList.objects.filter(pk=uploaded.pk, imported_at=None)
    if not waiting.update(approved_at=now):
        raise NotWaiting
    return services.request_sync(uploaded.integration, actor=actor, now=now)
