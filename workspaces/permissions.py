"""Who may do what: the one table, and the decorator that applies it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from enum import StrEnum
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django_htmx.middleware import HtmxDetails

from workspaces import audit
from workspaces.models import Membership, Role, User, Workspace

P = ParamSpec("P")


class Permission(StrEnum):
    """Something that a member can be allowed to do."""

    VIEW_INTEGRATIONS = "view_integrations"
    MANAGE_INTEGRATIONS = "manage_integrations"
    MANAGE_TOKENS = "manage_tokens"
    SYNC = "sync"
    VIEW_ACTIVITY = "view_activity"
    MANAGE_SERVICE_ACCOUNTS = "manage_service_accounts"
    VIEW_MEMBERS = "view_members"
    MANAGE_MEMBERS = "manage_members"
    MANAGE_OWNERS = "manage_owners"
    VIEW_AUDIT = "view_audit"
    MANAGE_POLICY = "manage_policy"
    MANAGE_DIRECTORY_SYNC = "manage_directory_sync"
    MANAGE_WEBHOOKS = "manage_webhooks"


_OWNERS_ONLY = frozenset({Permission.MANAGE_OWNERS, Permission.MANAGE_POLICY})
ALLOWED: dict[Role, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    Role.SUPER_ADMIN: frozenset(Permission) - _OWNERS_ONLY,
    Role.ADMIN: frozenset(Permission) - _OWNERS_ONLY - {Permission.MANAGE_WEBHOOKS},
    Role.AUDITOR: frozenset({Permission.VIEW_MEMBERS, Permission.VIEW_AUDIT}),
    Role.MEMBER: frozenset(),
}


def roles_with(permission: Permission) -> list[str]:
    """Return the names of the roles that have the permission, highest first."""
    return [role.label for role in Role if permission in ALLOWED[role]]


class WorkspaceRequest(HttpRequest):
    """A request of somebody who is logged in, in a workspace of theirs."""

    user: User
    membership: Membership
    workspace: Workspace
    htmx: HtmxDetails


View = Callable[Concatenate[WorkspaceRequest, P], HttpResponseBase]


def can(
    membership: Membership | None,
    permission: Permission,
    *,
    scopes: Collection[str] = tuple(Permission),
) -> bool:
    """Say whether the membership has the permission, by its role of now.

    `scopes` are those of a token in its name, which may do no more than the role.
    """
    return (
        membership is not None
        and membership.is_active
        and permission in ALLOWED[Role(membership.role)]
        and permission in scopes
    )


def note_refusal(
    permission: Permission, *, workspace: Workspace, actor: User, path: str
) -> None:
    """Write down that somebody asked for what they may not."""
    audit.record(
        audit.SignIn.REFUSED,
        workspace=workspace,
        actor=actor,
        data={"permission": permission, "path": path},
    )


def requires(permission: Permission) -> Callable[[View[P]], View[P]]:
    """Let a view run only for members who have the permission.

    A refusal is recorded and answered with a 403 page that names the roles.
    """

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(
            request: WorkspaceRequest, *args: P.args, **kwargs: P.kwargs
        ) -> HttpResponseBase:
            if request.membership is None:
                return render(request, "workspaces/no_workspace.html", status=403)
            if not can(request.membership, permission):
                note_refusal(
                    permission,
                    workspace=request.workspace,
                    actor=request.user,
                    path=request.path,
                )
                raise PermissionDenied(permission)
            return view(request, *args, **kwargs)

        guarded.permission = permission  # type: ignore[attr-defined]
        return cast("View[P]", guarded)

    return decorate
