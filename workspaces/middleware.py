"""Who is asking, in which workspace, and from where."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

import structlog
from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse

from workspaces.audit import Origin, origin
from workspaces.factors.vouched import is_vouched, opened
from workspaces.models import Membership, User
from workspaces.shut_out import is_shut_out
from workspaces.sign_in import SIGNED_IN_AT

SESSION_KEY = "workspace"


class KeepNewerSession(SessionMiddleware):
    """Django's sessions, where a late answer cannot sign a person out.

    The id of a session changes when a person proves who they are. A request that
    was sent just before, such as a poll, then comes with an id that is gone. Its
    answer must neither delete the cookie nor replace it, because by now the
    browser may hold the new id.
    """

    def process_response(
        self, request: HttpRequest, response: HttpResponse
    ) -> HttpResponse:
        """Store the session and set its cookie, unless the request's own is gone."""
        came_with_one = settings.SESSION_COOKIE_NAME in request.COOKIES
        if came_with_one and _is_gone(request) and not request.session.modified:
            return response
        return super().process_response(request, response)


def _is_gone(request: HttpRequest) -> bool:
    """Say whether the session does not exist. Known only after reading it."""
    return request.session.get(SESSION_KEY) is None and not request.session.session_key


class WorkspaceMiddleware:
    """Set `request.membership` and `request.workspace`, read afresh each time.

    A role that is taken away is therefore gone on the next request. Both are
    None for people who are not logged in or belong nowhere.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request with its workspace set."""
        end_if_too_old(request)
        memberships = self._memberships(request)
        if not memberships:
            end_if_shut_out(request)
        membership = _chosen(memberships, request)
        request.memberships = memberships  # type: ignore[attr-defined]
        request.membership = membership  # type: ignore[attr-defined]
        request.workspace = (  # type: ignore[attr-defined]
            membership.workspace if membership else None
        )
        request_id = str(uuid.uuid4())
        # What the error pages and the audit log show is what the log says.
        structlog.contextvars.bind_contextvars(request_id=request_id)
        reset = origin.set(
            Origin(address=request.META.get("REMOTE_ADDR"), request_id=request_id)
        )
        try:
            return self.get_response(request)
        finally:
            origin.reset(reset)

    def _memberships(self, request: HttpRequest) -> list[Membership]:
        user = request.user
        if isinstance(user, AnonymousUser) or not user.is_active:
            return []
        return list(opened(Membership.objects.of(user), request))


def _chosen(memberships: list[Membership], request: HttpRequest) -> Membership | None:
    """Return the membership of the workspace last switched to, or the oldest."""
    if not memberships:
        return None
    slug = request.session.get(SESSION_KEY)
    of_slug = (m for m in memberships if m.workspace.slug == slug)
    return next(of_slug, memberships[0])


def end_if_too_old(request: HttpRequest) -> None:
    """End a session that began too long ago, however busy it is."""
    if isinstance(request.user, AnonymousUser):
        return
    now = int(time.time())
    # A session from before an update begins now.
    began = request.session.setdefault(SIGNED_IN_AT, now)
    if now - began >= settings.KEYWAY_SESSION_LONGEST_SECONDS:
        request.session.flush()
        request.user = AnonymousUser()


def end_if_shut_out(request: HttpRequest) -> None:
    """End the session of somebody whose memberships, or whose link, are gone."""
    user = request.user
    if isinstance(user, User) and (is_vouched(request) or is_shut_out(user)):
        request.session.flush()
        request.user = AnonymousUser()


class SignInFirst(LoginRequiredMiddleware):
    """Send people to the sign-in page, and afterwards back to where they were.

    Where they were when a form of theirs met an ended session is the page of the
    form, not the address that it was sent to.
    """

    def handle_no_permission(
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase]
    ) -> HttpResponseRedirect:
        """Answer with a redirect to the sign-in page."""
        page = page_of_form(request)
        if page is None:
            return super().handle_no_permission(request, view_func)
        query = urlencode({"next": page, "unsent": "1"}, safe="/")
        return HttpResponseRedirect(f"{reverse(settings.LOGIN_URL)}?{query}")


def page_of_form(request: HttpRequest) -> str | None:
    """Return the page of this site that a form was sent from, if the browser says."""
    if request.method in {"GET", "HEAD"}:
        return None
    sent_from = urlsplit(request.headers.get("referer", ""))
    if sent_from.netloc != request.get_host() or not sent_from.path.startswith("/"):
        return None
    query = f"?{sent_from.query}" if sent_from.query else ""
    # Two slashes at the start would name another host.
    return f"/{sent_from.path.lstrip('/')}{query}"
