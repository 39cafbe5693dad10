"""How often one token may call: protects the service from a client gone wrong."""

from __future__ import annotations

from django.conf import settings

from workspaces.rate_limits import RateLimit

_limit = RateLimit("scim")


def wait_seconds(token_key: str, *, clock: float | None = None) -> int:
    """Take one request of the token; 0 if it may go on, else how long to wait.

    `KEYWAY_SCIM_RATE` requests a second, bursts of `KEYWAY_SCIM_BURST`; a rate of
    0 turns the limit off.
    """
    rate: int = settings.KEYWAY_SCIM_RATE
    if not rate:
        return 0
    burst: int = settings.KEYWAY_SCIM_BURST
    return _limit.take(token_key, rate=rate, burst=burst, clock=clock).wait


def reset() -> None:
    """Forget the buckets of this process."""
    _limit.reset()
