"""One model of all steps, with the step as an input, beside one model a step."""

from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.extended import fit_as_recipe
from features.outcomes import STEPS
from models.bundle import PARTS
from training.calibrate import choose_calibrator
from training.config import TrainingConfig
from training.dataset import Dataset
from training.hazard import RiskSet, fit_parts, risk_set
from training.origins import OriginRows
from training.recipe import choose

Floats = npt.NDArray[np.float64]

STEP_PARTS = PARTS[:STEPS]


def reached(data: Dataset) -> Floats:
    """Return whether each item was unresolved after 1 to 4 steps, NaN where unknown; (n, 4)."""
    columns = [data.target(STEP_PARTS[0])]
    for part in STEP_PARTS[1:]:
        # What was resolved earlier is in no later risk set; it stays resolved.
        columns.append(np.where(columns[-1] == 1, data.target(part), columns[-1]))
    return np.column_stack(columns)


def per_step(rows: OriginRows, config: TrainingConfig, lag: int) -> Floats:
    """Return P(unresolved after 1 to 4 steps) of the judged rows from a model a step; (n, 4)."""
    choices = choose(rows.past, rows.windows, config, lag, lambda _: None, parts=STEP_PARTS)
    parts = fit_parts(rows.past, config, choices.rounds, choices.calibrators, parts=STEP_PARTS)
    values = rows.test.frame.matrix(config.feature_names)
    columns = []
    for name in STEP_PARTS:
        margin: Any = parts[name].booster.predict(values, raw_score=True, num_threads=1)
        columns.append(parts[name].calibrator.probability(np.asarray(margin, dtype=float)))
    return np.cumprod(np.column_stack(columns), axis=1)


def one_model(rows: OriginRows, config: TrainingConfig, lag: int) -> Floats:
    """Return the same from one model of all person-periods; rounds and maps found alike."""
    windows, past = rows.windows, rows.past
    fit = person_periods(past.between(*windows.fit).known_by(windows.stop[0], lag), config)
    stop = person_periods(past.between(*windows.stop), config)
    rounds, found, whole = fit_as_recipe(
        fit, stop, person_periods(past, config), [*config.feature_names, "step"], config
    )
    fresh = past.between(*windows.recalibrate)
    half = pd.util.hash_array(fresh.account) % 2 == 0
    columns = []
    for step, part in enumerate(STEP_PARTS, 1):
        y = fresh.target(part)
        known = ~np.isnan(y)
        seen = _margin(found, fresh.select(known), step, config, rounds)
        calibrator = choose_calibrator(seen, y[known], half[known])
        columns.append(calibrator.probability(_margin(whole, rows.test, step, config, rounds)))
    return np.cumprod(np.column_stack(columns), axis=1)


def person_periods(data: Dataset, config: TrainingConfig) -> RiskSet:
    """Return the rows of all steps under each other, the step as their last input."""
    sets = [risk_set(data, part, config) for part in STEP_PARTS]
    return RiskSet(
        values=np.concatenate([_with_step(of.values, step) for step, of in enumerate(sets, 1)]),
        y=np.concatenate([of.y for of in sets]),
        weight=np.concatenate([of.weight for of in sets]),
    )


def _with_step(values: Floats, step: int) -> Floats:
    return np.column_stack([values, np.full(len(values), float(step))])


def _margin(
    booster: lightgbm.Booster, data: Dataset, step: int, config: TrainingConfig, rounds: int
) -> Floats:
    values = _with_step(data.frame.matrix(config.feature_names), step)
    margin: Any = booster.predict(values, raw_score=True, num_iteration=rounds, num_threads=1)
    return np.asarray(margin, dtype=float)
