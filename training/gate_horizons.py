"""The rows on which the gate judges the other cuts of a curve, and the oldest bucket.

A later horizon's as-of dates lie that much before those of the 30 days: its outcomes come in on
the same days, and no model has learnt from them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from features.ageing import LAST, STEP_DAYS
from features.outcomes import HORIZONS, unresolved
from training.baselines import matrix_rates
from training.dataset import Dataset, learnt_at
from training.monitor_accounts import AccountBook

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

PART_OF: dict[int, str] = {
    7: "cut_7",
    14: "cut_14",
    **{STEP_DAYS * step: f"step_{step}" for step in range(1, 5)},
}
"""The part of the model that each cut adds to the cuts before it."""

OTHER_HORIZONS: tuple[int, ...] = tuple(days for days in HORIZONS if days != STEP_DAYS)
LONGEST_SHIFT = HORIZONS[-1] - STEP_DAYS


@dataclass(frozen=True, slots=True, kw_only=True)
class HorizonRows:
    """Items whose outcome after some days is known, and what each model said of them.

    Parameters
    ----------
    y : numpy.ndarray of 0 and 1, shape (n,)
        Whether each item was unresolved after the days.
    target : numpy.ndarray, shape (n,)
        Outcome of the part that the cut adds; NaN outside its risk set.
    balance : numpy.ndarray, shape (n,)
        Open balance.
    family : numpy.ndarray of str, shape (n,)
        Parent family of each row's account.
    curves : mapping of str to numpy.ndarray, shape (n, 6)
        Survival at ``CUTS`` by model.
    matrix : numpy.ndarray, shape (n,)
        P(unresolved after the days) by the roll-rate matrix; NaN where it had nothing to learn
        from.
    """

    y: Floats
    target: Floats
    balance: Floats
    family: npt.NDArray[np.object_]
    curves: Mapping[str, Floats]
    matrix: Floats


def shift_of(days: int) -> timedelta:
    """Return how much before the dates of the 30 days a horizon's lie.

    Examples
    --------
    >>> [shift_of(days).days for days in (7, 30, 90)]
    [0, 0, 60]
    """
    return timedelta(days=max(days - STEP_DAYS, 0))


def within(data: Dataset, first: date, last: date) -> Mask:
    """Return which rows stand at as-of dates from ``first`` to ``last``."""
    day = data.as_of.to_numpy(dtype="datetime64[D]")
    return np.asarray((day >= np.datetime64(first)) & (day <= np.datetime64(last)))


def scored_rows(data: Dataset, first: date, last: date) -> Mask:
    """Return which rows any horizon, or the oldest bucket, is judged on."""
    early = first - timedelta(days=LONGEST_SHIFT)
    oldest = (data.frame.bucket == LAST) & within(data, first, last)
    known = ~np.isnan(data.target("step_1"))
    return np.asarray(known & ((data.exposed & within(data, early, last)) | oldest))


def horizon_rows(
    scored: Dataset,
    curves: Mapping[str, Floats],
    past: Dataset,
    book: AccountBook,
    window: tuple[date, date],
    known: tuple[date, int],
) -> dict[int, HorizonRows]:
    """Return the rows of every horizon but the 30 days.

    Parameters
    ----------
    scored : Dataset
        n rows with all their outcomes.
    curves : mapping of str to numpy.ndarray, shape (n, 6)
        Their survival by model.
    past : Dataset
        What the roll-rate matrix learns from.
    book : AccountBook
        Families of the accounts.
    window : pair of date
        First and last as-of date of the 30 days.
    known : pair of date and int
        The day by which an outcome must have been known to be learnt from, and the days after a
        horizon before its outcome is final.
    """
    found = {}
    for days in OTHER_HORIZONS:
        first, last = window[0] - shift_of(days), window[1] - shift_of(days)
        y = unresolved(scored.outcomes[f"outcome_{days}"])
        keep = scored.exposed & within(scored, first, last) & ~np.isnan(y)
        found[days] = _rows(scored, curves, keep, days, book, learnt_at(past, days, *known))
    return found


def oldest_rows(
    scored: Dataset,
    curves: Mapping[str, Floats],
    past: Dataset,
    book: AccountBook,
    window: tuple[date, date],
) -> HorizonRows:
    """Return the rows of the oldest bucket after 30 days, which the 30 days leave out."""
    keep = (scored.frame.bucket == LAST) & within(scored, *window)
    return _rows(scored, curves, keep, STEP_DAYS, book, past)


def _rows(
    scored: Dataset,
    curves: Mapping[str, Floats],
    keep: Mask,
    days: int,
    book: AccountBook,
    learnt: Dataset,
) -> HorizonRows:
    rows = scored.select(keep)
    some = not np.isnan(learnt.target("step_1")).all()
    return HorizonRows(
        y=unresolved(rows.outcomes[f"outcome_{days}"]),
        target=rows.target(PART_OF[days]),
        balance=rows.balance,
        family=book.family(rows.account),
        curves={name: survival[keep] for name, survival in curves.items()},
        matrix=matrix_rates(learnt, rows) if some else np.full(len(rows), np.nan),
    )


def together(parts: Sequence[HorizonRows]) -> HorizonRows:
    """Return the rows of several origins under each other."""
    return HorizonRows(
        y=np.concatenate([part.y for part in parts]),
        target=np.concatenate([part.target for part in parts]),
        balance=np.concatenate([part.balance for part in parts]),
        family=np.concatenate([part.family for part in parts]),
        curves={
            name: np.concatenate([part.curves[name] for part in parts]) for name in parts[0].curves
        },
        matrix=np.concatenate([part.matrix for part in parts]),
    )
