"""From where an opener was used, told by whoever keeps the requests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from tokens.opener import Opener


@dataclass(frozen=True, slots=True)
class Use:
    """The requests from one address."""

    address: str
    requests: int
    last_at: datetime


Tell = Callable[[Opener, datetime], list[Use]]
_registered: list[Tell] = []


def register(tell: Tell) -> None:
    """Let `tell` say from where an opener was used since a time."""
    if tell not in _registered:
        _registered.append(tell)


def uses_of(opener: Opener, *, since: datetime) -> list[Use]:
    """Return the addresses that used an opener since then, the latest first."""
    found: dict[str, Use] = {}
    for use in (use for tell in _registered for use in tell(opener, since)):
        before = found.get(use.address, Use(use.address, 0, use.last_at))
        found[use.address] = Use(
            use.address,
            before.requests + use.requests,
            max(before.last_at, use.last_at),
        )
    return sorted(found.values(), key=lambda use: use.last_at, reverse=True)
