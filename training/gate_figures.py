"""What the gate's rules are made of: a rule, and the paired difference of two models' losses.

A loss is log-loss per item, or per unit of money: Σ balance × loss ÷ Σ balance, in each currency
apart. Differences between models are paired, with 95 % intervals that resample families.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.metrics import CLIP
from training.monitor_outcomes import Estimate

Floats = npt.NDArray[np.float64]

MIN_PART_OUTCOMES = 30
"""Outcomes of either kind below which a bucket, a segment or a currency is not judged."""

CALIBRATION_BOUNDS = (0.80, 1.25)
"""Realised ÷ expected items within a bucket, or after a number of days."""

DRAWS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of the gate: its value, its bound in words, and whether it holds."""

    name: str
    value: float
    bound: str
    holds: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Loss of one model minus that of another, its interval, and the other's loss."""

    value: float
    low: float
    high: float
    other: float


def losses(y: Floats, p: Floats) -> Floats:
    """Return the log-loss of each row, probabilities kept away from 0 and 1."""
    return np.asarray(-np.log(np.clip(np.where(y == 1, p, 1 - p), CLIP, 1 - CLIP)))


def difference(
    y: Floats,
    one: Floats,
    other: Floats,
    weight: Floats,
    family: npt.NDArray[np.object_],
    rng: np.random.Generator,
    *,
    draws: int = DRAWS,
) -> Difference:
    """Return the weighted log-loss of ``one`` minus that of ``other`` on the same rows.

    Parameters
    ----------
    y, one, other, weight : numpy.ndarray, shape (n,)
        Outcomes, both probabilities, and what a row counts; n is at least 1.
    family : numpy.ndarray of str, shape (n,)
        Whom rows belong to; families are resampled with replacement.
    rng : numpy.random.Generator
        Source of the resampling.
    draws : int
        Number of resamples.

    Examples
    --------
    >>> y, same = np.array([1.0, 0.0]), np.array([0.5, 0.5])
    >>> family = np.array(["A", "B"], dtype=object)
    >>> difference(y, same, same, np.ones(2), family, np.random.default_rng(1)).value
    0.0
    """
    names, place = np.unique(family.astype(str), return_inverse=True)
    apart, theirs = losses(y, one) - losses(y, other), losses(y, other)
    sums = np.column_stack(
        [
            np.bincount(place, weights=values, minlength=len(names))
            for values in (weight * apart, weight, weight * theirs)
        ]
    )
    even = np.full(len(names), 1 / len(names))
    drawn = np.array([rng.multinomial(len(names), even) @ sums[:, :2] for _ in range(draws)])
    drawn = drawn[drawn[:, 1] > 0]
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], [0.025, 0.975])
    total = sums.sum(axis=0)
    return Difference(
        value=float(total[0] / total[1]),
        low=float(low),
        high=float(high),
        other=float(total[2] / total[1]),
    )


def enough(y: Floats) -> bool:
    """Return whether there are outcomes enough of either kind to be judged."""
    return bool(min(y.sum(), (1 - y).sum()) >= MIN_PART_OUTCOMES)


def no_worse(name: str, found: Difference, margin: float) -> Rule:
    """Return the rule that the upper end of a difference is within a share of the other's loss."""
    bound = margin * found.other
    return Rule(
        name=name,
        value=found.high,
        bound=f"upper end at most {bound:+.4f}",
        holds=found.high <= bound,
    )


def below(name: str, found: Difference) -> Rule:
    """Return the rule that a loss is surely below another."""
    return Rule(name=name, value=found.high, bound="upper end below 0", holds=found.high < 0)


def calibrated(
    name: str, found: Estimate, bounds: tuple[float, float] = CALIBRATION_BOUNDS
) -> Rule:
    """Return the rule that the interval of realised ÷ expected meets the bounds."""
    low, high = bounds
    return Rule(
        name=name,
        value=found.value,
        bound=f"interval [{found.low:.2f}, {found.high:.2f}] meets {low} to {high}",
        holds=not found.outside(low, high),
    )
