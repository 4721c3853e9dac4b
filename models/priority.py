"""Which items to work first: lanes and the value of working them.

Three lanes, since one list by expected dollars fills up with large invoices that are not due:
``past_due`` (the default list), ``due_soon`` (reminders only) and ``last_bucket``. The value is
an expectation under the model, not a measured effect of collecting.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.ageing import BUCKETS, LAST, bucket_index, is_exposed
from models.profile import Profile

Floats = npt.NDArray[np.float64]

PAST_DUE, DUE_SOON, LAST_BUCKET, NO_LANE = "past_due", "due_soon", "last_bucket", ""
LANES: tuple[str, ...] = (PAST_DUE, DUE_SOON, LAST_BUCKET)
AGE_BANDS: tuple[tuple[int, str], ...] = ((180, "91-180"), (365, "181-365"), (10**6, "366+"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What it costs when an item ages, as a share of its balance.

    Parameters
    ----------
    loss_rate : mapping of str to float
        Expected loss of a balance that stands in a bucket, in [0, 1], by bucket name.
    capital_cost : float
        Yearly cost of capital, as a share.
    """

    loss_rate: Mapping[str, float]
    capital_cost: float

    def rolling(self, bucket: npt.NDArray[np.int64]) -> Floats:
        """Return the cost per dollar that rolls out of each bucket index into the next."""
        next_loss = np.array([self.loss_rate[name] for name in (*BUCKETS[1:], BUCKETS[-1])])
        return next_loss[np.maximum(bucket, 0)] + self.capital_cost * 30 / 365


def item_lanes(days_past_due: Floats) -> npt.NDArray[np.object_]:
    """Return the lane of each item; empty for items that cannot roll within 30 days.

    Examples
    --------
    >>> item_lanes(np.array([-60.0, -3.0, 12.0, 400.0, np.nan])).tolist()
    ['', 'due_soon', 'past_due', 'last_bucket', '']
    """
    bucket = bucket_index(days_past_due)
    exposed = is_exposed(days_past_due)
    lane = np.full(len(bucket), NO_LANE, dtype=object)
    lane[exposed & (bucket == 0)] = DUE_SOON
    lane[exposed & (bucket > 0)] = PAST_DUE
    lane[bucket == LAST] = LAST_BUCKET
    return lane


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """What working each item is worth: collectible × probability × cost, in whole cents.

    Parameters
    ----------
    probability : numpy.ndarray of float64, shape (n,)
        Of rolling within 30 days; in the last bucket the share of such balances that 30 days
        usually bring in. 0 where nothing can happen.
    cost : numpy.ndarray of float64, shape (n,)
        Per dollar: loss of the next bucket and 30 days of capital; in the last bucket 1, since
        a dollar that comes in is a dollar.
    cents : numpy.ndarray of int64, shape (n,)
        The product in cents of document currency.
    """

    probability: Floats
    cost: Floats
    cents: npt.NDArray[np.int64]


def worth_of_working(
    days_past_due: Floats,
    p_open_30: Floats,
    collectible_cents: npt.NDArray[np.int64],
    costs: Costs,
    profile: Profile,
) -> Worth:
    """Return what working each item is worth, with its factors."""
    lane = item_lanes(days_past_due)
    last, none = lane == LAST_BUCKET, lane == NO_LANE
    probability = np.where(last, cash_rates(days_past_due, profile), p_open_30)
    probability[none] = 0.0
    cost = np.where(last, 1.0, costs.rolling(bucket_index(days_past_due)))
    cost[none] = 0.0
    cents = np.rint(collectible_cents * probability * cost).astype(np.int64)
    return Worth(probability=probability, cost=cost, cents=cents)


def cash_rates(days_past_due: Floats, profile: Profile) -> Floats:
    """Return the 30-day cash rate of each item's age band in the last bucket, NaN elsewhere."""
    rate = np.full(len(days_past_due), np.nan)
    for last_day, name in reversed(AGE_BANDS):
        inside = (days_past_due > 90) & (days_past_due <= last_day)
        rate[inside] = profile.cash_rates[name]
    return rate
