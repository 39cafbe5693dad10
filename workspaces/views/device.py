"""The page of a phone, and its signed calls. No session, no cookie.

Answers are JSON; a refusal holds `error`, a word for the page, and `message`, words
for people. Each answer holds `time`, the database's, in milliseconds since 1970.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, cast

import orjson
from csp.constants import SELF
from csp.decorators import csp_update
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from workspaces import confirmable
from workspaces.browsers import browser_name
from workspaces.clock import database_now
from workspaces.factors.kinds import may_confirm
from workspaces.models import Confirmation, PhoneDevice
from workspaces.phones import codes, enrolment, requests, subscriptions
from workspaces.phones.errors import NotAdded, NotUnderstood, PhoneError
from workspaces.phones.signatures import Call, caller

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]
Signed = Callable[Concatenate[PhoneDevice, dict[str, Any], datetime, P], dict[str, Any]]

_LONGEST_BODY = 4096
_SCRIPTS = ("js/page.js", "js/copy.js", "js/device.js")
_IMAGES = ("img/favicon.svg", "img/icon-180.png", "img/icon-192.png")


@login_not_required
@csp_update({"manifest-src": [SELF], "worker-src": [SELF]})
@cache_control(no_cache=True)
@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """Show the page. It is the same for everybody; what it shows, the phone asks for."""
    context = {
        "application_key": subscriptions.application_key(),
        "hint_url": settings.KEYWAY_PUBLIC_URL,
    }
    return render(request, "workspaces/device.html", context)


@login_not_required
@cache_control(no_cache=True)
@require_GET
def manifest(request: HttpRequest) -> HttpResponse:
    """Tell a browser how to install the page."""
    start = reverse("device:page")
    icons = [("192", "any"), ("512", "any"), ("512", "maskable")]
    body = {
        "id": start,
        "name": "Keyway on your phone",
        "short_name": "Keyway",
        "description": "Confirm your identity for Keyway.",
        "start_url": start,
        "scope": start,
        "display": "standalone",
        "background_color": "#F6F7F9",
        "theme_color": "#2F55D4",
        "icons": [
            {
                "src": static(
                    f"img/icon-{'maskable-' * (use == 'maskable')}{size}.png"
                ),
                "sizes": f"{size}x{size}",
                "type": "image/png",
                "purpose": use,
            }
            for size, use in icons
        ],
    }
    return HttpResponse(orjson.dumps(body), content_type="application/manifest+json")


@login_not_required
@cache_control(no_cache=True)
@require_GET
def service_worker(request: HttpRequest) -> HttpResponse:
    """Serve the service worker here, so that its scope is /device/ and no more."""
    styles = Path(settings.BASE_DIR, "static", "css")
    names = [
        f"css/{path.relative_to(styles)}" for path in sorted(styles.rglob("*.css"))
    ]
    shell = {
        "page": reverse("device:page"),
        "icon": static("img/icon-192.png"),
        "files": [static(name) for name in (*names, *_SCRIPTS, *_IMAGES)],
    }
    script = Path(settings.BASE_DIR, "static", "js", "device-worker.js")
    body = b"const shell = " + orjson.dumps(shell) + b";\n" + script.read_bytes()
    return HttpResponse(body, content_type="text/javascript; charset=utf-8")


def _answers(view: View[P]) -> View[P]:
    """Let a view be called without a session; say refusals as JSON."""

    @wraps(view)
    def answered(
        request: HttpRequest, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except PhoneError as error:
            body = {"error": error.code, "message": error.message}
            return _json(body, status=error.status)

    return cast("View[P]", login_not_required(csrf_exempt(never_cache(answered))))


def _signed(view: Signed[P]) -> View[P]:
    """Give a view the phone that signed the call, the body and the time."""

    @wraps(view)
    def called(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        now = database_now()
        device = caller(_call(request), now=now)
        given = _read(request) if request.method == "POST" else {}
        return _json(view(device, given, now, *args, **kwargs))

    return cast("View[P]", called)


@require_POST
@_answers
def enrol(request: HttpRequest) -> HttpResponse:
    """Note a phone that has a code: {code, key, name}, signed with the key."""
    given = _read(request)
    try:
        code, key, name = (str(given[part]) for part in ("code", "key", "name"))
    except KeyError:
        raise NotUnderstood from None
    shown = "".join(mark for mark in name if mark.isprintable()).strip()
    made = enrolment.claim(
        code,
        public_key=key,
        name=shown[: enrolment.NAME_LENGTH] or "Phone",
        call=_call(request),
        now=database_now(),
    )
    assert made.device is not None  # noqa: S101  claimed
    return _json({"id": str(made.device.public_id), "name": made.device.name})


@require_GET
@_answers
@_signed
def state(device: PhoneDevice, _given: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Return what the phone is, and the request that waits for it."""
    found = requests.waiting(device, now=now) if device.confirmed else None
    confirms_from = device.confirms_from if not may_confirm(device, now) else None
    return {
        "phone": {
            "name": device.name,
            "person": device.user.email,
            "is_added": device.confirmed,
            "has_push": bool(device.sealed_push) and subscriptions.is_on(),
            "confirms_from": confirms_from if device.confirmed else None,
        },
        "request": _shown(found) if found else None,
    }


@require_POST
@_answers
@_signed
def subscription(
    device: PhoneDevice, given: dict[str, Any], _now: datetime
) -> dict[str, Any]:
    """Keep where push messages go: {subscription: what the browser gave, or null}."""
    _require_added(device)
    wanted = given.get("subscription")
    found = subscriptions.Subscription.read(wanted) if wanted else None
    subscriptions.keep(device, found)
    return {"has_push": found is not None and subscriptions.is_on()}


@require_POST
@_answers
@_signed
def code(device: PhoneDevice, _given: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Return a one-time password of the phone, in place of the former one."""
    _require_added(device)
    return {"code": codes.make(device, now=now), "seconds": codes.SECONDS}


@require_POST
@_answers
@_signed
def answer(
    device: PhoneDevice, given: dict[str, Any], now: datetime, public_id: uuid.UUID
) -> dict[str, Any]:
    """Answer a request: {decision: approve, deny or not_me, number}.

    The signature covers confirmation (in the path), number, decision and nonce.
    """
    _require_added(device)
    try:
        match given.get("decision"):
            case "approve":
                number = given.get("number")
                if type(number) is not int:
                    raise NotUnderstood
                requests.approve(device, public_id, number=number, now=now)
            case "deny":
                requests.deny(device, public_id, now=now)
            case "not_me":
                requests.not_me(device, public_id, now=now)
            case _:
                raise NotUnderstood
    except Confirmation.DoesNotExist:
        raise Http404 from None
    return {"decision": given["decision"]}


def _require_added(device: PhoneDevice) -> None:
    if not device.confirmed:
        raise NotAdded


def _shown(found: Confirmation) -> dict[str, Any]:
    """Return what a phone may know of a request: never the number."""
    return {
        "id": found.public_id,
        "words": confirmable.action_of(found.action).words,
        "subject": found.subject_label,
        "workspace": found.workspace.name,
        "browser": browser_name(found.client),
        "address": found.address,
        "asked_at": found.created_at,
        "expires_at": found.expires_at,
    }


def _call(request: HttpRequest) -> Call:
    return Call.read(
        request.method or "", request.get_full_path(), request.headers, request.body
    )


def _read(request: HttpRequest) -> dict[str, Any]:
    """Return the body, a JSON object. Raises NotUnderstood."""
    if len(request.body) > _LONGEST_BODY:
        raise NotUnderstood
    try:
        given = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        raise NotUnderstood from None
    if not isinstance(given, dict):
        raise NotUnderstood
    return given


def _json(body: dict[str, Any], *, status: int = 200) -> HttpResponse:
    time = int(database_now().timestamp() * 1000)
    return HttpResponse(
        orjson.dumps({**body, "time": time}),
        content_type="application/json",
        status=status,
    )
