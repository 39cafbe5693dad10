"""The one gate before any SCIM view.

Bounds what may come in, in bytes and characters, before anything reads it, and
serves `/scim/` without the portal's middleware: no session, no cookie, no form.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve

from scim import records
from scim.api.exceptions import error_response
from workspaces.audit import Origin, origin

PREFIX = "/scim/"
MAX_QUERY_LENGTH = 16_384
MAX_PATH_LENGTH = 1_024
_MAX_LENGTH_DIGITS = 18
URLS = "scim.api.urls"
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}


class ScimGate:
    """Answer everything under /scim/ here; let the rest through."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Refuse what breaks a limit, or call the SCIM view."""
        if not request.path_info.startswith(PREFIX):
            return self.get_response(request)
        request_id = str(uuid.uuid4())
        request.request_id = request_id  # type: ignore[attr-defined]
        here = Origin(address=request.META.get("REMOTE_ADDR"), request_id=request_id)
        facts = request.facts = records.Facts()  # type: ignore[attr-defined]
        started = time.perf_counter()
        reset = origin.set(here)
        try:
            response = refusal(request) or serve(request)
        finally:
            origin.reset(reset)
        milliseconds = (time.perf_counter() - started) * 1000
        records.note(request, response, facts, milliseconds=milliseconds)
        response["X-Request-Id"] = request_id
        response["X-Content-Type-Options"] = "nosniff"
        response["Cache-Control"] = "no-store"
        return response


def refusal(request: HttpRequest) -> HttpResponse | None:
    """Return the answer to a request that breaks a limit, None if none is broken."""
    if settings.HTTPS and not request.is_secure():
        return error_response(403, "Use https. A token sent over http is not safe.")
    if request.method not in METHODS:
        response = error_response(405, "Use GET, POST, PUT, PATCH or DELETE.")
        response["Allow"] = ", ".join(sorted(METHODS))
        return response
    if len(request.path_info) > MAX_PATH_LENGTH:
        return error_response(404, "There is no such endpoint.")
    if len(request.META.get("QUERY_STRING", "")) > MAX_QUERY_LENGTH:
        return error_response(
            414,
            f"The query is longer than {MAX_QUERY_LENGTH} characters. "
            "POST it to .search instead.",
        )
    if request.META.get("HTTP_CONTENT_ENCODING", "identity") != "identity":
        return error_response(415, "Send the body without a content encoding.")
    return _body_refusal(request)


def _body_refusal(request: HttpRequest) -> HttpResponse | None:
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or len(length) > _MAX_LENGTH_DIGITS:
        return error_response(400, "Content-Length must be a number.", "invalidSyntax")
    longest = settings.KEYWAY_SCIM_MAX_BODY_BYTES
    if settings.DATA_UPLOAD_MAX_MEMORY_SIZE is not None:
        # Django refuses to read more, with a page that is not SCIM.
        longest = min(longest, settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
    if int(length) > longest:
        return error_response(413, f"The body is longer than {longest} bytes.")
    if request.META.get("HTTP_TRANSFER_ENCODING") and length == "0":
        return error_response(411, "Send the body with a Content-Length.")
    if len(request.body) != int(length):
        return error_response(400, "The body was cut off.", "invalidSyntax")
    return None


def serve(request: HttpRequest) -> HttpResponse:
    """Call the view of the path.

    Only the SCIM paths are looked through. Authentication notices a dead database
    connection by itself, so that none is spent on asking.
    """
    connection.health_check_done = True  # type: ignore[attr-defined]
    try:
        match = resolve(request.path_info[len(PREFIX) - 1 :], URLS)
    except Resolver404:
        return error_response(404, "There is no such endpoint.")
    request.resolver_match = match
    return match.func(request, *match.args, **match.kwargs)
