"""The tables of docs/performance.md say what the committed runs say."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "performance.md").read_text("utf-8")

LABELS = {
    "pandas_20": "pandas, 20 features",
    "ours_20": "rollrisk, the same 20",
    "ours_all": "rollrisk, all 146",
    "ours_all_bare": "rollrisk, all 146, without kept states",
    "ours_all_limited": "rollrisk, all 146, within 2 GB of DuckDB's memory, two dates at once",
}


def result(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((ROOT / f"benchmarks/results/{name}.json").read_text("utf-8"))
    return read


def rows_after(heading: str) -> dict[str, list[str]]:
    """Return the cells of the table whose head begins with ``heading``, by its first column."""
    lines = PAGE[PAGE.index(f"| {heading}") :].split("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0]: row[1:] for row in cells}


@pytest.mark.parametrize(
    ("name", "heading", "measured"),
    [
        ("features_one_date", "one as-of date", ("seconds", "processor_seconds", "peak_mb")),
        ("features_24_dates", "24 as-of dates", ("seconds", "peak_mb")),
    ],
)
def test_features(name: str, heading: str, measured: tuple[str, ...]) -> None:
    expected = {}
    for kind, one in result(name)["measurements"].items():
        values = {**one, "peak_mb": one["peak_mb"] / 1000}
        units = {"peak_mb": " GB"}
        expected[LABELS[kind]] = [f"{values[key]:.1f}{units.get(key, '')}" for key in measured]
    assert rows_after(heading) == expected


def test_growth() -> None:
    """One row a size: invoices, and processor seconds on one date and on 24."""
    found = rows_after("invoices | 1 date")
    for point in result("features_growth")["growth"]:
        row = found[f"{point['ledger']['rows']['invoices']:,}"]
        assert row[0 if point["dates"] == 1 else 2] == f"{point['processor_seconds']:.1f}"


def test_longer_books() -> None:
    """One row a history: invoices, open items and seconds of their newest day."""
    found = rows_after("months | invoices")
    for point in result("features_histories")["growth"]:
        expected = [f"{point['ledger']['rows']['invoices']:,}", f"{point['rows']:,}"]
        expected += [f"{point[key]:.1f}" for key in ("seconds", "processor_seconds")]
        assert found[str(point["months"])] == expected


def test_one_account() -> None:
    """Median and 90th percentile of each thing that was timed."""
    told = rows_after("milliseconds, an account")
    measured = result("features_one_account")["one_account"]["ms"]
    assert told == {
        name: [f"{one['median']:.0f}", f"{one['p90']:.0f}"] for name, one in measured.items()
    }


def test_training() -> None:
    """The three parts in whole seconds, and their sums in the words below."""
    seconds = result("training")["seconds"]
    told = [row[0] for row in rows_after("| seconds").values()]
    assert told == [f"{seconds[part]:.0f}" for part in ("features and outcomes", "search", "fit")]
    sums = re.search(r"a fit, (\d+) s; .*?(\d+) s\.", PAGE, re.DOTALL)
    assert sums is not None
    expected = (seconds["search"] + seconds["fit"], seconds["search and two fits"])
    assert [int(one) for one in sums.groups()] == [round(one) for one in expected]
