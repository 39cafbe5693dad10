"""How far the replacement of a token is, and whether the old one may go before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from tokens.models import ScimToken

ASSUMED = timedelta(hours=1)
"""How long the old token must be quiet where no interval could be learnt."""

SHORTEST = timedelta(minutes=5)
"""Never less: the last use is noted once a minute, and people paste slowly."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """A token that lives on for a while beside its successor."""

    old: ScimToken
    new: ScimToken
    usual: timedelta | None
    """The connection's usual interval, None if it is not known."""

    now: datetime

    @property
    def needed_quiet(self) -> timedelta:
        """How long the old token must be quiet before it is safe to retire it."""
        return max(self.usual or ASSUMED, SHORTEST)

    @property
    def is_new_seen(self) -> bool:
        """Whether the successor has been used."""
        return self.new.last_used_at is not None

    @property
    def is_old_quiet(self) -> bool:
        """Whether the old token has been silent for longer than usual."""
        used = self.old.last_used_at
        return used is None or self.now - used > self.needed_quiet

    @property
    def can_retire(self) -> bool:
        """Whether ending the overlap now would cut nobody off, as far as one sees."""
        return self.is_new_seen and self.is_old_quiet


def overlaps(
    tokens: Iterable[ScimToken], now: datetime
) -> list[tuple[ScimToken, ScimToken]]:
    """Return (old, new) of every live token that has a live successor among them."""
    by_id = {token.pk: token for token in tokens if token.state(now).is_live}
    return [
        (old, by_id[old.replaced_by_id])
        for old in by_id.values()
        if old.replaced_by_id in by_id
    ]
