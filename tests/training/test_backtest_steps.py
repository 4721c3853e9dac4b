"""The steps of a backtest and the oldest bucket, worked out again from the ledger."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from features.ledger.read import Ledger
from features.outcomes import outcome_frame, unresolved
from models.scorer import Curves, survival_curves
from training.backtest import Backtest, run_backtest
from training.backtest_figures import group_figures
from training.backtest_report import render_backtest
from training.backtest_steps import STEP_HORIZONS, step_predictions
from training.config import BacktestConfig, TrainingConfig, TreeConfig, WindowConfig
from training.dataset import Dataset, as_of_grid, learnt_at, load_dataset
from training.metrics import headline
from training.origins import OriginRows, plan_origins, rows_of_origin
from training.recipe import MODEL, choose, make_bundle, oldest_as_of
from training.resampling import paired_differences

CONFIG = TrainingConfig(
    trees=TreeConfig(rounds=8, num_leaves=6, learning_rate=0.2),
    windows=WindowConfig(every_days=28, stop_days=0, recalibrate_days=0, test_days=0),
    backtest=BacktestConfig(origins=2, test_days=84),
)
LAG = 7


@pytest.fixture(scope="module")
def backtest(simulated_ledger: Ledger) -> Backtest:
    """Two origins of twelve weeks."""
    return run_backtest(simulated_ledger, CONFIG, draws=20)


@pytest.fixture(scope="module")
def data(simulated_ledger: Ledger) -> Dataset:
    """Rows of all its dates."""
    origins = plan_origins(simulated_ledger, CONFIG)
    first = oldest_as_of(simulated_ledger, CONFIG, origins[0].first)
    return load_dataset(simulated_ledger, as_of_grid(origins[-1].last, first, 28))


@pytest.fixture(scope="module")
def outcomes(simulated_ledger: Ledger, data: Dataset) -> pd.DataFrame:
    """What became of all open items of the dates, from the ledger."""
    return outcome_frame(simulated_ledger, [day.date() for day in data.as_of.drop_duplicates()])


@pytest.fixture(scope="module")
def origins(simulated_ledger: Ledger, data: Dataset) -> list[OriginRows]:
    """What each origin learns from and judges."""
    return [
        rows_of_origin(data, origin, CONFIG, LAG)
        for origin in plan_origins(simulated_ledger, CONFIG)
    ]


@pytest.fixture(scope="module")
def survival(
    simulated_ledger: Ledger, data: Dataset, outcomes: pd.DataFrame, origins: list[OriginRows]
) -> dict[int, pd.DataFrame]:
    """The models of the origins asked for every item of their dates, by days."""
    found: dict[int, list[pd.DataFrame]] = {days: [] for days in STEP_HORIZONS}
    for rows in origins:
        choices = choose(rows.past, rows.windows, CONFIG, LAG, lambda _: None)
        cutoff = rows.origin.cutoff
        bundle = make_bundle(simulated_ledger, rows.past, choices, CONFIG, cutoff, None)
        every = data.between(rows.origin.first, rows.origin.last)
        curves = survival_curves(bundle, every.frame, every.segment)
        for days in STEP_HORIZONS:
            table = every.frame.items[["as_of", "invoice_id"]].assign(
                p=curves.at(days),
                bucket=every.frame.bucket,
                account=every.account,
                dollars=every.dollars,
                y=came(outcomes, every, days),
            )
            found[days].append(table)
    return {days: pd.concat(tables, ignore_index=True) for days, tables in found.items()}


def came(outcomes: pd.DataFrame, rows: Dataset, days: int) -> np.ndarray:
    """Return whether each row was unresolved, looked up by its keys."""
    keys = ["as_of", "invoice_id"]
    column = f"outcome_{days}"
    return unresolved(rows.frame.items[keys].merge(outcomes[[*keys, column]], on=keys)[column])


def judged(backtest: Backtest, table: pd.DataFrame) -> pd.DataFrame:
    """Return the judged rows with a known outcome."""
    keys = ["as_of", "invoice_id"]
    rows = backtest.predictions[keys].merge(table, on=keys, validate="one_to_one")
    return rows[~rows["y"].isna()]


def test_the_first_step_is_that_of_the_headline(backtest: Backtest) -> None:
    """The same rows, figures and baseline."""
    first = backtest.metrics["steps"]["30"]
    assert first["figures"] == backtest.metrics["overall"]
    assert first["rows"] == backtest.metrics["rows"]
    assert first["best_baseline"] == backtest.metrics["best_baseline"]


def test_figures_of_every_step_are_those_of_the_ledger(
    backtest: Backtest, survival: dict[int, pd.DataFrame]
) -> None:
    """Models fitted again, outcomes looked up by key; the later the step, the fewer rows."""
    steps = backtest.metrics["steps"]
    assert list(steps) == ["30", "60", "90", "120"]
    for days in STEP_HORIZONS:
        rows = judged(backtest, survival[days])
        y, p, dollars = (rows[name].to_numpy(dtype=float) for name in ("y", "p", "dollars"))
        assert steps[str(days)]["figures"][MODEL] == pytest.approx(headline(y, p, dollars))
    counts = [found["rows"] for found in steps.values()]
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] > 100


def test_baselines_learn_each_step_from_what_was_known(
    backtest: Backtest, data: Dataset, origins: list[OriginRows], outcomes: pd.DataFrame
) -> None:
    """The late rate of an account by hand: rows whose outcome was final at the cut-off."""
    for days in STEP_HORIZONS[1:]:
        y_all, p_all, dollars = [], [], []
        for rows in origins:
            old = data.between(None, rows.origin.cutoff - timedelta(days=days + LAG))
            y = came(outcomes, old, days)
            sums = pd.DataFrame({"account": old.account, "y": y}).groupby("account")["y"]
            rate = (sums.sum() + 5 * y.mean()) / (sums.size() + 5)
            p = pd.Series(rows.test.account).map(rate).fillna(y.mean()).to_numpy()
            now = came(outcomes, rows.test, days)
            known = ~np.isnan(now)
            y_all.append(now[known])
            p_all.append(p[known])
            dollars.append(rows.test.dollars[known])
        found = backtest.metrics["steps"][str(days)]["figures"]["smoothed_account_rate"]
        by_hand = headline(*(np.concatenate(part) for part in (y_all, p_all, dollars)))
        assert found == pytest.approx(by_hand)


def test_the_interval_of_a_step_is_against_its_best_baseline(
    backtest: Backtest, survival: dict[int, pd.DataFrame]
) -> None:
    """The paired difference is that of the two log-losses; resamples are those of accounts."""
    for days, found in backtest.metrics["steps"].items():
        losses = {name: row["log_loss"] for name, row in found["figures"].items()}
        others = {name: loss for name, loss in losses.items() if name != MODEL}
        assert found["best_baseline"] == min(others, key=lambda name: others[name])
        gap = found["against_best"]["log_loss"]
        assert gap["difference"] == pytest.approx(losses[MODEL] - min(others.values()))
        assert gap["low"] <= gap["difference"] <= gap["high"]
        assert found["accounts"] == judged(backtest, survival[int(days)])["account"].nunique()
    first = backtest.predictions
    best = backtest.metrics["best_baseline"]
    by_hand = paired_differences(
        first["unresolved"].to_numpy(dtype=float),
        first[f"p_{MODEL}"].to_numpy(dtype=float),
        {best: first[f"p_{best}"].to_numpy(dtype=float)},
        first["account_id"].to_numpy(dtype=object),
        seed=CONFIG.seed,
        draws=20,
    )[best]["log_loss"]
    gap = backtest.metrics["steps"]["30"]["against_best"]["log_loss"]
    assert (gap["low"], gap["high"]) == (by_hand.low, by_hand.high)


def test_a_step_that_could_not_be_learnt_has_no_rows(origins: list[OriginRows]) -> None:
    """An origin whose past is younger than a step judges none of it."""
    rows = origins[0]
    cutoff = rows.origin.cutoff
    young = replace(rows, past=rows.past.between(cutoff - timedelta(days=90), None))
    size = len(rows.test)
    curves = Curves(
        survival=np.tile([0.9, 0.8, 0.5, 0.25, 0.2, 0.1], (size, 1)),
        margin=np.zeros(size),
        fallback=np.full(size, "", dtype=object),
    )
    first = {MODEL: curves.at(30), "smoothed account rate": curves.at(30)}
    found = step_predictions(young, curves, first, CONFIG.seed, LAG)
    assert set(found["days"]) == {30, 60}
    assert not found["unresolved"].isna().any()


def test_outcomes_are_learnt_when_their_date_is_final(data: Dataset) -> None:
    """One that was resolved early waits for those that stay open, or too few would seem to."""
    day = data.as_of.max().date()
    known = learnt_at(data, 60, day, LAG).target("step_1")
    old = data.as_of.dt.date.to_numpy() <= day - timedelta(days=67)
    np.testing.assert_array_equal(known[old], unresolved(data.outcomes["outcome_60"])[old])
    assert np.isnan(known[~old]).all()
    assert (data.target("step_1")[~old] == 0).any()


def test_the_oldest_bucket_stands_apart(
    backtest: Backtest, survival: dict[int, pd.DataFrame]
) -> None:
    """Its items are in no judged row; their figures are those of the models and the ledger."""
    rows = survival[30]
    rows = rows[(rows["bucket"] == 4) & ~rows["y"].isna()]
    found = backtest.metrics["last_bucket"]
    assert found["rows"] == len(rows) > 50
    assert found["best_baseline"] == backtest.metrics["best_baseline"]
    y, p, dollars = (rows[name].to_numpy(dtype=float) for name in ("y", "p", "dollars"))
    assert found["figures"][MODEL] == pytest.approx(headline(y, p, dollars))
    assert "91+" not in backtest.metrics["by_bucket"]


def test_the_oldest_bucket_is_not_told_twice(simulated_ledger: Ledger) -> None:
    """Where it belongs to the judged rows it is a bucket like the others."""
    settings = BacktestConfig(origins=1, test_days=28, include_last_bucket=True)
    metrics = run_backtest(simulated_ledger, replace(CONFIG, backtest=settings), draws=5).metrics
    assert metrics["last_bucket"] is None
    assert metrics["by_bucket"]["91+"][MODEL]["rows"] > 0


def test_no_rows_have_no_figures(backtest: Backtest) -> None:
    """An empty group says nothing."""
    assert group_figures(backtest.predictions[:0], "x", seed=1, draws=1) is None


def test_the_report_shows_the_steps_and_the_oldest_bucket(backtest: Backtest) -> None:
    """One table of every model at every step, and a row for the items past 90 days."""
    page = render_backtest(backtest)
    assert "Step by step" in page
    for days, found in backtest.metrics["steps"].items():
        assert f"<td>{days} days</td>" in page
        assert f"<td>{found['figures'][MODEL]['log_loss']:.4f}</td>" in page
    assert "Bucket: 91+, in no other figure" in page
    assert "cannot roll further" in page
    plain = replace(backtest, metrics=backtest.metrics | {"last_bucket": None})
    assert "cannot roll further" not in render_backtest(plain)
