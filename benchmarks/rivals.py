"""Models that others would use in our place: each learns our features, each searches a little.

A rival turns a trial of the shared search into a fitted model; the search, the rows and the
number of trials are the same for all. Install them with ``pip install 'rollrisk[bench]'``.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt
import optuna
import pandas as pd

from features.ageing import STEP_DAYS
from features.outcomes import CUT_DAYS, STEPS, unresolved
from training.dataset import Dataset

Floats = npt.NDArray[np.float64]
Predict = Callable[[Floats], Floats]
Space = Callable[[optuna.Trial], dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What a rival learns from.

    Parameters
    ----------
    inputs : numpy.ndarray of float64, shape (n, features)
        Our features, NaN where missing.
    y : numpy.ndarray of 0 and 1, shape (n,)
        Whether each item was unresolved after 30 days.
    days : numpy.ndarray of float64, shape (n,)
        Days until the item was resolved, as far as the outcomes' horizons tell.
    resolved : numpy.ndarray of 0 and 1, shape (n,)
        Whether it was, within the horizons known; else ``days`` is when it was last seen open.
    """

    inputs: Floats
    y: Floats
    days: Floats
    resolved: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """A model beside ours: what it searches, and how it is fitted.

    Parameters
    ----------
    space : callable or None
        Returns the parameters that a trial tries; None for a model taken as it is.
    fit : callable
        From a lesson, parameters and a seed to P(unresolved after 30 days) of feature rows.
    """

    space: Space | None
    fit: Callable[[Lesson, Mapping[str, Any], int], Predict]


THREADS = int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1))
"""Threads that a rival may use."""

LEVELS = 64


def filled(data: Dataset, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of ``names`` with a value in some row: some rivals refuse empty columns."""
    some = ~np.isnan(data.frame.matrix(names)).all(axis=0)
    return tuple(name for name, one in zip(names, some, strict=True) if one)


def lesson(data: Dataset, names: tuple[str, ...]) -> Lesson:
    """Return the rows of ``data`` whose first outcome is known, as a rival sees them."""
    known = ~np.isnan(data.target("step_1"))
    rows = data.select(known)
    days, resolved = durations(rows)
    return Lesson(
        inputs=rows.frame.matrix(names),
        y=rows.target("step_1"),
        days=days,
        resolved=resolved,
    )


def durations(data: Dataset) -> tuple[Floats, Floats]:
    """Return the days to resolution, to the horizon at which it was seen, and whether it was."""
    horizons = sorted({*CUT_DAYS, *(STEP_DAYS * step for step in range(1, STEPS + 1))})
    days, resolved = np.zeros(len(data)), np.zeros(len(data))
    for horizon in horizons:
        still = unresolved(data.outcomes[f"outcome_{horizon}"])
        if horizon > STEP_DAYS:
            still = np.where(np.isnan(data.target(f"step_{horizon // STEP_DAYS}")), np.nan, still)
        running = resolved == 0
        days = np.where(running & ~np.isnan(still), horizon, days)
        resolved = np.where(running & (still == 0), 1.0, resolved)
    return days, resolved


def _lightgbm_plain(rows: Lesson, _: Mapping[str, Any], seed: int) -> Predict:
    model = lightgbm.LGBMClassifier(random_state=seed, n_jobs=THREADS, verbosity=-1)
    model.fit(rows.inputs, rows.y)
    return lambda x: np.asarray(model.predict_proba(x))[:, 1]


def _catboost_space(trial: optuna.Trial) -> dict[str, Any]:
    return {
        "iterations": trial.suggest_int("iterations", 100, 600, log=True),
        "learning_rate": trial.suggest_float("learning_rate", 0.03, 0.2, log=True),
        "depth": trial.suggest_int("depth", 4, 8),
        "l2_leaf_reg": trial.suggest_float("l2_leaf_reg", 1.0, 30.0, log=True),
    }


def _catboost(rows: Lesson, asked: Mapping[str, Any], seed: int) -> Predict:
    from catboost import CatBoostClassifier  # noqa: PLC0415 (an extra)

    model = CatBoostClassifier(
        **asked, random_seed=seed, verbose=False, thread_count=THREADS, allow_writing_files=False
    )
    model.fit(rows.inputs, rows.y)
    return lambda x: np.asarray(model.predict_proba(x))[:, 1]


def _xgboost_space(trial: optuna.Trial) -> dict[str, Any]:
    return {
        "n_estimators": trial.suggest_int("n_estimators", 60, 500, log=True),
        "learning_rate": trial.suggest_float("learning_rate", 0.03, 0.2, log=True),
        "max_depth": trial.suggest_int("max_depth", 3, 7),
        "min_child_weight": trial.suggest_float("min_child_weight", 1.0, 100.0, log=True),
        "colsample_bytree": trial.suggest_float("colsample_bytree", 0.3, 1.0),
    }


def _xgboost(rows: Lesson, asked: Mapping[str, Any], seed: int) -> Predict:
    from xgboost import XGBClassifier  # noqa: PLC0415 (an extra)

    model = XGBClassifier(**asked, random_state=seed, n_jobs=THREADS, tree_method="hist")
    model.fit(rows.inputs, rows.y)
    return lambda x: np.asarray(model.predict_proba(x), dtype=float)[:, 1]


def _hist_space(trial: optuna.Trial) -> dict[str, Any]:
    return {
        "max_iter": trial.suggest_int("max_iter", 60, 400, log=True),
        "learning_rate": trial.suggest_float("learning_rate", 0.03, 0.2, log=True),
        "max_leaf_nodes": trial.suggest_int("max_leaf_nodes", 6, 48, log=True),
        "min_samples_leaf": trial.suggest_int("min_samples_leaf", 20, 200, log=True),
        "l2_regularization": trial.suggest_float("l2_regularization", 0.1, 50.0, log=True),
    }


def _hist(rows: Lesson, asked: Mapping[str, Any], seed: int) -> Predict:
    from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415 (slow)

    model = HistGradientBoostingClassifier(**asked, random_state=seed, early_stopping=False)
    model.fit(rows.inputs, rows.y)
    return lambda x: np.asarray(model.predict_proba(x))[:, 1]


def _hazardous_space(trial: optuna.Trial) -> dict[str, Any]:
    return {
        "n_iter": trial.suggest_int("n_iter", 30, 100, log=True),
        "learning_rate": trial.suggest_float("learning_rate", 0.03, 0.2, log=True),
        "max_leaf_nodes": trial.suggest_int("max_leaf_nodes", 6, 48, log=True),
    }


def _hazardous(rows: Lesson, asked: Mapping[str, Any], seed: int) -> Predict:
    from hazardous import SurvivalBoost  # noqa: PLC0415 (an extra)

    seen = rows.days > 0
    # It looks for the bins of every column anew at each round; 64 levels spare it that.
    edges = [
        np.unique(np.nanquantile(column, np.linspace(0, 1, LEVELS + 1)[1:-1]))
        for column in rows.inputs[seen].T
    ]

    def levels(x: Floats) -> Floats:
        codes = [
            np.where(np.isnan(column), np.nan, np.searchsorted(edge, column).astype(float))
            for column, edge in zip(x.T, edges, strict=True)
        ]
        return np.column_stack(codes)

    y = pd.DataFrame({"event": rows.resolved[seen].astype(int), "duration": rows.days[seen]})
    # The books end on one day for all: no need to model who is censored.
    model = SurvivalBoost(
        **asked,
        random_state=seed,
        show_progressbar=False,
        ipcw_strategy="kaplan-meier",
        n_horizons_per_observation=1,
    )
    model.fit(levels(rows.inputs[seen]), y)
    at_30 = np.array([float(STEP_DAYS)])
    return lambda x: np.asarray(model.predict_survival_function(levels(x), times=at_30))[:, 0]


def _scorecard_space(trial: optuna.Trial) -> dict[str, Any]:
    return {
        "C": trial.suggest_float("C", 0.001, 10.0, log=True),
        "max_n_bins": trial.suggest_int("max_n_bins", 3, 8),
    }


def _scorecard(rows: Lesson, asked: Mapping[str, Any], seed: int) -> Predict:
    from optbinning import BinningProcess  # noqa: PLC0415 (an extra)
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 (slow)

    names = [f"f{column}" for column in range(rows.inputs.shape[1])]
    bins = BinningProcess(names, max_n_bins=asked["max_n_bins"], n_jobs=THREADS)
    woe = bins.fit_transform(rows.inputs, rows.y, metric="woe", metric_missing="empirical")
    model = LogisticRegression(C=asked["C"], max_iter=500, random_state=seed)
    model.fit(woe, rows.y)

    def predict(x: Floats) -> Floats:
        shown = bins.transform(x, metric="woe", metric_missing="empirical")
        return np.asarray(model.predict_proba(shown))[:, 1]

    return predict


RIVALS: dict[str, Rival] = {
    "lightgbm, its defaults": Rival(space=None, fit=_lightgbm_plain),
    "catboost": Rival(space=_catboost_space, fit=_catboost),
    "xgboost": Rival(space=_xgboost_space, fit=_xgboost),
    "scikit-learn histogram boosting": Rival(space=_hist_space, fit=_hist),
    "hazardous survival boosting": Rival(space=_hazardous_space, fit=_hazardous),
    "scorecard of optimal bins": Rival(space=_scorecard_space, fit=_scorecard),
}
