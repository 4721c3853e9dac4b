"""Roll-rate matrices: what became of exposed items over one 30-day step.

Rows are the bucket at the start, columns what was found a step later: in the next bucket
(``rolled``; of the last bucket: still there), ``paid``, ``credited``, ``extended`` or
``written_off``. By count and by dollars, over exposed count and dollars; each row sums to 1. A
part payment splits an item's dollars between ``rolled`` and ``paid``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from features.ageing import BUCKETS, LAST, STEP_DAYS, bucket_index, bucket_names, is_exposed
from features.allowance import BANDS, band_index
from features.session import Session
from features.stages import ITEM_STAGES, query_text

RESULTS: tuple[str, ...] = ("rolled", "paid", "credited", "extended", "written_off")
"""Columns of the matrix."""

KEYS = ["as_of", "currency", "segment", "bucket", "band"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RollRow:
    """One row of a matrix.

    Parameters
    ----------
    bucket : str
        Where the items stood at the start.
    items : int
        Exposed items.
    cents : int
        Their balance.
    by_count, by_dollars : dict of str to float
        Share of ``items`` and of ``cents`` by result, in [0, 1]; each sums to 1, and is empty
        where nothing was exposed.
    """

    bucket: str
    items: int
    cents: int
    by_count: dict[str, float]
    by_dollars: dict[str, float]

    @property
    def unresolved(self) -> float:
        """The dollar share that rolled or was written off, NaN where nothing was exposed."""
        if not self.by_dollars:
            return float("nan")
        return self.by_dollars["rolled"] + self.by_dollars["written_off"]


def roll_counts(session: Session, *, maturity_lag_days: int, known_through: date) -> pd.DataFrame:
    """Count what became of the exposed items of every date of a session.

    Parameters
    ----------
    session : Session
        Opened on the days on which steps start.
    maturity_lag_days : int
        Days after the step until its result is final.
    known_through : date
        Last day whose postings may be used; steps that were not final by then are left out.

    Returns
    -------
    pandas.DataFrame
        ``as_of``, ``currency``, ``segment`` (empty where unknown), ``bucket``, ``band`` (age band
        within the last bucket, empty in the others), and per result ``items_<result>`` and
        ``cents_<result>``.
    """
    session.run(ITEM_STAGES)
    session.register("horizons", pa.table({"horizon_days": pa.array([STEP_DAYS], pa.int32())}))
    session.register(
        "maturity",
        pa.table(
            {
                "maturity_lag_days": pa.array([maturity_lag_days], pa.int32()),
                "known_through": pa.array([known_through], pa.date32()),
            }
        ),
    )
    rows = session.arrow(
        f"with outcomes as ({query_text('outcomes')}), "  # noqa: S608 (our own SQL file)
        "segments as (select account_id, max(segment) as segment from accounts group by account_id)"
        " select items.as_of, items.currency, coalesce(segments.segment, '') as segment, "
        "cast(items.days_past_due as double) as days_past_due, outcomes.outcome, "
        "cast(count(*) as bigint) as items, "
        "cast(sum(outcomes.balance_cents) as bigint) as cents, "
        "cast(sum(least(outcomes.remaining_cents, outcomes.balance_cents)) as bigint) as remaining "
        "from outcomes inner join open_items as items "
        "on outcomes.as_of = items.as_of and outcomes.invoice_id = items.invoice_id "
        "left join segments on items.account_id = segments.account_id "
        "where outcomes.outcome <> 'unknown' and items.residual = 0 "
        "and items.days_past_due is not null "
        "group by items.as_of, items.currency, segments.segment, items.days_past_due, "
        "outcomes.outcome"
    ).to_pandas()
    return _by_result(rows)


def _by_result(rows: pd.DataFrame) -> pd.DataFrame:
    days = rows["days_past_due"].to_numpy(dtype=float)
    bucket = bucket_index(days)
    kept = is_exposed(days) | (bucket == LAST)
    bands = np.array([*(name for _, name in BANDS), ""], dtype=object)
    rows = rows.assign(bucket=bucket_names(bucket), band=bands[band_index(days)])[kept]
    outcome = rows["outcome"].replace("open", "rolled")
    is_open = outcome == "rolled"
    left = rows["remaining"].where(is_open, rows["cents"])
    parts = [
        rows[KEYS].assign(result=outcome, items=rows["items"], cents=left),
        # What an item that is still open lost on the way was paid.
        rows.loc[is_open, KEYS].assign(
            result="paid", items=0, cents=(rows["cents"] - rows["remaining"])[is_open]
        ),
    ]
    long = pd.concat(parts, ignore_index=True)
    wide = long.pivot_table(
        index=KEYS, columns="result", values=["items", "cents"], aggfunc="sum", fill_value=0
    )
    named: dict[str, pd.Series[Any]] = {
        f"{what}_{result}": wide[what, result]
        if (what, result) in wide
        else pd.Series(0, wide.index)
        for what in ("items", "cents")
        for result in RESULTS
    }
    counts = pd.DataFrame(named, index=wide.index).astype(np.int64).reset_index()
    return counts.assign(as_of=pd.to_datetime(counts["as_of"]))


def roll_matrix(counts: pd.DataFrame) -> tuple[RollRow, ...]:
    """Return the matrix of some rows of ``roll_counts``, one row per bucket.

    Examples
    --------
    >>> row = {f"{what}_{result}": 0 for what in ("items", "cents") for result in RESULTS}
    >>> row |= {"bucket": "1-30", "items_rolled": 1, "items_paid": 3}
    >>> row |= {"cents_rolled": 40, "cents_paid": 60}
    >>> matrix = roll_matrix(pd.DataFrame([row]))
    >>> matrix[1].by_count["rolled"], matrix[1].unresolved
    (0.25, 0.4)
    """
    rows = []
    for bucket in BUCKETS:
        own = counts[counts["bucket"] == bucket]
        items = {name: int(own[f"items_{name}"].sum()) for name in RESULTS}
        cents = {name: int(own[f"cents_{name}"].sum()) for name in RESULTS}
        rows.append(
            RollRow(
                bucket=bucket,
                items=sum(items.values()),
                cents=sum(cents.values()),
                by_count=_shares(items),
                by_dollars=_shares(cents),
            )
        )
    return tuple(rows)


def band_rates(counts: pd.DataFrame, *, few: int = 30) -> dict[str, tuple[float, float]]:
    """Return what 30 days bring in, and what they write off, of a balance in the last bucket.

    Credits count as brought in: they are no loss of credit. A band with fewer than ``few`` items
    takes the rates of all bands together; without any item there is nothing to return.

    Returns
    -------
    dict of str to (float, float)
        By band: share of the balance brought in, and share written off, in [0, 1].
    """
    last = counts[counts["bucket"] == BUCKETS[-1]]
    if not len(last):
        return {}
    rates = {}
    for _, band in BANDS:
        own = last[last["band"] == band]
        enough = own[[f"items_{name}" for name in RESULTS]].to_numpy().sum() >= few
        cents = (own if enough else last)[[f"cents_{name}" for name in RESULTS]].sum()
        whole = float(cents.sum())
        lost = float(cents["cents_written_off"])
        rates[band] = ((whole - float(cents["cents_rolled"]) - lost) / whole, lost / whole)
    return rates


def _shares(parts: dict[str, int]) -> dict[str, float]:
    whole = sum(parts.values())
    return {name: part / whole for name, part in parts.items()} if whole else {}


def step_starts(as_of: date, maturity_lag_days: int, count: int) -> Sequence[date]:
    """Return the days on which the last ``count`` steps began that were final by ``as_of``.

    Examples
    --------
    >>> [str(day) for day in step_starts(date(2024, 6, 30), 7, 2)]
    ['2024-04-24', '2024-05-24']
    """
    newest = date.fromordinal(as_of.toordinal() - STEP_DAYS - maturity_lag_days)
    return [
        date.fromordinal(newest.toordinal() - STEP_DAYS * back) for back in range(count - 1, -1, -1)
    ]
