"""A call to an app under way, told of when it is over."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from integrations.connectors.base import ConnectorError
from integrations.connectors.exchange import Exchange, Observe


@dataclass(slots=True)
class Sent:
    """A request, and what is known of its answer so far. Holds no secret."""

    method: str
    path: str
    body: str = ""
    status: int | None = None
    answer: str = ""
    is_login: bool = False


@contextmanager
def observed(sent: Sent, observe: Observe) -> Iterator[None]:
    """Tell of the call when it is over, however it ends."""
    at, begun = datetime.now(UTC), time.monotonic()
    error = ""
    try:
        yield
    except ConnectorError as failure:
        error = failure.message
        raise
    finally:
        observe(
            Exchange(
                at=at,
                method=sent.method,
                path=sent.path,
                request_body=sent.body,
                status=sent.status,
                error=error,
                answer_body=sent.answer,
                milliseconds=round((time.monotonic() - begun) * 1000),
                is_login=sent.is_login,
            )
        )
