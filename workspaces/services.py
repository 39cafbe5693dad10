"""Make workspaces and memberships."""

from __future__ import annotations

from django.db import transaction

from workspaces.models import Directory, Membership, Role, User, Workspace


@transaction.atomic
def create_workspace(*, name: str, slug: str, owner: User) -> Workspace:
    """Make a tenant with its owner and its Directory Sync endpoint."""
    workspace = Workspace.objects.create(name=name, slug=slug)
    Membership.objects.create(workspace=workspace, user=owner, role=Role.OWNER)
    Directory.objects.create(
        workspace=workspace,
        kind=Directory.Kind.DIRECTORY_SYNC,
        reveal_rule=Directory.RevealRule.AFTER_CONFIRMATION,
    )
    return workspace
