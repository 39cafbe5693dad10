"""How often somebody may call: buckets that refill at a steady rate.

Each web process counts for itself, in memory: such a limit protects the service, and
must not cost a query.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

_MAX_BUCKETS = 10_000


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float


class Buckets:
    """One bucket for each name that takes from it."""

    def __init__(self) -> None:
        self._buckets: dict[str, _Bucket] = {}
        self._lock = threading.Lock()

    def wait_seconds(
        self, name: str, *, rate: float, burst: int, clock: float | None = None
    ) -> int:
        """Take once from the bucket of `name`; 0 if it held, else how long to wait.

        It holds `burst` and gains `rate` a second.
        """
        now = time.monotonic() if clock is None else clock
        with self._lock:
            bucket = self._buckets.get(name)
            if bucket is None:
                if len(self._buckets) >= _MAX_BUCKETS:
                    self._buckets.clear()
                bucket = self._buckets[name] = _Bucket(burst, now)
            bucket.left = min(burst, bucket.left + (now - bucket.at) * rate)
            bucket.at = now
            if bucket.left < 1:
                return max(1, round((1 - bucket.left) / rate))
            bucket.left -= 1
        return 0

    def reset(self) -> None:
        """Forget every bucket."""
        with self._lock:
            self._buckets.clear()
