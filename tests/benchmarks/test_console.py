"""The benchmark of the console says what was measured and marks what took too long."""

from typing import Any

from benchmarks.console import summary, table


def load(milliseconds: float) -> dict[str, float]:
    """Return the timing of one load."""
    return {
        "first_byte": milliseconds / 2,
        "painted": milliseconds,
        "loaded": milliseconds,
        "bytes": 4000.0,
    }


def test_the_first_load_stands_apart() -> None:
    """It is what a manager waits for in a fresh process; the others give median and slowest."""
    found = summary([load(900), load(100), load(300), load(200)])
    assert found["first"]["loaded"] == 0.9
    assert found["median"]["loaded"] == 0.2
    assert found["slowest"]["first_byte"] == 0.15
    assert found["kilobytes"] == 4.0


def test_a_page_that_takes_too_long_is_marked() -> None:
    """More than a second for the first load is told in the table."""
    result: dict[str, Any] = {
        "book": {"accounts": 120_000, "items": 400_000},
        "service_starts_seconds": 6.0,
        "past_read_seconds": 40.0,
        "resident_mb": 900.0,
        "pages": {"Portfolio": summary([load(400)]), "Account": summary([load(1200)])},
    }
    lines = table(result).splitlines()
    assert "120,000 accounts, 400,000 open items" in lines[0]
    assert ["over 1 s" in line for line in lines[2:]] == [False, True]
