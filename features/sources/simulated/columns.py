"""NumPy arrays to Arrow columns of the ledger contract, without a Python loop."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.ledger.arrow import arrow_schema
from features.ledger.tables import TABLES

Numbers = npt.NDArray[np.int64]


def ids(prefix: str, numbers: npt.ArrayLike, width: int = 7) -> pa.Array:
    """Return identifiers such as ``INV-0000001``; negative numbers become null.

    Examples
    --------
    >>> ids("INV-", [0, -1, 41]).to_pylist()
    ['INV-0000001', None, 'INV-0000042']
    """
    values = np.asarray(numbers, dtype=np.int64)
    valid = values >= 0
    shown = values[valid] + 1
    width = max(width, len(str(int(shown.max(initial=0)))))
    start = len(prefix)
    text = np.empty((len(shown), start + width), dtype=np.uint8)
    text[:, :start] = np.frombuffer(prefix.encode("ascii"), dtype=np.uint8)
    for place in range(start + width - 1, start - 1, -1):
        shown, digit = np.divmod(shown, 10)
        text[:, place] = digit + ord("0")
    offsets = np.zeros(len(values) + 1, dtype=np.int32)
    np.cumsum(np.where(valid, start + width, 0), out=offsets[1:])
    return pa.StringArray.from_buffers(
        len(values), pa.py_buffer(offsets), pa.py_buffer(text), _bitmap(valid)
    )


def money(cents: npt.ArrayLike) -> pa.Array:
    """Return whole cents as DECIMAL(18,2).

    Examples
    --------
    >>> money([1999, -5]).to_pylist()
    [Decimal('19.99'), Decimal('-0.05')]
    """
    return _decimal(cents, 2)


def rates(hundred_millionths: npt.ArrayLike) -> pa.Array:
    """Return whole hundred-millionths as DECIMAL(18,8)."""
    return _decimal(hundred_millionths, 8)


def _decimal(units: npt.ArrayLike, scale: int) -> pa.Array:
    values = np.asarray(units, dtype=np.int64)
    pairs = np.stack([values, values >> 63], axis=1)
    buffers = [None, pa.py_buffer(np.ascontiguousarray(pairs))]
    return pa.Array.from_buffers(pa.decimal128(18, scale), len(values), buffers)


def dates(days: npt.ArrayLike) -> pa.Array:
    """Return days since 1970-01-01 as dates; negative days become null.

    Examples
    --------
    >>> dates([0, -1]).to_pylist()
    [datetime.date(1970, 1, 1), None]
    """
    values = np.ascontiguousarray(days, dtype=np.int32)
    return pa.Array.from_buffers(
        pa.date32(), len(values), [_bitmap(values >= 0), pa.py_buffer(values)]
    )


def words(codes: npt.ArrayLike, names: Sequence[str]) -> pa.Array:
    """Return the names of codes; negative codes become null.

    Examples
    --------
    >>> words([1, -1], ("ach", "card")).to_pylist()
    ['card', None]
    """
    places = np.asarray(codes, dtype=np.int32)
    return pa.array(names, pa.string()).take(pa.array(places, mask=places < 0))


def ledger_table(name: str, columns: Mapping[str, pa.Array]) -> pa.Table:
    """Return a table of the contract; columns that are not given are null.

    Raises
    ------
    KeyError
        When a column is not in the contract.
    """
    schema = arrow_schema(TABLES[name])
    unknown = sorted(set(columns) - set(schema.names))
    if unknown:
        raise KeyError(f"Table {name!r} has no column {', '.join(unknown)}.")
    rows = len(next(iter(columns.values())))
    arrays = [
        columns[column.name] if column.name in columns else pa.nulls(rows, column.type)
        for column in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _bitmap(valid: npt.NDArray[np.bool_]) -> pa.Buffer | None:
    return None if valid.all() else pa.py_buffer(np.packbits(valid, bitorder="little"))
