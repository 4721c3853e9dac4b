"""Gather the results of the family queries into one matrix, a row per open item.

A query answers per item, per account or per account and currency; the answer of an account is
repeated on each of its items. Rows are found by number, so that no wide join is needed: answers
are put in the order of the items' accounts first, and repeated in that order.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.feature import Feature

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


class Reader(Protocol):
    """What is asked of a session here."""

    def columns(self, stage: str, keys: Sequence[str], values: Sequence[str]) -> pa.Table:
        """Return columns of a stage: keys as they are, values as doubles."""
        ...


ITEMS = """
    select
        item_no,
        account_no,
        as_of,
        account_id,
        invoice_id,
        currency,
        due_on,
        days_past_due,
        cast(balance_cents as double) / 100 as open_balance,
        cast(amount_cents as double) / 100 as amount,
        residual
    from open_items
    order by item_no
"""
"""The rows of a frame, in order."""


def gather(
    reader: Reader,
    items: pa.Table,
    features: Sequence[Feature],
    present: frozenset[str],
    out: Floats,
) -> None:
    """Fill ``out`` with the features of ``items``; NaN where a value is missing.

    Parameters
    ----------
    reader : Reader
        A session in which the features' queries have run.
    items : pyarrow.Table
        The result of ``ITEMS``.
    features : sequence of Feature
        Features in the order of the rows of ``out``.
    present : frozenset of str
        Tables that the source provides; features that need others stay missing.
    out : numpy.ndarray of float64, shape (len(features), n)
        One feature a row.
    """
    wanted: dict[str, list[int]] = {}
    for position, feature in enumerate(features):
        if present.issuperset(feature.needs):
            wanted.setdefault(feature.query, []).append(position)
        else:
            out[position] = np.nan
    groups: dict[tuple[str, ...], _Groups] = {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        spread = pool.map if items.num_rows >= _WORTH_THREADS else map
        for query, positions in wanted.items():
            keys = GRAIN_KEYS[features[positions[0]].grain]
            names = [features[position].name for position in positions]
            rows = reader.columns(query, keys, names)
            if keys not in groups:
                groups[keys] = _Groups(items, keys)
            answer = groups[keys].spreader(rows)
            list(spread(answer, (rows[name] for name in names), (out[p] for p in positions)))


_WORTH_THREADS = 50_000
"""Items from which threads, which NumPy lets run while it copies, cost less than they save."""

GRAIN_KEYS = {
    "item": ("item_no",),
    "account": ("as_of", "account_no"),
    "account_currency": ("as_of", "account_no", "currency"),
}
"""Columns that name a row of a query, by its grain."""


class _Groups:
    """Items that are alike in some keys are a group; groups are numbered.

    Parameters
    ----------
    items : pyarrow.Table
        The rows of the frame.
    keys : tuple of str
        Columns that name a group.
    """

    def __init__(self, items: pa.Table, keys: tuple[str, ...]) -> None:
        self._coders = {key: _coder(items[key]) for key in keys}
        codes = self._codes(items)
        size = int(np.prod([size for _, size in self._coders.values()]))
        has_items = np.zeros(size + 1, bool)
        has_items[codes] = True
        self._number = np.cumsum(has_items) - 1
        self._number[~has_items] = -1
        self._count = int(has_items.sum())
        of_item = self._number[codes]
        self._of_item = None if _is_count(of_item) else of_item

    def spreader(self, rows: pa.Table) -> Callable[[pa.ChunkedArray, Floats], None]:
        """Return what fills an array of an item each with a column of ``rows``, a group each."""
        number = self._number[self._codes(rows)]
        known = np.flatnonzero(number >= 0)
        row_of = np.full(self._count, -1)
        row_of[number[known]] = known
        missing = np.flatnonzero(row_of < 0)

        def spread(column: pa.ChunkedArray, target: Floats) -> None:
            values = column.to_numpy() if len(column) else _NOTHING
            mine = target if self._of_item is None else np.empty(self._count)
            np.take(values, row_of, out=mine, mode="clip")
            mine[missing] = np.nan
            if self._of_item is not None:
                np.take(mine, self._of_item, out=target, mode="clip")

        return spread

    def _codes(self, rows: pa.Table) -> Places:
        """Return a number for each row, the last of all where no item has its keys."""
        codes, known = np.zeros(rows.num_rows, np.int64), np.ones(rows.num_rows, bool)
        for key, (code, size) in self._coders.items():
            part = code(rows[key])
            codes = codes * size + part
            known &= (part >= 0) & (part < size)
        codes[~known] = -1
        return codes


def _coder(column: pa.ChunkedArray) -> tuple[Callable[[pa.ChunkedArray], Places], int]:
    """Return what numbers values from 0, and how many numbers the values of ``column`` take."""
    if pa.types.is_integer(column.type):
        ends = pc.min_max(column).as_py()
        low, high = ends["min"] or 0, ends["max"] or 0
        return lambda values: values.to_numpy() - low, high - low + 1
    kinds = pc.unique(column)
    return lambda values: pc.index_in(values, kinds).fill_null(-1).to_numpy(), len(kinds)


def _is_count(numbers: Places) -> bool:
    """Tell whether numbers are 0, 1, 2 and so on: each item is a group of its own."""
    return bool((numbers == np.arange(len(numbers))).all())


_NOTHING = np.full(1, np.nan)
