"""The second step of a log-in."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from workspaces import factors
from workspaces.clock import database_now
from workspaces.factors import passkeys, second_step
from workspaces.pages import own_path
from workspaces.views import proving

_PURPOSE = factors.Purpose.LOG_IN


@never_cache
@login_not_required
@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """Ask for a second factor, and log in with it."""
    now = database_now()
    who = second_step.waiting(request, now=now)
    found = proving.ways(who.user, now) if who else []
    if who is None or not found:
        return redirect("home")
    factor = proving.chosen(request, found)
    own = proving.own_page(factor, purpose=_PURPOSE, go_to=who.next or go_to(request))
    if own:
        return own
    form = proving.form_for(factor, request)
    error = ""
    if request.method == "POST" and (form is None or form.is_valid()):
        try:
            device = proving.prove(request, who.user, factor, purpose=_PURPOSE, now=now)
        except factors.TooManyAttempts as too_many:
            return proving.locked(request, too_many, now=now)
        except proving.WrongProof as wrong:
            error = wrong.message
            if form:
                form.add_error("code", error)
        else:
            return _enter(request, who, device, now)
    return render(
        request,
        "workspaces/second_step.html",
        {
            "person": who.user,
            "factor": factor,
            "others": [other for other in found if other.id != factor.id],
            "form": form,
            "error": error,
            "begin_url": reverse("workspaces:second_step_passkey"),
            "next": go_to(request),
        },
        status=422 if request.method == "POST" else 200,
    )


@never_cache
@login_not_required
@require_POST
def passkey(request: HttpRequest) -> HttpResponse:
    """Answer with what a passkey is to sign; 404 for who is not at this step."""
    now = database_now()
    who = second_step.waiting(request, now=now)
    if who is None or not any(passkeys.devices(who.user)):
        raise Http404
    return proving.passkey_options(request, who.user, purpose=_PURPOSE, now=now)


def go_to(request: HttpRequest) -> str:
    """Return the page of this site that the request wants to go on to, or nothing."""
    return own_path(request.POST.get("next") or request.GET.get("next") or "", "")


def _enter(
    request: HttpRequest,
    who: second_step.Waiting,
    device: object,
    now: datetime,
) -> HttpResponse:
    second_step.finish(request, who, device, now=now)
    return redirect(who.next or go_to(request) or resolve_url("home"))
