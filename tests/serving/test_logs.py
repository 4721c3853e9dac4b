"""A log line is one JSON object, whatever is in it."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from serving.logs import log_request, set_up_logs


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """What is logged; the logger is left as it was."""
    logger = logging.getLogger("rollrisk")
    before = (logger.handlers, logger.level, logger.propagate)
    made = io.StringIO()
    set_up_logs(made)
    yield made
    logger.handlers, logger.level, logger.propagate = before


def test_nothing_in_a_path_breaks_the_line_or_is_a_secret(stream: io.StringIO) -> None:
    """Line breaks, direction marks and card numbers included."""
    path = '/accounts/x\n{"level":"error"}\u202e/4111111111111111'
    log_request(request_id="r", caller="erp", method="GET", path=path, status=404, seconds=0.0123)
    (line,) = stream.getvalue().splitlines()
    entry = json.loads(line)
    assert line.isascii()
    assert "4111111111111111" not in line
    assert (entry["status"], entry["milliseconds"], entry["level"]) == (404, 12.3, "info")


def test_a_failure_is_one_line_with_its_traceback(stream: io.StringIO) -> None:
    """So that a line is an event; logging set up twice logs once."""
    set_up_logs(stream)
    try:
        json.loads("{")
    except ValueError:
        logging.getLogger("rollrisk.service").exception("It failed.")
    (line,) = stream.getvalue().splitlines()
    assert "JSONDecodeError" in json.loads(line)["traceback"]
