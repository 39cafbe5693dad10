"""Which actions a workspace asks a confirmation for. Owners say so."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction

from workspaces import audit, confirmable
from workspaces.errors import NoLongerAllowed
from workspaces.models import Membership, Workspace
from workspaces.permissions import Permission, can


@transaction.atomic
def set_actions(names: Collection[str], *, by: Membership) -> Workspace:
    """Ask for a confirmation of these actions and of no others that are optional.

    Raises NoLongerAllowed if whoever asks is no Owner any more.
    """
    workspace = Workspace.objects.select_for_update().get(pk=by.workspace_id)
    present = Membership.objects.select_related("user").filter(pk=by.pk).first()
    if present is None or not can(present, Permission.MANAGE_POLICY):
        raise NoLongerAllowed
    known = {action.name for action in confirmable.optional_actions()}
    before = workspace.confirmed_actions
    workspace.confirmed_actions = sorted(known & set(names))
    if workspace.confirmed_actions == before:
        return workspace
    workspace.save(update_fields=["confirmed_actions"])
    audit.record(
        audit.Confirmations.POLICY_CHANGED,
        workspace=workspace,
        actor=present.user,
        data={
            "before": ", ".join(before) or "nothing",
            "after": ", ".join(workspace.confirmed_actions) or "nothing",
        },
    )
    return workspace
