"""Tests of the search: folds look back only, the start is the first trial, seeds repeat."""

import itertools
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from tests.trained import small_config, small_ledger
from training.config import TrainingConfig, read_config
from training.dataset import Dataset, as_of_grid, horizon_of, load_dataset
from training.hazard import risk_set
from training.search import Fold, changed_config, relative_loss, rolling_folds, search
from training.splits import TooLittleHistoryError

LAG = 7
CONFIG = replace(
    small_config(),
    trees=replace(small_config().trees, rounds=8),
    windows=replace(small_config().windows, stop_days=28),
)


@pytest.fixture(scope="module")
def data() -> Dataset:
    """A year of monthly dates of the small ledger."""
    through = small_ledger().manifest.known_through - timedelta(days=150)
    return load_dataset(small_ledger(), as_of_grid(through, through - timedelta(days=364), 28))


@pytest.fixture(scope="module")
def last(data: Dataset) -> date:
    """The newest date."""
    return data.as_of.max().date()


@pytest.fixture(scope="module")
def folds(data: Dataset, last: date) -> list[Fold]:
    """The folds of that year."""
    return rolling_folds(data, last, CONFIG, LAG)


def test_a_fold_learns_only_what_was_known_before_its_first_judged_day(folds: list[Fold]) -> None:
    """Each known outcome of the fitting and stopping rows was mature on that day."""
    assert len(folds) == 3
    for fold in folds:
        first = np.datetime64(fold.judge.as_of.min().date())
        for part in ("step_1", "step_4"):
            stop = fold.stop(part)
            began = stop.as_of.min().to_datetime64().astype("datetime64[D]")
            for rows, by in ((fold.learnt(part, fold.fit), began), (stop, first)):
                days = rows.as_of.to_numpy(dtype="datetime64[D]")
                known = ~np.isnan(rows.target(part))
                needed = horizon_of(part) + LAG
                assert (days[known] + np.timedelta64(needed, "D") <= by).all()
        assert fold.fit.as_of.max() < fold.stop("step_1").as_of.min() < fold.judge.as_of.min()
        assert len(risk_set(fold.fit, "step_1", CONFIG).y)


def test_folds_follow_one_another_up_to_the_last_day(folds: list[Fold], last: date) -> None:
    """No judged row stands in two folds, and the newest is judged."""
    spans = [(fold.judge.as_of.min(), fold.judge.as_of.max()) for fold in folds]
    assert all(one[1] < other[0] for one, other in itertools.pairwise(spans))
    assert spans[-1][1].date() == last


def test_the_first_trial_is_the_configuration_given_and_the_best_is_no_worse(
    folds: list[Fold],
) -> None:
    """What is returned has the lowest loss of all, and the same seed repeats it."""
    told: list[str] = []
    found = search(folds[-1:], CONFIG, trials=3, progress=told.append)
    assert next(dict(trial.changed) for trial in found.trials) == {}
    assert found.trials[0].loss == relative_loss(folds[-1:], CONFIG)
    losses = [trial.loss for trial in found.trials]
    best = found.trials[int(np.argmin(losses))]
    assert found.best == changed_config(CONFIG, best.changed)
    assert len(told) == 2
    again = search(folds[-1:], CONFIG, trials=3)
    assert again.trials == found.trials


def test_a_model_that_learned_something_loses_less_than_a_constant_rate(folds: list[Fold]) -> None:
    """Relative loss is below 1 with trees, and about 1 with hardly any."""
    nothing = replace(CONFIG, trees=replace(CONFIG.trees, rounds=1, learning_rate=1e-6))
    assert relative_loss(folds, CONFIG) < 0.99
    assert relative_loss(folds[-1:], nothing) == pytest.approx(1.0, abs=0.02)


def test_too_short_a_history_and_too_few_trials_are_refused(data: Dataset) -> None:
    """The message says what is missing."""
    short = data.between(data.as_of.max().date() - timedelta(days=56), None)
    with pytest.raises(TooLittleHistoryError, match="Give a longer history"):
        rolling_folds(short, short.as_of.max().date(), CONFIG, LAG)
    with pytest.raises(ValueError, match="trials must be at least 1, got 0"):
        search([], CONFIG, trials=0)


def test_the_start_may_be_a_shipped_recipe() -> None:
    """Changes touch the named keys only."""
    start: TrainingConfig = read_config("quick")
    changed = changed_config(start, {"trees.max_depth": 3, "balance_power": 0.5})
    assert changed.trees == replace(start.trees, max_depth=3)
    assert changed.balance_power == 0.5
    assert changed.windows == start.windows
