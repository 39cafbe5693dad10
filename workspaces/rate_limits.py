"""How often somebody may call: a bucket that refills at a steady rate.

Each web process counts for itself, in memory: a limit protects the service and must
not cost a query. Where CACHE_URL names a shared cache, all of them count together
there; should it not answer, each counts for itself again.
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


@dataclass(frozen=True, slots=True)
class Allowance:
    """Whether a call may go on, and what is left."""

    wait: int
    """0 if it may, else how many seconds to wait."""

    left: int
    full_in: int
    """In how many seconds the whole burst is there again."""


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float


class RateLimit:
    """One bucket for each key that takes from it. `name` is that of the limit."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._buckets: dict[str, _Bucket] = {}
        self._lock = threading.Lock()

    def take(
        self, key: str, *, rate: float, burst: int, clock: float | None = None
    ) -> Allowance:
        """Take once from the bucket of `key`, which holds `burst`, gains `rate` a second.

        `clock` in seconds takes the place of the process's own.
        """
        if settings.CACHE_IS_SHARED:
            try:
                return self._take_together(key, rate, burst)
            except _UNREACHABLE as error:
                log.warning("shared_cache_unreachable", error=type(error).__name__)
        now = time.monotonic() if clock is None else clock
        return self._take_alone(key, rate, burst, now)

    def reset(self) -> None:
        """Forget the buckets of this process."""
        with self._lock:
            self._buckets.clear()

    def _take_together(self, key: str, rate: float, burst: int) -> Allowance:
        """Count in the shared cache: a burst in each time that refills one."""
        window = max(1.0, burst / rate)
        now = time.time()
        number = math.floor(now / window)
        name = f"keyway.{self._name}.{key}.{number}"
        try:
            count = cache.incr(name)
        except ValueError:
            cache.add(name, 0, timeout=math.ceil(2 * window))
            count = cache.incr(name)
        most = max(burst, math.floor(rate * window))
        ends_in = max(1, math.ceil((number + 1) * window - now))
        return Allowance(
            ends_in if count > most else 0, max(0, most - count), full_in=ends_in
        )

    def _take_alone(self, key: str, rate: float, burst: int, now: float) -> Allowance:
        with self._lock:
            bucket = self._buckets.get(key)
            if bucket is None:
                if len(self._buckets) >= _MAX_BUCKETS:
                    self._buckets.clear()
                bucket = self._buckets[key] = _Bucket(burst, now)
            bucket.left = min(burst, bucket.left + (now - bucket.at) * rate)
            bucket.at = now
            wait = max(1, round((1 - bucket.left) / rate)) if bucket.left < 1 else 0
            if not wait:
                bucket.left -= 1
            full_in = math.ceil((burst - bucket.left) / rate)
            return Allowance(wait, int(bucket.left), full_in)
