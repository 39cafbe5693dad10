"""What somebody could become who holds a token of Directory Sync, and who may hold one."""

from __future__ import annotations

from collections.abc import Iterator

from workspaces import invitations
from workspaces.errors import ReachesTooHigh
from workspaces.models import (
    Directory,
    DirectorySync,
    Membership,
    Role,
    Team,
    User,
    Workspace,
)
from workspaces.ranks import RANKS, rank


def require_reach(directory: Directory, actor: User | None) -> None:
    """Refuse to let something into Directory Sync that could give more than the actor may.

    Superusers and commands may. Raises ReachesTooHigh.
    """
    if directory.kind != Directory.Kind.DIRECTORY_SYNC:
        return
    if actor is None or actor.is_superuser:
        return
    workspace = directory.workspace
    by = Membership.objects.filter(workspace=workspace, user=actor).first()
    if by is None:
        return
    highest = max(_reach(workspace, above=by), key=rank, default=Role(by.role))
    if rank(highest) > rank(by.role):
        raise ReachesTooHigh(highest)


def _reach(workspace: Workspace, *, above: Membership) -> Iterator[Role]:
    """Yield what new members and members of teams get, and who can be taken over.

    Whom the IdP made and who has no way in gets a link by email, and the IdP says which
    address they have.
    """
    for sync in DirectorySync.objects.filter(workspace=workspace):
        yield Role(sync.default_role)
    teams = Team.objects.filter(workspace=workspace).exclude(role="")
    yield from map(Role, teams.values_list("role", flat=True).distinct())
    higher = Membership.objects.select_related("user").filter(
        workspace=workspace,
        user__provisioned_by=workspace,
        resource_id__isnull=False,
        is_break_glass=False,
        role__in=RANKS[rank(above.role) + 1 :],
    )
    found = list(higher)
    shut_out = invitations.lack_way_in(found)
    yield from (Role(row.role) for row in found if row.pk in shut_out)
