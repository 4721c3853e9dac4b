"""Ablation: what is left out, what it costs, and that a family that decides is noticed."""

from dataclasses import replace

import numpy as np
import pytest

from features.catalogue import MODEL_NAMES, NAMES, PEER_NAMES
from features.ledger.read import Ledger
from training.ablation import ablate, variants
from training.config import BacktestConfig, TrainingConfig, TreeConfig, WindowConfig
from training.dataset import Dataset, as_of_grid, load_dataset
from training.origins import plan_origins, rows_of_origin
from training.recipe import oldest_as_of

CONFIG = TrainingConfig(
    features=("days_past_due", "age_days", "returns_365"),
    trees=TreeConfig(rounds=8, num_leaves=6, learning_rate=0.2, feature_fraction=1.0),
    windows=WindowConfig(every_days=28, stop_days=0, recalibrate_days=0, test_days=0),
    backtest=BacktestConfig(origins=1, test_days=56),
)


def test_every_family_that_is_read_is_left_out_once() -> None:
    """All its features go, no other; peers that are not read are added instead."""
    whole = variants(TrainingConfig(peers=True))
    for family, config in whole.items():
        gone = set(MODEL_NAMES) - set(config.feature_names)
        assert gone, family
    assert set(MODEL_NAMES) - set(whole["peers"].feature_names) == set(PEER_NAMES)
    added = variants(TrainingConfig())["peers"]
    assert added.feature_names == (*NAMES, *PEER_NAMES)
    assert set(variants(CONFIG)) == {"item_age", "returns", "peers"}


def test_a_recipe_of_one_family_is_never_left_without_any() -> None:
    """Nothing is refitted on nothing."""
    assert set(variants(replace(CONFIG, features=("age_days",)))) == {"peers"}


@pytest.fixture(scope="module")
def planted(simulated_ledger: Ledger) -> Dataset:
    """Rows whose ``returns_365`` tells the outcome, but for a tenth of them."""
    origins = plan_origins(simulated_ledger, CONFIG)
    oldest = oldest_as_of(simulated_ledger, CONFIG, origins[0].first)
    dates = as_of_grid(origins[-1].last, oldest, 28)
    data = load_dataset(simulated_ledger, dates)
    values = data.frame.matrix(data.frame.names).copy()
    rng = np.random.default_rng(1)
    y = data.target("step_1")
    told = np.where(rng.random(len(y)) < 0.1, 1 - y, y)
    values[:, data.frame.names.index("returns_365")] = told
    return replace(data, frame=replace(data.frame, values=values))


def test_a_family_that_decides_is_noticed(simulated_ledger: Ledger, planted: Dataset) -> None:
    """Without it log-loss rises and average precision falls, beyond the interval."""
    from training.ablation import step_1_probabilities

    origins = plan_origins(simulated_ledger, CONFIG)
    rows = rows_of_origin(planted, origins[0], CONFIG, 7)
    own = step_1_probabilities(rows, CONFIG, 7)
    found = {e["family"]: e for e in ablate(planted, origins, CONFIG, 7, own, draws=30)}
    assert found["returns"]["features"] == 1
    assert found["returns"]["change"] == "left out"
    assert found["returns"]["log_loss"]["low"] > 0.1
    assert found["returns"]["average_precision"]["high"] < -0.1
    assert found["peers"]["change"] == "added"
    assert abs(found["peers"]["log_loss"]["difference"]) < 0.1
