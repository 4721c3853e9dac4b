"""What the service counts, for Prometheus; BentoML shows it with its own under ``/metrics``."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from functools import cache
from typing import Any

import prometheus_client as prometheus

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

STAGE = prometheus.Histogram(
    "rollrisk_stage_seconds",
    "Seconds by route and stage: answer (whole), within it look_up, or validate, features, score, "
    "explain and rank for rows that were sent; encode; audit (the wait for the commit).",
    ("route", "stage"),
    buckets=SECONDS,
)
SCORES = prometheus.Counter(
    "rollrisk_scores", "Items scored for callers, by ageing bucket.", ("bucket",)
)
FALLBACKS = prometheus.Counter(
    "rollrisk_fallbacks",
    "Items among them that the roll-rate matrix answered, alone or in part.",
    ("bucket",),
)
HOLDS = prometheus.Counter(
    "rollrisk_holds", "Accounts given out that are held, by hold.", ("hold",)
)
AUDIT_LAG = prometheus.Gauge(
    "rollrisk_audit_lag_seconds",
    "Seconds that the newest answer waited for its row in the audit store.",
    multiprocess_mode="max",
)
AUDIT_FAILURES = prometheus.Counter(
    "rollrisk_audit_failures", "Answers withheld because they could not be recorded."
)
COLLECTION = prometheus.Histogram(
    "rollrisk_collection_seconds",
    "Seconds of Python's full garbage collections, in which nobody is answered.",
    buckets=SECONDS,
)
SNAPSHOT_DAY = prometheus.Gauge(
    "rollrisk_snapshot_as_of_seconds",
    "The as-of day that is served, as seconds since 1970: alert when it grows old.",
    multiprocess_mode="min",
)


@contextmanager
def stage(route: str, name: str) -> Iterator[None]:
    """Count the seconds of a stage, however it ends."""
    started = time.perf_counter()
    try:
        yield
    finally:
        _stage(route, name).observe(time.perf_counter() - started)


class StageWatch:
    """Counts the seconds of stages that follow each other.

    Parameters
    ----------
    route : str
        Whose stages.
    """

    def __init__(self, route: str) -> None:
        self._route = route
        self._name = ""
        self._since = 0.0

    def __call__(self, name: str) -> None:
        """End the stage before and begin the next; an empty name begins none."""
        now = time.perf_counter()
        if self._name:
            _stage(self._route, self._name).observe(now - self._since)
        self._name, self._since = name, now


@cache
def _stage(route: str, name: str) -> prometheus.Histogram:
    return STAGE.labels(route=route, stage=name)


def served_day(as_of: date) -> None:
    """Show which day is served."""
    SNAPSHOT_DAY.set((as_of - date(1970, 1, 1)).days * 86_400)


def count_answer(body: Mapping[str, Any]) -> None:
    """Count what an answer gives out: items by bucket, fallbacks, accounts on hold."""
    items = list(body.get("items", []))
    for account in body.get("accounts", []):
        items += account.get("items", [])
        if account.get("hold"):
            HOLDS.labels(hold=account["hold"]).inc()
    for bucket, count in Counter(item["bucket"] for item in items).items():
        SCORES.labels(bucket=bucket).inc(count)
    for bucket, count in Counter(item["bucket"] for item in items if item["fallback"]).items():
        FALLBACKS.labels(bucket=bucket).inc(count)
