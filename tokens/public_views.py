"""Pages for people and scanners who are not logged in: the format, and leaks."""

from __future__ import annotations

import inspect
import math
import time

import orjson
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods

from tokens import leaks, token_format
from tokens.forms import LeakForm
from workspaces.clock import database_now

ANSWER_AT_EVERY = 0.5
"""Seconds. Answers leave at multiples of it, so that their time tells nothing."""

MAX_BYTES = 4_096
RECEIVED = (
    "Received. If this is a token of this Keyway, it is revoked and its "
    "administrators are told."
)
EXAMPLE = {"token": "kwg_…"}


@login_not_required
@require_GET
def format_page(request: HttpRequest) -> HttpResponse:
    """Show what a token looks like and how to check one, as code and as text."""
    context = {
        "pattern": token_format.PATTERN.pattern,
        "source": inspect.getsource(token_format).strip(),
        "report_url": settings.KEYWAY_PUBLIC_URL + reverse("leaked_token"),
    }
    return render(request, "tokens/token_format.html", context)


@csrf_exempt
@never_cache
@login_not_required
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def leaked(request: HttpRequest) -> HttpResponse:
    """Take in a token that was found. The answer is the same for every value.

    Open to other origins: who has the value needs no session, and no session of
    anybody gives more.
    """
    if request.method != "POST":
        return _page(request, LeakForm())
    started = time.monotonic()
    form = LeakForm(_given(request))
    if not form.is_valid():
        return _refused(request, form, 422, str(form.errors["token"][0]))
    wait = leaks.wait_seconds(request.META.get("REMOTE_ADDR", ""))
    if wait:
        detail = f"Too many reports. Send the next one in {wait} s."
        form.add_error("token", detail)
        response = _refused(request, form, 429, detail)
        response["Retry-After"] = str(wait)
        return response
    leaks.report(form.cleaned_data["token"], now=database_now())
    _wait_for_the_beat(started)
    if _is_json(request):
        return JsonResponse({"detail": RECEIVED}, status=202)
    return redirect(f"{reverse('leaked_token')}?received")


def _wait_for_the_beat(started: float) -> None:
    beats = math.ceil((time.monotonic() - started) / ANSWER_AT_EVERY)
    time.sleep(max(0.0, started + beats * ANSWER_AT_EVERY - time.monotonic()))


def _given(request: HttpRequest) -> dict[str, str]:
    """Return the token of a form or of a JSON object, nothing if it has none."""
    if not _is_json(request):
        return {"token": request.POST.get("token", "")}
    if len(request.body) > MAX_BYTES:
        return {}
    try:
        body = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        return {}
    value = body.get("token") if isinstance(body, dict) else None
    return {"token": value} if isinstance(value, str) else {}


def _is_json(request: HttpRequest) -> bool:
    return request.content_type == "application/json"


def _refused(
    request: HttpRequest, form: LeakForm, status: int, detail: str
) -> HttpResponse:
    if _is_json(request):
        return JsonResponse({"detail": detail, "example": EXAMPLE}, status=status)
    return _page(request, form, status=status)


def _page(request: HttpRequest, form: LeakForm, *, status: int = 200) -> HttpResponse:
    """Show the form, without what was typed: it would be a secret in a page."""
    context = {
        "form": form,
        "received": RECEIVED if "received" in request.GET else "",
    }
    return render(request, "tokens/leaked_token.html", context, status=status)
