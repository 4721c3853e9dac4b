"""Ageing buckets: the one place where their edges and names stand.

``days_past_due`` (dpd) is as_of minus the due date in whole days; due today is current.
"""

import numpy as np
import numpy.typing as npt

EDGES: tuple[int, ...] = (0, 30, 60, 90)
"""The last day past due of every bucket but the last."""

BUCKETS: tuple[str, ...] = ("current", "1-30", "31-60", "61-90", "91+")
"""Bucket names from the youngest to the oldest."""

UNDATED = "undated"
"""Name for items without a due date: shown in a column of their own, never dropped."""

STEP_DAYS = 30
"""Length of one roll step."""

LAST = len(BUCKETS) - 1
"""Index of the last bucket, from which nothing rolls further."""


def bucket_index(days_past_due: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Return the index of the bucket of each item, -1 for undated items.

    Parameters
    ----------
    days_past_due : array-like of float, shape (n,)
        Days past due; NaN for undated items.

    Examples
    --------
    >>> bucket_index([-5, 0, 1, 30, 31, 91, float("nan")]).tolist()
    [0, 0, 1, 1, 2, 4, -1]
    """
    days = np.asarray(days_past_due, dtype=float)
    index = np.searchsorted(np.asarray(EDGES, dtype=float), days, side="left")
    return np.where(np.isnan(days), -1, index).astype(np.int64)


def bucket_names(index: npt.NDArray[np.int64]) -> npt.NDArray[np.object_]:
    """Return the bucket name of each index; -1 becomes ``undated``.

    Examples
    --------
    >>> bucket_names(np.array([0, 4, -1])).tolist()
    ['current', '91+', 'undated']
    """
    return np.array([*BUCKETS, UNDATED], dtype=object)[index]


def is_exposed(days_past_due: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Return whether each item would stand in the next bucket one step on, if unresolved.

    Current items count when they fall due within the step; items in the last bucket and
    undated items cannot roll.

    Examples
    --------
    >>> is_exposed([-30, -29, 0, 90, 91, float("nan")]).tolist()
    [False, True, True, True, False, False]
    """
    days = np.asarray(days_past_due, dtype=float)
    return (days + STEP_DAYS > 0) & (days <= EDGES[-1])


def rolls_by(days_past_due: npt.ArrayLike, horizon_days: int) -> npt.NDArray[np.bool_]:
    """Return whether an unresolved item would stand in an older bucket after ``horizon_days``.

    Examples
    --------
    >>> rolls_by([-45, -45, 85, 95], 60).tolist()
    [True, True, True, False]
    """
    days = np.asarray(days_past_due, dtype=float)
    now, then = bucket_index(days), bucket_index(days + horizon_days)
    return (now >= 0) & (then > now)
