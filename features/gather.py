"""Gather the results of the family queries into one matrix, a row per open item.

A query answers per item, per account or per account and currency; the answer of an account is
repeated on each of its items. Rows are found by number, so that no wide join is needed.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

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
    for query, positions in wanted.items():
        keys = GRAIN_KEYS[features[positions[0]].grain]
        names = [features[position].name for position in positions]
        rows = reader.columns(query, keys, names)
        places = _places(items, rows, keys)
        missing = np.flatnonzero(places < 0)
        for position, name in zip(positions, names, strict=True):
            values = rows[name].to_numpy() if rows.num_rows else _NOTHING
            np.take(values, places, out=out[position], mode="clip")
            out[position, missing] = np.nan


_NOTHING = np.full(1, np.nan)

GRAIN_KEYS = {
    "item": ("item_no",),
    "account": ("as_of", "account_no"),
    "account_currency": ("as_of", "account_no", "currency"),
}
"""Columns that name a row of a query, by its grain."""


def _places(items: pa.Table, rows: pa.Table, keys: tuple[str, ...]) -> Places:
    """Return which row of ``rows`` is each item's, -1 where there is none; shape (n,)."""
    if keys == ("item_no",):
        places: Places = np.full(items.num_rows, -1)
        places[rows["item_no"].to_numpy() - 1] = np.arange(rows.num_rows)
    else:
        mine, theirs = _numbers(items, rows, keys)
        lowest, highest = mine.min(initial=0), mine.max(initial=0)
        row_of = np.full(highest - lowest + 1, -1)
        asked = np.flatnonzero((theirs >= lowest) & (theirs <= highest))
        row_of[theirs[asked] - lowest] = asked
        places = row_of[mine - lowest]
    return places


def _numbers(items: pa.Table, rows: pa.Table, keys: tuple[str, ...]) -> tuple[Places, Places]:
    """Return one integer per row of both tables that is equal where all keys are."""
    mine = np.zeros(items.num_rows, np.int64)
    theirs = np.zeros(rows.num_rows, np.int64)
    for key in keys:
        left, right, size = _coded(items[key], rows[key])
        mine, theirs = mine * size + left, theirs * size + right
    return mine, theirs


def _coded(left: pa.ChunkedArray, right: pa.ChunkedArray) -> tuple[Places, Places, int]:
    if pa.types.is_integer(left.type):
        numbers = left.to_numpy().astype(np.int64), right.to_numpy().astype(np.int64)
        if not len(numbers[0]):
            return (*numbers, 1)
        low = int(numbers[0].min())
        size = int(numbers[0].max()) - low + 2
        outside = size - 1
        theirs = numbers[1] - low
        theirs[(theirs < 0) | (theirs >= outside)] = outside
        return numbers[0] - low, theirs, size
    both = pa.chunked_array([*left.chunks, *right.chunks], left.type).dictionary_encode()
    codes = np.concatenate([chunk.indices.to_numpy() for chunk in both.chunks] or [[]])
    codes = codes.astype(np.int64)
    return codes[: len(left)], codes[len(left) :], int(codes.max(initial=0)) + 1
