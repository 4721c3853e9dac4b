"""Fit the parts of the survival model with LightGBM.

Each part is a binary model on its own risk set: ``step_j`` on items unresolved at 30·(j−1)
days, the cuts on items resolved within 30 and within 14 days. Same rows, configuration and
seed give the same model text.
"""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import lightgbm
import numpy as np
import numpy.typing as npt

from models.bundle import PARTS, Part, make_part
from models.calibrator import Calibrator
from training.config import TrainingConfig, TreeConfig
from training.dataset import Dataset

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.bool_]

T = TypeVar("T")

BINS = {"feature_pre_filter": False, "verbosity": -1, "num_threads": 1}
"""LightGBM's parameters of rows. It keeps one number of threads for the whole process, so rows ask
for as many as ``parameters``: another number, asked for while a part is at work, makes that part
write beyond its buffers."""

MIN_STOP_POSITIVES = 20
DEFAULT_ROUNDS = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskSet:
    """Rows of one part: inputs, outcomes and weights."""

    values: Floats
    y: Floats
    weight: Floats


def risk_set(dataset: Dataset, part: str, config: TrainingConfig) -> RiskSet:
    """Return the rows of ``dataset`` on which a part is trained, weighted by age and balance."""
    known = ~np.isnan(dataset.target(part))
    return RiskSet(
        values=dataset.frame.matrix(config.feature_names)[known],
        y=dataset.target(part)[known],
        weight=weights(dataset, known, config),
    )


def weights(dataset: Dataset, known: Rows, config: TrainingConfig) -> Floats:
    """Return how much each of the known rows counts, by its age and balance."""
    weight = np.ones(int(known.sum()))
    if config.decay_days > 0 and known.any():
        days = dataset.as_of.to_numpy(dtype="datetime64[D]")[known]
        age = (days.max() - days).astype(float)
        weight = 0.5 ** (age / config.decay_days)
    if config.balance_power > 0 and known.any():
        scale = dataset.balance[known] ** config.balance_power
        weight = weight * scale / scale.mean()
    return weight


def in_bins(
    rows: RiskSet, names: Sequence[str], reference: lightgbm.Dataset | None = None
) -> lightgbm.Dataset:
    """Return rows as LightGBM learns from them, in bins of their own or in those of others."""
    return lightgbm.Dataset(
        rows.values,
        label=rows.y,
        weight=rows.weight,
        feature_name=list(names),
        reference=reference,
        params=BINS,
    )


def shared_bins(dataset: Dataset, config: TrainingConfig) -> lightgbm.Dataset:
    """Return the inputs of all rows in bins, for ``risk_set_in`` to choose from.

    Finding the bins and putting rows into them is done once instead of once a part, and no part
    copies its rows.
    """
    values = dataset.frame.matrix(config.feature_names)
    bins = lightgbm.Dataset(values, feature_name=list(config.feature_names), params=BINS)
    return bins.construct()


def risk_set_in(
    bins: lightgbm.Dataset,
    dataset: Dataset,
    part: str,
    config: TrainingConfig,
    among: Rows | None = None,
) -> lightgbm.Dataset:
    """Return the rows of ``risk_set``, or some, out of the ``shared_bins`` of ``dataset``.

    Not to be called from two threads at once.
    """
    known = ~np.isnan(dataset.target(part))
    if among is not None:
        known &= among
    rows = bins.subset(np.flatnonzero(known).tolist(), params=BINS).construct()
    rows.set_label(dataset.target(part)[known])
    rows.set_weight(weights(dataset, known, config))
    return rows


def is_trainable(y: Floats) -> bool:
    """Return whether both classes are present."""
    return len(np.unique(y[~np.isnan(y)])) == 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounds:
    """How many trees a part has: found on some rows, or fixed.

    Parameters
    ----------
    found : int
        Rounds at which the search was best, or a fixed number.
    rows : int
        Rows that the search learnt from; 0 where the number is fixed.
    """

    found: int
    rows: int = 0

    def on(self, rows: int, most: int) -> int:
        """Return the trees of a fit on so many rows, ``most`` at most.

        More rows bear more trees: as many more as the square root of how many more rows there
        are, which lies between what two simulated ledgers with known truth asked for.

        Examples
        --------
        >>> Rounds(found=100, rows=10_000).on(14_400, 600), Rounds(found=100).on(14_400, 600)
        (120, 100)
        """
        if not self.rows:
            return self.found
        return max(self.found, min(round(self.found * math.sqrt(rows / self.rows)), most))


def fit_part(rows: lightgbm.Dataset, part: str, config: TrainingConfig, *, rounds: int) -> str:
    """Return the LightGBM text of a part trained for ``rounds`` rounds."""
    booster = lightgbm.train(parameters(config, part), rows, num_boost_round=rounds)
    return str(booster.model_to_string())


def search_part(
    fit: lightgbm.Dataset, stop: RiskSet, part: str, config: TrainingConfig
) -> tuple[Rounds, lightgbm.Booster]:
    """Return the rounds at which the log-loss on ``stop`` is lowest, and the trees till there.

    With a fixed number of rounds in the configuration, or too few outcomes to stop on, the
    search is skipped and the trees are trained for the fixed or default number.
    """
    trees = config.trees
    too_few = min(stop.y.sum(), (1 - stop.y).sum()) < MIN_STOP_POSITIVES
    if trees.rounds > 0 or too_few:
        fixed = Rounds(found=trees.rounds or DEFAULT_ROUNDS)
        return fixed, lightgbm.train(parameters(config, part), fit, num_boost_round=fixed.found)
    booster = lightgbm.train(
        parameters(config, part),
        fit,
        num_boost_round=trees.max_rounds,
        valid_sets=[in_bins(stop, config.feature_names, fit)],
        callbacks=[lightgbm.early_stopping(trees.stop_after, verbose=False)],
    )
    best = max(int(booster.best_iteration), 1)
    return Rounds(found=best, rows=int(fit.num_data())), booster


def fit_parts(
    dataset: Dataset,
    config: TrainingConfig,
    rounds: Mapping[str, Rounds],
    calibrators: Mapping[str, Calibrator],
    *,
    parts: Sequence[str] = PARTS,
) -> dict[str, Part]:
    """Return the parts trained on every known row of ``dataset``."""
    bins = shared_bins(dataset, config)
    rows = {name: risk_set_in(bins, dataset, name, config) for name in parts}
    most = config.trees.max_rounds
    trees = {name: rounds[name].on(int(of.num_data()), most) for name, of in rows.items()}

    def fit(name: str) -> Part:
        text = fit_part(rows[name], name, config, rounds=trees[name])
        return make_part(text, calibrators.get(name, Calibrator()))

    def trees_times_rows(name: str) -> int:
        return trees[name] * int(rows[name].num_data())

    return dict(zip(parts, side_by_side(fit, parts, trees_times_rows), strict=True))


def side_by_side(
    work: Callable[[str], T], names: Sequence[str], size: Callable[[str], float] | None = None
) -> list[T]:
    """Return ``work(name)`` of every name, one core each, the largest begun first.

    Parts are independent, so one thread a part uses the cores better than many threads in
    one part, which wait for each other; LightGBM releases the interpreter lock.
    """
    order = sorted(names, key=size, reverse=True) if size else names
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        begun = {name: pool.submit(work, name) for name in order}
        return [begun[name].result() for name in names]


def parameters(config: TrainingConfig, part: str) -> dict[str, Any]:
    """Return LightGBM's parameters of a part."""
    trees: TreeConfig = config.trees
    bound = part.startswith("step_")
    sign = dict.fromkeys(trees.rising, 1) | dict.fromkeys(trees.falling, -1) if bound else {}
    return {
        "monotone_constraints": [sign.get(name, 0) for name in config.feature_names],
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
        "num_threads": 1,
        "feature_pre_filter": False,
        "verbosity": -1,
    }
