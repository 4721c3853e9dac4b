"""A scoring, indexed by account: columns as arrays, rows made only when they are asked for.

The same table is built from the files of a snapshot and from rows scored on the spot, so that
both answer in the same words. Money becomes text with two decimals; every other number is
passed on unrounded; a missing value is None.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.ageing import BUCKETS, UNDATED
from models.explain import FAMILY_NAMES
from models.reasons import BASE, BASE_SENTENCE, OTHER, Reason, top_reasons
from models.scorer import CUTS
from serving.scoring import reach_column
from serving.worklist import bucket_column

Render = Callable[[npt.NDArray[Any]], list[Any]]


def _money(values: npt.NDArray[Any]) -> list[str | None]:
    # Adding 0.0 after rounding turns -0.0 into 0.0.
    return [None if v != v else f"{round(v, 2) + 0.0:.2f}" for v in values.tolist()]  # noqa: PLR0124 (NaN)


def _number(values: npt.NDArray[Any]) -> list[float | None]:
    return [None if v != v else v for v in values.tolist()]  # noqa: PLR0124 (NaN)


def _whole(values: npt.NDArray[Any]) -> list[int | None]:
    return [None if v != v else int(v) for v in values.tolist()]  # noqa: PLR0124 (NaN)


def _day(values: npt.NDArray[Any]) -> list[str | None]:
    return [None if text == "NaT" else text for text in np.datetime_as_string(values).tolist()]


def _plain(values: npt.NDArray[Any]) -> list[Any]:
    kept: list[Any] = values.tolist()
    return kept


ITEM_COLUMNS: dict[str, Render] = {
    "invoice_id": _plain,
    "currency": _plain,
    "bucket": _plain,
    "days_past_due": _whole,
    "due_on": _day,
    "open_balance": _money,
    "collectible": _money,
    "unapplied": _money,
    "disputed": _money,
    "planned": _money,
    "promised": _money,
    "exposed": _plain,
    "p_roll": _number,
    **{f"p_open_{days}": _number for days in CUTS},
    **{reach_column(bucket): _number for bucket in BUCKETS[1:]},
    "balance_expected_to_roll": _money,
    "dollars_expected_to_roll": _money,
    "dollars_expected_to_stay": _money,
    "dollars_at_risk": _money,
    "lane": _plain,
    "priority_probability": _number,
    "priority_cost": _number,
    "priority_value": _money,
    "fallback": _plain,
}
"""Columns of an item in an answer and how each is written."""

ACCOUNT_COLUMNS: dict[str, Render] = {
    "account_id": _plain,
    "currency": _plain,
    "name": _plain,
    "segment": _plain,
    "region": _plain,
    "collector": _plain,
    "is_natural_person": _plain,
    "open_balance": _money,
    "collectible": _money,
    **{bucket_column("open", bucket): _money for bucket in (*BUCKETS, UNDATED)},
    **{bucket_column("collectible", bucket): _money for bucket in (*BUCKETS, UNDATED)},
    "unapplied_cash": _money,
    "disputed": _money,
    "on_plan": _money,
    "promised": _money,
    "dollars_expected_to_roll": _money,
    "dollars_expected_to_stay": _money,
    "dollars_at_risk": _money,
    "balance_expected_to_roll": _money,
    "p_roll": _number,
    "oldest_days_past_due": _whole,
    "lane": _plain,
    "priority_value": _money,
    "hold": _plain,
    "hold_reason": _plain,
    "hold_until": _day,
    "action": _plain,
    "why": _plain,
    "overridden_by": _plain,
}
"""Columns of an account in an answer; its rank depends on who else is listed and stands in
the worklist only."""

LIST_COLUMNS: tuple[str, ...] = ("holds", "principal_reasons")
"""Columns of an account that hold lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreTable:
    """Accounts and items of one scoring.

    Parameters
    ----------
    items, accounts : dict of str to numpy.ndarray
        Columns of ``items.parquet`` and ``accounts.parquet``, rows ordered by account.
    reasons : pyarrow.ListArray
        Reasons of every account row.
    lists : dict of str to pyarrow.ListArray
        ``LIST_COLUMNS`` and ``recent_contacts`` of every account row.
    log_odds : numpy.ndarray of float64, shape (n_items, n_families + 1)
        Contributions of each item by family, in the order of ``FAMILY_NAMES``, base last.
    account_rows, item_rows : dict of str to (int, int)
        First row and row after the last of each account.
    """

    items: dict[str, npt.NDArray[Any]]
    accounts: dict[str, npt.NDArray[Any]]
    reasons: pa.ListArray
    lists: dict[str, pa.ListArray]
    log_odds: npt.NDArray[np.float64]
    account_rows: dict[str, tuple[int, int]]
    item_rows: dict[str, tuple[int, int]]

    def __contains__(self, account_id: str) -> bool:
        """Tell whether the account has open items."""
        return account_id in self.account_rows

    def account(self, account_id: str, reasons: int) -> list[dict[str, Any]]:
        """Return the account with its items, one entry per currency.

        Parameters
        ----------
        account_id : str
            Must be in the table.
        reasons : int
            Families named; the rest is summed as ``other``.
        """
        start, end = self.account_rows[account_id]
        entries = self.account_entries(range(start, end), reasons)
        items = self.item_entries(account_id)
        for entry in entries:
            own = [item for item in items if item["currency"] == entry["currency"]]
            entry["items"] = own
        return entries

    def account_entries(self, rows: range | list[int], reasons: int) -> list[dict[str, Any]]:
        """Return account rows by position, without their items."""
        taken = np.asarray(rows, dtype=np.int64)
        entries = _rows(self.accounts, ACCOUNT_COLUMNS, taken)
        for entry, row in zip(entries, taken.tolist(), strict=True):
            for name in LIST_COLUMNS:
                entry[name] = self.lists[name][row].as_py()
            entry["reasons"] = self.reasons_of(row, reasons)
        return entries

    def item_entries(self, account_id: str) -> list[dict[str, Any]]:
        """Return the open items of an account, ordered by invoice."""
        start, end = self.item_rows[account_id]
        return _rows(self.items, ITEM_COLUMNS, slice(start, end))

    def raw_items(self, account_id: str, currency: str) -> list[dict[str, Any]]:
        """Return the open items of an account in one currency, numbers as they are stored."""
        start, end = self.item_rows[account_id]
        columns = {name: values[start:end].tolist() for name, values in self.items.items()}
        rows = zip(*columns.values(), strict=True)
        items = (dict(zip(columns, row, strict=True)) for row in rows)
        return [item for item in items if item["currency"] == currency]

    def reasons_of(self, row: int, count: int) -> list[dict[str, Any]]:
        """Return the reasons of an account row; the last two are ``other`` and ``base``."""
        stored: list[Reason] = self.reasons[row].as_py() or []
        shown = top_reasons(stored, count)
        base = next((reason for reason in shown if reason["family"] == BASE), None)
        families = [reason for reason in shown if reason["family"] != BASE]
        if not families or families[-1]["family"] != OTHER:
            families.append(Reason(family=OTHER, sentence="Nothing else", dollars=0.0))
        last = base or Reason(family=BASE, sentence=BASE_SENTENCE, dollars=0.0)
        return [
            {**reason, "dollars": f"{round(reason['dollars'], 2) + 0.0:.2f}"}
            for reason in (*families, last)
        ]


def _rows(
    columns: dict[str, npt.NDArray[Any]],
    renders: dict[str, Render],
    taken: slice | npt.NDArray[np.int64],
) -> list[dict[str, Any]]:
    rendered = [render(columns[name][taken]) for name, render in renders.items()]
    return [dict(zip(renders, row, strict=True)) for row in zip(*rendered, strict=True)]


def make_score_table(items: pa.Table, accounts: pa.Table) -> ScoreTable:
    """Index the tables of a scoring; rows may stand in any order.

    Parameters
    ----------
    items, accounts : pyarrow.Table
        With the columns of ``items.parquet`` and ``accounts.parquet``.
    """
    items = items.sort_by([("account_id", "ascending"), ("invoice_id", "ascending")])
    accounts = accounts.sort_by([("account_id", "ascending"), ("currency", "ascending")])
    reasons = accounts["reasons"].combine_chunks()
    shap = [*(f"shap_{family}" for family in FAMILY_NAMES), "base_value"]
    return ScoreTable(
        items=_columns(items, ITEM_COLUMNS),
        accounts={
            **_columns(accounts, ACCOUNT_COLUMNS),
            "rank": accounts["rank"].to_numpy(),
        },
        reasons=reasons,
        lists={
            name: accounts[name].combine_chunks() for name in (*LIST_COLUMNS, "recent_contacts")
        },
        log_odds=np.column_stack([items[name].to_numpy() for name in shap]),
        account_rows=_ranges(accounts["account_id"]),
        item_rows=_ranges(items["account_id"]),
    )


def _columns(table: pa.Table, renders: dict[str, Render]) -> dict[str, npt.NDArray[Any]]:
    return {name: _array(table[name], render) for name, render in renders.items()}


def _array(column: pa.ChunkedArray, render: Render) -> npt.NDArray[Any]:
    if render is _day:
        return np.asarray(pc.cast(column, pa.date32()).to_numpy(), dtype="datetime64[D]")
    if render is _plain and column.null_count == len(column):
        return np.full(len(column), None, dtype=object)  # there is nothing to take from
    if render is _plain:
        # Equal strings become one object: segments and lanes repeat on every row.
        return np.asarray(column.dictionary_encode().to_numpy(), dtype=object)
    return np.asarray(pc.cast(column, pa.float64()).to_numpy(), dtype=np.float64)


def _ranges(account_id: pa.ChunkedArray) -> dict[str, tuple[int, int]]:
    ids = account_id.to_numpy()
    starts = np.flatnonzero(np.r_[True, ids[1:] != ids[:-1]]) if len(ids) else np.empty(0, int)
    ends = np.r_[starts[1:], len(ids)] if len(ids) else starts
    return {
        str(ids[start]): (start, end)
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
    }
