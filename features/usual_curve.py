"""When business customers usually pay: the prior of an account's own life table.

A fixed curve, the same for every ledger, so that an account's features depend on its own rows
alone. It gives the hazard of payment by days past due: hardly anything long before the due
date, a peak in the first days after it, a long tail. Half an item's worth of it is enough for
an account with a few payments to be judged by them.
"""

from functools import cache

import numpy as np
import pyarrow as pa

FIRST_DAY, LAST_DAY = -400, 4000
KNOTS: tuple[tuple[int, float], ...] = (
    (-60, 0.002),
    (-30, 0.005),
    (-15, 0.02),
    (-5, 0.04),
    (-1, 0.06),
    (0, 0.12),
    (3, 0.12),
    (7, 0.08),
    (15, 0.05),
    (30, 0.03),
    (60, 0.02),
    (90, 0.015),
    (150, 0.01),
)
"""Days past due and daily hazard of payment; linear between, flat beyond both ends."""


@cache
def usual_curve() -> pa.Table:
    """Return the curve as a table.

    Returns
    -------
    pyarrow.Table
        ``day`` (days past due), ``hazard`` (per day, in [0, 1]) and ``total``: the log survival
        lost up to and including the day, in billionths.

    Examples
    --------
    >>> usual_curve().column_names
    ['day', 'hazard', 'total']
    """
    days = np.arange(FIRST_DAY, LAST_DAY + 1)
    hazard = np.interp(days, *np.array(KNOTS).T)
    total = np.rint(-1e9 * np.log1p(-hazard)).astype(np.int64).cumsum()
    return pa.table(
        {
            "day": pa.array(days, pa.int64()),
            "hazard": pa.array(hazard, pa.float64()),
            "total": pa.array(total, pa.int64()),
        }
    )
