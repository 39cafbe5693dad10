"""What superusers change in the Django admin: the rules of members, and audit events.

A superuser needs no membership. The last Owner stays an Owner for them too.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from workspaces import audit, belongings, services
from workspaces.belongings import Cause
from workspaces.errors import LastOwner
from workspaces.factors import notices
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
    _release(membership, role, actor, "gave this member another role")
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
    _release(membership, None, actor, "ended this membership")
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


@transaction.atomic
def add_person(person: User, *, actor: User, changed: list[str]) -> None:
    """Save a new person, and write down which fields were filled in."""
    person.save()
    _note_person(audit.Superusers.PERSON_ADDED, person, actor, changed)


@transaction.atomic
def change_person(person: User, *, actor: User, changed: list[str]) -> None:
    """Save these fields of a person and no other. Who is deactivated loses their tokens.

    Who may read the log of a workspace sees what became of its members.
    """
    if not changed:
        return
    if "is_active" in changed and not person.is_active:
        for membership in Membership.objects.of(person).select_related("user"):
            _release(membership, None, actor, "deactivated this account")
    person.save(update_fields=[*changed, "email_key"])
    _note_person(audit.Superusers.PERSON_CHANGED, person, actor, changed)


@transaction.atomic
def tell_of_password(person: User, *, actor: User, now: datetime) -> None:
    """Write down, and mail, that a superuser set or took away somebody's password.

    The sessions of the person have ended with the former one.
    """
    data: dict[str, str | int | bool | None] = {
        "email": person.email,
        "has_password": person.has_usable_password(),
    }
    action = audit.Superusers.PASSWORD_SET
    audit.record(action, workspace=None, actor=actor, data={**data})
    memberships = Membership.objects.of(person).select_related("user", "workspace")
    for number, membership in enumerate(memberships):
        event = audit.record(
            action,
            workspace=membership.workspace,
            actor=actor,
            target=membership,
            data={**data},
        )
        notices.tell(event, membership.workspace, to_person=number == 0, now=now)


@transaction.atomic
def create_workspace(workspace: Workspace, *, actor: User, changed: list[str]) -> None:
    """Make a workspace of this name with all that belongs to it; it gets its keys."""
    made = services.create_workspace(name=workspace.name, slug=workspace.slug)
    workspace.pk, workspace.public_id = made.pk, made.public_id
    _note_workspace(audit.Superusers.WORKSPACE_CREATED, made, actor, changed)


@transaction.atomic
def change_workspace(workspace: Workspace, *, actor: User, changed: list[str]) -> None:
    """Save these fields of a workspace and no other."""
    if changed:
        workspace.save(update_fields=changed)
        action = audit.Superusers.WORKSPACE_CHANGED
        _note_workspace(action, workspace, actor, changed)


def _note_person(
    action: audit.Superusers, person: User, actor: User, changed: list[str]
) -> None:
    data = {"email": person.email, "changed": ", ".join(sorted(changed))}
    theirs = Workspace.objects.filter(memberships__user=person).order_by("pk")
    for workspace in (None, *theirs):
        audit.record(action, workspace=workspace, actor=actor, data={**data})


def _note_workspace(
    action: audit.Superusers, workspace: Workspace, actor: User, changed: list[str]
) -> None:
    data = {"changed": ", ".join(sorted(changed))}
    audit.record(
        action, workspace=workspace, actor=actor, target=workspace, data={**data}
    )


def _release(membership: Membership, role: Role | None, actor: User, did: str) -> None:
    """Write down what stops with a membership, and mail it: nobody was shown it before."""
    cause = Cause(actor, f"A superuser of this gateway {did}.")
    belongings.release(membership, role, hands_over=False, cause=cause)


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
