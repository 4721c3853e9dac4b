"""Choose a calibrator on rows that the trees did not see, and keep it only if it helps."""

import numpy as np
import numpy.typing as npt
from scipy.special import log_expit
from sklearn.linear_model import LogisticRegression

from models.calibrator import Calibrator, Kind
from training.metrics import clipped_log_loss

Floats = npt.NDArray[np.float64]

MIN_OF_EACH_CLASS = 50
"""With fewer rows of either class a map would fit noise."""


def choose_calibrator(margin: Floats, y: Floats, fold: npt.NDArray[np.bool_]) -> Calibrator:
    """Return the map that improves both Brier score and log-loss, else the identity.

    Each candidate is fitted on one half of the rows and judged on the other, both ways round.

    Parameters
    ----------
    margin, y : numpy.ndarray, shape (n,)
        Out-of-fold log-odds and outcomes.
    fold : numpy.ndarray of bool, shape (n,)
        Which half a row is in; the rows of one account must be in one half.
    """
    identity = Calibrator()
    if min(y.sum(), (1 - y).sum()) < MIN_OF_EACH_CLASS:
        return identity
    best = identity
    best_loss = clipped_log_loss(y, identity.probability(margin))
    best_brier = float(np.mean((identity.probability(margin) - y) ** 2))
    kinds: tuple[Kind, ...] = ("logistic", "beta")
    for kind in kinds:
        p = np.empty(len(y))
        halves = (fold, ~fold)
        if any(len(np.unique(y[half])) < 2 for half in halves):
            continue
        for half in halves:
            map_ = fit_calibrator(kind, margin[half], y[half])
            p[~half] = map_.probability(margin[~half])
        loss, brier = clipped_log_loss(y, p), float(np.mean((p - y) ** 2))
        if loss < best_loss and brier < best_brier:
            best, best_loss, best_brier = fit_calibrator(kind, margin, y), loss, brier
    return best


def fit_calibrator(kind: Kind, margin: Floats, y: Floats) -> Calibrator:
    """Return the logistic or beta map of log-odds to outcomes; it never falls."""
    if kind == "logistic":
        a, c = _regress(margin.reshape(-1, 1), y)
        return Calibrator(kind="logistic", a=max(a[0], 0.0), c=c)
    inputs = np.column_stack([log_expit(margin), -log_expit(-margin)])
    slopes, c = _regress(inputs, y)
    if min(slopes) < 0:
        keep = 1 if slopes[0] < 0 else 0
        alone, c = _regress(inputs[:, [keep]], y)
        slopes = [0.0, 0.0]
        slopes[keep] = max(alone[0], 0.0)
    return Calibrator(kind="beta", a=slopes[0], b=slopes[1], c=c)


def _regress(inputs: Floats, y: Floats) -> tuple[list[float], float]:
    line = LogisticRegression(C=1e6, max_iter=500).fit(inputs, y)
    return [float(value) for value in line.coef_[0]], float(line.intercept_[0])
