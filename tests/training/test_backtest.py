"""Tests of the backtest: origins see their own past only, and the files say what was found."""

import itertools
import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.ledger.cutting import cut_ledger
from features.ledger.read import Ledger
from training.backtest import Backtest, run_backtest, write_backtest
from training.backtest_figures import model_names
from training.backtest_report import render_backtest
from training.config import BacktestConfig, TrainingConfig, TreeConfig, WindowConfig, read_config
from training.metrics import headline
from training.origins import plan_origins
from training.recipe import MODEL
from training.splits import TooLittleHistoryError

CONFIG = TrainingConfig(
    trees=TreeConfig(rounds=8, num_leaves=6, learning_rate=0.2),
    windows=WindowConfig(every_days=28, stop_days=0, recalibrate_days=0),
    backtest=BacktestConfig(origins=2, test_days=56),
)


@pytest.fixture(scope="module")
def backtest(simulated_ledger: Ledger) -> Backtest:
    """Two rolling origins."""
    return run_backtest(simulated_ledger, CONFIG, draws=20)


def test_origins_roll_without_gap_or_overlap_to_the_last_mature_date(
    simulated_ledger: Ledger,
) -> None:
    """Each is trained on the first day it judges; the last ends where outcomes end."""
    config = replace(CONFIG, backtest=BacktestConfig(origins=5, test_days=28))
    origins = plan_origins(simulated_ledger, config)
    assert len(origins) == 5
    mature = simulated_ledger.manifest.known_through - timedelta(days=37)
    assert origins[-1].last == mature
    for origin in origins:
        assert origin.cutoff == origin.first
        assert (origin.last - origin.first).days == 27
    for before, after in itertools.pairwise(origins):
        assert (after.first - before.last).days == 1


def test_a_fixed_split_is_one_origin(simulated_ledger: Ledger) -> None:
    """Training ends when the last training outcome is mature; testing ends with the books."""
    shipped = read_config("highradius")
    (origin,) = plan_origins(simulated_ledger, shipped)
    assert origin.train_until is not None
    assert origin.cutoff == origin.train_until + timedelta(days=37)
    assert (origin.first, origin.last) == (shipped.backtest.test_from, shipped.backtest.test_until)
    lonely = replace(shipped, backtest=replace(shipped.backtest, test_from=None))
    with pytest.raises(TooLittleHistoryError, match=r"needs backtest.test_from beside it"):
        plan_origins(simulated_ledger, lonely)


def test_judged_rows_are_exposed_items_once_per_date(backtest: Backtest) -> None:
    """No undated item, none of the last bucket, no row twice."""
    rows = backtest.predictions
    assert not rows.duplicated(["as_of", "invoice_id"]).any()
    assert set(rows["bucket"]) <= {"current", "1-30", "31-60", "61-90"}
    assert set(rows["unresolved"]) == {0.0, 1.0}
    for name in model_names(rows):
        assert rows[f"p_{name}"].between(0, 1).all()


def test_no_origin_judges_before_it_was_trained(backtest: Backtest) -> None:
    """Every as-of date is on or after the cut-off of its origin."""
    assert (backtest.predictions["as_of"] >= backtest.predictions["origin"]).all()


def test_an_origin_reads_nothing_after_its_cutoff_but_the_outcomes_it_is_judged_by(
    simulated_ledger: Ledger, backtest: Backtest
) -> None:
    """Cut behind the first origin's last outcome, the ledger gives the same predictions."""
    origin = plan_origins(simulated_ledger, CONFIG)[0]
    fixed = BacktestConfig(
        train_until=origin.cutoff - timedelta(days=37),
        test_from=origin.first,
        test_until=origin.last,
    )
    cut = cut_ledger(simulated_ledger, origin.last + timedelta(days=37))
    again = run_backtest(cut, replace(CONFIG, backtest=fixed), draws=20).predictions
    first = backtest.predictions
    first = first[first["origin"] == pd.Timestamp(origin.cutoff)].reset_index(drop=True)
    assert len(first) > 100
    pd.testing.assert_frame_equal(first, again, check_exact=True)


def test_figures_are_those_of_the_predictions(backtest: Backtest) -> None:
    """Every table can be recomputed from predictions.parquet."""
    rows, metrics = backtest.predictions, backtest.metrics
    past_due = rows[rows["bucket"] != "current"]
    for table, part in ((metrics["overall"], rows), (metrics["past_due"], past_due)):
        for name in model_names(rows):
            y, p, dollars = (part[c].to_numpy() for c in ("unresolved", f"p_{name}", "dollars"))
            assert table[name] == pytest.approx(headline(y, p, dollars))
    counts = [table[MODEL]["rows"] for table in metrics["by_bucket"].values()]
    assert sum(counts) == metrics["rows"] == len(rows)
    realised = sum(month["realised"] for month in metrics["dollars_by_month"])
    assert realised == pytest.approx((rows["balance"] * rows["unresolved"]).sum(), abs=0.1)


def test_the_largest_accounts_can_be_left_out(backtest: Backtest) -> None:
    """The three with most unresolved rows are named and gone."""
    left_out = backtest.metrics["without_largest"]
    rows = backtest.predictions
    counts = rows.groupby("account_id")["unresolved"].sum().sort_values(ascending=False)
    assert counts[left_out["accounts"]].min() >= counts.iloc[2]
    rest = rows[~rows["account_id"].isin(left_out["accounts"])]
    assert left_out["figures"][MODEL]["rows"] == len(rest)


def test_the_model_stands_beside_all_three_baselines(backtest: Backtest) -> None:
    """On the same rows, with paired intervals against each."""
    names = {"roll_rate_matrix", "smoothed_account_rate", "logistic_regression"}
    assert set(backtest.metrics["overall"]) == {MODEL, *names}
    assert set(backtest.metrics["against"]) == names
    own = backtest.metrics["overall"][MODEL]
    assert own["log_loss"] < backtest.metrics["overall"]["roll_rate_matrix"]["log_loss"]


def test_the_files_hold_the_backtest(backtest: Backtest, tmp_path: Path) -> None:
    """metrics.json is strict JSON, predictions.parquet the rows, report.html one page."""
    write_backtest(backtest, tmp_path / "out")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"metrics.json", "predictions.parquet", "report.html"}

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    text = (tmp_path / "out" / "metrics.json").read_text("utf-8")
    metrics = json.loads(text, parse_constant=refuse)
    assert set(metrics) >= {
        *("rows", "accounts", "accounts_with_unresolved", "overall", "past_due", "by_bucket"),
        *("without_largest", "against", "dollars_by_month", "origins", "config"),
        *("by_segment", "by_size", "by_history", "best_baseline", "against_best", "capture"),
        *("reason_stability", "ledger_digest"),
    }
    stored = pd.read_parquet(tmp_path / "out" / "predictions.parquet")
    for name in ("unresolved", "dollars", f"p_{MODEL}"):
        np.testing.assert_array_equal(stored[name], backtest.predictions[name])


def test_groups_hold_every_row_once_and_lean_on_the_best_baseline(backtest: Backtest) -> None:
    """Each kind of group adds up to all rows; intervals hold their difference."""
    metrics = backtest.metrics
    overall = {name: row["log_loss"] for name, row in metrics["overall"].items() if name != MODEL}
    assert metrics["best_baseline"] == min(overall, key=lambda name: overall[name])
    for grouping in ("by_bucket", "by_size", "by_history"):
        assert sum(t[MODEL]["rows"] for t in metrics[grouping].values()) == metrics["rows"]
        for gaps in metrics["against_best"][grouping].values():
            for gap in (gaps or {}).values():
                assert gap["low"] <= gap["difference"] <= gap["high"]


def test_the_report_needs_nothing_from_outside(backtest: Backtest, tmp_path: Path) -> None:
    """No script, no address; pictures are in the page; every figure of the model is shown."""
    write_backtest(backtest, tmp_path)
    page = (tmp_path / "report.html").read_text("utf-8")
    assert not re.search(r"<script|https?://|<link|@import|url\(", page)
    assert set(re.findall(r'src="(.{14})', page)) == {"data:image/png"}
    assert f"{backtest.metrics['overall'][MODEL]['log_loss']:.4f}" in page
    for shown in ("Within bucket 31-60", "Whom to call", "For whom", "Do reasons stay"):
        assert shown in page
    for shown in ("What part payments leave", "By month of the as-of date", "Reaching a bucket"):
        assert shown in page
    assert "What each family of features is worth" not in page


def test_the_report_shows_what_families_are_worth(backtest: Backtest) -> None:
    """Where the backtest refitted without them."""
    gap = {"difference": 0.01, "low": 0.002, "high": 0.02}
    entry = {"family": "returns", "features": 3, "change": "left out"}
    entry |= {"log_loss": gap, "average_precision": gap}
    shown = replace(backtest, metrics=backtest.metrics | {"ablation": [entry]})
    page = render_backtest(shown)
    assert "What each family of features is worth" in page
    assert "+0.0100\n[+0.0020,\N{NO-BREAK SPACE}+0.0200]" in page


def test_an_origin_without_dates_is_refused(simulated_ledger: Ledger) -> None:
    """A window shorter than the distance of the dates may hold none of them."""
    sparse = replace(
        CONFIG,
        windows=replace(CONFIG.windows, every_days=90),
        backtest=BacktestConfig(origins=2, test_days=14),
    )
    says = "No item can be judged .* at least as long as windows.every_days"
    with pytest.raises(TooLittleHistoryError, match=says):
        run_backtest(simulated_ledger, sparse, draws=20)
