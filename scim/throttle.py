"""How often one token may call: protects the service from a client gone wrong."""

from __future__ import annotations

from django.conf import settings

from workspaces.buckets import Buckets

_buckets = Buckets()


def wait_seconds(token_key: str, *, clock: float | None = None) -> int:
    """Take one request of the token; 0 if it may go on, else how long to wait.

    `KEYWAY_SCIM_RATE` requests a second, bursts of `KEYWAY_SCIM_BURST`; a rate of
    0 turns the limit off.
    """
    rate: int = settings.KEYWAY_SCIM_RATE
    if not rate:
        return 0
    burst: int = settings.KEYWAY_SCIM_BURST
    return _buckets.wait_seconds(token_key, rate=rate, burst=burst, clock=clock)


def reset() -> None:
    """Forget every bucket."""
    _buckets.reset()
