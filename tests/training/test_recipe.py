"""Tests of the recipe on a small simulated ledger."""

import ast
import os
import subprocess
import sys
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from features.ledger.cutting import cut_ledger
from features.ledger.read import Ledger
from models.bundle import PARTS, bundle_digest
from models.scorer import survival_curves
from tests.trained import Installation, small_config, small_trained
from training.config import ConfigError, TreeConfig
from training.dataset import as_of_grid, load_dataset
from training.recipe import MODEL, Trained, choose, oldest_as_of, train_model
from training.splits import TooLittleHistoryError, four_windows


@pytest.fixture(scope="module")
def trained() -> Trained:
    """The recipe's result on 300 accounts over two years."""
    return small_trained()


def test_the_model_beats_every_baseline(trained: Trained) -> None:
    """In log-loss, Brier score and ranking, on a window that no choice has seen."""
    own = trained.metrics[MODEL]
    for name, row in trained.metrics.items():
        if name != MODEL:
            assert own["log_loss"] < row["log_loss"], name
            assert own["brier"] < row["brier"], name
            assert own["roc_auc"] > row["roc_auc"], name
    assert trained.beats_baselines


def test_beating_a_baseline_takes_both_proper_scores(trained: Trained) -> None:
    """A better log-loss with a worse Brier score is not enough."""
    worse = {**trained.metrics[MODEL], "brier": 1.0}
    assert not replace(trained, metrics={**trained.metrics, MODEL: worse}).beats_baselines


def test_the_same_ledger_configuration_and_seed_give_the_same_model(
    trained: Trained, installation: Installation
) -> None:
    """From memory and from disk, in two runs: one digest."""
    assert installation.trained.bundle.version == trained.bundle.version
    assert bundle_digest(trained.bundle) == trained.bundle.version
    assert installation.trained.metrics == trained.metrics
    assert installation.trained.choices == trained.choices


ELSEWHERE = """
import os, sys
from pathlib import Path
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from features.ledger.read import open_ledger
from tests.trained import small_config
from training.recipe import train_model
trained = train_model(open_ledger(Path(sys.argv[1])), small_config())
print({name: part.text for name, part in trained.bundle.parts.items()}.__repr__())
"""


def test_another_process_with_one_core_trains_the_same_text(
    trained: Trained, installation: Installation
) -> None:
    """One core, one thread and another order of hashes: every byte of every part is the same."""
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, str(installation.ledger_path)],
        env=os.environ | {"PYTHONHASHSEED": "7", "OMP_NUM_THREADS": "1"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = ast.literal_eval(done.stdout.splitlines()[-1])
    assert found == {name: part.text for name, part in trained.bundle.parts.items()}


def test_all_parts_are_there_with_their_rounds(trained: Trained) -> None:
    """The refitted trees have the rounds that the past windows chose, or more."""
    assert set(trained.bundle.parts) == set(PARTS)
    for name, part in trained.bundle.parts.items():
        trees, found = part.booster.current_iteration(), trained.choices.rounds[name].found
        assert found <= trees <= max(found, small_config().trees.max_rounds)
        assert trained.bundle.facts["rounds"][name] == trees
        expected = trained.choices.calibrators.get(name, part.calibrator)
        assert part.calibrator == expected


def test_no_choice_knows_what_became_known_after_the_test_window_began(
    simulated_ledger: Ledger,
) -> None:
    """With later outcomes blanked, rounds, maps and fallback of all parts are the same."""
    config, lag = small_config(), simulated_ledger.manifest.maturity_lag_days
    config = replace(config, windows=replace(config.windows, recalibrate_days=0))
    newest = simulated_ledger.manifest.known_through - timedelta(days=30 + lag)
    dates = as_of_grid(newest, oldest_as_of(simulated_ledger, config, newest), 28)
    data = load_dataset(simulated_ledger, dates)
    windows = four_windows(dates[0], newest, config.windows, lag)
    chosen = choose(data, windows, config, lag, lambda _: None)
    known = data.known_by(windows.test[0], lag)
    assert choose(known, windows, config, lag, lambda _: None) == chosen
    assert chosen.rounds["step_3"].rows > 0


def test_judged_rows_are_exposed_known_and_within_the_test_window(trained: Trained) -> None:
    """The metrics speak of items that can roll, on dates after every choice."""
    test = trained.test
    assert test.exposed.all()
    assert not np.isnan(test.target("step_1")).any()
    days = test.as_of.dt.date
    assert trained.windows.test[0] <= days.min()
    assert days.max() <= trained.windows.test[1]
    assert trained.metrics[MODEL]["rows"] == len(test)


def test_the_judged_model_is_not_the_refitted_one(trained: Trained) -> None:
    """The figures come from a model that ended before the test window began."""
    refitted = survival_curves(trained.bundle, trained.test.frame, trained.test.segment).at(30)
    assert not np.array_equal(refitted, trained.probabilities[MODEL])


def test_the_facts_say_what_people_ask(trained: Trained) -> None:
    """Windows, rows, configuration and lineage stand in the bundle."""
    facts = trained.bundle.facts
    assert facts["trained_until"] == date(2024, 12, 31)
    assert facts["metrics"] == trained.metrics
    assert len(facts["ledger_digest"]) == 64
    newest = max(facts["as_of_dates"])
    assert newest == str(date(2024, 12, 31) - timedelta(days=37))


def test_training_until_a_day_reads_nothing_that_was_known_later(
    simulated_ledger: Ledger,
) -> None:
    """The whole ledger until a day and the ledger cut at that day give one model."""
    day = date(2024, 10, 30)
    config = replace(small_config(), trees=TreeConfig(rounds=6, num_leaves=6, learning_rate=0.2))
    whole = train_model(simulated_ledger, config, until=day)
    cut = train_model(cut_ledger(simulated_ledger, day), config)
    assert whole.bundle.version == cut.bundle.version
    assert whole.metrics == cut.metrics
    assert whole.bundle.facts["reach"] == cut.bundle.facts["reach"]


def test_a_short_history_is_refused_and_says_what_is_missing(simulated_ledger: Ledger) -> None:
    """Days there are, days that are needed, and what to do."""
    with pytest.raises(TooLittleHistoryError, match=r"leave nothing to fit on. Give a longer"):
        train_model(simulated_ledger, small_config(), until=date(2023, 12, 31))


def test_a_small_ledger_is_refused_and_says_what_is_missing(simulated_ledger: Ledger) -> None:
    """Every shortage at once, with the numbers found and needed."""
    config = replace(small_config(), max_rows=150)
    says = r"unresolved rows, 200 are needed; .* resolved rows, 200 are needed"
    with pytest.raises(TooLittleHistoryError, match=says):
        train_model(simulated_ledger, config)


def test_a_recipe_without_a_test_window_is_refused(simulated_ledger: Ledger) -> None:
    """No model is registered unjudged."""
    windows = replace(small_config().windows, test_days=0)
    with pytest.raises(ConfigError, match=r"'windows.test_days' must be above 0"):
        train_model(simulated_ledger, replace(small_config(), windows=windows))
