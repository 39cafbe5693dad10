"""Change what an admin has set for an integration."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from integrations.audit import Action
from integrations.models import Integration, ServiceAccount
from integrations.outside import holding_back, origins
from integrations.syncing import cron, group_matching
from workspaces import audit
from workspaces.models import User


class NameTaken(ValueError):
    """Another integration of the workspace has this name."""


class OtherApp(ValueError):
    """The service account belongs to another app or to another workspace."""


@dataclass(frozen=True, slots=True)
class General:
    """What the left tab **General** holds."""

    name: str
    base_url: str
    identifier: str
    sync_schedule: str
    """A cron expression; empty is never."""

    on_unassign: str
    delete_after_days: int
    calls_per_second: int = 0
    confirms_with_app: bool = False
    group_prefix: str = ""
    group_suffix: str = ""


_CONFIRMS = "confirms_with_app"
_GROUP_NAMES = {"group_prefix", "group_suffix"}


def change_general(
    integration: Integration,
    wish: General,
    *,
    password: str = "",
    actor: User | None,
    now: datetime,
) -> bool:
    """Store the settings. False if they were so before.

    `password` is that of the service account; it is needed where the account was not
    used before. Raises NameTaken, PasswordNeeded, WrongPassword or BadExpression.
    """
    cron.check(wish.sync_schedule)
    account = integration.service_account
    is_new_place = not origins.is_allowed(account, wish.base_url)
    origins.confirm(account, wish.base_url, password=password, actor=actor, now=now)
    changed = _store_general(integration, wish, actor=actor, now=now)
    if is_new_place:
        holding_back.try_at_once(integration, now=now)
    return changed or is_new_place


@transaction.atomic
def _store_general(
    integration: Integration, wish: General, *, actor: User | None, now: datetime
) -> bool:
    values = {name: getattr(wish, name) for name in General.__slots__}
    values["base_url"] = wish.base_url.rstrip("/")
    changed = [name for name in values if getattr(integration, name) != values[name]]
    if not changed:
        return False
    before = integration.name
    names_before = integration.group_prefix, integration.group_suffix
    for name in changed:
        if name != _CONFIRMS:
            setattr(integration, name, values[name])
    stored = [name for name in changed if name != _CONFIRMS]
    if "sync_schedule" in changed:
        integration.next_sync_at, integration.sync_overdue_at = cron.times(
            wish.sync_schedule, after=now
        )
        stored += ["next_sync_at", "sync_overdue_at"]
    try:
        with transaction.atomic():
            integration.save(update_fields=stored)
    except IntegrityError:
        integration.name = before
        raise NameTaken(
            f"Another integration of this workspace is called {wish.name}. Choose "
            "another name."
        ) from None
    if not _GROUP_NAMES.isdisjoint(changed):
        group_matching.request(integration, names_before, actor=actor, now=now)
    if _CONFIRMS in changed:
        # Where each request reads it, with its token.
        integration.directory.confirms_with_app = wish.confirms_with_app
        integration.directory.save(update_fields=[_CONFIRMS])
    audit.record(
        Action.SETTINGS_CHANGED,
        workspace=integration.workspace,
        actor=actor,
        target=integration,
        data={"changed": ", ".join(sorted(changed))},
    )
    return True


@transaction.atomic
def change_threshold(
    integration: Integration, *, percent: int, minimum: int, actor: User | None
) -> bool:
    """Store from how many users gone a run is held. False if it was so before."""
    before = integration.threshold_percent, integration.threshold_minimum
    if (percent, minimum) == before:
        return False
    integration.threshold_percent, integration.threshold_minimum = percent, minimum
    integration.full_clean(
        exclude=[f.name for f in Integration._meta.fields if f.name not in _THRESHOLD],
        validate_unique=False,
        validate_constraints=False,
    )
    integration.save(update_fields=_THRESHOLD)
    audit.record(
        Action.THRESHOLD_CHANGED,
        workspace=integration.workspace,
        actor=actor,
        target=integration,
        data={"before": before[0], "after": percent, "minimum": minimum},
    )
    return True


_THRESHOLD = ("threshold_percent", "threshold_minimum")


@transaction.atomic
def change_matching(
    integration: Integration, *, rules: list[str], actor: User | None
) -> bool:
    """Store by which rules a sync finds whose an account is. False if so before."""
    if rules == integration.matching_rules:
        return False
    before = ", ".join(integration.matching_rules)
    integration.matching_rules = rules
    integration.save(update_fields=["matching_rules"])
    audit.record(
        Action.MATCHING_CHANGED,
        workspace=integration.workspace,
        actor=actor,
        target=integration,
        data={"before": before, "after": ", ".join(rules)},
    )
    return True


def accounts_to_choose(integration: Integration) -> QuerySet[ServiceAccount]:
    """Return the saved service accounts that the integration could work with."""
    return ServiceAccount.objects.filter(
        workspace=integration.workspace_id, app=integration.app_id
    )


def choose_service_account(
    integration: Integration,
    account: ServiceAccount,
    *,
    password: str = "",
    actor: User | None,
    now: datetime,
) -> bool:
    """Work with another saved account, and let waiting work try it at once.

    `password` is that of the account, needed if it was not used at this address
    before. False if it is this account already. Raises OtherApp, PasswordNeeded or
    WrongPassword.
    """
    if not accounts_to_choose(integration).filter(pk=account.pk).exists():
        raise OtherApp("This service account belongs to another app.")
    if integration.service_account_id == account.pk:
        return False
    origins.confirm(
        account, integration.base_url, password=password, actor=actor, now=now
    )
    _store_account(integration, account, actor=actor)
    holding_back.try_at_once(integration, now=now)
    return True


@transaction.atomic
def _store_account(
    integration: Integration, account: ServiceAccount, *, actor: User | None
) -> None:
    before = integration.service_account
    integration.service_account = account
    integration.save(update_fields=["service_account"])
    audit.record(
        Action.SERVICE_ACCOUNT_CHOSEN,
        workspace=integration.workspace,
        actor=actor,
        target=integration,
        data={"before": before.name if before else "", "after": account.name},
    )
