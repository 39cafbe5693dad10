"""Ask for a factor, and read the answer: at the second step and to confirm."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from workspaces import audit, factors
from workspaces.factor_forms import CodeForm, RecoveryCodeForm
from workspaces.factors import Factor, passkeys
from workspaces.models import Membership, User

WRONG_CODE = (
    "This code is wrong, or was used before. Wait for the next one in your app; if it is "
    "refused too, set the clock of that device."
)
WRONG_RECOVERY = "This code is wrong, or was used before. Take another one."
WRONG_PASSKEY = "The passkey was not accepted. Try again, or try another way."
_FAILED = {
    factors.Purpose.LOG_IN: audit.Factors.SECOND_STEP_FAILED,
    factors.Purpose.CONFIRM: audit.Factors.CONFIRMATION_FAILED,
}


class WrongProof(Exception):
    """What was sent proves nothing. The message is for the person."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def ways(user: User, now: datetime) -> list[Factor]:
    """Return what a person can choose from: one entry for all passkeys."""
    found: list[Factor] = []
    for factor in factors.usable(user, now):
        is_passkey = factor.kind == passkeys.KIND
        if is_passkey and any(f.kind == passkeys.KIND for f in found):
            continue
        if is_passkey or factor.takes_code or factor.prove_url:
            found.append(factor)
    return found


def chosen(request: HttpRequest, found: Sequence[Factor]) -> Factor:
    """Return the factor that was chosen, else the one to offer first."""
    wanted = request.POST.get("factor") or request.GET.get("with")
    return next((f for f in found if f.id == wanted), found[0])


def own_page(factor: Factor, *, purpose: str, go_to: str) -> HttpResponse | None:
    """Lead to the page of a kind that has one of its own, None if it has none."""
    if not factor.prove_url:
        return None
    query = urlencode({"purpose": purpose, "next": go_to}, safe="/")
    return redirect(f"{reverse(factor.prove_url, args=[factor.id])}?{query}")


def form_for(factor: Factor, request: HttpRequest) -> forms.Form | None:
    """Return the form of a code, None for a passkey."""
    if not factor.takes_code:
        return None
    form = RecoveryCodeForm if factor.kind == factors.RECOVERY else CodeForm
    return form(request.POST if request.method == "POST" else None)


def prove(
    request: HttpRequest, user: User, factor: Factor, *, purpose: str, now: datetime
) -> Any:
    """Return the device that proves who is there.

    Raises WrongProof, and TooManyAttempts for codes.
    """
    if factor.takes_code:
        device = factors.verify_code(
            user, factor.id, request.POST.get("code", ""), purpose=purpose, now=now
        )
        wrong = WRONG_RECOVERY if factor.kind == factors.RECOVERY else WRONG_CODE
    else:
        device = _passkey(request, user, purpose=purpose, now=now)
        wrong = WRONG_PASSKEY
    if device is None:
        _record_failure(user, factor, purpose)
        raise WrongProof(wrong)
    return device


def passkey_options(
    request: HttpRequest, user: User, *, purpose: str, now: datetime
) -> HttpResponse:
    """Answer with what the browser is to sign; the session keeps which challenge."""
    ceremony = passkeys.begin(user, purpose=purpose, now=now)
    request.session[_challenge_key(purpose)] = ceremony.challenge_id
    return JsonResponse(ceremony.options)


def answer_of(request: HttpRequest) -> Any:
    """Return the browser's answer; None if it is no JSON, so that it is refused."""
    try:
        return json.loads(request.POST.get("credential", ""))
    except ValueError:
        return None


def locked(
    request: HttpRequest, error: factors.TooManyAttempts, *, now: datetime
) -> HttpResponse:
    """Answer 429 with when to come back, in minutes rounded up."""
    seconds = (error.retry_at - now).total_seconds()
    context = {"minutes": -int(-seconds // 60), "way_back": request.path}
    return render(request, "workspaces/codes_locked.html", context, status=429)


def _passkey(
    request: HttpRequest, user: User, *, purpose: str, now: datetime
) -> Any | None:
    challenge_id = request.session.pop(_challenge_key(purpose), None)
    if challenge_id is None:
        return None
    try:
        return passkeys.complete(
            user, challenge_id, answer_of(request), purpose=purpose, now=now
        )
    except factors.PasskeyRefused:
        return None


def _challenge_key(purpose: str) -> str:
    return f"passkey_challenge_{purpose}"


def _record_failure(user: User, factor: Factor, purpose: str) -> None:
    membership = Membership.objects.of(user).first()
    audit.record(
        _FAILED[factors.Purpose(purpose)],
        workspace=membership.workspace if membership else None,
        actor=user,
        data={"kind": factor.kind},
    )
