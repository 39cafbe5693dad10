"""Make workspaces and memberships."""

from __future__ import annotations

from django.db import transaction

from workspaces.models import Directory, Membership, Role, User, Workspace


@transaction.atomic
def create_workspace(*, name: str, slug: str, owner: User | None = None) -> Workspace:
    """Make a tenant with its Directory Sync endpoint, and its owner if there is one."""
    workspace = Workspace.objects.create(name=name, slug=slug)
    if owner is not None:
        Membership.objects.create(workspace=workspace, user=owner, role=Role.OWNER)
    Directory.objects.create(
        workspace=workspace,
        kind=Directory.Kind.DIRECTORY_SYNC,
        reveal_rule=Directory.RevealRule.AFTER_CONFIRMATION,
    )
    return workspace
