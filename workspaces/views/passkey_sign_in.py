"""Sign in with a passkey alone: the device holds it and verifies who uses it.

That is both steps at once, so no second one follows.
"""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, resolve_url
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from workspaces import audit
from workspaces.clock import database_now
from workspaces.factors import PasskeyRefused, passkeys, proof
from workspaces.models import User
from workspaces.shut_out import is_shut_out
from workspaces.sign_in import BACKEND
from workspaces.views import proving
from workspaces.views.second_step import go_to

_CHALLENGE = "passkey_challenge_sign_in"
_REFUSED = (
    "This passkey was not accepted. Try again, or sign in with your password. If it was "
    "deleted, or you are deactivated, ask an Owner of your workspace."
)


@never_cache
@login_not_required
@require_POST
def begin(request: HttpRequest) -> HttpResponse:
    """Answer with what a passkey is to sign; the session keeps which challenge."""
    ceremony = passkeys.begin_sign_in(now=database_now())
    request.session[_CHALLENGE] = ceremony.challenge_id
    return JsonResponse(ceremony.options)


@never_cache
@login_not_required
@require_POST
def sign_in(request: HttpRequest) -> HttpResponse:
    """Log in whoever the passkey belongs to, and lead on."""
    now = database_now()
    if isinstance(request.user, User):
        return redirect("home")
    try:
        device = passkeys.complete_sign_in(
            request.session.pop(_CHALLENGE, None), proving.answer_of(request), now=now
        )
    except PasskeyRefused:
        device = None
    if device is None or not device.user.is_active or is_shut_out(device.user):
        # One answer for all of it: who is unknown here learns nothing of anybody.
        audit.record(audit.SignIn.FAILED, workspace=None, actor=None)
        messages.error(request, _REFUSED)
        wanted = go_to(request)
        query = f"?{urlencode({'next': wanted})}" if wanted else ""
        return redirect(f"{reverse('workspaces:login')}{query}")
    login(request, device.user, backend=BACKEND)
    proof.note_factor(request, device, now=now)
    return redirect(go_to(request) or resolve_url("home"))
