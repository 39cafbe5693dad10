"""Tokens of Directory Sync that belong to a member, as the API makes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from tokens import notices, services
from tokens.errors import TokenError
from tokens.models import OWNER_ROLES, ScimToken, ScimTokenQuerySet
from tokens.services import IssuedToken
from workspaces import directory_sync, domains
from workspaces.models import Directory, EmailDomain, Membership, User, Workspace
from workspaces.refusals import SyncOff


class NotAdministrator(TokenError):
    """The member may have no token that works."""


@dataclass(frozen=True, slots=True)
class MemberToken:
    """A new token, and which of its domains are not proven to be the workspace's."""

    issued: IssuedToken
    unproven: list[str]


@transaction.atomic
def issue(
    owner: Membership,
    *,
    name: str,
    domain_names: Sequence[str],
    actor: User,
    now: datetime,
) -> MemberToken:
    """Make a token that stops with `owner`, and list the domains that are new.

    The first domains turn Directory Sync on. Raises NotAdministrator, and SyncOff
    where somebody turned it off.
    """
    workspace = owner.workspace
    if not owner.is_active or owner.role not in OWNER_ROLES:
        raise NotAdministrator(
            f"{owner.user} is no administrator of this workspace. Name the membership "
            "of an Owner, Super Admin or Admin who is active."
        )
    if directory_sync.turned_off(workspace) is not None:
        raise SyncOff
    directory_sync.turn_on(workspace, actor=actor, now=now)
    domains.add(workspace, domain_names, actor=actor, now=now)
    directory = directory_sync.directory_of(workspace)
    issued = services.issue(directory, name=name, actor=actor, owner=owner, now=now)
    services.note_shown(issued.token, actor=actor)
    notices.tell(issued.token, notices.Event.GENERATED, actor=actor, now=now)
    unproven = EmailDomain.objects.filter(
        workspace=workspace, name__in=domain_names, proven_at=None
    )
    return MemberToken(issued, list(unproven.values_list("name", flat=True)))


def listed(workspace: Workspace) -> ScimTokenQuerySet:
    """Return the tokens of the workspace's Directory Sync that are not revoked."""
    return (
        ScimToken.objects.in_workspace(workspace)
        .filter(directory__kind=Directory.Kind.DIRECTORY_SYNC, revoked_at__isnull=True)
        .select_related("directory__workspace", "owner__user")
        .order_by("-id")
    )
