"""Cells as a database driver gives them, to raw Arrow columns that the ledger's rules read.

Numbers keep every digit: a decimal goes through its own text and never through a float. Ids
that the database keeps as numbers become their digits. A point in time becomes the day it has
in the mapping's zone; one without a zone keeps the day that is written.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, tzinfo
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc

from features.ledger.parsed import ColumnError
from features.ledger.tables import Column

_NUMERIC = ("money", "decimal")
_SHORTEST_TIME = len("2024-01-31T00:00Z")


def raw_array(
    values: Sequence[Any],
    column: Column,
    *,
    zone: tzinfo,
    translation: Mapping[str, str] | None = None,
) -> pa.Array:
    """Return cells of one column as an Arrow array of text, numbers, booleans or days.

    Parameters
    ----------
    values : sequence
        Cells; None is null.
    column : Column
        The ledger column they go to.
    zone : tzinfo
        Zone in which a point in time becomes a day.
    translation : mapping of str to str, optional
        Text of a cell, blanks around it left out → text to put in its place.

    Raises
    ------
    ColumnError
        When cells are of a kind that has no faithful text: floats as ids, bytes, JSON.

    Examples
    --------
    >>> from zoneinfo import ZoneInfo
    >>> from features.ledger.tables import INVOICES
    >>> berlin = ZoneInfo("Europe/Berlin")
    >>> cells = [Decimal("0.10"), Decimal("7.5000"), None]
    >>> raw_array(cells, INVOICES.column("amount"), zone=berlin).to_pylist()
    ['0.10', '7.50', None]
    >>> late = datetime.fromisoformat("2024-01-31T23:30:00+00:00")
    >>> raw_array([late], INVOICES.column("issued_on"), zone=berlin).to_pylist()
    [datetime.date(2024, 2, 1)]
    """
    if translation:
        values = [None if cell is None else _translated(cell, translation) for cell in values]
    kinds = set(map(type, values)) - {type(None)}
    if not kinds:
        return pa.nulls(len(values))
    if column.kind == "date":
        if kinds <= {date, datetime}:
            return pa.array(_each(values, partial(_day, zone=zone)), pa.date32())
        if kinds == {str}:
            values = _each(values, partial(_local_text, zone=zone))
    if column.kind == "text" and float in kinds:
        # A float has lost the digits of a long id, and no text form of it is the source's own.
        raise ColumnError(
            f"Column {column.name!r}: expected text, got floating-point numbers. Cast it to text "
            "or numeric in a query."
        )
    if kinds == {bool}:
        return pa.array(values, pa.bool_())
    if kinds == {int} and max(map(abs, filter(None, values)), default=0) < 2**63:
        return pa.array(values, pa.int64())
    if kinds in ({float}, {int, float}) and all(cell == float(cell) for cell in values if cell):
        return pa.array(_each(values, float), pa.float64())
    return pa.array(_each(values, partial(_text, column=column)), pa.string())


def joined(chunks: Sequence[pa.Array]) -> pa.ChunkedArray:
    """Return the chunks of a column as one; chunks of different types meet as text.

    Examples
    --------
    >>> joined([pa.array([1, 2]), pa.nulls(1), pa.array([0.5])]).to_pylist()
    [1.0, 2.0, None, 0.5]
    >>> joined([pa.array([1]), pa.array(["1,5"])]).to_pylist()
    ['1', '1,5']
    """
    kinds = {chunk.type for chunk in chunks} - {pa.null()}
    kind = kinds.pop() if len(kinds) == 1 else pa.string()
    if kinds == {pa.int64(), pa.float64()}:
        kind = pa.float64()
    try:
        return pa.chunked_array([pc.cast(chunk, kind) for chunk in chunks], kind)
    except pa.ArrowInvalid:  # a whole number that no float holds
        return pa.chunked_array([pc.cast(chunk, pa.string()) for chunk in chunks], pa.string())


def _each(values: Sequence[Any], change: Callable[[Any], Any]) -> list[Any]:
    return [None if cell is None else change(cell) for cell in values]


def _translated(cell: object, translation: Mapping[str, str]) -> object:
    text = str(cell).lower() if isinstance(cell, bool) else str(cell).strip()
    return translation.get(text, cell)


def _day(cell: date, *, zone: tzinfo) -> date:
    if not isinstance(cell, datetime):
        return cell
    if cell.tzinfo is not None:
        try:
            return cell.astimezone(zone).date()
        except OverflowError:  # the last hours of the year 9999
            return cell.date()
    return cell.date()


def _local_text(cell: str, *, zone: tzinfo) -> str:
    """Return text of a point in time with an offset as its day; other text as it is."""
    if len(cell) < _SHORTEST_TIME:
        return cell
    try:
        moment = datetime.fromisoformat(cell.strip())
    except ValueError:
        return cell
    return cell if moment.tzinfo is None else _day(moment, zone=zone).isoformat()


def _text(cell: object, *, column: Column) -> str:
    if isinstance(cell, Decimal):
        return _number(cell) if column.kind in _NUMERIC else format(cell, "f")
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, str | int | float | UUID):
        return str(cell)
    if isinstance(cell, date):
        return cell.isoformat()
    raise ColumnError(
        f"Column {column.name!r}: expected {column.kind}, got {type(cell).__name__} from the "
        "database. Cast it in a query."
    )


def _number(value: Decimal) -> str:
    """Return a decimal with two or with four and more decimals.

    With three, a reader of text could take the point for a mark of thousands.
    """
    whole, point, decimals = format(value, "f").partition(".")
    if not point:
        return whole
    decimals = decimals.rstrip("0")
    return f"{whole}.{decimals.ljust(4 if len(decimals) == 3 else 2, '0')}"
