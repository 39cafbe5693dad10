"""Turn Directory Sync off: what becomes of members and teams."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import models, transaction
from django.db.models import QuerySet

from workspaces import audit, belongings, directory_sync
from workspaces.errors import NoLongerAllowed
from workspaces.models import (
    DirectorySync,
    Invitation,
    Membership,
    Role,
    Team,
    Workspace,
)
from workspaces.permissions import ALLOWED, Permission, can
from workspaces.ranks import RANKS, rank


class Fate(models.TextChoices):
    """What becomes of the members whom the IdP made."""

    STAY = "stay", "Stay, and are managed under Members"
    DEACTIVATE = "deactivate", "Are deactivated"


@dataclass(frozen=True, slots=True)
class Ended:
    """How many members stayed and were deactivated, and how many teams there were."""

    stayed: int
    deactivated: int
    teams: int


@transaction.atomic
def turn_off(
    workspace: Workspace, *, fate: Fate, by: Membership, now: datetime
) -> Ended:
    """Let the IdP change nothing here any more. Members keep the roles of now.

    Whoever asks, who stands above them, break-glass accounts and the last Owner are
    never deactivated. Raises SyncOff if it is off, NoLongerAllowed.
    """
    sync = directory_sync.entered(workspace)
    asking = Membership.objects.filter(pk=by.pk).first()
    if asking is None or not can(asking, Permission.MANAGE_DIRECTORY_SYNC):
        raise NoLongerAllowed
    theirs = Membership.objects.in_workspace(workspace).filter(
        resource_id__isnull=False
    )
    deactivated = 0
    if fate == Fate.DEACTIVATE:
        leaving = _unguarded(theirs.filter(is_active=True), asking)
        deactivated = _deactivate(leaving, sync, by=by, now=now)
    ended = Ended(
        stayed=theirs.filter(is_active=True).count(),
        deactivated=deactivated,
        teams=Team.objects.filter(workspace=workspace).count(),
    )
    Team.objects.filter(workspace=workspace).delete()
    theirs.update(resource_id=None)
    Membership.objects.in_workspace(workspace).update(own_role="", role_team=None)
    sync.turned_off_at = now
    sync.save(update_fields=["turned_off_at"])
    audit.record(
        audit.Sync.TURNED_OFF,
        workspace=workspace,
        actor=by.user,
        target=sync,
        data={
            "members_stayed": ended.stayed,
            "members_deactivated": ended.deactivated,
            "teams_deleted": ended.teams,
        },
    )
    return ended


def _unguarded(
    active: QuerySet[Membership], asking: Membership
) -> QuerySet[Membership]:
    """Keep those who may be shut out: an Owner who can sign in always remains."""
    above = RANKS[rank(asking.role) + 1 :]
    found = active.filter(is_break_glass=False).exclude(role__in=above)
    found = found.exclude(pk=asking.pk)
    owners = found.filter(role=Role.OWNER, user__is_active=True)
    remaining = Membership.objects.filter(
        workspace=asking.workspace_id,
        role=Role.OWNER,
        is_active=True,
        user__is_active=True,
    ).exclude(pk__in=owners)
    spared = None if remaining.exists() else owners.order_by("pk").first()
    return found.exclude(pk=spared.pk) if spared else found


def _deactivate(
    leaving: QuerySet[Membership],
    sync: DirectorySync,
    *,
    by: Membership,
    now: datetime,
) -> int:
    why = f"{by.user} turned Directory Sync off and deactivated its members."
    cause = belongings.Cause(by.user, why)
    roles = [role for role, may in ALLOWED.items() if Permission.MANAGE_TOKENS in may]
    for membership in leaving.filter(role__in=roles).select_related("user"):
        belongings.release(membership, None, hands_over=sync.hands_over, cause=cause)
    Invitation.objects.open().filter(membership__in=leaving).update(
        revoked_at=now, digest=""
    )
    return leaving.update(is_active=False)
