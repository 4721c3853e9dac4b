"""Differences between models on the same rows, with intervals from resampling accounts.

Every model is judged on the same resamples. Rows are sorted once per model, so that a resample
costs a few sums.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.metrics import CLIP, Interval

Floats = npt.NDArray[np.float64]
Figure = Callable[[Floats], float]
"""A figure of one model at given weights of the rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resamples:
    """How often each row counts in each resample of the accounts.

    Parameters
    ----------
    account : numpy.ndarray of int64, shape (n,)
        Account of each row, from 0.
    counts : numpy.ndarray of int64, shape (draws, accounts)
        How often each account was drawn.
    """

    account: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]

    def intervals(self, first: Figure, others: Mapping[str, Figure]) -> dict[str, Interval]:
        """Return the first figure minus each of the others, with 95 % intervals.

        Resamples on which a figure cannot be told are left out; NaN when none is left.
        """
        ones = np.ones(len(self.account))
        drawn = [counts[self.account].astype(float) for counts in self.counts]
        own, own_drawn = first(ones), np.array([first(weight) for weight in drawn])
        result = {}
        for name, other in others.items():
            gaps = own_drawn - np.array([other(weight) for weight in drawn])
            known = gaps[~np.isnan(gaps)]
            low, high = np.quantile(known, [0.025, 0.975]) if len(known) else (np.nan, np.nan)
            result[name] = Interval(difference=own - other(ones), low=float(low), high=float(high))
        return result


def resample(account: npt.NDArray[np.object_], seed: int, draws: int) -> Resamples:
    """Draw accounts with replacement, ``draws`` times."""
    names, places = np.unique(account.astype(str), return_inverse=True)
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=draws)
    return Resamples(account=places, counts=counts)


def log_loss_of(y: Floats, p: Floats) -> Figure:
    """Return the weighted log-loss of a model as a function of the weights."""
    loss = -np.log(np.clip(np.where(y == 1, p, 1 - p), CLIP, 1 - CLIP))
    return lambda weight: float(weight @ loss / weight.sum())


def average_precision_of(y: Floats, p: Floats) -> Figure:
    """Return the weighted average precision of a model as a function of the weights.

    Rows of equal probability share one threshold, as in scikit-learn.

    Examples
    --------
    >>> y, p = np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.1, 0.4, 0.35, 0.8])
    >>> round(average_precision_of(y, p)(np.ones(4)), 4)
    0.8333
    """
    order = np.argsort(-p, kind="stable")
    hit = y[order]
    last = np.flatnonzero(np.append(np.diff(p[order]) != 0, True))

    def figure(weight: Floats) -> float:
        drawn = weight[order]
        hits = np.cumsum(drawn * hit)[last]
        if not hits[-1]:
            return float("nan")
        seen = np.cumsum(drawn)[last]
        precision = np.divide(hits, seen, out=np.zeros(len(hits)), where=seen > 0)
        return float(np.diff(hits, prepend=0.0) @ precision / hits[-1])

    return figure


FIGURES: dict[str, Callable[[Floats, Floats], Figure]] = {
    "log_loss": log_loss_of,
    "average_precision": average_precision_of,
}
"""What is compared between models, by name."""


def paired_differences(
    y: Floats,
    own: Floats,
    others: Mapping[str, Floats],
    account: npt.NDArray[np.object_],
    *,
    seed: int,
    draws: int,
) -> dict[str, dict[str, Interval]]:
    """Return log-loss and average precision of ``own`` minus those of every other model.

    Parameters
    ----------
    y, own : numpy.ndarray, shape (n,)
        Outcomes and probabilities.
    others : mapping of str to numpy.ndarray, shape (n,)
        Probabilities of other models on the same rows.
    account : numpy.ndarray of str, shape (n,)
        Whom a row belongs to.
    seed, draws : int
        Resampling.
    """
    samples = resample(account, seed, draws)
    found: dict[str, dict[str, Interval]] = {name: {} for name in others}
    for figure, of in FIGURES.items():
        gaps = samples.intervals(of(y, own), {name: of(y, p) for name, p in others.items()})
        for name, interval in gaps.items():
            found[name][figure] = interval
    return found
