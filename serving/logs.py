"""Structured logs: one JSON object a line, and one line for every request.

A line names the request, the caller and what came of it; never a key, a body or a query.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TextIO

from features.ledger.sensitive import redact

PATH_LENGTH = 200

_access = logging.getLogger("rollrisk.access")
_EXTRA = ("request_id", "caller", "method", "path", "status", "milliseconds")


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; a traceback is text in it, so that it stays one line."""
        at = datetime.fromtimestamp(record.created, UTC)
        line = {
            "at": at.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: getattr(record, name) for name in _EXTRA if hasattr(record, name)}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=True)


def set_up_logs(stream: TextIO | None = None) -> None:
    """Send everything under ``rollrisk`` to ``stream`` (stderr) as JSON; once per process."""
    logger = logging.getLogger("rollrisk")
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False


def log_request(
    *, request_id: str, caller: str, method: str, path: str, status: int, seconds: float
) -> None:
    """Log one answered request; ids in a path are cut of what looks like a card or IBAN."""
    extra = {
        "request_id": request_id,
        "caller": caller,
        "method": method,
        "path": redact(path)[:PATH_LENGTH],
        "status": status,
        "milliseconds": round(seconds * 1000, 1),
    }
    level = logging.ERROR if status >= 500 and status != 503 else logging.INFO
    _access.log(level, "answered", extra=extra)
