"""Change and end memberships. The last Owner stays an Owner.

Each change locks the workspace first, so that two Owners who lower each other at
once do not leave none.
"""

from __future__ import annotations

from django.db import transaction

from workspaces import audit, belongings
from workspaces.errors import LastOwner, NoLongerAllowed, RoleTooHigh
from workspaces.made_by_idp import close, is_ours
from workspaces.models import Membership, Role, Workspace
from workspaces.permissions import Permission, can
from workspaces.ranks import rank, require_rank
from workspaces.refusals import IsProvisioned, RoleFromTeam


@transaction.atomic
def change_role(membership: Membership, *, role: Role, by: Membership) -> Membership:
    """Give a member another role. Raises MemberError if the rules refuse it."""
    by = _lock(by)
    membership = _present(membership)
    before = Role(membership.role)
    if before == role:
        return membership
    _require(by, Permission.MANAGE_MEMBERS)
    require_rank(by, before, role)
    if before == Role.OWNER:
        _require_another_owner(membership)
    team = membership.role_team
    if team is not None and rank(role) < rank(before):
        raise RoleFromTeam(team)
    belongings.note(membership, role, by=by.user)
    membership.role, membership.own_role, membership.role_team = role, "", None
    membership.save(update_fields=["role", "own_role", "role_team"])
    audit.record(
        audit.Members.ROLE_CHANGED,
        workspace=membership.workspace,
        actor=by.user,
        target=membership,
        data={"before": before, "after": role},
    )
    return membership


@transaction.atomic
def remove(membership: Membership, *, by: Membership) -> None:
    """End a membership, one's own or another's, and with it what hangs on it.

    Raises MemberError if the rules refuse it.
    """
    by = _lock(by)
    membership = _present(membership)
    is_own = membership.pk == by.pk
    if not is_own:
        _require(by, Permission.MANAGE_MEMBERS)
        require_rank(by, Role(membership.role))
    if is_managed(membership):
        raise IsProvisioned
    if membership.role == Role.OWNER:
        _require_another_owner(membership)
    audit.record(
        audit.Members.LEFT if is_own else audit.Members.REMOVED,
        workspace=membership.workspace,
        actor=by.user,
        target=membership,
        data={"role": membership.role, "email": membership.user.email},
    )
    belongings.note(membership, None, by=by.user)
    if is_ours(membership.user, membership.workspace):
        close(membership.user)
    membership.delete()


def is_managed(membership: Membership) -> bool:
    """Say whether the IdP keeps the member in, and would bring them back.

    Whom it deactivated, and everybody once Directory Sync is off, can be removed here.
    """
    return membership.resource_id is not None and membership.is_active


def owner_count(workspace: Workspace) -> int:
    """Return how many Owners can sign in."""
    return Membership.objects.filter(
        workspace=workspace, role=Role.OWNER, is_active=True, user__is_active=True
    ).count()


def grantable_roles(by: Membership) -> list[Role]:
    """Return the roles that a member may give to others, highest first."""
    if not can(by, Permission.MANAGE_MEMBERS):
        return []
    return [role for role in Role if rank(role) <= rank(by.role)]


def why_fixed(membership: Membership, *, by: Membership, owners: int) -> str:
    """Return why this membership cannot be changed, or nothing if it can."""
    if membership.role == Role.OWNER and owners < 2:
        return str(LastOwner())
    if rank(membership.role) > rank(by.role):
        return str(RoleTooHigh(Role(membership.role)))
    return ""


def _lock(by: Membership) -> Membership:
    """Let one change at a time into the workspace; return who asks, read afresh."""
    Workspace.objects.select_for_update().get(pk=by.workspace_id)
    return _present(by)


def _present(membership: Membership) -> Membership:
    found = (
        Membership.objects.select_related("user", "workspace", "role_team")
        .filter(pk=membership.pk)
        .first()
    )
    if found is None:
        raise NoLongerAllowed
    return found


def _require(by: Membership, permission: Permission) -> None:
    if not can(by, permission):
        raise NoLongerAllowed


def _require_another_owner(membership: Membership) -> None:
    if not has_other_owner(membership):
        raise LastOwner


def has_other_owner(membership: Membership) -> bool:
    """Say whether an Owner besides this one can sign in."""
    others = Membership.objects.filter(
        workspace=membership.workspace_id,
        role=Role.OWNER,
        is_active=True,
        user__is_active=True,
    )
    return others.exclude(pk=membership.pk).exists()
