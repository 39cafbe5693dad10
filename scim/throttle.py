"""How often one token may call: a bucket that refills at a steady rate.

Each web process counts for itself, in memory: a limit here protects the service
from a client that has gone wrong, and must not cost a query a request.
"""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass

from django.conf import settings

_MAX_BUCKETS = 10_000


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float


_buckets: dict[str, _Bucket] = {}
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Allowance:
    """Whether a request may go on, and what is left."""

    wait: int
    """0 if it may, else how many seconds to wait."""
    left: int
    full_in: int
    """In how many seconds the whole burst is there again."""


def take(key: str, *, rate: int, burst: int, clock: float | None = None) -> Allowance:
    """Take one request of whoever `key` is: `rate` a second, bursts of `burst`."""
    now = time.monotonic() if clock is None else clock
    with _lock:
        bucket = _buckets.get(key)
        if bucket is None:
            if len(_buckets) >= _MAX_BUCKETS:
                _buckets.clear()
            bucket = _buckets[key] = _Bucket(burst, now)
        bucket.left = min(burst, bucket.left + (now - bucket.at) * rate)
        bucket.at = now
        wait = max(1, round((1 - bucket.left) / rate)) if bucket.left < 1 else 0
        if not wait:
            bucket.left -= 1
        full_in = math.ceil((burst - bucket.left) / rate)
        return Allowance(wait, int(bucket.left), full_in)


def wait_seconds(token_key: str, *, clock: float | None = None) -> int:
    """Take one SCIM request of the token; 0 if it may go on, else how long to wait.

    `KEYWAY_SCIM_RATE` requests a second, bursts of `KEYWAY_SCIM_BURST`; a rate of
    0 turns the limit off.
    """
    rate: int = settings.KEYWAY_SCIM_RATE
    if not rate:
        return 0
    burst: int = settings.KEYWAY_SCIM_BURST
    return take(token_key, rate=rate, burst=burst, clock=clock).wait


def reset() -> None:
    """Forget every bucket."""
    with _lock:
        _buckets.clear()
