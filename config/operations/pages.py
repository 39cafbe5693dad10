"""What `/healthz`, `/readyz` and `/metrics` answer. Nobody logs in here."""

from __future__ import annotations

import hmac
import ipaddress

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST

from config.operations import metrics as measured
from config.operations.findings import Level
from config.operations.readiness import readiness

_TEXT = "text/plain; charset=utf-8"
_FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP")


def healthz(_request: HttpRequest) -> HttpResponse:
    """Answer 200: this process runs.

    Looks at nothing else: a database that is away for a minute restarts no process.
    """
    return HttpResponse("ok\n", _TEXT)


def readyz(_request: HttpRequest) -> HttpResponse:
    """Answer 200 if requests can be served, else 503, with a line for each reason."""
    found = readiness()
    is_ready = all(one.level != Level.FAILED for one in found)
    lines = [
        f"{one.name}: {one.level}" + (f". {one.message} {one.fix}" if one.fix else "")
        for one in found
    ]
    return HttpResponse(
        "".join(f"{line}\n" for line in lines), _TEXT, 200 if is_ready else 503
    )


def metrics(request: HttpRequest) -> HttpResponse:
    """Answer in Prometheus' text format those who may read it, the others 404."""
    if not _may_read(request):
        return HttpResponse("not found\n", _TEXT, 404)
    return HttpResponse(measured.text(), CONTENT_TYPE_LATEST)


def _may_read(request: HttpRequest) -> bool:
    token: str = settings.KEYWAY_METRICS_TOKEN
    given = request.headers.get("authorization", "")
    if token and hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        return True
    # An address that a proxy stands for is not that of whoever asks.
    if any(name in request.META for name in _FORWARDED):
        return False
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    return any(address in network for network in settings.KEYWAY_METRICS_NETWORKS)
