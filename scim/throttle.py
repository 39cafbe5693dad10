"""How often one token may call: a limit that protects from a client gone wrong.

Each web process counts for itself, in memory, with a bucket that refills at a steady
rate. Where CACHE_URL names a shared cache, all of them count together there; should it
not answer, each counts for itself again.
"""

from __future__ import annotations

import math
import time
from importlib import import_module
from importlib.util import find_spec

import structlog
from django.conf import settings
from django.core.cache import cache

from workspaces.buckets import Buckets

_UNREACHABLE: tuple[type[Exception], ...] = (OSError,)
if find_spec("redis"):
    _UNREACHABLE += (import_module("redis.exceptions").RedisError,)
log = structlog.get_logger(__name__)


_buckets = Buckets()


def wait_seconds(token_key: str, *, clock: float | None = None) -> int:
    """Take one request of the token; 0 if it may go on, else how long to wait.

    `KEYWAY_SCIM_RATE` requests a second, bursts of `KEYWAY_SCIM_BURST`; a rate of
    0 turns the limit off.
    """
    rate: int = settings.KEYWAY_SCIM_RATE
    if not rate:
        return 0
    if settings.CACHE_IS_SHARED:
        try:
            return _wait_together(token_key, rate)
        except _UNREACHABLE as error:
            log.warning("shared_cache_unreachable", error=type(error).__name__)
    burst: int = settings.KEYWAY_SCIM_BURST
    return _buckets.wait_seconds(token_key, rate=rate, burst=burst, clock=clock)


def _wait_together(token_key: str, rate: int) -> int:
    """Count in the shared cache: a burst in each time that refills one."""
    burst: int = settings.KEYWAY_SCIM_BURST
    window = max(1.0, burst / rate)
    now = time.time()
    number = math.floor(now / window)
    key = f"keyway.scim.{token_key}.{number}"
    try:
        count = cache.incr(key)
    except ValueError:
        cache.add(key, 0, timeout=math.ceil(2 * window))
        count = cache.incr(key)
    if count <= max(burst, rate * window):
        return 0
    return max(1, math.ceil((number + 1) * window - now))


def reset() -> None:
    """Forget every bucket."""
    _buckets.reset()
