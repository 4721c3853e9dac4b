"""One raw column to the type its contract column has, whatever kind that is.

Columns that already have the right type are passed on without a detour through text.
"""

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from features.ledger.dates import DateOrder, parse_dates
from features.ledger.money import Mark, parse_money, parse_rate
from features.ledger.parsed import (
    ColumnError,
    Parsed,
    Raw,
    as_arrow,
    is_text,
    positions,
    trimmed,
    without_empty,
)
from features.ledger.tables import Column

_YES = pa.array(["true", "t", "yes", "1", "1.0"])
_NO = pa.array(["false", "f", "no", "0", "0.0"])
_WHOLE = r"^-?[0-9]{1,18}(?:\.0+)?$"


def type_column(
    column: Column,
    raw: Raw,
    *,
    decimal_mark: Mark | None = None,
    date_order: DateOrder | None = None,
) -> Parsed:
    """Return a raw column in the type of the contract, and the rows that could not be typed.

    Parameters
    ----------
    column : Column
        The contract column.
    raw : pa.Array, pa.ChunkedArray or pd.Series
        What the source holds.
    decimal_mark : {".", ","}, optional
        For columns of numbers in which no value settles the mark.
    date_order : {"dmy", "mdy"}, optional
        For columns of slashed dates in which no value settles the order.

    Returns
    -------
    Parsed
        Rules of :func:`~features.ledger.money.parse_money` and
        :func:`~features.ledger.dates.parse_dates`, and ``nul`` (a NUL character in text),
        ``integer``, ``boolean``.

    Raises
    ------
    ColumnError
        When the column as a whole cannot be read.

    Examples
    --------
    >>> from features.ledger.tables import INVOICES
    >>> type_column(INVOICES.column("terms_days"), pa.array(["30", "n30"])).failures
    {'integer': array([1])}
    """
    if column.kind == "money":
        return parse_money(raw, column=column.name, decimal_mark=decimal_mark)
    if column.kind == "decimal":
        return parse_rate(raw, column=column.name, decimal_mark=decimal_mark)
    if column.kind == "date":
        return parse_dates(raw, column=column.name, date_order=date_order)
    others: dict[str, Callable[[pa.Array, str], Parsed]] = {
        "text": _texts,
        "integer": _integers,
        "boolean": _booleans,
    }
    return others[column.kind](as_arrow(raw), column.name)


def _texts(values: pa.Array, name: str) -> Parsed:
    kind = values.type
    if is_text(kind):
        text = pc.cast(values, pa.string())
        nul = pc.match_substring(text, "\0")
        gone = pc.fill_null(pc.or_(nul, pc.is_null(trimmed(text))), fill_value=True)
        return Parsed(
            array=pc.if_else(gone, pa.scalar(None, pa.string()), text),
            failures=without_empty([("nul", positions(nul))]),
        )
    if pa.types.is_integer(kind) or pa.types.is_date(kind) or pa.types.is_null(kind):
        return Parsed(array=pc.cast(values, pa.string()))
    if pa.types.is_boolean(kind):
        return Parsed(array=pc.if_else(values, "true", "false"))
    # A float has lost the digits of a long id, and no text form of it is the source's own.
    raise ColumnError(f"Column {name!r}: expected text, got {kind}. Export ids and text as text.")


def _integers(values: pa.Array, name: str) -> Parsed:
    kind = values.type
    if pa.types.is_null(kind) or (pa.types.is_integer(kind) and kind != pa.uint64()):
        return Parsed(array=pc.cast(values, pa.int64()))
    if pa.types.is_floating(kind):
        # pandas turns a column of integers with gaps into floats with NaN for the gaps.
        values = pc.if_else(pc.is_nan(values), pa.scalar(None, kind), values)
        bad = pc.or_(
            pc.not_equal(values, pc.round(values)), pc.greater_equal(pc.abs(values), 2.0**53)
        )
        whole = pc.if_else(bad, pa.scalar(None, kind), values)
        return _typed(pc.cast(whole, pa.int64()), bad, "integer")
    if is_text(kind) or pa.types.is_decimal(kind) or kind == pa.uint64():
        text = trimmed(pc.cast(values, pa.string()))
        good = pc.match_substring_regex(text, _WHOLE)
        whole = pc.if_else(good, text, pa.scalar(None, pa.string()))
        number = pc.replace_substring_regex(whole, r"\.0+$", "")
        return _typed(pc.cast(number, pa.int64()), pc.invert(good), "integer")
    raise ColumnError(f"Column {name!r}: expected whole numbers, got {kind}.")


def _booleans(values: pa.Array, name: str) -> Parsed:
    kind = values.type
    if pa.types.is_boolean(kind) or pa.types.is_null(kind):
        return Parsed(array=pc.cast(values, pa.bool_()))
    if not (is_text(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        raise ColumnError(f"Column {name!r}: expected true or false, got {kind}.")
    if pa.types.is_floating(kind):
        values = pc.cast(pc.if_else(pc.is_nan(values), pa.scalar(None, kind), values), pa.string())
    text = pc.utf8_lower(trimmed(values))
    yes, no = pc.is_in(text, value_set=_YES), pc.is_in(text, value_set=_NO)
    bad = pc.and_not(pc.is_valid(text), pc.or_(yes, no))
    return _typed(pc.if_else(pc.or_(yes, no), yes, pa.scalar(None, pa.bool_())), bad, "boolean")


def _typed(values: pa.Array, bad: pa.Array, rule: str) -> Parsed:
    return Parsed(array=values, failures=without_empty([(rule, positions(bad))]))
