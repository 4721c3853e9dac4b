"""A scoring, indexed by account: rows are made only when they are asked for.

The same table is built on the mapped files of a snapshot and on rows scored on the spot, so that
both answer in the same words. Money becomes text with two decimals; every other number is
passed on unrounded; a missing value is None.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from models.reasons import BASE, BASE_SENTENCE, OTHER, Reason, top_reasons
from serving.online import (
    ACCOUNT_TYPES,
    DAY,
    END,
    FIRST,
    ITEM_TYPES,
    LISTS,
    LOG_ODDS,
    NUMBERS,
    REASONS,
    AccountRows,
    Column,
    online_tables,
)

HALF_CENT = 0.005
"""Less than this is written without a sign: there is no minus nothing."""

Render = Callable[[list[Any]], list[Any]]


def _money(values: list[float]) -> list[str | None]:
    return [
        None if v != v else "0.00" if -HALF_CENT < v < HALF_CENT else f"{v:.2f}"  # noqa: PLR0124 (NaN)
        for v in values
    ]


def _number(values: list[float]) -> list[float | None]:
    return [None if v != v else v for v in values]  # noqa: PLR0124 (NaN)


def _whole(values: list[float]) -> list[int | None]:
    return [None if v != v else int(v) for v in values]  # noqa: PLR0124 (NaN)


def _day(values: list[Any]) -> list[str | None]:
    return [None if v is None else v.isoformat() for v in values]


def _plain(values: list[Any]) -> list[Any]:
    return values


_WHOLE = ("days_past_due", "oldest_days_past_due")
_UNROUNDED = ("p_", "priority_probability", "priority_cost")


def _render(name: str, kind: pa.DataType) -> Render:
    """Return how a column is written in an answer."""
    if kind == DAY:
        return _day
    if kind != NUMBERS:
        return _plain
    if name in _WHOLE:
        return _whole
    return _number if name.startswith(_UNROUNDED) else _money


ITEM_COLUMNS = {name: _render(name, kind) for name, kind in ITEM_TYPES.items()}
"""Columns of an item in an answer and how each is written."""

ACCOUNT_COLUMNS = {name: _render(name, kind) for name, kind in ACCOUNT_TYPES.items()}
"""Columns of an account in an answer; its rank depends on who else is listed and stands in
the worklist only."""

LIST_COLUMNS: tuple[str, ...] = ("holds", "principal_reasons")
"""Columns of an account in an answer that hold lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreTable:
    """Accounts and items of one scoring.

    Parameters
    ----------
    items, accounts : mapping of str to Column
        Columns of ``items.parquet`` and ``accounts.parquet``, rows ordered by account.
    lists : mapping of str to Column
        ``LISTS`` of every account row, as JSON.
    reasons : Column
        Reasons of every account row, as JSON.
    log_odds : numpy.ndarray of float64, shape (n_items, n_families + 1)
        Contributions of each item by family, in the order of ``FAMILY_NAMES``, base last.
    account_rows, item_rows : AccountRows
        First row and row after the last of each account.
    """

    items: Mapping[str, Column]
    accounts: Mapping[str, Column]
    lists: Mapping[str, Column]
    reasons: Column
    log_odds: npt.NDArray[np.float64]
    account_rows: AccountRows
    item_rows: AccountRows

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

    def account_entries(self, rows: Sequence[int], reasons: int) -> list[dict[str, Any]]:
        """Return account rows by position, without their items."""
        entries = []
        for row in rows:
            (entry,) = _rows(self.accounts, ACCOUNT_COLUMNS, row, row + 1)
            for name in LIST_COLUMNS:
                entry[name] = self.list_of(name, row)
            entry["reasons"] = self.reasons_of(row, reasons)
            entries.append(entry)
        return entries

    def item_entries(self, account_id: str) -> list[dict[str, Any]]:
        """Return the open items of an account, ordered by invoice."""
        return _rows(self.items, ITEM_COLUMNS, *self.item_rows[account_id])

    def raw_items(self, account_id: str, currency: str) -> list[dict[str, Any]]:
        """Return the open items of an account in one currency, numbers as they are stored."""
        start, end = self.item_rows[account_id]
        columns = {name: column.cells(start, end) for name, column in self.items.items()}
        rows = zip(*columns.values(), strict=True)
        items = (dict(zip(columns, row, strict=True)) for row in rows)
        return [item for item in items if item["currency"] == currency]

    def list_of(self, name: str, row: int) -> list[Any]:
        """Return a list of an account row: one of ``LISTS``."""
        stored: list[Any] = json.loads(self.lists[name][row])
        return stored

    def reasons_of(self, row: int, count: int) -> list[dict[str, Any]]:
        """Return the reasons of an account row; the last two are ``other`` and ``base``."""
        stored = [
            Reason(family=family, sentence=sentence, dollars=dollars)
            for family, sentence, dollars in json.loads(self.reasons[row])
        ]
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
    columns: Mapping[str, Column], renders: Mapping[str, Render], start: int, end: int
) -> list[dict[str, Any]]:
    rendered = [render(columns[name].cells(start, end)) for name, render in renders.items()]
    return [dict(zip(renders, row, strict=True)) for row in zip(*rendered, strict=True)]


def make_score_table(items: pa.Table, accounts: pa.Table) -> ScoreTable:
    """Return the table of a scoring at hand; rows may stand in any order.

    Parameters
    ----------
    items, accounts : pyarrow.Table
        With the columns of ``items.parquet`` and ``accounts.parquet``.
    """
    return table_of(online_tables(items, accounts))


def table_of(online: Mapping[str, pa.Table]) -> ScoreTable:
    """Return the table on what ``serving.online.online_tables`` made, mapped or in memory."""
    items = {name: _whole_array(online["items"][name]) for name in online["items"].column_names}
    log_odds = items.pop(LOG_ODDS)
    accounts = {
        name: _whole_array(online["accounts"][name]) for name in online["accounts"].column_names
    }
    first, end = Column(accounts.pop(FIRST)), Column(accounts.pop(END))
    lists = {name: Column(accounts.pop(name)) for name in LISTS}
    reasons = Column(accounts.pop(REASONS))
    return ScoreTable(
        items={name: Column(array) for name, array in items.items()},
        accounts={name: Column(array) for name, array in accounts.items()},
        lists=lists,
        reasons=reasons,
        log_odds=log_odds.values.to_numpy().reshape(len(log_odds), log_odds.type.list_size),
        account_rows=AccountRows(accounts["account_id"]),
        item_rows=AccountRows(accounts["account_id"], first, end),
    )


def _whole_array(column: pa.ChunkedArray) -> pa.Array:
    """Return a column as one array; one that is in one piece is not copied."""
    if column.num_chunks == 1:
        return column.chunk(0)
    return column.combine_chunks() if column.num_chunks else pa.array([], column.type)
