"""Signs: a feature that turns its direction in one bucket does not hold."""

from dataclasses import replace
from datetime import date

import lightgbm
import numpy as np

from benchmarks.choices import on_grid
from benchmarks.signs import effects
from training.config import TrainingConfig
from training.dataset import Dataset

LAST = date(2024, 8, 15)
CONFIG = TrainingConfig(features=("days_past_due", "late_share_365", "dbt_mean_365"))


def test_a_sign_that_turns_in_one_bucket_does_not_hold(year: Dataset) -> None:
    """The feature that always raises holds; the other is named with where it failed."""
    data = on_grid(year, LAST, 14)
    values = data.frame.matrix(CONFIG.feature_names)
    rng = np.random.default_rng(3)
    late, delay = rng.random(len(data)), rng.normal(size=len(data))
    turned = np.where(data.frame.bucket == 1, -delay, delay)
    chance = 1 / (1 + np.exp(-(3 * late - 1.5 + 2 * turned)))
    y = (rng.random(len(data)) < chance).astype(float)
    places = [CONFIG.feature_names.index(name) for name in ("late_share_365", "dbt_mean_365")]
    values[:, places] = np.column_stack([late, delay])
    booster = lightgbm.train(
        {"objective": "binary", "verbosity": -1, "num_threads": 1},
        lightgbm.Dataset(values, y, feature_name=list(CONFIG.feature_names)),
        num_boost_round=40,
    )
    whole = data.frame.matrix(data.frame.names).copy()
    for name, place in zip(("late_share_365", "dbt_mean_365"), places, strict=True):
        whole[:, data.frame.names.index(name)] = values[:, place]
    planted = replace(data, frame=replace(data.frame, values=whole))
    found = {one["feature"]: one for one in effects({"step_1": booster}, planted, CONFIG)}
    assert found["late_share_365"]["holds"]
    assert not found["dbt_mean_365"]["holds"]
    assert found["dbt_mean_365"]["weakest_at"] == "1-30, step_1"
    assert set(found) == {"late_share_365", "dbt_mean_365"}
