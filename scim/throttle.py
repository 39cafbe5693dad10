"""How often one token may call: a limit that protects from a client gone wrong.

Each web process counts for itself, in memory, with a bucket that refills at a steady
rate. Where CACHE_URL names a shared cache, all of them count together there; should it
not answer, each counts for itself again.
"""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

import structlog
from django.conf import settings
from django.core.cache import cache

_MAX_BUCKETS = 10_000
_UNREACHABLE: tuple[type[Exception], ...] = (OSError,)
if find_spec("redis"):
    _UNREACHABLE += (import_module("redis.exceptions").RedisError,)
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float


_buckets: dict[str, _Bucket] = {}
_lock = threading.Lock()


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
    return _wait_alone(token_key, rate, time.monotonic() if clock is None else clock)


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


def _wait_alone(token_key: str, rate: int, now: float) -> int:
    burst: int = settings.KEYWAY_SCIM_BURST
    with _lock:
        bucket = _buckets.get(token_key)
        if bucket is None:
            if len(_buckets) >= _MAX_BUCKETS:
                _buckets.clear()
            bucket = _buckets[token_key] = _Bucket(burst, now)
        bucket.left = min(burst, bucket.left + (now - bucket.at) * rate)
        bucket.at = now
        if bucket.left < 1:
            return max(1, round((1 - bucket.left) / rate))
        bucket.left -= 1
    return 0


def reset() -> None:
    """Forget every bucket."""
    with _lock:
        _buckets.clear()
