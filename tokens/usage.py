"""From where a token was used, told by the app that keeps the requests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from tokens.models import ScimToken


@dataclass(frozen=True, slots=True)
class Use:
    """The requests from one address."""

    address: str
    requests: int
    last_at: datetime


Tell = Callable[[ScimToken, datetime], list[Use]]
_registered: list[Tell] = []


def register(tell: Tell) -> None:
    """Let `tell` say from where a token was used since a time."""
    if tell not in _registered:
        _registered.append(tell)


def uses_of(token: ScimToken, *, since: datetime) -> list[Use]:
    """Return the addresses that used a token since then, the latest first."""
    return [use for tell in _registered for use in tell(token, since)]
