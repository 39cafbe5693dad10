"""**Confirm your identity to continue**: the decorator, and the dialog as a page.

What is asked for is one view. It answers with the dialog until the session has
confirmed, and a form that was sent meanwhile is filled in again: nothing that was
sent is kept or sent by itself.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast
from urllib.parse import urlsplit

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from workspaces import confirmable, confirmations
from workspaces.browsers import browser_name
from workspaces.clock import database_now
from workspaces.confirmable import Action, Asker, Subject
from workspaces.confirmation_errors import NotConfirmed, Reason, TooManyAttempts
from workspaces.confirmation_form import CodeForm
from workspaces.factors import passkeys
from workspaces.factors.kinds import Factor, usable
from workspaces.models import Confirmation
from workspaces.pages import own_path
from workspaces.permissions import View, WorkspaceRequest
from workspaces.phones import requests
from workspaces.phones.enrolment import KIND as PHONE

P = ParamSpec("P")
OPEN = "confirm_identity"
"""The field of a POST that asks for a confirmation and for nothing else."""

TITLE = "Confirm your identity to continue"
HEADER = "X-Confirmation"
"""Tells the script that an answer with an error status is a dialog to show."""

SubjectOf = Callable[Concatenate[WorkspaceRequest, P], Subject]


def asker(request: WorkspaceRequest) -> Asker:
    """Return who asks, in this session."""
    request.membership.user = request.user
    return Asker(
        membership=request.membership,
        session_digest=confirmations.session_digest(request.session),
        client=request.headers.get("user-agent", ""),
    )


def recent_confirmation(
    action_name: str, subject_of: SubjectOf[P], *, is_step: bool = True
) -> Callable[[View[P]], View[P]]:
    """Let a view run only after a confirmation, where the workspace asks for one.

    `subject_of` gets what the view gets; it answers 404 for what is not there.
    `is_step` says that the view has a page of its own, to go on with. Stands below
    `@requires`.
    """

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(
            request: WorkspaceRequest, *args: P.args, **kwargs: P.kwargs
        ) -> HttpResponseBase:
            action = confirmable.action_of(action_name)
            subject = subject_of(request, *args, **kwargs)
            if not confirmable.is_needed(request.workspace, action, subject):
                return view(request, *args, **kwargs)
            if OPEN not in request.POST and _may_go_on(request, action, subject):
                return view(request, *args, **kwargs)
            return ask(request, action, subject, is_step=is_step)

        return cast("View[P]", guarded)

    return decorate


def _may_go_on(request: WorkspaceRequest, action: Action, subject: Subject) -> bool:
    """Say whether the session is confirmed; a POST uses an approval up."""
    by, now = asker(request), database_now()
    if request.method != "POST":
        return confirmations.is_recent(action, subject, by=by, now=now)
    try:
        confirmations.use(action, subject, by=by, now=now)
    except NotConfirmed:
        return confirmations.is_recent(action, subject, by=by, now=now)
    return True


def ask(
    request: WorkspaceRequest,
    action: Action,
    subject: Subject,
    *,
    is_step: bool,
    path: str = "",
    refused: Reason | None = Reason.NONE,
) -> HttpResponse:
    """Answer with the dialog: 200 where it was asked for, 403 instead of an action.

    A GET changes nothing: its dialog opens the confirmation by a POST. `refused`
    is written down where the action itself was tried.
    """
    if request.method != "POST":
        return _show(request, "open", action=action, back_path=_back(request))
    is_asked = OPEN in request.POST
    if not is_asked and refused is not None:
        confirmations.record_refusal(action, subject, by=asker(request), reason=refused)
    return open_(
        request,
        action,
        subject,
        is_step=is_step,
        path=path or _here(request),
        status=200 if is_asked else 403,
    )


def refuse(
    request: WorkspaceRequest,
    action: Action,
    subject: Subject,
    *,
    reason: Reason,
    reopen: Callable[[], HttpResponse],
) -> HttpResponse:
    """Write down that an action was tried without a confirmation, and ask for one.

    Whoever lost the right meanwhile is refused as everywhere.
    """
    confirmations.record_refusal(action, subject, by=asker(request), reason=reason)
    if reason == Reason.NO_RIGHT:
        raise PermissionDenied(action.permission)
    return reopen()


def confirmation_id(request: WorkspaceRequest) -> str:
    """Return the id that a form names, or one that belongs to nothing."""
    given = request.POST.get("confirmation", "")
    try:
        return str(uuid.UUID(given)) if given else ""
    except ValueError:
        return str(uuid.UUID(int=0))


def open_(
    request: WorkspaceRequest,
    action: Action,
    subject: Subject,
    *,
    is_step: bool,
    path: str,
    status: int = 200,
) -> HttpResponse:
    """Open a confirmation and show how to confirm."""
    by, now = asker(request), database_now()
    if not confirmations.methods_of(request.user, now=now):
        return no_factor(request, action, subject, status=status)
    try:
        made = confirmations.request_(
            action,
            subject,
            by=by,
            path=path,
            back_path=_back(request),
            is_step=is_step,
            now=now,
        )
    except TooManyAttempts as error:
        return too_many(request, action, error.retry_at)
    return methods(request, made, status=status)


def no_factor(
    request: WorkspaceRequest, action: Action, subject: Subject, *, status: int
) -> HttpResponse:
    """Lead to setting up a factor, never around it."""
    confirmations.record_refusal(
        action, subject, by=asker(request), reason=Reason.NO_FACTOR
    )
    return _show(
        request,
        "no_factor",
        action=action,
        status=status,
        young=usable(request.user),
        back_path=_back(request),
    )


def too_many(
    request: WorkspaceRequest, action: Action, retry_at: datetime
) -> HttpResponse:
    """Say until when to wait."""
    response = _show(
        request,
        "too_many",
        action=action,
        status=429,
        retry_at=retry_at,
        back_path=_back(request),
    )
    wait = (retry_at - database_now()).total_seconds()
    response["Retry-After"] = str(max(1, round(wait)))
    return response


def methods(
    request: WorkspaceRequest,
    confirmation: Confirmation,
    *,
    form: CodeForm | None = None,
    error: str = "",
    status: int = 200,
) -> HttpResponse:
    """Show the ways to confirm, the preferred one first; a form that failed opens."""
    found = ways_of(request)
    ways = [_way(factor, number, form) for number, factor in enumerate(found)]
    # A phone is asked before anything else; its codes are the last resort.
    ways.sort(key=lambda way: way["kind"] == PHONE)
    asked, phone = requests.asked(confirmation, now=database_now())
    first = 0 if asked == requests.Asked.SENT else 1
    return _show(
        request,
        "methods",
        action=confirmable.action_of(confirmation.action),
        status=status,
        confirmation=confirmation,
        browser=browser_name(confirmation.client),
        asked=asked.value,
        may_resend=requests.may_ask_again(confirmation, now=database_now()),
        phone=phone,
        preferred=ways[:first],
        others=ways[first:],
        others_open=any(way["form"] and way["form"].errors for way in ways[first:]),
        form=form,
        error=error,
        back_path=confirmation.back_path,
    )


def done(request: WorkspaceRequest, confirmation: Confirmation) -> HttpResponse:
    """Lead on to the action, by a POST where it has no page of its own."""
    return _show(
        request,
        "done",
        title="Identity confirmed",
        action=confirmable.action_of(confirmation.action),
        confirmation=confirmation,
        back_path=confirmation.back_path,
    )


def over(
    request: WorkspaceRequest, confirmation: Confirmation, *, status: int = 409
) -> HttpResponse:
    """Say that a confirmation serves nothing any more, and how to start again."""
    state = Confirmation.State(confirmation.state)
    if state in Confirmation.OPEN:
        state = Confirmation.State.EXPIRED
    return _show(
        request,
        "over",
        title="This confirmation is over",
        action=confirmable.action_of(confirmation.action),
        status=status,
        confirmation=confirmation,
        state=state.value,
        back_path=confirmation.back_path,
    )


def ways_of(request: WorkspaceRequest) -> list[Factor]:
    """Return what may confirm, with one entry for all passkeys: the browser asks."""
    found = confirmations.methods_of(request.user, now=database_now())
    first = next((f for f in found if f.kind == passkeys.KIND), None)
    return [f for f in found if f.takes_code or f is first]


def _way(factor: Factor, number: int, form: CodeForm | None) -> dict[str, Any]:
    is_failed = form is not None and form.data.get("device") == factor.id
    shown = form if is_failed else CodeForm(factor=factor, number=number)
    return {
        "kind": factor.kind,
        "name": factor.name,
        "device_id": factor.id,
        "form": shown if factor.takes_code else None,
    }


def _show(
    request: WorkspaceRequest,
    stage: str,
    *,
    title: str = TITLE,
    status: int = 200,
    **context: Any,
) -> HttpResponse:
    part = "#dialog" if request.htmx else ""
    response = render(
        request,
        f"workspaces/confirmation.html{part}",
        {"stage": f"workspaces/_confirmation_{stage}.html", "title": title, **context},
        status=status,
    )
    response[HEADER] = "dialog"
    response["Cache-Control"] = "no-store"
    return response


def _here(request: WorkspaceRequest) -> str:
    full = request.get_full_path()
    return full if len(full) <= 300 else request.path


def _back(request: WorkspaceRequest) -> str:
    """Return the page to go back to: a path of this site."""
    htmx = request.htmx
    given = request.POST.get("back") or (htmx.current_url_abs_path if htmx else "")
    path = given or _path_of(request.headers.get("referer", ""), request)
    return own_path(path, "/") if len(path) <= 300 else "/"


def _path_of(url: str, request: WorkspaceRequest) -> str:
    parts = urlsplit(url)
    if parts.netloc != request.get_host():
        return "/"
    return parts.path + (f"?{parts.query}" if parts.query else "")
