"""Break-glass accounts: members whom the IdP can neither shut out nor lower."""

from __future__ import annotations

from django.db import transaction

from workspaces import audit
from workspaces.errors import NoLongerAllowed
from workspaces.models import Membership, Workspace
from workspaces.permissions import Permission, can


@transaction.atomic
def mark(membership: Membership, *, on: bool, by: Membership) -> Membership:
    """Say whether a member is a break-glass account. Raises NoLongerAllowed."""
    Workspace.objects.select_for_update(no_key=True).get(pk=membership.workspace_id)
    asking = Membership.objects.select_related("user").filter(pk=by.pk).first()
    if asking is None or not can(asking, Permission.MANAGE_OWNERS):
        raise NoLongerAllowed
    membership = Membership.objects.select_related("user", "workspace").get(
        pk=membership.pk
    )
    if membership.is_break_glass == on:
        return membership
    membership.is_break_glass = on
    membership.save(update_fields=["is_break_glass"])
    audit.record(
        audit.Sync.BREAK_GLASS_SET if on else audit.Sync.BREAK_GLASS_CLEARED,
        workspace=membership.workspace,
        actor=asking.user,
        target=membership,
    )
    return membership
