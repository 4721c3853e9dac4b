"""Twenty of our features, as a careful analyst would compute them with pandas.

The rival of ``benchmarks.features``. No loop goes over rows: what does not depend on the as-of
date is done once (``benchmarks.pandas_books``), the rest once per date.
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.pandas_books import NO_DAY, Books, read_books

TWENTY: tuple[str, ...] = (
    "days_past_due",
    "item_balance",
    "item_paid_share",
    "days_since_part_payment",
    "account_open_items",
    "account_past_due_items",
    "account_oldest_days_past_due",
    "account_past_due_share",
    "account_mean_days_past_due",
    "account_balance",
    "paid_items_365",
    "dbt_mean",
    "dbt_mean_365",
    "dbt_median_365",
    "dbt_spread_365",
    "dbt_worst_365",
    "dbt_amount_weighted_365",
    "late_share_365",
    "days_since_last_payment",
    "returns_365",
)
"""Names of the features, in column order."""

_EPOCH = date(1970, 1, 1)


def twenty_features(folder: Path, dates: Sequence[date]) -> pd.DataFrame:
    """Return the open items of every date with the twenty features.

    Parameters
    ----------
    folder : Path
        A ledger of Parquet files.
    dates : sequence of date
        Observation dates.

    Returns
    -------
    pandas.DataFrame, shape (n, 3 + 20)
        ``as_of``, ``account_id``, ``invoice_id`` and the features as float64, NaN where a
        value is missing; in no particular order.
    """
    books = read_books(folder)
    return pd.concat([_at(books, day) for day in sorted(set(dates))], ignore_index=True)


def _at(books: Books, as_of: date) -> pd.DataFrame:
    """Return the open items of one date with their features."""
    day = (as_of - _EPOCH).days
    items = _shown(books.open, day)
    known = books.moved[books.moved["known_on"] <= day].drop_duplicates("invoice", keep="last")
    moved_to = items["invoice"].map(known.set_index("invoice")["due_on"])
    due = moved_to.fillna(items["first_due"])
    items["days_past_due"] = (day - due).where(due != NO_DAY)
    items["item_balance"] = items["balance"] / 100
    items["item_paid_share"] = items["paid"].clip(0, items["amount"]) / items["amount"]
    items["days_since_part_payment"] = (day - items["last_paid"]).where(items["payments"] > 0)
    items = items.join(_ageing(items), on="group")
    items = items.join(_payments(books, items["account"], day), on="account")
    result = items[list(TWENTY)].astype(np.float64)
    result.insert(0, "as_of", pd.Timestamp(as_of))
    result.insert(1, "account_id", books.account_ids.take(items["account"].to_numpy()))
    result.insert(2, "invoice_id", books.invoice_ids.take(items["invoice"].to_numpy()))
    return result


def _shown(periods: pd.DataFrame, day: int) -> pd.DataFrame:
    return periods[(periods["since"] <= day) & (periods["until"] > day)]


def _ageing(items: pd.DataFrame) -> pd.DataFrame:
    """Return the ageing of every account and currency with an open item."""
    dated = items[items["days_past_due"].notna()]
    past_due = dated["days_past_due"] > 0
    sums = (
        pd.DataFrame(
            {
                "group": dated["group"],
                "items": 1,
                "past_due_items": past_due,
                "balance": dated["balance"],
                "past_due": dated["balance"].where(past_due, 0),
                "weighted": dated["balance"] * dated["days_past_due"],
            }
        )
        .groupby("group")
        .sum()
    )
    return pd.DataFrame(
        {
            "account_open_items": sums["items"],
            "account_past_due_items": sums["past_due_items"],
            "account_oldest_days_past_due": dated.groupby("group")["days_past_due"].max(),
            "account_past_due_share": sums["past_due"] / sums["balance"],
            "account_mean_days_past_due": sums["weighted"] / sums["balance"],
            "account_balance": items.groupby("group")["balance"].sum() / 100,
        }
    )


def _payments(books: Books, accounts: pd.Series, day: int) -> pd.DataFrame:
    """Return how the accounts with an open item paid so far, and what bounced in a year."""
    is_open = np.zeros(len(books.account_ids), dtype=bool)
    is_open[accounts] = True
    history = _shown(books.settled, day)
    history = history[is_open[history["account"]]]
    year = history[history["last_paid"] > day - 365]
    year = year.assign(weighted=year["dbt"] * year["amount"])
    ever, recent = history.groupby("account"), year.groupby("account")
    dbt, currency = recent["dbt"], recent["currency"]
    weighted = recent["weighted"].sum() / recent["amount"].sum()
    result = pd.DataFrame(
        {
            "paid_items_365": recent.size().reindex(ever.size().index, fill_value=0),
            "dbt_mean": ever["dbt"].mean(),
            "dbt_mean_365": dbt.mean(),
            "dbt_median_365": dbt.median(),
            "dbt_spread_365": dbt.std(ddof=0),
            "dbt_worst_365": dbt.max(),
            "dbt_amount_weighted_365": weighted.where(currency.min() == currency.max()),
            "late_share_365": recent["late"].mean(),
            "days_since_last_payment": day - ever["last_paid"].max(),
        },
        index=pd.Index(np.flatnonzero(is_open), name="account"),
    )
    if books.returns is None:
        return result.assign(returns_365=np.nan)
    returned = books.returns[
        (books.returns["visible"] <= day)
        & (books.returns["superseded"] > day)
        & (books.returns["returned_on"] > day - 365)
    ]
    counts = returned.groupby("account").size()
    return result.assign(returns_365=counts.reindex(result.index, fill_value=0))
