"""Ways in which the API can be made to fail, for tests of those who call it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from integrations.demo_app.web import (
    JSON,
    DropConnection,
    Refusal,
    Response,
    html_response,
)

MODES = ("slow", "error", "rate", "drop", "html", "wrong_types")


@dataclass(slots=True)
class _Fault:
    mode: str
    path: str
    times: int
    seconds: float


class Faults:
    """The faults that are switched on, each for a number of requests."""

    def __init__(self) -> None:
        self._faults: list[_Fault] = []
        self._lock = threading.Lock()

    def switch(self, document: dict[str, JSON]) -> None:
        """Add a fault; mode `none` removes them all.

        `path` is how the path of a request must begin, `times` for how many
        requests the fault lasts, `seconds` how long a slow answer takes or how
        long the caller is told to wait.
        """
        mode, path = document.get("mode"), document.get("path", "/api/")
        times, seconds = document.get("times", 1), document.get("seconds", 1)
        if not isinstance(times, int) or not isinstance(seconds, int | float):
            raise Refusal(422, "invalid", "times and seconds are numbers.")
        if mode not in {*MODES, "none"} or not isinstance(path, str):
            raise Refusal(422, "invalid", f"mode is none or one of {MODES}.")
        with self._lock:
            if mode == "none":
                self._faults.clear()
            else:
                self._faults.append(_Fault(str(mode), path, times, seconds))

    def meet(self, path: str) -> Response | None:
        """Return the false answer to a request, or None to answer as usual."""
        fault = self._take(path)
        if fault is None:
            return None
        match fault.mode:
            case "slow":
                time.sleep(fault.seconds)
                return None
            case "drop":
                raise DropConnection
            case "html":
                return html_response("<!doctype html><title>Oops</title><p>Nonsense")
            case "wrong_types":
                return Response(
                    content_type="application/json", body=b'[{"id": {}}, 7]'
                )
            case "rate":
                wait = ("Retry-After", f"{fault.seconds:g}")
                return Response(429, headers=[wait])
        return Response(500, "text/plain", b"Traceback (most recent call last): ...")

    def _take(self, path: str) -> _Fault | None:
        with self._lock:
            for fault in self._faults:
                if path.startswith(fault.path):
                    fault.times -= 1
                    if fault.times <= 0:
                        self._faults.remove(fault)
                    return fault
        return None
