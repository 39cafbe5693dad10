"""Teams, which are groups of the IdP, and the roles that they give.

The highest of a member's own role and those of their teams counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from django.db import transaction
from django.db.models import Q

from workspaces import audit, belongings, directory_sync
from workspaces.errors import NoLongerAllowed, RoleTooHigh
from workspaces.models import Membership, Role, Team, TeamMember, Workspace
from workspaces.permissions import Permission, can
from workspaces.ranks import GIVEN_BY_IDP, rank, require_rank
from workspaces.refusals import Guarded

_BATCH = 500
T = TypeVar("T")


@transaction.atomic
def put(
    workspace: Workspace, resource_id: str, *, name: str, token_key: str, now: datetime
) -> Team:
    """Make the team of a SCIM group, or give it the group's name."""
    team, created = Team.objects.select_for_update().get_or_create(
        workspace=workspace,
        resource_id=resource_id,
        defaults={"name": name, "created_at": now},
    )
    if created:
        _record(audit.Sync.TEAM_CREATED, team, token=token_key)
    elif team.name != name:
        former, team.name = team.name, name
        team.save(update_fields=["name"])
        _record(audit.Sync.TEAM_RENAMED, team, token=token_key, former_name=former)
    return team


@transaction.atomic
def change_members(
    team: Team, *, joined: Sequence[str], left: Sequence[str], token_key: str
) -> None:
    """Let members in and out, by the SCIM ids of their users. Raises Guarded.

    Who is no member of the workspace is left out.
    """
    came = _memberships(team.workspace, joined)
    went = _memberships(team.workspace, left)
    TeamMember.objects.bulk_create(
        [
            TeamMember(team=team, membership_id=pk, workspace=team.workspace)
            for pk in came
        ],
        batch_size=_BATCH,
        ignore_conflicts=True,
    )
    for some in _batches(went):
        TeamMember.objects.filter(team=team, membership__in=some).delete()
    if came or went:
        _record(
            audit.Sync.TEAM_MEMBERS_CHANGED,
            team,
            token=token_key,
            joined=len(came),
            left=len(went),
        )
        settle(team.workspace, [*came, *went])


@transaction.atomic
def remove(workspace: Workspace, resource_id: str, *, token_key: str) -> None:
    """Delete the team of a SCIM group, with the role that it gave. Raises Guarded."""
    team = Team.objects.filter(workspace=workspace, resource_id=resource_id).first()
    if team is None:
        return
    people = list(team.members.values_list("membership", flat=True))
    _record(audit.Sync.TEAM_DELETED, team, token=token_key, members=len(people))
    team.delete()
    settle(workspace, people)


@transaction.atomic
def give_role(team: Team, role: Role | None, *, by: Membership) -> int:
    """Let a team give its members a role, or none. Returns how many roles changed.

    Raises MemberError if whoever asks may not.
    """
    Workspace.objects.select_for_update(no_key=True).get(pk=team.workspace_id)
    by = Membership.objects.select_related("user").get(pk=by.pk)
    if not can(by, Permission.MANAGE_MEMBERS):
        raise NoLongerAllowed
    if role is not None and role not in GIVEN_BY_IDP:
        raise RoleTooHigh(role)
    team = Team.objects.select_for_update().get(pk=team.pk)
    for given in filter(None, (team.role, role)):
        require_rank(by, Role(given))
    before, team.role = team.role, role or ""
    if team.role == before:
        return 0
    team.save(update_fields=["role"])
    audit.record(
        audit.Sync.TEAM_ROLE_CHANGED,
        workspace=team.workspace,
        actor=by.user,
        target=team,
        data={"before": before, "after": team.role},
    )
    people = list(team.members.values_list("membership", flat=True))
    why = f"{by.user} changed the role that the team {team.name} gives its members."
    return settle(team.workspace, people, cause=belongings.Cause(by.user, why))


def settle(
    workspace: Workspace,
    people: Iterable[int],
    *,
    cause: belongings.Cause = belongings.BY_IDP,
) -> int:
    """Give members the highest of their own role and their teams'.

    Returns how many roles changed. Raises Guarded where the IdP would lower the
    role of a break-glass account.
    """
    changed = 0
    sync = directory_sync.of(workspace)
    hands_over = sync is not None and sync.hands_over
    for some in _batches(list(people)):
        rows = Membership.objects.in_workspace(workspace).filter(
            ~Q(own_role="") | Q(teams__team__role__gt=""),
            pk__in=some,
        )
        best = _best_teams(some)
        for membership in rows.distinct():
            changed += _settle(
                membership,
                best.get(membership.pk),
                cause=cause,
                hands_over=hands_over,
            )
    return changed


def _settle(
    membership: Membership,
    team: Team | None,
    *,
    cause: belongings.Cause,
    hands_over: bool,
) -> bool:
    own = membership.own_role or membership.role
    is_raised = team is not None and rank(team.role) > rank(own)
    before = (membership.role, membership.own_role, membership.role_team_id)
    membership.role = team.role if team is not None and is_raised else own
    membership.own_role = own if is_raised else ""
    membership.role_team = team if is_raised else None
    if (membership.role, membership.own_role, membership.role_team_id) == before:
        return False
    is_lower = rank(membership.role) < rank(before[0])
    if cause.by is None and membership.is_break_glass and is_lower:
        raise Guarded(membership, "lower its role")
    if membership.role != before[0]:
        role = Role(membership.role)
        belongings.release(membership, role, hands_over=hands_over, cause=cause)
    membership.save(update_fields=["role", "own_role", "role_team"])
    if membership.role == before[0]:
        return False
    audit.record(
        audit.Members.ROLE_CHANGED,
        workspace=membership.workspace,
        actor=cause.by,
        target=membership,
        data={
            "before": before[0],
            "after": membership.role,
            "team": team.name if team and is_raised else None,
        },
    )
    return True


def _best_teams(people: Sequence[int]) -> dict[int, Team]:
    """Return the team of each member that gives the highest role, the oldest of equals."""
    found: dict[int, Team] = {}
    rows = TeamMember.objects.filter(membership__in=people).exclude(team__role="")
    for row in rows.select_related("team").order_by("team_id"):
        present = found.get(row.membership_id)
        if present is None or rank(row.team.role) > rank(present.role):
            found[row.membership_id] = row.team
    return found


def _memberships(workspace: Workspace, resource_ids: Sequence[str]) -> list[int]:
    return [
        pk
        for some in _batches(resource_ids)
        for pk in Membership.objects.filter(
            workspace=workspace, resource_id__in=some
        ).values_list("pk", flat=True)
    ]


def _batches(items: Sequence[T]) -> Iterable[Sequence[T]]:
    return (items[start : start + _BATCH] for start in range(0, len(items), _BATCH))


def _record(action: audit.Sync, team: Team, **data: str | int | None) -> None:
    audit.record(action, workspace=team.workspace, actor=None, target=team, data=data)
