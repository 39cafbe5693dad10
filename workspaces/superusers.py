"""What superusers change in the Django admin: the rules of members, and audit events.

A superuser needs no membership. The last Owner stays an Owner for them too.
"""

from __future__ import annotations

from django.db import transaction

from workspaces import audit, belongings
from workspaces.errors import LastOwner
from workspaces.made_by_idp import close, is_ours
from workspaces.members import has_other_owner, is_managed
from workspaces.models import Membership, Role, User, Workspace
from workspaces.refusals import IsProvisioned


@transaction.atomic
def add_member(membership: Membership, *, actor: User) -> None:
    """Save a new membership."""
    membership.save()
    _record(audit.Members.JOINED, membership, actor, role=membership.role)


@transaction.atomic
def change_role(membership: Membership, *, role: Role, actor: User) -> None:
    """Give a member another role. Raises LastOwner."""
    membership = _locked(membership)
    before = Role(membership.role)
    if before == role:
        return
    _refuse_last_owner(membership)
    belongings.note(membership, role, by=actor)
    membership.role, membership.own_role, membership.role_team = role, "", None
    membership.save(update_fields=["role", "own_role", "role_team"])
    _record(audit.Members.ROLE_CHANGED, membership, actor, before=before, after=role)


@transaction.atomic
def remove_member(membership: Membership, *, actor: User) -> None:
    """End a membership, and what hangs on it. Raises LastOwner or IsProvisioned."""
    membership = _locked(membership)
    if is_managed(membership):
        raise IsProvisioned
    _refuse_last_owner(membership)
    email = membership.user.email
    _record(audit.Members.REMOVED, membership, actor, role=membership.role, email=email)
    belongings.note(membership, None, by=actor)
    if is_ours(membership.user, membership.workspace):
        close(membership.user)
    membership.delete()


def can_be_removed(membership: Membership) -> bool:
    """Say whether `remove_member` would do it now."""
    is_last_owner = membership.role == Role.OWNER and not has_other_owner(membership)
    return not is_last_owner and not is_managed(membership)


def only_owner_of(person: User) -> Workspace | None:
    """Return a workspace that would have no Owner without this person, if any.

    Locks their workspaces: asked within the transaction that deactivates.
    """
    owned = Membership.objects.filter(user=person, role=Role.OWNER, is_active=True)
    for membership in owned.order_by("workspace_id"):
        workspace = Workspace.objects.select_for_update().get(
            pk=membership.workspace_id
        )
        if not has_other_owner(membership):
            return workspace
    return None


def note_person(
    action: audit.Superusers, person: User, *, actor: User, changed: list[str]
) -> None:
    """Write down what was done to a person: here, and in each of their workspaces.

    Who may read the log of a workspace sees what became of its members.
    """
    data = {"email": person.email, "changed": ", ".join(sorted(changed))}
    theirs = Workspace.objects.filter(memberships__user=person).order_by("pk")
    for workspace in (None, *theirs):
        audit.record(action, workspace=workspace, actor=actor, data={**data})


def note_workspace(
    action: audit.Superusers, workspace: Workspace, *, actor: User, changed: list[str]
) -> None:
    """Write down what was done to a workspace, in its own log."""
    audit.record(
        action,
        workspace=workspace,
        actor=actor,
        target=workspace,
        data={"changed": ", ".join(sorted(changed))},
    )


def _locked(membership: Membership) -> Membership:
    Workspace.objects.select_for_update().get(pk=membership.workspace_id)
    found = Membership.objects.select_related("user", "workspace", "role_team")
    return found.get(pk=membership.pk)


def _refuse_last_owner(membership: Membership) -> None:
    if membership.role == Role.OWNER and not has_other_owner(membership):
        raise LastOwner


def _record(
    action: audit.Members, membership: Membership, actor: User, **data: str
) -> None:
    audit.record(
        action,
        workspace=membership.workspace,
        actor=actor,
        target=membership,
        data={**data},
    )
