"""One call to an app as it went, fit to be shown to an admin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer: no headers, no secret, and no body without end."""

    at: datetime
    method: str
    path: str
    """With the query, whose secrets are hidden."""

    request_body: str
    """JSON, cut to its limit. Empty for a log-in and where none was sent."""

    status: int | None
    """None if no answer came."""

    error: str
    """Why no answer could be used; empty for an answer of any status."""

    answer_body: str
    """One line of an error's answer; empty for a log-in."""

    milliseconds: int
    is_login: bool = False
    screenshot: bytes = field(default=b"", repr=False)
    """A JPEG of the page after a step in a browser, what was typed masked; or empty."""


Observe = Callable[[Exchange], None]
"""Hears of each call when it is over, also when it failed. Must not raise."""


def unobserved(exchange: Exchange) -> None:
    """Let a call pass without a note."""
