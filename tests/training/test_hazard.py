"""Tests of fitting: the same inputs give the same text, weights and constraints bind."""

from dataclasses import replace

import numpy as np
import pytest

from features.catalogue import NAMES
from models.bundle import PARTS, make_part
from models.calibrator import Calibrator
from tests.trained import small_ledger
from training.config import TrainingConfig, TreeConfig
from training.dataset import Dataset, as_of_grid, load_dataset
from training.hazard import (
    BINS,
    DEFAULT_ROUNDS,
    RiskSet,
    Rounds,
    fit_part,
    fit_parts,
    in_bins,
    is_trainable,
    parameters,
    risk_set,
    risk_set_in,
    search_part,
    shared_bins,
    side_by_side,
)

CONFIG = TrainingConfig(trees=TreeConfig(num_leaves=6, learning_rate=0.1, max_rounds=60))


@pytest.fixture(scope="module")
def data() -> Dataset:
    """Five dates of the small ledger."""
    ledger = small_ledger()
    through = ledger.manifest.known_through
    grid = as_of_grid(through, through.replace(year=through.year - 1), 56)
    return load_dataset(ledger, grid[:5])


def synthetic(seed: int, count: int = 1500) -> RiskSet:
    """Rows on which the first feature decides."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(count, len(NAMES)))
    y = (rng.random(count) < 1 / (1 + np.exp(-2 * values[:, 0]))).astype(float)
    return RiskSet(values=values, y=y, weight=np.ones(count))


def test_the_same_rows_configuration_and_seed_give_the_same_text(data: Dataset) -> None:
    """Also side by side with the other parts."""
    rounds = dict.fromkeys(PARTS, Rounds(found=6))
    first = fit_parts(data, CONFIG, rounds, {})
    again = fit_parts(data, CONFIG, rounds, {})
    bins = shared_bins(data, CONFIG)
    for part in PARTS:
        assert first[part].text == again[part].text
        rows = risk_set_in(bins, data, part, CONFIG)
        assert first[part].text == fit_part(rows, part, CONFIG, rounds=6)


def test_a_part_takes_from_shared_bins_what_it_would_bin_itself(data: Dataset) -> None:
    """The same outcomes and weights; where every row is known, the same text."""
    config = replace(CONFIG, decay_days=56.0)
    known = data.select(~np.isnan(data.target("step_1")))
    own = in_bins(risk_set(known, "step_1", config), config.feature_names).construct()
    shared = risk_set_in(shared_bins(known, config), known, "step_1", config)
    assert np.array_equal(shared.get_label(), own.get_label())
    assert np.array_equal(shared.get_weight(), own.get_weight())
    texts = [fit_part(rows, "step_1", config, rounds=4) for rows in (own, shared)]
    assert texts[0] == texts[1]


def test_rows_and_trees_ask_for_the_same_number_of_threads() -> None:
    """LightGBM keeps one for the process; parts at work side by side must not change it."""
    assert BINS["num_threads"] == parameters(CONFIG, "step_1")["num_threads"]


def test_another_seed_gives_another_text(data: Dataset) -> None:
    """The seed decides which rows and features a tree sees."""
    rows = risk_set_in(shared_bins(data, CONFIG), data, "step_1", CONFIG)
    other = replace(CONFIG, seed=1)
    assert fit_part(rows, "step_1", CONFIG, rounds=3) != fit_part(rows, "step_1", other, rounds=3)


def test_each_part_is_trained_on_its_own_risk_set(data: Dataset) -> None:
    """Rows with an unknown outcome, or out of the risk set, are not there."""
    for part in PARTS:
        rows = risk_set(data, part, CONFIG)
        known = ~np.isnan(data.target(part))
        assert len(rows.y) == known.sum()
        read = data.frame.matrix(CONFIG.feature_names)
        assert rows.values.tobytes() == read[known].tobytes()
        assert (rows.weight == 1).all()
    assert len(risk_set(data, "step_2", CONFIG).y) == (data.target("step_1") == 1).sum()


def test_calibrators_stay_with_their_parts(data: Dataset) -> None:
    """Parts without one keep the identity."""
    logistic = Calibrator(kind="logistic", a=0.8)
    parts = fit_parts(data, CONFIG, dict.fromkeys(PARTS, Rounds(found=2)), {"step_2": logistic})
    assert parts["step_2"].calibrator == logistic
    assert parts["step_1"].calibrator == Calibrator()


def test_weights_fall_by_half_over_the_half_life_and_rise_with_a_power_of_the_balance(
    data: Dataset,
) -> None:
    """The newest row weighs 1; the balance's weights average 1."""
    aged = risk_set(data, "step_1", replace(CONFIG, decay_days=56.0))
    known = ~np.isnan(data.target("step_1"))
    days = data.as_of[known]
    age = (days.max() - days).dt.days.to_numpy()
    np.testing.assert_allclose(aged.weight, 0.5 ** (age / 56))
    heavy = risk_set(data, "step_1", replace(CONFIG, balance_power=0.5))
    root = np.sqrt(data.balance[known])
    np.testing.assert_allclose(heavy.weight, root / root.mean())


def test_rising_features_bind_the_steps_and_not_the_cuts() -> None:
    """With more of a rising feature the probability of staying open never falls."""
    rows = synthetic(1)
    turned = replace(rows, y=1 - rows.y)
    config = replace(CONFIG, trees=replace(CONFIG.trees, rising=(NAMES[0],), feature_fraction=1.0))
    sweep = np.zeros((50, len(NAMES)))
    sweep[:, 0] = np.linspace(-3, 3, 50)
    for part, falls in (("step_1", False), ("cut_7", True)):
        text = fit_part(in_bins(turned, NAMES), part, config, rounds=30)
        answers = np.asarray(make_part(text, Calibrator()).booster.predict(sweep))
        assert bool((np.diff(answers) < -1e-9).any()) == falls


def test_falling_features_bind_the_other_way() -> None:
    """With more of a falling feature the probability of staying open never rises."""
    config = replace(CONFIG, trees=replace(CONFIG.trees, falling=(NAMES[0],), feature_fraction=1.0))
    sweep = np.zeros((50, len(NAMES)))
    sweep[:, 0] = np.linspace(-3, 3, 50)
    text = fit_part(in_bins(synthetic(1), NAMES), "step_1", config, rounds=30)
    answers = np.asarray(make_part(text, Calibrator()).booster.predict(sweep))
    assert (np.diff(answers) <= 1e-9).all()


def test_the_search_stops_where_fresh_rows_stop_improving() -> None:
    """The rounds found have the lowest log-loss on the stopping rows."""
    fit, stop = synthetic(2), synthetic(3)
    rounds, booster = search_part(in_bins(fit, NAMES), stop, "step_1", CONFIG)
    losses = []
    for count in range(1, booster.current_iteration() + 1):
        p = np.asarray(booster.predict(stop.values, num_iteration=count))
        losses.append(-np.mean(np.log(np.where(stop.y == 1, p, 1 - p))))
    assert rounds == Rounds(found=int(np.argmin(losses)) + 1, rows=len(fit.y))


def test_more_rows_bear_more_trees_up_to_the_bound(data: Dataset) -> None:
    """A part fitted on four times the rows of its search has twice the trees."""
    learnt = len(risk_set(data, "step_1", CONFIG).y)
    for rows, trees in ((learnt // 4, 12), (learnt, 6), (4 * learnt, 6), (1, 60)):
        rounds = {"step_1": Rounds(found=6, rows=rows)}
        part = fit_parts(data, CONFIG, rounds, {}, parts=("step_1",))["step_1"]
        assert part.booster.current_iteration() == trees


def test_the_search_is_skipped_with_fixed_rounds_or_too_few_outcomes() -> None:
    """The configured or the default number of rounds is trained."""
    fit, stop = synthetic(2, 400), synthetic(3, 400)
    fixed = replace(CONFIG, trees=replace(CONFIG.trees, rounds=7))
    rounds, booster = search_part(in_bins(fit, NAMES), stop, "step_1", fixed)
    assert (rounds, booster.current_iteration()) == (Rounds(found=7), 7)
    none = RiskSet(values=stop.values[:0], y=stop.y[:0], weight=stop.weight[:0])
    rounds, _ = search_part(in_bins(fit, NAMES), none, "step_1", CONFIG)
    assert rounds == Rounds(found=DEFAULT_ROUNDS)


def test_one_class_is_not_trainable() -> None:
    """Both outcomes must occur."""
    y = synthetic(1, 50).y
    assert is_trainable(y)
    assert not is_trainable(np.where(y == 1, y, np.nan))


def test_work_side_by_side_keeps_the_order_of_the_names() -> None:
    """Results come back by position, whatever finishes first."""
    assert side_by_side(str.upper, ["a", "b", "c"]) == ["A", "B", "C"]
    begun: list[str] = []
    assert side_by_side(begun.append, ["a", "bb"], len) == [None, None]
    assert begun[0] == "bb"
