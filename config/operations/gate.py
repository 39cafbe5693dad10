"""The outermost middleware: answers operators, and measures what goes on inside.

Probes come from inside by plain http and by address, so they are answered before
anything looks at the host name, at https or at a session. None of them is cached.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed

from config.operations import metrics, pages

_PAGES: dict[str, Callable[[HttpRequest], HttpResponse]] = {
    "/healthz": pages.healthz,
    "/readyz": pages.readyz,
    "/metrics": pages.metrics,
}


class OperationsGate:
    """Answer `/healthz`, `/readyz` and `/metrics`; measure every other request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request."""
        page = _PAGES.get(request.path_info)
        if page is None:
            started = time.perf_counter()
            response = self.get_response(request)
            metrics.observe(request, response, time.perf_counter() - started)
            return response
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET", "HEAD"])
        response = page(request)
        response["Cache-Control"] = "no-store"
        response["X-Content-Type-Options"] = "nosniff"
        return response
