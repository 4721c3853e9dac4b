"""How good probabilities are: discrimination, calibration, ranking, and paired intervals.

Intervals resample accounts, not rows: weekly rows repeat the same items, and one account's
items share their fate.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import logit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

Floats = npt.NDArray[np.float64]

CLIP = 1e-4
"""Probabilities are kept this far from 0 and 1 in the log-loss."""

CAPTURE_SHARE = 0.2


def headline(y: Floats, p: Floats, dollars: Floats) -> dict[str, float]:
    """Return the headline figures of one model on one set of rows.

    Parameters
    ----------
    y : numpy.ndarray of 0 and 1, shape (n,)
        Whether each item was unresolved at the horizon.
    p : numpy.ndarray of float in [0, 1], shape (n,)
        Its probability.
    dollars : numpy.ndarray of float, shape (n,)
        Its balance.

    Returns
    -------
    dict
        ``rows``, ``positives``, ``roc_auc``, ``average_precision``, ``brier``, ``log_loss``,
        ``captured_dollars`` (share of rolled dollars among the 20 % of rows with the highest
        probability × balance), ``expected_over_realised`` (dollars) and the calibration
        ``slope`` and ``intercept``. Figures that need both classes are NaN with one.

    Examples
    --------
    >>> y, p = np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.1, 0.4, 0.35, 0.8])
    >>> round(headline(y, p, np.ones(4))["roc_auc"], 2)
    0.75
    """
    both = len(np.unique(y)) == 2
    slope, intercept = calibration_line(y, p) if both else (np.nan, np.nan)
    realised = float((dollars * y).sum())
    return {
        "rows": float(len(y)),
        "positives": float(y.sum()),
        "roc_auc": float(roc_auc_score(y, p)) if both else np.nan,
        "average_precision": float(average_precision_score(y, p)) if both else np.nan,
        "brier": float(brier_score_loss(y, p, pos_label=1)) if len(y) else np.nan,
        "log_loss": clipped_log_loss(y, p) if len(y) else np.nan,
        "captured_dollars": captured_dollars(y, p, dollars) if realised > 0 else np.nan,
        "expected_over_realised": float((dollars * p).sum()) / realised if realised else np.nan,
        "slope": slope,
        "intercept": intercept,
    }


def clipped_log_loss(y: Floats, p: Floats) -> float:
    """Return the mean log-loss with probabilities kept away from 0 and 1."""
    return float(log_loss(y, np.clip(p, CLIP, 1 - CLIP), labels=[0, 1]))


def captured_dollars(y: Floats, p: Floats, dollars: Floats, share: float = CAPTURE_SHARE) -> float:
    """Return the share of rolled dollars among the top ``share`` of rows by p × dollars."""
    top = np.argsort(-(p * dollars), kind="stable")[: int(share * len(y))]
    rolled = dollars * y
    return float(rolled[top].sum() / rolled.sum())


def calibration_line(y: Floats, p: Floats) -> tuple[float, float]:
    """Return slope and intercept of the logistic regression of y on logit p; ideal 1 and 0."""
    x = logit(np.clip(p, 1e-6, 1 - 1e-6)).reshape(-1, 1)
    line = LogisticRegression(C=1e6, max_iter=500).fit(x, y)
    return float(line.coef_[0, 0]), float(line.intercept_[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A figure's difference between two models with its 95 % interval over accounts."""

    difference: float
    low: float
    high: float


def _row_metric(name: str) -> Callable[[Floats, Floats], Floats]:
    if name == "brier":
        return lambda y, p: (p - y) ** 2
    return lambda y, p: -np.log(np.clip(np.where(y == 1, p, 1 - p), CLIP, 1 - CLIP))


def paired_intervals(
    y: Floats,
    models: tuple[Floats, Floats],
    dollars: Floats,
    account: npt.NDArray[np.object_],
    rng: np.random.Generator,
    *,
    draws: int = 400,
) -> dict[str, Interval]:
    """Return figures of the first model minus those of the second, with paired intervals.

    Parameters
    ----------
    y, dollars : numpy.ndarray, shape (n,)
        Outcomes and balances.
    models : pair of numpy.ndarray, shape (n,)
        Probabilities of the two models on the same rows.
    account : numpy.ndarray of str, shape (n,)
        Whom a row belongs to; accounts are resampled with replacement.
    rng : numpy.random.Generator
        Source of the resampling.
    draws : int
        Number of resamples.
    """
    names, position = np.unique(account.astype(str), return_inverse=True)
    figures: dict[str, Callable[[Floats, Floats], float]] = {
        "roc_auc": lambda p, w: float(roc_auc_score(y, p, sample_weight=w)),
        "average_precision": lambda p, w: float(average_precision_score(y, p, sample_weight=w)),
        "brier": lambda p, w: float(np.average(_row_metric("brier")(y, p), weights=w)),
        "log_loss": lambda p, w: float(np.average(_row_metric("log_loss")(y, p), weights=w)),
        "captured_dollars": lambda p, w: _weighted_capture(y, p, dollars, w),
    }
    samples: dict[str, list[float]] = {name: [] for name in figures}
    for _ in range(draws):
        counts = np.bincount(rng.integers(0, len(names), len(names)), minlength=len(names))
        weight = counts[position].astype(float)
        if len(np.unique(y[weight > 0])) < 2:
            continue
        for name, figure in figures.items():
            samples[name].append(figure(models[0], weight) - figure(models[1], weight))
    ones = np.ones(len(y))
    return {
        name: Interval(
            difference=figure(models[0], ones) - figure(models[1], ones),
            low=float(np.quantile(samples[name], 0.025)),
            high=float(np.quantile(samples[name], 0.975)),
        )
        for name, figure in figures.items()
    }


def _weighted_capture(y: Floats, p: Floats, dollars: Floats, weight: Floats) -> float:
    order = np.argsort(-(p * dollars), kind="stable")
    inside = np.cumsum(weight[order]) <= CAPTURE_SHARE * weight.sum()
    rolled = (dollars * y * weight)[order]
    return float(rolled[inside].sum() / rolled.sum()) if rolled.sum() else np.nan


def compare(
    y: Floats, probabilities: Mapping[str, Floats], dollars: Floats
) -> dict[str, dict[str, float]]:
    """Return the headline figures of several models on the same rows."""
    return {name: headline(y, p, dollars) for name, p in probabilities.items()}
