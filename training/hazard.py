"""Fit the parts of the survival model with LightGBM.

Each part is a binary model on its own risk set: ``step_j`` on items unresolved at 30·(j−1)
days, the cuts on items resolved within 30 and within 14 days. Same rows, configuration and
seed give the same model text.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import lightgbm
import numpy as np
import numpy.typing as npt

from models.bundle import PARTS, Part, make_part
from models.calibrator import Calibrator
from training.config import TrainingConfig, TreeConfig
from training.dataset import Dataset

Floats = npt.NDArray[np.float64]

MIN_STOP_POSITIVES = 20
DEFAULT_ROUNDS = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskSet:
    """Rows of one part: inputs, outcomes and weights."""

    values: Floats
    y: Floats
    weight: Floats


def risk_set(dataset: Dataset, part: str, decay_days: float = 0.0) -> RiskSet:
    """Return the rows of ``dataset`` on which a part is trained.

    Parameters
    ----------
    decay_days : float
        Half-life of a row's weight by the age of its as-of date; 0 for equal weights.
    """
    y = dataset.target(part)
    known = ~np.isnan(y)
    weight = np.ones(int(known.sum()))
    if decay_days > 0 and known.any():
        days = dataset.as_of.to_numpy(dtype="datetime64[D]")[known]
        age = (days.max() - days).astype(float)
        weight = 0.5 ** (age / decay_days)
    return RiskSet(values=dataset.frame.values[known], y=y[known], weight=weight)


def is_trainable(rows: RiskSet) -> bool:
    """Return whether both classes are present."""
    return len(np.unique(rows.y)) == 2


def fit_part(
    rows: RiskSet, config: TrainingConfig, names: tuple[str, ...], *, rounds: int
) -> str:
    """Return the LightGBM text of a part trained for ``rounds`` rounds."""
    data = _data(rows, names)
    booster = lightgbm.train(_parameters(config), data, num_boost_round=rounds)
    return str(booster.model_to_string())


def search_part(
    fit: RiskSet, stop: RiskSet, config: TrainingConfig, names: tuple[str, ...]
) -> tuple[int, lightgbm.Booster]:
    """Return the rounds at which the log-loss on ``stop`` is lowest, and the trees till there.

    With a fixed number of rounds in the configuration, or too few outcomes to stop on, the
    search is skipped and the trees are trained for the fixed or default number.
    """
    trees = config.trees
    data = _data(fit, names)
    too_few = min(stop.y.sum(), (1 - stop.y).sum()) < MIN_STOP_POSITIVES
    if trees.rounds > 0 or too_few:
        rounds = trees.rounds or DEFAULT_ROUNDS
        return rounds, lightgbm.train(_parameters(config), data, num_boost_round=rounds)
    booster = lightgbm.train(
        _parameters(config),
        data,
        num_boost_round=trees.max_rounds,
        valid_sets=[_data(stop, names, reference=data)],
        callbacks=[lightgbm.early_stopping(trees.stop_after, verbose=False)],
    )
    return max(int(booster.best_iteration), 1), booster


def fit_parts(
    dataset: Dataset,
    config: TrainingConfig,
    rounds: Mapping[str, int],
    calibrators: Mapping[str, Calibrator],
) -> dict[str, Part]:
    """Return all parts trained on every known row of ``dataset``."""
    parts = {}
    for name in PARTS:
        rows = risk_set(dataset, name, config.decay_days)
        text = fit_part(rows, config, dataset.frame.names, rounds=rounds[name])
        parts[name] = make_part(text, calibrators.get(name, Calibrator()))
    return parts


def _data(
    rows: RiskSet, names: tuple[str, ...], reference: lightgbm.Dataset | None = None
) -> lightgbm.Dataset:
    return lightgbm.Dataset(
        rows.values,
        label=rows.y,
        weight=rows.weight,
        feature_name=list(names),
        reference=reference,
        params={"feature_pre_filter": False, "verbosity": -1},
    )


def _parameters(config: TrainingConfig) -> dict[str, int | float | str | bool]:
    trees: TreeConfig = config.trees
    return {
        "objective": "binary",
        "metric": "binary_logloss",
        "learning_rate": trees.learning_rate,
        "num_leaves": trees.num_leaves,
        "max_depth": trees.max_depth,
        "min_data_in_leaf": trees.min_data_in_leaf,
        "feature_fraction": trees.feature_fraction,
        "bagging_fraction": trees.bagging_fraction,
        "bagging_freq": 1,
        "lambda_l2": trees.lambda_l2,
        "path_smooth": trees.path_smooth,
        "seed": config.seed,
        "deterministic": True,
        "force_row_wise": True,
        "feature_pre_filter": False,
        "verbosity": -1,
    }
