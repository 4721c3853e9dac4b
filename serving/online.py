"""A scoring as the service reads it: two Arrow tables, ordered by account, ready to be mapped.

``items`` and ``accounts`` hold the columns that answers are made from, each as one plain array:
numbers without nulls (NaN instead), lists as JSON text. A row of ``accounts`` says where the
account's items begin and end. Mapped into memory, nothing is read before it is asked for, and
all workers of a machine share one copy.
"""

import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.ageing import BUCKETS, UNDATED
from models.explain import FAMILY_NAMES
from models.scorer import CUTS
from serving.scoring import reach_column
from serving.worklist import bucket_column

NUMBERS = pa.float64()
TEXT = pa.large_string()
DAY = pa.date32()
FLAG = pa.bool_()

ITEM_TYPES: dict[str, pa.DataType] = {
    "invoice_id": TEXT,
    "currency": TEXT,
    "bucket": TEXT,
    "days_past_due": NUMBERS,
    "due_on": DAY,
    "open_balance": NUMBERS,
    "collectible": NUMBERS,
    "unapplied": NUMBERS,
    "disputed": NUMBERS,
    "planned": NUMBERS,
    "promised": NUMBERS,
    "exposed": FLAG,
    "p_roll": NUMBERS,
    **{f"p_open_{days}": NUMBERS for days in CUTS},
    **{reach_column(bucket): NUMBERS for bucket in BUCKETS[1:]},
    "balance_expected_to_roll": NUMBERS,
    "dollars_expected_to_roll": NUMBERS,
    "dollars_expected_to_stay": NUMBERS,
    "dollars_at_risk": NUMBERS,
    "lane": TEXT,
    "priority_probability": NUMBERS,
    "priority_cost": NUMBERS,
    "priority_value": NUMBERS,
    "fallback": TEXT,
}
"""Columns of an item in an answer."""

ACCOUNT_TYPES: dict[str, pa.DataType] = {
    "account_id": TEXT,
    "currency": TEXT,
    "name": TEXT,
    "segment": TEXT,
    "region": TEXT,
    "collector": TEXT,
    "is_natural_person": FLAG,
    "open_balance": NUMBERS,
    "collectible": NUMBERS,
    **{bucket_column("open", bucket): NUMBERS for bucket in (*BUCKETS, UNDATED)},
    **{bucket_column("collectible", bucket): NUMBERS for bucket in (*BUCKETS, UNDATED)},
    "unapplied_cash": NUMBERS,
    "disputed": NUMBERS,
    "on_plan": NUMBERS,
    "promised": NUMBERS,
    "dollars_expected_to_roll": NUMBERS,
    "dollars_expected_to_stay": NUMBERS,
    "dollars_at_risk": NUMBERS,
    "balance_expected_to_roll": NUMBERS,
    "p_roll": NUMBERS,
    "oldest_days_past_due": NUMBERS,
    "lane": TEXT,
    "priority_value": NUMBERS,
    "hold": TEXT,
    "hold_reason": TEXT,
    "hold_until": DAY,
    "action": TEXT,
    "why": TEXT,
    "overridden_by": TEXT,
}
"""Columns of an account in an answer."""

KEPT_TYPES: dict[str, pa.DataType] = {
    "rank": pa.int64(),
    "suggested_action": TEXT,
    "suggested_why": TEXT,
}
"""Further columns of an account that its place on the worklist is made from."""

LISTS: tuple[str, ...] = ("holds", "principal_reasons", "recent_contacts")
"""Columns of an account that hold lists."""

REASONS = "reasons"
"""Column of an account: its reasons, each a list of family, sentence and dollars."""

LOG_ODDS = "log_odds"
FIRST, END = "first_item", "end_item"


def lists_as_json(accounts: pd.DataFrame) -> pd.DataFrame:
    """Return accounts with their lists as JSON: much quicker than to turn them into Arrow's."""
    texts: dict[str, list[str]] = {name: [_json(cell) for cell in accounts[name]] for name in LISTS}
    texts[REASONS] = [_reasons(cell) for cell in accounts[REASONS]]
    return accounts.assign(**texts)


def _json(cell: Any) -> str:  # noqa: ANN401 (a list, or nothing)
    return json.dumps([] if cell is None else list(cell), ensure_ascii=False, separators=(",", ":"))


def _reasons(cell: Any) -> str:  # noqa: ANN401 (a list of reasons, or nothing)
    rows = [] if cell is None else cell
    return _json([(row["family"], row["sentence"], row["dollars"]) for row in rows])


def online_tables(items: pa.Table, accounts: pa.Table) -> dict[str, pa.Table]:
    """Return the tables ``items`` and ``accounts`` as the service reads them.

    Parameters
    ----------
    items, accounts : pyarrow.Table
        With the columns of ``items.parquet`` and ``accounts.parquet``, in any order of rows;
        lists may be JSON already.
    """
    items = items.sort_by([("account_id", "ascending"), ("invoice_id", "ascending")])
    accounts = accounts.sort_by([("account_id", "ascending"), ("currency", "ascending")])
    shap = [*(f"shap_{family}" for family in FAMILY_NAMES), "base_value"]
    log_odds = np.column_stack([items[name].to_numpy() for name in shap]).ravel()
    first, end = _places(items["account_id"], accounts["account_id"])
    return {
        "items": pa.table(
            {name: _column(items[name], kind) for name, kind in ITEM_TYPES.items()}
            | {LOG_ODDS: pa.FixedSizeListArray.from_arrays(pa.array(log_odds), len(shap))}
        ),
        "accounts": pa.table(
            {
                name: _column(accounts[name], kind)
                for name, kind in (ACCOUNT_TYPES | KEPT_TYPES).items()
            }
            | {name: _texts(accounts[name], _json) for name in LISTS}
            | {REASONS: _texts(accounts[REASONS], _reasons)}
            | {FIRST: pa.array(first), END: pa.array(end)}
        ),
    }


def _column(column: pa.ChunkedArray, kind: pa.DataType) -> pa.Array:
    typed = pc.cast(column, kind)
    if kind == NUMBERS:
        typed = pc.fill_null(typed, np.nan)
    whole = typed.combine_chunks()
    return whole.combine_chunks() if isinstance(whole, pa.ChunkedArray) else whole


def _texts(column: pa.ChunkedArray, write: Callable[[Any], str]) -> pa.Array:
    if pa.types.is_list(column.type) or pa.types.is_null(column.type):
        return pa.array([write(cell) for cell in column.to_pylist()], TEXT)
    return _column(column, TEXT)


def _places(
    of_items: pa.ChunkedArray, of_accounts: pa.ChunkedArray
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return where the items of each account row begin and end; both sides are ordered."""
    counted = of_items.value_counts()
    counts = dict(zip(counted.field(0).to_pylist(), counted.field(1).to_pylist(), strict=True))
    ids = of_accounts.to_pylist()
    sizes = np.array([counts.get(name, 0) for name in ids], dtype=np.int64)
    repeated = np.array([False, *(one == two for one, two in pairwise(ids))][: len(ids)])
    end = np.cumsum(np.where(repeated, 0, sizes))
    return end - sizes, end


class Column:
    """A column as Python and NumPy see it; cells are made only when they are asked for."""

    __slots__ = ("_array", "_view")

    def __init__(self, array: pa.Array) -> None:
        plain = array.type in (NUMBERS, pa.int64()) and array.null_count == 0
        self._array = array
        self._view: npt.NDArray[Any] | None = array.to_numpy() if plain else None

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self._array)

    def __getitem__(self, place: Any) -> Any:  # noqa: ANN401 (a row, or a range of rows)
        """Return a cell, or an array of the cells of a range."""
        if isinstance(place, slice):
            start, end, _ = place.indices(len(self))
            if self._view is not None:
                return self._view[start:end]
            cells = self._array.slice(start, max(0, end - start))
            return np.asarray(cells.to_numpy(zero_copy_only=False))
        return self._array[int(place)].as_py() if self._view is None else self._view[place]

    def cells(self, start: int, end: int) -> list[Any]:
        """Return the cells of a range."""
        if self._view is not None:
            listed: list[Any] = self._view[start:end].tolist()
        else:
            listed = self._array.slice(start, end - start).to_pylist()
        return listed

    def tolist(self) -> list[Any]:
        """Return all cells."""
        return self.cells(0, len(self))

    def whole(self) -> npt.NDArray[Any]:
        """Return all cells; of text, equal cells are one object, days are in whole seconds."""
        if self._array.type == DAY:
            return np.asarray(self[:], dtype="datetime64[s]")
        if self._array.type != TEXT:
            return np.asarray(self[:])
        if self._array.null_count == len(self):
            return np.full(len(self), None, dtype=object)  # there is nothing to take from
        return np.asarray(self._array.dictionary_encode().to_numpy(zero_copy_only=False))

    def codes(self) -> tuple[npt.NDArray[np.int64], list[str]]:
        """Return text as places in a sorted list of the different ones; -1 where it is missing."""
        encoded = self._array.dictionary_encode()
        values = encoded.dictionary.to_pylist()
        order = sorted(range(len(values)), key=values.__getitem__)
        rank = np.full(len(values) + 1, -1, dtype=np.int64)  # the last one is of missing text
        rank[order] = np.arange(len(values))
        places = encoded.indices.fill_null(len(values)).to_numpy(zero_copy_only=False)
        return rank[places], [values[place] for place in order]


class AccountRows(Mapping[str, tuple[int, int]]):
    """First row and row after the last of each account, found by bisection.

    Parameters
    ----------
    account_id : pyarrow.Array
        Ids in order, repeated for each currency.
    first, end : Column or None
        Where what belongs to a row begins and ends; None for the rows themselves.
    """

    def __init__(
        self, account_id: pa.Array, first: Column | None = None, end: Column | None = None
    ) -> None:
        self._ids = _Ids(account_id)
        self._first = first
        self._end = end

    def __getitem__(self, account_id: str) -> tuple[int, int]:
        """Return the range of an account; KeyError when it is not there."""
        row = bisect_left(self._ids, account_id)
        if row == len(self._ids) or self._ids[row] != account_id:
            raise KeyError(account_id)
        if self._first is not None and self._end is not None:
            return int(self._first[row]), int(self._end[row])
        return row, bisect_right(self._ids, account_id, row)

    def bounds(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return the first row of each account, and where what belongs to it begins and ends."""
        ids = self._ids.array.to_numpy(zero_copy_only=False)
        new = np.r_[True, ids[1:] != ids[:-1]] if len(ids) else np.empty(0, dtype=bool)
        rows = np.flatnonzero(new)
        if self._first is not None and self._end is not None:
            return rows, self._first.whole()[rows], self._end.whole()[rows]
        return rows, rows, np.r_[rows[1:], len(ids)][: len(rows)]

    def __iter__(self) -> Iterator[str]:
        """Yield each account once, in order."""
        return iter(dict.fromkeys(self._ids.array.to_pylist()))

    def __len__(self) -> int:
        """Return how many accounts there are."""
        return int(pc.count_distinct(self._ids.array).as_py())


class _Ids:
    """Ids as a sequence for ``bisect``; Python orders text as Arrow orders its bytes."""

    __slots__ = ("array",)

    def __init__(self, array: pa.Array) -> None:
        self.array = array

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, row: int) -> str:
        return str(self.array[row].as_py())
