"""What a model remembers of its training portfolio besides the trees.

The roll-rate matrix answers where there is no model; the payment curve fills in the days
between the model's cuts; the medians are what explanations compare an account with.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from features.ageing import BUCKETS, EDGES, STEP_DAYS, UNDATED, bucket_index
from models.peers import PeerLevels

ALL = "*"
"""Key of the whole portfolio in tables by segment."""

CELLS: tuple[str, ...] = ("not due in 30 days", "due in 30 days", *BUCKETS[1:], UNDATED)
"""Rows of the roll-rate matrix: the buckets, with current items split by whether they can roll."""


def cell_index(days_past_due: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Return the matrix row of each item.

    Examples
    --------
    >>> cell_index([-40, -5, 10, 100, float("nan")]).tolist()
    [0, 1, 2, 5, 6]
    """
    days = np.asarray(days_past_due, dtype=float)
    bucket = bucket_index(days)
    later = (bucket == 0) & (days <= EDGES[0] - STEP_DAYS)
    return np.where(bucket < 0, len(CELLS) - 1, np.where(later, 0, bucket + 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Reference values of the training portfolio.

    Parameters
    ----------
    matrix : mapping of str to list of list of float
        Per segment (and ``*``) the conditional P(unresolved) by matrix row (see ``CELLS``)
        and outcome: the four steps, then the two cuts as P(resolved by 14 | by 30) and
        P(resolved by 7 | by 14); shape (7, 6).
    curve_start : int
        Days past due of the first value of the curves.
    curves : mapping of str to list of float
        Per segment the cumulative hazard of payment by days past due.
    medians : mapping of str to list of float
        Per segment the median of each of ``MODEL_FEATURES``, NaN as None.
    remaining_shares : list of float
        Per matrix row the share of the balance that an unresolved item still has after 30
        days; below 1 where part payments come in.
    cash_rates : mapping of str to float
        Share of the balance that 30 days bring in, by age band of the last bucket.
    reach_bounds : mapping of str to list of int
        Days to a bucket's edge within which ``p_reach`` passed its backtest, per bucket.
    peers : PeerLevels or None
        How accounts of a kind pay, by month.
    """

    matrix: Mapping[str, list[list[float]]]
    curve_start: int
    curves: Mapping[str, list[float]]
    medians: Mapping[str, list[float | None]]
    remaining_shares: list[float]
    cash_rates: Mapping[str, float]
    reach_bounds: Mapping[str, list[int]]
    peers: PeerLevels | None = None

    def cumulative_hazard(
        self, segment: npt.NDArray[np.object_], days_past_due: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        """Return the segment's cumulative hazard at each age, flat beyond both ends."""
        result = np.empty(len(days_past_due))
        known = np.where(np.isin(segment, list(self.curves)), segment, ALL)
        for name in np.unique(known.astype(str)):
            here = known == name
            curve = np.asarray(self.curves[name])
            ages = np.arange(len(curve)) + self.curve_start
            result[here] = np.interp(days_past_due[here], ages, curve)
        return result

    def rates(
        self, segment: npt.NDArray[np.object_], days_past_due: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        """Return the matrix rates of each item, shape (n, 6)."""
        cells = cell_index(days_past_due)
        result = np.empty((len(cells), 6))
        known = np.where(np.isin(segment, list(self.matrix)), segment, ALL)
        for name in np.unique(known.astype(str)):
            here = known == name
            result[here] = np.asarray(self.matrix[name])[cells[here]]
        return result

    def share_left(self, days_past_due: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return the share of its balance that each item has after 30 days, if unresolved."""
        return np.asarray(self.remaining_shares)[cell_index(days_past_due)]

    def to_json(self) -> dict[str, Any]:
        """Return the profile as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Profile":
        """Return the profile that ``to_json`` wrote."""
        peers = values.get("peers")
        return cls(**{**values, "peers": None if peers is None else PeerLevels(**peers)})
