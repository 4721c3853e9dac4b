"""What BentoML puts around every route: its time limit and its tracing.

Both are fixed when the service's module is imported, so they are read from the environment
there; ``rollrisk serve`` has checked the settings before.
"""

from collections.abc import Mapping
from typing import Any

from serving.settings import Settings, SettingsError, read_settings

SPARE_SECONDS = 5.0
NOTHING, ALL_BUT_THE_API = "", r"^(?!https?://[^/]+/v1/)"
"""URLs that are not traced: an empty pattern is found in each. Paths of the console's pages
name accounts, so they are never traced."""


def outer_limit(environ: Mapping[str, str]) -> float:
    """Return the seconds after which BentoML gives up on a request.

    The gate speaks long before: it limits the time of the body and of the answer. BentoML keeps
    a timer for every request until this time is up, answered or not, which is why the limit is
    no longer than it has to be.

    Examples
    --------
    >>> outer_limit({"ROLLRISK_BODY_SECONDS": "20", "ROLLRISK_TIME_BUDGET_SECONDS": "60"})
    85.0
    """
    settings = _settings(environ)
    return settings.body_seconds + settings.time_budget_seconds + SPARE_SECONDS


def tracing(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return BentoML's tracing section: OTLP over HTTP to a collector, or nothing at all.

    Spans that nobody collects cost a fifth of a short request, so they are not begun.

    Examples
    --------
    >>> tracing({})["exporter_type"] is None
    True
    >>> tracing({"ROLLRISK_TRACES_URL": "http://127.0.0.1:4318/v1/traces"})["otlp"]["endpoint"]
    'http://127.0.0.1:4318/v1/traces'
    """
    settings = _settings(environ)
    if settings.traces_url is None:
        return {"exporter_type": None, "sample_rate": 0.0, "excluded_urls": [NOTHING]}
    return {
        "exporter_type": "otlp",
        "sample_rate": settings.traces_share,
        "excluded_urls": [ALL_BUT_THE_API],
        "otlp": {"protocol": "http", "endpoint": settings.traces_url},
    }


def _settings(environ: Mapping[str, str]) -> Settings:
    """Return the settings; the defaults where they are wrong, which the service then refuses."""
    try:
        return read_settings(environ)
    except SettingsError:
        return read_settings({})
