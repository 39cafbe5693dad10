"""Who is asking, in which workspace, and from where."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse

from workspaces.audit import Origin, origin
from workspaces.models import Membership

SESSION_KEY = "workspace"


class WorkspaceMiddleware:
    """Set `request.membership` and `request.workspace`, read afresh each time.

    A role that is taken away is therefore gone on the next request. Both are
    None for people who are not logged in or belong nowhere.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request with its workspace set."""
        membership = self._membership(request)
        request.membership = membership  # type: ignore[attr-defined]
        request.workspace = (  # type: ignore[attr-defined]
            membership.workspace if membership else None
        )
        reset = origin.set(
            Origin(
                address=request.META.get("REMOTE_ADDR"), request_id=str(uuid.uuid4())
            )
        )
        try:
            return self.get_response(request)
        finally:
            origin.reset(reset)

    def _membership(self, request: HttpRequest) -> Membership | None:
        user = request.user
        if isinstance(user, AnonymousUser) or not user.is_active:
            return None
        memberships = Membership.objects.of(user)
        chosen = request.session.get(SESSION_KEY)
        if chosen is not None:
            membership = memberships.filter(workspace__slug=chosen).first()
            if membership is not None:
                return membership
        return memberships.first()
