"""What became of scored items beside what was expected of them, with intervals over accounts.

A calibration ratio is realised ÷ expected: above 1 more items stayed open than the scores said.
Intervals resample families of accounts, since the items of one family share their fate.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from training.metrics import clipped_log_loss

Floats = npt.NDArray[np.float64]
Names = npt.NDArray[np.object_]

CAPTURE_SHARES: tuple[float, ...] = (0.05, 0.10, 0.20)
JUDGED_SHARE = 0.20
"""Share of accounts at which the capture is compared with that of training."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A figure with its 95 % interval over families; NaN where nothing was expected."""

    value: float
    low: float
    high: float

    def outside(self, lowest: float, highest: float) -> bool:
        """Return whether the whole interval lies below ``lowest`` or above ``highest``."""
        return bool(self.high < lowest or self.low > highest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """Expected and realised figures of one group of scored items.

    Parameters
    ----------
    rows, accounts : int
        Items (each scoring counts) and different accounts.
    unresolved : int
        Items that were still unresolved at the horizon.
    expected : float
        Σ of their probabilities.
    items, dollars : Estimate
        Realised ÷ expected by count and by balance.
    log_loss : float
        Mean log-loss.
    capture : mapping of str to Estimate
        Share of the unresolved balance on the 5, 10 and 20 % of accounts with the highest
        expected balance; NaN where nothing stayed unresolved.
    """

    rows: int
    accounts: int
    unresolved: int
    expected: float
    items: Estimate
    dollars: Estimate
    log_loss: float
    capture: Mapping[str, Estimate]

    def to_json(self) -> dict[str, Any]:
        """Return plain values, NaN as None."""
        plain: dict[str, Any] = without_nan(asdict(self))
        return plain


def without_nan(value: Any) -> Any:  # noqa: ANN401 (any JSON value)
    """Return a JSON value with every NaN as None.

    Examples
    --------
    >>> without_nan({"a": [1.0, float("nan")]})
    {'a': [1.0, None]}
    """
    if isinstance(value, Mapping):
        return {key: without_nan(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_nan(entry) for entry in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def outcome_figures(
    y: Floats,
    p: Floats,
    balance: Floats,
    family: Names,
    rng: np.random.Generator,
    *,
    draws: int = 400,
) -> Outcomes:
    """Return the figures of one group of scored items in one currency.

    Parameters
    ----------
    y : numpy.ndarray of 0 and 1, shape (n,)
        Whether each item was unresolved at the horizon; n is at least 1.
    p, balance : numpy.ndarray, shape (n,)
        Its probability and its open balance when it was scored.
    family : numpy.ndarray of str, shape (n,)
        The family of its account; an account without parent is its own.
    rng : numpy.random.Generator
        Source of the resampling.
    draws : int
        Number of resamples.

    Examples
    --------
    >>> y, p = np.array([1.0, 0.0]), np.array([0.25, 0.25])
    >>> found = outcome_figures(
    ...     y, p, np.ones(2), np.array(["A", "B"], dtype=object), np.random.default_rng(1)
    ... )
    >>> found.items.value, found.unresolved, found.expected
    (2.0, 1, 0.5)
    """
    names, place = np.unique(family.astype(str), return_inverse=True)
    sums: Floats = np.column_stack(
        [
            np.bincount(place, weights=values, minlength=len(names)).astype(float)
            for values in (y, p, balance * y, balance * p)
        ]
    )
    order = np.argsort(-sums[:, 3], kind="stable")
    even = np.full(len(names), 1 / len(names))
    drawn = np.array(
        [_figures(sums, order, rng.multinomial(len(names), even)) for _ in range(draws)]
    )
    found = _figures(sums, order, np.ones(len(names)))
    items, dollars, *captured = [
        _estimate(value, drawn[:, place]) for place, value in enumerate(found)
    ]
    return Outcomes(
        rows=len(y),
        accounts=len(names),
        unresolved=int(y.sum()),
        expected=float(p.sum()),
        items=items,
        dollars=dollars,
        log_loss=clipped_log_loss(y, p),
        capture={
            f"{share:.0%}": estimate
            for share, estimate in zip(CAPTURE_SHARES, captured, strict=True)
        },
    )


def _figures(sums: Floats, order: npt.NDArray[Any], weight: npt.NDArray[Any]) -> list[float]:
    """Return both ratios and the captures of families that count ``weight`` times."""
    weights = weight.astype(float)
    realised, expected, rolled, expected_dollars = weights @ sums
    ranked = weights[order]
    reached, dollars = np.cumsum(ranked), ranked * sums[order, 2]
    return [
        _ratio(realised, expected),
        _ratio(rolled, expected_dollars),
        *(
            _ratio(dollars[reached <= share * reached[-1]].sum(), rolled)
            for share in CAPTURE_SHARES
        ),
    ]


def _ratio(above: float, below: float) -> float:
    return float(above / below) if below > 0 else float("nan")


def _estimate(value: float, drawn: Floats) -> Estimate:
    known = drawn[np.isfinite(drawn)]
    if not len(known) or not np.isfinite(value):
        return Estimate(value=float("nan"), low=float("nan"), high=float("nan"))
    low, high = np.quantile(known, [0.025, 0.975])
    return Estimate(value=float(value), low=float(low), high=float(high))
