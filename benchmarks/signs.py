"""Whether what a feature is said to do to the risk holds in every bucket and every step.

An unconstrained model of each step answers the same rows twice: with the feature at its first
and at its last decile within the bucket, all else as it is. A constraint is safe where the mean
answer never moves against the direction that the catalogue gives.
"""

from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt

from features.ageing import BUCKETS
from features.catalogue import MODEL_FEATURES
from training.config import TrainingConfig
from training.dataset import Dataset

Floats = npt.NDArray[np.float64]

ENDS = (0.1, 0.9)
MIN_ROWS = 100
TOLERATED = 0.002
"""A movement against the direction that is too small to speak of."""

DIRECTIONS = {"higher is riskier": 1, "lower is riskier": -1}


def effects(
    boosters: dict[str, lightgbm.Booster], rows: Dataset, config: TrainingConfig
) -> list[dict[str, Any]]:
    """Return per directed feature its weakest effect, where that was, and whether it holds.

    Parameters
    ----------
    boosters : dict
        The unconstrained model of each step.
    rows : Dataset
        Rows to answer; a thousand or two a bucket are enough.
    config : TrainingConfig
        Whose features the models read.
    """
    names = config.feature_names
    values = rows.frame.matrix(names)
    found = []
    for feature in MODEL_FEATURES:
        sign = DIRECTIONS.get(feature.direction, 0)
        if not sign or feature.name not in names:
            continue
        seen = []
        for place, bucket in enumerate(BUCKETS):
            here = values[rows.frame.bucket == place]
            ends = _ends(here[:, names.index(feature.name)])
            if ends is None:
                continue
            for step, booster in boosters.items():
                gap = sign * _change(booster, here, names.index(feature.name), ends)
                seen.append((gap, bucket, step))
        if seen:
            worst = min(seen)
            found.append(
                {
                    "feature": feature.name,
                    "direction": feature.direction,
                    "strongest": max(seen)[0],
                    "weakest": worst[0],
                    "weakest_at": f"{worst[1]}, {worst[2]}",
                    "holds": worst[0] >= -TOLERATED,
                }
            )
    return found


def _ends(column: Floats) -> tuple[float, float] | None:
    known = column[~np.isnan(column)]
    if len(known) < MIN_ROWS:
        return None
    low, high = np.quantile(known, ENDS, method="nearest")
    return (float(low), float(high)) if low < high else None


def _change(
    booster: lightgbm.Booster, values: Floats, column: int, ends: tuple[float, float]
) -> float:
    means = []
    for end in ends:
        moved = values.copy()
        moved[:, column] = end
        p: Any = booster.predict(moved, num_threads=1)
        means.append(float(np.mean(p)))
    return means[1] - means[0]
