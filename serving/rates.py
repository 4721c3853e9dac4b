"""How often a caller may ask: a bucket of requests that refills evenly.

The buckets are those of one worker process; with several workers a caller may ask each.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

MOST_BUCKETS = 10_000
"""Beyond this many callers, buckets that are full again are forgotten."""


@dataclass(slots=True, kw_only=True)
class _Bucket:
    left: float
    at: float


class Rates:
    """Counts requests by caller.

    Parameters
    ----------
    per_minute : int
        Requests a minute, and as many at once, for callers without a number of their own.
    clock : callable
        Seconds from any zero, never going back.

    Examples
    --------
    >>> rates = Rates(2, clock=lambda: 0.0)
    >>> [rates.take("erp") for _ in range(3)]
    [0.0, 0.0, 30.0]
    """

    def __init__(self, per_minute: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}

    def take(self, caller: str, per_minute: int | None = None) -> float:
        """Count a request; return 0 when it may go on, else the seconds until the next may."""
        size = float(per_minute or self._per_minute)
        now = self._clock()
        bucket = self._buckets.setdefault(caller, _Bucket(left=size, at=now))
        bucket.left = min(size, bucket.left + (now - bucket.at) * size / 60)
        bucket.at = now
        if len(self._buckets) > MOST_BUCKETS:
            self._forget(now)
        if bucket.left < 1:
            return (1 - bucket.left) * 60 / size
        bucket.left -= 1
        return 0.0

    def _forget(self, now: float) -> None:
        self._buckets = {
            caller: bucket for caller, bucket in self._buckets.items() if now - bucket.at < 60
        }
