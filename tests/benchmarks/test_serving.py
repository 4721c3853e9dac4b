"""The service's benchmark asks what it says it asks, and compares like with like."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.http_load import Load, run_load
from benchmarks.serving import report
from benchmarks.serving_processes import CONTENDERS, ITEMS, Setup, prepare
from benchmarks.serving_store import repeat_snapshot
from models.home import Home
from serving.store import load_pair
from tests.serving.conftest import installation as installation  # noqa: PLC0414 (a fixture)


@pytest.fixture(scope="module")
def setup(installation: object, tmp_path_factory: pytest.TempPathFactory) -> Setup:
    """A copy of a small home."""
    home: Home = installation.home  # type: ignore[attr-defined]
    return prepare(tmp_path_factory.mktemp("benchmark"), home)


def test_the_accounts_asked_for_have_five_items_each(setup: Setup) -> None:
    """And there are several, so that no cache of one is measured."""
    table = load_pair(setup.home).table
    assert len(setup.account_ids) > 1
    for account_id in setup.account_ids:
        start, end = table.item_rows[account_id]
        assert end - start == ITEMS


def test_a_bare_application_is_measured_and_ended(setup: Setup) -> None:
    """Every request is answered; what is refused ends the run."""
    contender = CONTENDERS["starlette"](setup)
    try:
        load = run_load(contender.target, 2, requests=40)
        assert len(load.milliseconds) == 40
        assert load.answer_bytes > 1000
        wrong = replace(contender.target, bodies=[b'{"account_ids": ["nobody"]}'])
        with pytest.raises(SystemExit, match="404"):
            run_load(wrong, 1, requests=1)
    finally:
        contender.stop()
    assert contender.process.poll() is not None


def test_a_snapshot_repeated_has_every_account_as_often(setup: Setup, tmp_path: Path) -> None:
    """The accounts of each repetition have the items of the first."""
    before = load_pair(setup.home).table
    large = Home(path=tmp_path / "large")
    stored = repeat_snapshot(setup.home, large, items=3 * len(before.items["invoice_id"]))
    table = load_pair(large).table
    assert stored["items"] == len(table.items["invoice_id"])
    for account_id in setup.account_ids[:3]:
        one = [item["invoice_id"] for item in before.item_entries(account_id)]
        for number in range(3):
            own = table.item_entries(f"{number:06d}-{account_id}")
            assert [item["invoice_id"] for item in own] == one


def test_quantiles_are_of_the_ordered_times() -> None:
    """The largest of a thousand is the 99.9th percentile's neighbour."""
    load = Load(milliseconds=[float(n) for n in range(1000)], seconds=2, answer_bytes=7)
    figures = load.figures()
    assert (figures["p50"], figures["p99"], figures["p999"]) == (500, 990, 999)
    assert figures["per_second"] == 500


def test_the_report_has_a_line_for_each_contender_and_load() -> None:
    """Nothing that was measured is left out."""
    row = {"p50": 1.0, "p99": 2.0, "p999": 3.0, "per_second": 4.0, "processor_ms": 0.5}
    told = report({"latency": {"typical": {"rollrisk": {"1": row, "16": row}}, "ratios": {}}})
    assert told.count("| rollrisk |") == 2
