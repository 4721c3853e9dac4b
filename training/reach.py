"""Backtest of ``p_reach`` as a touching event, by days to the bucket's edge.

``p_reach`` reads the survival curve between the model's cuts. Here the share of items that
the books still showed open on the day they would enter a bucket is set beside its
expectation; a bucket answers only as many days ahead as the two agree.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from features.ageing import BUCKETS, EDGES
from features.engines import open_session
from features.inputs import Rules
from features.ledger.read import Ledger
from features.outcomes import HORIZONS
from features.stages import ITEM_STAGES
from models.bundle import Bundle
from models.scorer import CUTS, survival_at, survival_curves
from training.dataset import Dataset

Floats = npt.NDArray[np.float64]

BANDS: tuple[tuple[int, int], ...] = ((1, 7), (8, 14), (15, 30), (31, 60), (61, 90), (91, 120))
CURVE_DAYS: tuple[int, ...] = (3, 10, 21, 45, 75, 105)
"""Days that lie between the model's cuts."""

TOLERATED = 0.05
TOLERATED_ERRORS = 3.0
MIN_ROWS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachBand:
    """Expected and observed share of items that reached a bucket, some days ahead of it.

    ``error`` is the standard error of their difference over accounts; ``holds`` says whether they
    agree within 5 points or within three such errors. Without a ``bucket`` the share is that of
    all items still open so many days on.
    """

    bucket: str
    first_day: int
    last_day: int
    rows: int
    expected: float
    observed: float
    error: float = 0.0
    holds: bool


def resolution_days(
    ledger: Ledger, as_of: Sequence[date], until: date, rules: Rules | None = None
) -> pd.DataFrame:
    """Return after how many days the books showed each open item resolved, as known ``until``.

    Returns
    -------
    pandas.DataFrame
        ``as_of``, ``invoice_id``, ``days`` (NaN while never resolved) and ``watched`` (days
        until the last one known) in the row order of ``feature_frame``.
    """
    first = min(as_of)
    every_day = [first + timedelta(days=ahead) for ahead in range((until - first).days + 1)]
    with open_session(ledger, as_of, rules, watched=every_day) as session:
        session.run(ITEM_STAGES)
        session.register(
            "books_end",
            pa.table({"day": pa.array([until], pa.date32())}),
        )
        frame: pd.DataFrame = session.arrow("""
            select
                items.as_of,
                items.invoice_id,
                datediff('day', items.as_of, min(later.from_on)) as days,
                datediff('day', items.as_of, max(books_end.day)) as watched
            from open_items as items
            cross join settings
            cross join books_end
            left join item_states as later
                on items.invoice_id = later.invoice_id
                and later.from_on > items.as_of
                and later.from_on <= books_end.day
                and later.balance_cents
                    <= greatest(settings.tolerance_cents, items.balance_cents / 20)
            group by items.as_of, items.account_id, items.invoice_id
            order by items.as_of, items.account_id, items.invoice_id
        """).to_pandas()
    frame["as_of"] = pd.to_datetime(frame["as_of"])
    frame["days"] = frame["days"].astype(float)
    return frame


def reach_bands(
    ledger: Ledger, bundle: Bundle, test: Dataset, until: date, rules: Rules | None = None
) -> list[ReachBand]:
    """Return the backtest of every bucket and band of days that the books ``until`` can judge."""
    return bands_of(touched_rows(ledger, bundle, test, until, rules))


def touched_rows(
    ledger: Ledger, bundle: Bundle, test: Dataset, until: date, rules: Rules | None = None
) -> pd.DataFrame:
    """Return what the curve said of single days, and whether the item was still open on them.

    Parameters
    ----------
    ledger : Ledger
        Where it is read what became of the items.
    bundle : Bundle
        The model.
    test : Dataset
        Open items, exposed or not.
    until : date
        The last day that may be known.
    rules : Rules
        Business rules.

    Returns
    -------
    pandas.DataFrame
        ``bucket`` (the one the item would enter on that day; empty for ``CURVE_DAYS``),
        ``ahead`` (days), ``p``, ``y`` and ``account``; only days that the books can judge.
    """
    dates = [day.date() for day in test.as_of.drop_duplicates()]
    seen = resolution_days(ledger, dates, until, rules)
    keys = pd.MultiIndex.from_frame(test.frame.items[["as_of", "invoice_id"]])
    seen = seen.set_index(["as_of", "invoice_id"]).reindex(keys)
    days = seen["days"].to_numpy(dtype=float)
    watched = seen["watched"].to_numpy(dtype=float)
    days = np.where(_written_off(test, watched - ledger.manifest.maturity_lag_days), np.nan, days)
    curves = survival_curves(bundle, test.frame, test.segment)
    asked = [
        (bucket, edge - test.days_past_due) for edge, bucket in zip(EDGES, BUCKETS[1:], strict=True)
    ]
    asked += [("", np.full(len(test), float(day))) for day in CURVE_DAYS]
    parts = []
    for bucket, ahead in asked:
        p = survival_at(bundle, curves, test.segment, test.days_past_due, ahead)
        y = (np.isnan(days) | (days > ahead)).astype(float)
        table = pd.DataFrame({"ahead": ahead, "p": p, "y": y, "account": test.account})
        judged = (ahead >= 1) & (ahead <= CUTS[-1]) & (watched >= ahead) & ~np.isnan(p)
        parts.append(table[judged].assign(bucket=bucket))
    return pd.concat(parts, ignore_index=True)


def _written_off(test: Dataset, mature_days: Floats) -> npt.NDArray[np.bool_]:
    """Return which items are known to have been written off: a loss, never a resolution."""
    lost = np.zeros(len(test), dtype=bool)
    for days in HORIZONS:
        gone = test.outcomes[f"outcome_{days}"].to_numpy(dtype=object) == "written_off"
        lost |= gone & (mature_days >= days)
    return lost


def bands_of(rows: pd.DataFrame) -> list[ReachBand]:
    """Return expected and observed shares by bucket and days to its edge."""
    return [
        _band(bucket, (first, last), inside)
        for bucket in BUCKETS[1:]
        for first, last in BANDS
        if len(inside := _within(rows, bucket, first, last)) >= MIN_ROWS
    ]


def curve_points(rows: pd.DataFrame) -> list[ReachBand]:
    """Return expected and observed shares still open on days that lie between the model's cuts."""
    return [
        _band("", (day, day), inside)
        for day in CURVE_DAYS
        if len(inside := _within(rows, "", day, day)) >= MIN_ROWS
    ]


def _within(rows: pd.DataFrame, bucket: str, first: int, last: int) -> pd.DataFrame:
    return rows[(rows["bucket"] == bucket) & rows["ahead"].between(first, last)]


def _band(bucket: str, days: tuple[int, int], rows: pd.DataFrame) -> ReachBand:
    expected, observed = float(rows["p"].mean()), float(rows["y"].mean())
    sums = (rows["y"] - rows["p"]).groupby(rows["account"].to_numpy()).sum().to_numpy()
    error = float(np.sqrt((sums**2).sum())) / len(rows)
    gap = abs(expected - observed)
    return ReachBand(
        bucket=bucket,
        first_day=days[0],
        last_day=days[1],
        rows=len(rows),
        expected=expected,
        observed=observed,
        error=error,
        holds=gap <= max(TOLERATED, TOLERATED_ERRORS * error),
    )


def reach_bounds(bands: Sequence[ReachBand]) -> dict[str, list[int]]:
    """Return the days ahead within which each bucket answers: up to the first failed band.

    Examples
    --------
    >>> row = dict(bucket="1-30", rows=90, expected=0.5, observed=0.5)
    >>> good = ReachBand(first_day=1, last_day=7, holds=True, **row)
    >>> bad = ReachBand(first_day=8, last_day=14, holds=False, **row)
    >>> reach_bounds([good, bad])["1-30"]
    [0, 7]
    """
    bounds = {}
    for bucket in BUCKETS[1:]:
        last = CUTS[-1]
        for band in bands:
            if band.bucket == bucket and not band.holds:
                last = min(last, band.first_day - 1)
        bounds[bucket] = [0, last]
    return bounds
