"""Set a second factor up: an authenticator app, a passkey, recovery codes."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from workspaces import factors
from workspaces.clock import database_now
from workspaces.factor_forms import NameForm, NewAppForm
from workspaces.factors import authenticator, passkeys, proof, recovery
from workspaces.permissions import WorkspaceRequest
from workspaces.views import proving
from workspaces.views.second_step import go_to
from workspaces.views.security import of_member, proven

_PAGE = "workspaces:security"
_CHALLENGE = "passkey_challenge_enrol"
_RECOVERY_CODE = re.compile(r"[A-Z2-9]{4}(-[A-Z2-9]{4}){3}")


@never_cache
@require_POST
@of_member
@proven
def start_authenticator(request: WorkspaceRequest) -> HttpResponse:
    """Make a key, and go to the page that shows it."""
    app = authenticator.start(request.user, now=database_now())
    url = reverse("workspaces:authenticator", args=[app.public_id])
    wanted = go_to(request)
    return redirect(f"{url}?{urlencode({'next': wanted})}" if wanted else url)


@never_cache
@require_http_methods(["GET", "POST"])
@of_member
@proven
def authenticator_app(request: WorkspaceRequest, factor_id: UUID) -> HttpResponse:
    """Show the key of an app that is being set up, and turn it on by its first code."""
    now = database_now()
    app = authenticator.started(request.user, factor_id, now=now)
    if app is None:
        raise Http404
    form = NewAppForm(
        request.POST if request.method == "POST" else None, initial={"name": app.name}
    )
    if request.method == "POST" and form.is_valid():
        code = "".join(form.cleaned_data["code"].split())
        name = form.cleaned_data["name"]
        if authenticator.finish(app, code, name=name, now=now):
            return _added(request, app, f"{name} is set up.", now=now)
        form.add_error("code", proving.WRONG_CODE)
    context = {
        "form": form,
        # Made here from our own key: black and white squares, no text of anybody.
        "qr_code": mark_safe(authenticator.qr_code(app)),  # noqa: S308
        "key": authenticator.grouped(authenticator.key_of(app)),
        "next": go_to(request),
    }
    status = 422 if form.is_bound else 200
    return render(request, "workspaces/security_app.html", context, status=status)


@never_cache
@require_http_methods(["GET", "POST"])
@of_member
@proven
def passkey(request: WorkspaceRequest) -> HttpResponse:
    """Add the passkey that the browser made."""
    is_post = request.method == "POST"
    form = NameForm(
        request.POST if is_post else None, initial={"name": _browser(request)}
    )
    if is_post and form.is_valid():
        now = database_now()
        try:
            device = passkeys.complete_enrolment(
                request.user,
                request.session.pop(_CHALLENGE, None),
                proving.answer_of(request),
                name=form.cleaned_data["name"],
                now=now,
            )
        except factors.PasskeyRefused:
            form.add_error(None, "Your browser made no passkey. Try again.")
        else:
            return _added(request, device, f"{device.name} is added.", now=now)
    context = {"form": form, "next": go_to(request)}
    status = 422 if form.is_bound else 200
    return render(request, "workspaces/security_passkey.html", context, status=status)


@never_cache
@require_POST
@of_member
@proven
def passkey_begin(request: WorkspaceRequest) -> HttpResponse:
    """Answer with what the browser is to make."""
    ceremony = passkeys.begin_enrolment(request.user, now=database_now())
    request.session[_CHALLENGE] = ceremony.challenge_id
    return JsonResponse(ceremony.options)


@never_cache
@require_http_methods(["GET", "POST"])
@of_member
@proven
def recovery_codes(request: WorkspaceRequest) -> HttpResponse:
    """Ask, then make ten codes and show them: in this answer and never again."""
    now = database_now()
    if not factors.usable(request.user, now):
        messages.error(request, "Set up a passkey or an authenticator app first.")
        return redirect(_PAGE)
    context: dict[str, Any] = {"left": recovery.left(request.user)}
    if request.method == "POST":
        context["codes"] = recovery.generate(request.user, now=now)
        context["lines"] = "\n"
    return render(request, "workspaces/security_recovery.html", context)


@never_cache
@require_POST
@of_member
def download_recovery_codes(request: WorkspaceRequest) -> HttpResponse:
    """Give the codes of the page back as a file. They are nowhere else in clear."""
    codes = request.POST.getlist("code")
    well_formed = all(_RECOVERY_CODE.fullmatch(code) for code in codes)
    if len(codes) != recovery.COUNT or not well_formed:
        return redirect("workspaces:recovery_codes")
    lines = [
        f"Keyway recovery codes of {request.user.email}",
        "Each is good once, in place of your passkey or authenticator app.",
        "",
        *codes,
    ]
    return HttpResponse(
        "\n".join(lines) + "\n",
        content_type="text/plain; charset=utf-8",
        headers={
            "Content-Disposition": 'attachment; filename="keyway-recovery-codes.txt"'
        },
    )


def _added(
    request: WorkspaceRequest, device: Any, message: str, *, now: datetime
) -> HttpResponse:
    """Go on after a factor is set up, which proves it too."""
    proof.note_factor(request, device, now=now)
    messages.success(request, message)
    wanted = go_to(request)
    url = reverse(_PAGE)
    return redirect(f"{url}?{urlencode({'next': wanted})}" if wanted else url)


def _browser(request: HttpRequest) -> str:
    """Guess a name for a passkey from the browser; people can change it."""
    agent = request.headers.get("user-agent", "")
    systems = ("iPhone", "iPad", "Android", "Windows", "Macintosh", "Linux")
    names = {"Macintosh": "Mac"}
    found = next((name for name in systems if name in agent), "")
    return f"Passkey on {names.get(found, found)}" if found else "Passkey"
