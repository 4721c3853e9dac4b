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
    out[:] = np.nan
    wanted: dict[str, list[int]] = {}
    for position, feature in enumerate(features):
        if present.issuperset(feature.needs):
            wanted.setdefault(feature.query, []).append(position)
    for query, positions in wanted.items():
        grain = features[positions[0]].grain
        keys = _KEYS[grain]
        names = [features[position].name for position in positions]
        rows = reader.columns(query, keys, names)
        source, target = _places(items, rows, keys)
        for position, name in zip(positions, names, strict=True):
            out[position, target] = rows[name].to_numpy()[source]


_KEYS = {
    "item": ("item_no",),
    "account": ("as_of", "account_no"),
    "account_currency": ("as_of", "account_no", "currency"),
}


def _places(items: pa.Table, rows: pa.Table, keys: tuple[str, ...]) -> tuple[Places, Places]:
    """Return which row of ``rows`` goes to which item, as two arrays of positions."""
    if keys == ("item_no",):
        return np.arange(rows.num_rows), rows["item_no"].to_numpy() - 1
    mine, theirs = _numbers(items, rows, keys)
    order = np.argsort(theirs, kind="stable")
    found = np.searchsorted(theirs, mine, sorter=order)
    known = np.flatnonzero(found < len(theirs))
    source = order[found[known]]
    equal = theirs[source] == mine[known]
    return source[equal], known[equal]


def _numbers(items: pa.Table, rows: pa.Table, keys: tuple[str, ...]) -> tuple[Places, Places]:
    """Return one integer per row of both tables that is equal where all keys are."""
    mine = np.zeros(items.num_rows, np.int64)
    theirs = np.zeros(rows.num_rows, np.int64)
    for key in keys:
        left, right, size = _coded(items[key], rows[key])
        mine, theirs = mine * size + left, theirs * size + right
    return mine, theirs


def _coded(left: pa.ChunkedArray, right: pa.ChunkedArray) -> tuple[Places, Places, int]:
    if pa.types.is_date(left.type):
        left, right = left.cast(pa.int32()), right.cast(pa.int32())
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
