"""Answer **Confirm your identity to continue**: by a code, a passkey, or not at all."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from functools import update_wrapper
from typing import Any

from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from workspaces import confirmable, confirmation_answers, confirmations, step_up
from workspaces.clock import database_now
from workspaces.confirmable import Subject
from workspaces.confirmation_errors import (
    NotConfirmed,
    NotPending,
    TooManyAttempts,
    WrongCode,
    WrongPasskey,
)
from workspaces.confirmation_form import CodeForm
from workspaces.factors import passkeys
from workspaces.factors.kinds import usable_one
from workspaces.factors.proof import note_factor
from workspaces.models import Confirmation
from workspaces.permissions import WorkspaceRequest
from workspaces.phones import requests

_CHALLENGE = "confirmation_challenge"
_ROTATED = "confirmation_rotated"


def _with_confirmation(
    view: Callable[[WorkspaceRequest, Confirmation], HttpResponse],
) -> Callable[[WorkspaceRequest, uuid.UUID], HttpResponse]:
    """Give a view the confirmation of this very person, session and workspace."""

    def found(request: WorkspaceRequest, public_id: uuid.UUID) -> HttpResponse:
        if request.membership is None:
            return render(request, "workspaces/no_workspace.html", status=403)
        confirmation = get_object_or_404(
            Confirmation.objects.select_related("workspace", "user"),
            workspace=request.workspace,
            user=request.user,
            session_digest=step_up.asker(request).session_digest,
            public_id=public_id,
        )
        return view(request, confirmation)

    return update_wrapper(found, view)


@never_cache
@require_GET
@_with_confirmation
def status(request: WorkspaceRequest, confirmation: Confirmation) -> HttpResponse:
    """Show how far it is; a dialog that waits for another device asks here too."""
    now = database_now()
    if confirmation.is_pending(now):
        if "poll" in request.GET:
            return HttpResponse(status=204)
        return step_up.methods(request, confirmation)
    if confirmation.is_approved(now):
        return _go_on(request, confirmation)
    return step_up.over(request, confirmation, status=200)


@never_cache
@require_POST
@_with_confirmation
def code(request: WorkspaceRequest, confirmation: Confirmation) -> HttpResponse:
    """Approve by a one-time password or a recovery code."""
    form = _form(request)
    if form is None or not form.is_valid():
        return step_up.methods(request, confirmation, form=form, status=422)
    try:
        confirmation_answers.approve_by_code(
            confirmation,
            by=step_up.asker(request),
            device_id=form.cleaned_data["device"],
            code=form.cleaned_data["code"],
            now=database_now(),
        )
    except WrongCode as error:
        form.add_error("code", error.message)
        return step_up.methods(request, confirmation, form=form, status=422)
    except TooManyAttempts as error:
        action = confirmable.action_of(confirmation.action)
        return step_up.too_many(request, action, error.retry_at)
    except (NotPending, NotConfirmed):
        confirmation.refresh_from_db()
        return step_up.over(request, confirmation)
    return _approved(request, confirmation)


@never_cache
@require_POST
@_with_confirmation
def begin_passkey(
    request: WorkspaceRequest, confirmation: Confirmation
) -> HttpResponse:
    """Answer with what a passkey is to sign; the session keeps which challenge."""
    now = database_now()
    if not confirmation.is_pending(now):
        return HttpResponse(status=409)
    purpose = confirmation_answers.passkey_purpose(confirmation)
    ceremony = passkeys.begin(request.user, purpose=purpose, now=now)
    request.session[_CHALLENGE] = ceremony.challenge_id
    return JsonResponse(ceremony.options)


@never_cache
@require_POST
@_with_confirmation
def passkey(request: WorkspaceRequest, confirmation: Confirmation) -> HttpResponse:
    """Approve by a passkey."""
    challenge_id = request.session.pop(_CHALLENGE, None) or str(uuid.UUID(int=0))
    try:
        confirmation_answers.approve_by_passkey(
            confirmation,
            by=step_up.asker(request),
            challenge_id=challenge_id,
            answer=_answer(request),
            now=database_now(),
        )
    except WrongPasskey as error:
        return step_up.methods(request, confirmation, error=error.message, status=422)
    except (NotPending, NotConfirmed):
        confirmation.refresh_from_db()
        return step_up.over(request, confirmation)
    return _approved(request, confirmation)


@never_cache
@require_POST
@_with_confirmation
def resend(request: WorkspaceRequest, confirmation: Confirmation) -> HttpResponse:
    """Ask the phone anew, with another number, as often as the limits of pushes allow."""
    now = database_now()
    if not confirmation.is_pending(now):
        return step_up.over(request, confirmation)
    if not requests.may_ask_again(confirmation, now=now):
        return step_up.methods(request, confirmation, status=429)
    action = confirmable.action_of(confirmation.action)
    try:
        again = confirmations.request_(
            action,
            Subject(confirmation.subject, confirmation.subject_label),
            by=step_up.asker(request),
            path=confirmation.path,
            back_path=confirmation.back_path,
            is_step=confirmation.is_step,
            now=now,
        )
    except TooManyAttempts as error:
        return step_up.too_many(request, action, error.retry_at)
    if request.htmx:
        return step_up.methods(request, again)
    return redirect("workspaces:confirmation", again.public_id)


@never_cache
@require_POST
@_with_confirmation
def cancel(request: WorkspaceRequest, confirmation: Confirmation) -> HttpResponse:
    """Go back without confirming."""
    confirmations.abandon(confirmation, now=database_now())
    return redirect(confirmation.back_path)


def _approved(request: WorkspaceRequest, confirmation: Confirmation) -> HttpResponse:
    """Lead on after an approval: in the dialog at once, else by a redirect."""
    confirmation.refresh_from_db()
    if request.htmx:
        return _go_on(request, confirmation)
    _rotate(request, confirmation)
    return redirect("workspaces:confirmation", confirmation.public_id)


def _go_on(request: WorkspaceRequest, confirmation: Confirmation) -> HttpResponse:
    _rotate(request, confirmation)
    if confirmation.is_step and not request.htmx:
        return redirect(confirmation.path)
    return step_up.done(request, confirmation)


def _rotate(request: WorkspaceRequest, confirmation: Confirmation) -> None:
    """Give the session another id, once for each approval."""
    key = str(confirmation.public_id)
    if request.session.get(_ROTATED) == key:
        return
    factor = usable_one(request.user, confirmation.device)
    if factor is None:
        # The last recovery code of a set is gone once it is used.
        request.session.cycle_key()
    else:
        note_factor(request, factor.device, now=database_now())
    request.session[_ROTATED] = key


def _answer(request: WorkspaceRequest) -> Any:
    """Return the browser's answer; None if it is no JSON, so that it is refused."""
    try:
        return json.loads(request.POST.get("credential", ""))
    except ValueError:
        return None


def _form(request: WorkspaceRequest) -> CodeForm | None:
    """Return the form of the factor that is named, None if it cannot confirm."""
    for number, factor in enumerate(step_up.ways_of(request)):
        if factor.id == request.POST.get("device") and factor.takes_code:
            return CodeForm(request.POST, factor=factor, number=number)
    return None
