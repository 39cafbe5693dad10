"""Turn Directory Sync on, and change its rules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from workspaces import audit
from workspaces.models import (
    Directory,
    DirectorySync,
    Membership,
    Role,
    User,
    Workspace,
)
from workspaces.ranks import require_rank
from workspaces.refusals import SyncOff


@dataclass(frozen=True, slots=True)
class Rules:
    """What an administrator may decide about provisioned members."""

    default_role: Role
    adopts: bool
    allows_unproven: bool
    owned_tokens: DirectorySync.OwnedTokens


def of(workspace: Workspace) -> DirectorySync | None:
    """Return the rules of a workspace; None while Directory Sync is off."""
    return DirectorySync.objects.filter(workspace=workspace, turned_off_at=None).first()


def locked(workspace: Workspace) -> DirectorySync | None:
    """Return the rules as they stay until the transaction ends; None while it is off."""
    rows = DirectorySync.objects.select_for_update()
    return rows.filter(workspace=workspace, turned_off_at=None).first()


def turned_off(workspace: Workspace) -> DirectorySync | None:
    """Return the rules that wait for Directory Sync to be turned on again, if it was."""
    rules = DirectorySync.objects.filter(
        workspace=workspace, turned_off_at__isnull=False
    )
    return rules.first()


def entered(workspace: Workspace) -> DirectorySync:
    """Let one change at a time into the workspace. Raises SyncOff."""
    Workspace.objects.select_for_update(no_key=True).get(pk=workspace.pk)
    sync = of(workspace)
    if sync is None:
        raise SyncOff
    return sync


def directory_of(workspace: Workspace) -> Directory:
    """Return the directory of a workspace's own people, made if there is none."""
    directory, _ = Directory.objects.get_or_create(
        workspace=workspace,
        kind=Directory.Kind.DIRECTORY_SYNC,
        defaults={"reveal_rule": Directory.RevealRule.AFTER_CONFIRMATION},
    )
    return directory


@transaction.atomic
def turn_on(
    workspace: Workspace, *, actor: User | None, now: datetime
) -> DirectorySync:
    """Let the IdP provision the people of a workspace. Done before, it changes nothing."""
    directory = directory_of(workspace)
    rules, created = DirectorySync.objects.select_for_update().get_or_create(
        workspace=workspace, defaults={"turned_on_at": now}
    )
    is_back = rules.turned_off_at is not None
    if is_back:
        rules.turned_on_at, rules.turned_off_at = now, None
        rules.save(update_fields=["turned_on_at", "turned_off_at"])
    if created or is_back:
        audit.record(
            audit.Sync.TURNED_ON,
            workspace=workspace,
            actor=actor,
            target=rules,
            data={"directory": directory.key},
        )
    return rules


@transaction.atomic
def change_rules(sync: DirectorySync, rules: Rules, *, by: Membership) -> bool:
    """Set the rules for members who come later. Returns whether anything changed.

    Raises RoleTooHigh if they would become more than whoever asks.
    """
    sync = DirectorySync.objects.select_for_update().get(pk=sync.pk)
    if rules.default_role != sync.default_role:
        require_rank(by, rules.default_role)
    wanted: dict[str, str | bool] = {
        "default_role": str(rules.default_role),
        "adopts": rules.adopts,
        "allows_unproven": rules.allows_unproven,
        "owned_tokens": str(rules.owned_tokens),
    }
    return _change(sync, wanted, actor=by.user)


@transaction.atomic
def send_invites(sync: DirectorySync, *, on: bool, actor: User) -> bool:
    """Say whether created users get an invite. Returns whether that is new."""
    sync = DirectorySync.objects.select_for_update().get(pk=sync.pk)
    return _change(sync, {"sends_invites": on}, actor=actor)


def _change(sync: DirectorySync, wanted: dict[str, str | bool], *, actor: User) -> bool:
    changed = {
        name: value for name, value in wanted.items() if getattr(sync, name) != value
    }
    if not changed:
        return False
    for name, value in changed.items():
        setattr(sync, name, value)
    sync.save(update_fields=list(changed))
    audit.record(
        audit.Sync.RULES_CHANGED,
        workspace=sync.workspace,
        actor=actor,
        target=sync,
        data={**changed},
    )
    return True
