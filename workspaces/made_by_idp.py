"""People whom the IdP of a workspace made, for that workspace alone."""

from __future__ import annotations

from workspaces.factors import changes
from workspaces.models import User, Workspace


def is_ours(user: User, workspace: Workspace) -> bool:
    """Say whether the IdP of this workspace made the person, for it alone."""
    if user.provisioned_by_id != workspace.pk or user.is_superuser:
        return False
    return not user.memberships.exclude(workspace=workspace).exists()


def close(user: User) -> None:
    """Take every way in from such a person who is a member no longer.

    Who comes back by the same address may be somebody else, and starts anew.
    """
    user.set_unusable_password()
    user.save(update_fields=["password"])
    changes.delete_all(user)
