"""Sessions that a workspace's own identity provider vouches for.

Such a session opens that workspace and no other, whatever else the person belongs
to, because its Owners decide whom the provider vouches for. It ends with the link
that it came by: nothing is propagated, every request looks.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth import login
from django.http import HttpRequest

from workspaces.factors.proof import is_verified, note_provider
from workspaces.models import Membership, SignInLink, User, Workspace
from workspaces.models.workspace import MembershipQuerySet
from workspaces.sign_in_providers import Identity

_KEY = "vouched"


def note_of(link: SignInLink, identity: Identity) -> dict[str, Any]:
    """Return what a session has to remember, as JSON."""
    at = identity.proven_at
    return {
        "link": link.pk,
        "second_step": identity.has_second_step,
        "proven_at": at.isoformat() if at and _is_only_here(link) else None,
    }


def begin(
    request: HttpRequest, user: User, note: dict[str, Any], *, backend: str
) -> None:
    """Log in somebody for whom a provider vouches, under a new id of the session."""
    # Before the log-in, whose record belongs into the provider's workspace.
    request.session[_KEY] = note
    login(request, user, backend=backend)
    at = note["proven_at"]
    note_provider(request, at=datetime.fromisoformat(at) if at else None)


def is_vouched(request: HttpRequest) -> bool:
    """Say whether a provider began the session."""
    return _KEY in request.session


def opened(memberships: MembershipQuerySet, request: HttpRequest) -> MembershipQuerySet:
    """Keep the memberships that the session opens: all, or that of its provider."""
    note = request.session.get(_KEY)
    if note is None:
        return memberships
    return memberships.filter(workspace__sign_in_provider__links=note["link"])


def passed_two_steps(request: HttpRequest, workspace: Workspace) -> bool:
    """Say whether the session proved a factor, or the provider did and is trusted."""
    if is_verified(request):
        return True
    note = request.session.get(_KEY)
    if note is None or not note["second_step"]:
        return False
    return SignInLink.objects.filter(
        pk=note["link"], workspace=workspace, provider__trusts_second_step=True
    ).exists()


def _is_only_here(link: SignInLink) -> bool:
    """Say whether the provider's word can stand for the password: the person is its own.

    Whoever belongs to another workspace too has a way in of their own, which a
    provider of this one must not be able to change.
    """
    return (
        not Membership.objects.filter(user=link.user)
        .exclude(workspace=link.workspace_id)
        .exists()
    )
