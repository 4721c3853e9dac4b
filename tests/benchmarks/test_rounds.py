"""Where each step stops: the rules differ where they say, and the recipe is one of them."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from benchmarks.choices import on_grid, origins_until
from benchmarks.rounds import RECIPE, RULES, curves, judged, trees_of
from benchmarks.stacked import STEP_PARTS
from training.config import TrainingConfig, TreeConfig, WindowConfig
from training.dataset import Dataset
from training.origins import OriginRows, rows_of_origin

CONFIG = TrainingConfig(
    features=("days_past_due", "age_days"),
    trees=TreeConfig(max_rounds=200, stop_after=5, num_leaves=6, learning_rate=0.2),
    windows=WindowConfig(every_days=14, stop_days=28, recalibrate_days=0, test_days=0),
)
LAST, LAG = date(2024, 8, 15), 7


@pytest.fixture(scope="module")
def rows(year: Dataset) -> OriginRows:
    """One origin of every second date."""
    return rows_of_origin(on_grid(year, LAST, 14), origins_until(LAST, 1, 28)[0], CONFIG, LAG)


def test_rules_differ_in_where_a_step_stops_and_in_the_trees_of_a_refit(rows: OriginRows) -> None:
    """The first step stops on the same weeks either way; more rows have as many trees or more."""
    counts = {part: trees_of(part, rows, CONFIG, LAG) for part in STEP_PARTS}
    root, found, proportion, shared = (
        [counts[part][rule] for part in STEP_PARTS] for rule in RULES
    )
    assert found[0] == shared[0]
    assert found[1:] != shared[1:]
    assert all(
        one <= other <= more for one, other, more in zip(found, root, proportion, strict=True)
    )
    assert root != found
    assert RULES[0] == RECIPE


def test_rules_are_judged_on_the_same_rows_and_against_the_recipe(rows: OriginRows) -> None:
    """One entry a step, a figure a rule, and no change of the recipe against itself."""
    _, found = curves(rows, replace(CONFIG, seed=3), LAG)
    assert set(found) == set(RULES)
    for survival in found.values():
        assert survival.shape == (len(rows.test), 4)
        assert (np.diff(survival, axis=1) <= 0).all()
    steps = judged({rule: [found[rule]] for rule in RULES}, [rows.test], 1)
    assert [step["days"] for step in steps] == [30, 60, 90, 120]
    for step in steps:
        assert set(step["changes"]) == set(RULES) - {RECIPE}
        recipe = step["figures"][RECIPE]["log_loss"]
        for rule, change in step["changes"].items():
            gap = step["figures"][rule]["log_loss"] - recipe
            assert change["log_loss"]["difference"] == pytest.approx(gap, abs=1e-9)
