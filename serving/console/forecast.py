"""The ageing that is expected of today's open items, with intervals.

An item that is still unresolved in 30·k days stands in the bucket of its age then. Expected
balances are sums of balance × P(unresolved) × what part payments usually leave. For intervals an
account's items share their fate and accounts are independent: wider than if every item had its
own, and still without the model's own error.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.ageing import BUCKETS, STEP_DAYS, UNDATED, bucket_index
from models.profile import Profile

HORIZONS: tuple[int, ...] = (30, 60, 90)
_NAMES = (*BUCKETS, UNDATED)
_WIDTH = 1.96
"""Standard deviations to either side of a 95 % interval."""

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A bucket's balance on a day: what is expected, and the ends of a 95 % interval."""

    bucket: str
    balance: float
    low: float
    high: float


def remaining(days_past_due: Floats, profile: Profile, steps: int) -> Floats:
    """Return what part payments usually leave of an unresolved item after some steps."""
    left = np.ones(len(days_past_due))
    for step in range(steps):
        left *= profile.share_left(days_past_due + STEP_DAYS * step)
    return left


def expected_ageing(items: pd.DataFrame, profile: Profile, days: int) -> tuple[Expected, ...]:
    """Return the expected balance of today's items by bucket in ``days`` days.

    Parameters
    ----------
    items : pandas.DataFrame
        Open items of one currency; ``owner`` numbers their accounts.
    profile : Profile
        Of the model that scored them.
    days : int
        One of ``HORIZONS``; 0 for today, which has no interval.
    """
    dpd = items["days_past_due"].to_numpy(dtype=float)
    balance = items["open_balance"].to_numpy(dtype=float)
    bucket = bucket_index(dpd + days) % len(_NAMES)  # undated items, -1, come last
    if days:
        p = items[f"p_open_{days}"].to_numpy(dtype=float)
        left = balance * remaining(dpd, profile, days // STEP_DAYS)
    else:
        p, left = np.ones(len(items)), balance
    owner = items["owner"].to_numpy(dtype=np.int64)
    expected, spread = expected_sums(left, p, bucket, owner, len(_NAMES))
    return tuple(
        Expected(
            bucket=name,
            balance=float(expected[at]),
            low=float(max(expected[at] - spread[at], 0.0)),
            high=float(expected[at] + spread[at]),
        )
        for at, name in enumerate(_NAMES)
    )


def expected_sums(
    left: Floats, p: Floats, group: Integers, owner: Integers, groups: int
) -> tuple[Floats, Floats]:
    """Return the expected sum of each group and half the width of its 95 % interval.

    Parameters
    ----------
    left : numpy.ndarray of float64, shape (n,)
        What each item still owes if it is unresolved.
    p : numpy.ndarray of float64, shape (n,)
        Its P(unresolved).
    group, owner : numpy.ndarray of int64, shape (n,)
        Group and account of each item, from 0.
    groups : int
        Number of groups.

    Examples
    --------
    Two items of one account share their fate; of two accounts they do not:

    >>> left, p, group = np.array([100.0, 100.0]), np.array([0.5, 0.5]), np.array([0, 0])
    >>> [float(half[0]) for half in expected_sums(left, p, group, np.array([0, 0]), 1)]
    [100.0, 196.0]
    >>> round(float(expected_sums(left, p, group, np.array([0, 1]), 1)[1][0]), 1)
    138.6
    """
    expected = np.asarray(np.bincount(group, left * p, groups), dtype=float)
    # One cell per group and account: what an account's items spread adds up, then squares.
    accounts = int(owner.max(initial=-1)) + 1
    together = np.bincount(group * accounts + owner, left * np.sqrt(p * (1 - p)))
    cells = np.zeros(groups * max(accounts, 1))
    cells[: len(together)] = together
    return expected, _WIDTH * np.sqrt((cells.reshape(groups, -1) ** 2).sum(axis=1))
