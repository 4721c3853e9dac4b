"""One model of all steps: its rows, its outcomes, and that it answers like one a step."""

from datetime import date

import numpy as np
import pytest

from benchmarks.choices import on_grid, origins_until
from benchmarks.stacked import STEP_PARTS, one_model, per_step, person_periods, reached
from training.config import TrainingConfig, TreeConfig, WindowConfig
from training.dataset import Dataset
from training.origins import rows_of_origin

CONFIG = TrainingConfig(
    features=("days_past_due", "age_days"),
    trees=TreeConfig(max_rounds=12, num_leaves=6, learning_rate=0.2, feature_fraction=1.0),
    windows=WindowConfig(every_days=14, stop_days=28, recalibrate_days=28, test_days=0),
)
LAST = date(2024, 8, 15)


@pytest.fixture(scope="module")
def data(year: Dataset) -> Dataset:
    """Every second date."""
    return on_grid(year, LAST, 14)


def test_what_is_resolved_stays_resolved(data: Dataset) -> None:
    """Being unresolved never rises with the step, and is unknown only where a step is."""
    found = reached(data)
    known = ~np.isnan(found)
    assert (found[:, 1:] <= found[:, :-1])[known[:, 1:]].all()
    once = data.target("step_1") == 0
    assert (found[once] == 0).all()
    every = np.column_stack([data.target(part) for part in STEP_PARTS])
    assert (found[:, 3] == 1).sum() == (every == 1).all(axis=1).sum()


def test_person_periods_hold_each_row_once_a_step_it_entered(data: Dataset) -> None:
    """The last column is the step; the outcomes are the parts' own."""
    rows = person_periods(data, CONFIG)
    steps = rows.values[:, -1]
    for step, part in enumerate(STEP_PARTS, 1):
        y = data.target(part)
        assert (steps == step).sum() == (~np.isnan(y)).sum()
        assert rows.y[steps == step].mean() == pytest.approx(np.nanmean(y))


def test_both_ways_tell_items_apart_and_never_rise(data: Dataset) -> None:
    """Curves fall with the step; those that stay open have the higher ones."""
    (origin,) = origins_until(LAST, 1, 28)
    rows = rows_of_origin(data, origin, CONFIG, 7)
    y = rows.test.target("step_1")
    for way in (per_step, one_model):
        curves = way(rows, CONFIG, 7)
        assert curves.shape == (len(rows.test), 4)
        assert (np.diff(curves, axis=1) <= 0).all()
        assert curves[y == 1, 0].mean() > curves[y == 0, 0].mean() + 0.02
