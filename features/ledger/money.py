"""Money text to decimals, one column at a time, by rules that never guess.

Accepted, with spaces of any kind around: ``1234.56``, ``1,234.56``, ``1.234,56``, ``1234``,
``-123.45``, ``123.45-``, ``(123.45)``. No currency signs, no exponents.

Which mark is the decimal one is a property of the column. A value settles it when it can be
read in one way only: both marks (the last is the decimal one), one mark twice (a group mark),
or one mark not followed by exactly three digits. ``1.234`` alone can be read in two ways; a
column in which nothing settles the mark is refused, and so is one with evidence for both.
"""

from decimal import Decimal
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

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
from features.ledger.sensitive import redact

Mark = Literal[".", ","]

MONEY = pa.decimal128(18, 2)
RATE = pa.decimal128(18, 8)

_SIMPLE = r"^-?[0-9]{1,16}(?:\.[0-9]{1,2})?$"
_SIGNED = r"^(?:- ?([0-9.,]+)|([0-9.,]+) ?-|\( ?([0-9.,]+) ?\)|([0-9.,]+))$"
_AMBIGUOUS = r"^[1-9][0-9]{0,2}[.,][0-9]{3}$"
# With the decimal mark D and the group mark G put in.
_SETTLED = (
    r"^(?:[1-9][0-9]{0,2}(?:G[0-9]{3})+D[0-9]+"
    r"|[1-9][0-9]{0,2}(?:G[0-9]{3}){2,}"
    r"|[0-9]*D(?:[0-9]{1,2}|[0-9]{4,})"
    r"|(?:0[0-9]*|[0-9]{4,})?D[0-9]{3})$"
)
_ROUNDING = 1e-6
_LARGEST_FLOAT = 2.0**44  # beyond it neighbouring doubles are nearly a cent apart


def parse_money(raw: Raw, *, column: str, decimal_mark: Mark | None = None) -> Parsed:
    """Return a column of money as DECIMAL(18, 2).

    Parameters
    ----------
    raw : pa.Array, pa.ChunkedArray or pd.Series
        Text, decimals, integers or floats. A float must lie within 1e-6 of a whole cent.
    column : str
        What errors call the column.
    decimal_mark : {".", ","}, optional
        For columns in which no value settles it.

    Returns
    -------
    Parsed
        Rules: ``money`` (not a number in an accepted form; NaN and infinity too),
        ``decimals`` (something beyond the cents), ``size`` (10^16 or more).

    Raises
    ------
    ColumnError
        When the decimal mark cannot be settled, the evidence is mixed, or the column holds
        something else than numbers.

    Examples
    --------
    >>> parsed = parse_money(pa.array(["1.234,50", "(7,00)", "0,125", None]), column="amount")
    >>> [str(value) for value in parsed.array.to_pylist()]
    ['1234.50', '-7.00', 'None', 'None']
    >>> parsed.failures
    {'decimals': array([2])}
    """
    values = as_arrow(raw)
    if is_text(values.type):
        return _text_to_money(trimmed(values), column, decimal_mark)
    if pa.types.is_floating(values.type):
        return _floats_to_money(values)
    return _exact(_decimals(values, column), MONEY)


def parse_rate(raw: Raw, *, column: str, decimal_mark: Mark | None = None) -> Parsed:
    """Return a column of exchange rates as DECIMAL(18, 8), rounded half to even.

    Parameters, rules and errors are those of :func:`parse_money`, without ``decimals``.

    Examples
    --------
    >>> parse_rate(pa.array(["1.0845", "149.27"]), column="rate").array.to_pylist()
    [Decimal('1.08450000'), Decimal('149.27000000')]
    """
    values = as_arrow(raw)
    failures = []
    if is_text(values.type):
        text = trimmed(values)
        plain = _plain(text, column, decimal_mark)
        failures.append(("money", positions(pc.and_(pc.is_null(plain), pc.is_valid(text)))))
        large = pc.match_substring_regex(plain, r"^-?0*[1-9][0-9]{10,}")
        failures.append(("size", positions(large)))
        short = pc.replace_substring_regex(plain, r"(\.[0-9]{18})[0-9]+$", r"\1")
        values = pc.cast(_null_where(short, large), pa.decimal128(38, 18))
    elif pa.types.is_floating(values.type):
        wide = pc.cast(values, pa.float64())
        odd = pc.invert(pc.is_finite(wide))
        failures.append(("money", positions(odd)))
        large = pc.greater_equal(pc.abs(wide), 1e10)
        failures.append(("size", positions(pc.and_not(large, odd))))
        values = pc.cast(_null_where(wide, pc.or_(odd, large)), pa.decimal128(38, 18))
    else:
        values = _decimals(values, column)
    rounded = _exact(pc.round(values, ndigits=8, round_mode="half_to_even"), RATE)
    return Parsed(
        array=rounded.array,
        failures=without_empty([*failures, *rounded.failures.items()]),
    )


def _text_to_money(text: pa.Array, column: str, mark: Mark | None) -> Parsed:
    # Most exports are plain numbers with a point; they need one regex, not ten.
    simple = mark != "," and pc.all(pc.match_substring_regex(text, _SIMPLE)).as_py()
    if simple is not False:
        return Parsed(array=pc.cast(text, MONEY))
    plain = _plain(text, column, mark)
    odd = pc.and_(pc.is_null(plain), pc.is_valid(text))
    fine = pc.match_substring_regex(plain, r"\.[0-9]{2}0*[1-9]")
    large = pc.match_substring_regex(plain, r"^-?0*[1-9][0-9]{16,}")
    cents = pc.replace_substring_regex(plain, r"(\.[0-9]{2})0+$", r"\1")
    cents = pc.replace_substring_regex(cents, r"^(-?)0+([0-9])", r"\1\2")
    return Parsed(
        array=pc.cast(_null_where(cents, pc.or_(fine, large)), MONEY),
        failures=without_empty(
            [
                ("money", positions(odd)),
                ("decimals", positions(pc.and_not(fine, large))),
                ("size", positions(large)),
            ]
        ),
    )


def _plain(text: pa.Array, column: str, mark: Mark | None) -> pa.Array:
    """Return numbers as ``-1234.5``; null where the text is no number."""
    body = pc.replace_substring_regex(text, _SIGNED, r"\1\2\3\4")
    body = _null_where(body, pc.invert(pc.match_substring_regex(text, _SIGNED)))
    point = pc.match_substring_regex(body, _SETTLED.replace("D", r"\.").replace("G", ","))
    comma = pc.match_substring_regex(body, _SETTLED.replace("D", ",").replace("G", r"\."))
    unsettled = pc.match_substring_regex(body, _AMBIGUOUS)
    whole = pc.match_substring_regex(body, "^[0-9]+$")
    decimal = _settle(
        column, mark, _first(text, point), _first(text, comma), _first(text, unsettled)
    )
    number = pc.or_(pc.or_(point, comma), pc.or_(unsettled, whole))
    body = pc.replace_substring(body, "," if decimal == "." else ".", "")
    body = pc.replace_substring(body, decimal, ".")
    negative = pc.match_substring_regex(text, r"[-(]")
    sign = pc.if_else(negative, "-", "")
    return _null_where(pc.binary_join_element_wise(sign, body, ""), pc.invert(number))


def _settle(
    column: str,
    mark: Mark | None,
    for_point: str | None,
    for_comma: str | None,
    either: str | None,
) -> Mark:
    """Return the decimal mark from the examples for each reading."""
    if for_point is not None and for_comma is not None:
        raise ColumnError(
            f"Column {column!r}: {for_point!r} has a decimal point and {for_comma!r} a decimal "
            "comma. Write the whole column with one decimal mark."
        )
    if mark is not None:
        against = for_comma if mark == "." else for_point
        if against is not None:
            raise ColumnError(
                f"Column {column!r}: decimal_mark is {mark!r}, but {against!r} can only be read "
                "with the other mark. Leave decimal_mark out or correct the file."
            )
        return mark
    if for_point is None and for_comma is None and either is not None:
        raise ColumnError(
            f"Column {column!r}: {either!r} can be read with a decimal point or a decimal "
            "comma, and no other value settles which. Write two decimals (1234.50), or pass "
            'decimal_mark="." or decimal_mark=",".'
        )
    return "." if for_comma is None else ","


def _first(text: pa.Array, mask: pa.Array) -> str | None:
    at = pc.index(mask, value=True).as_py()
    return None if at < 0 else redact(text[at].as_py())


def _floats_to_money(values: pa.Array) -> Parsed:
    missing = values.is_null().to_numpy(zero_copy_only=False)
    numbers = pc.fill_null(pc.cast(values, pa.float64()), fill_value=0.0).to_numpy()
    odd = ~np.isfinite(numbers)
    large = ~odd & (np.abs(numbers) >= 1e16)
    safe = np.where(odd | large, 0.0, numbers)
    cents = np.rint(safe * 100)
    nearest = cents / 100
    fine = np.abs(safe - nearest) > _ROUNDING
    fine |= (np.abs(safe) >= _LARGEST_FLOAT) & (safe != np.rint(safe))
    whole = pa.array(cents.astype(np.int64), mask=missing | odd | large | fine)
    return Parsed(
        array=money_from_cents(whole),
        failures=without_empty(
            [
                ("money", np.flatnonzero(odd & ~missing)),
                ("decimals", np.flatnonzero(fine & ~missing)),
                ("size", np.flatnonzero(large & ~missing)),
            ]
        ),
    )


def money_from_cents(cents: pa.Array) -> pa.Array:
    """Return whole cents (int64) as DECIMAL(18, 2).

    Examples
    --------
    >>> money_from_cents(pa.array([-1250, None])).to_pylist()
    [Decimal('-12.50'), None]
    """
    whole = pc.cast(cents, pa.decimal128(19, 0))
    return pc.cast(pc.multiply(whole, pa.scalar(Decimal("0.01"))), MONEY)


def _decimals(values: pa.Array, column: str) -> pa.Array:
    kind = values.type
    if pa.types.is_null(kind):
        return pc.cast(values, MONEY)
    if pa.types.is_integer(kind):
        return pc.cast(values, pa.decimal128(20, 0))
    if pa.types.is_decimal(kind):
        return values
    raise ColumnError(
        f"Column {column!r}: expected numbers or text, got {kind}. Export it as decimals."
    )


def _exact(values: pa.Array, target: pa.DataType) -> Parsed:
    """Cast decimals to ``target``; rows that do not fit fail."""
    rounded = values
    if values.type.scale > target.scale:
        rounded = pc.round(values, ndigits=target.scale, round_mode="towards_zero")
    fine = pc.not_equal(rounded, values)
    limit = 10 ** (target.precision - target.scale)
    wide = pa.decimal256(76, max(values.type.scale, 0))
    large = pc.greater_equal(pc.abs(pc.cast(values, wide)), pa.scalar(limit, wide))
    good = _null_where(rounded, pc.or_(fine, large))
    return Parsed(
        array=pc.cast(good, target),
        failures=without_empty(
            [("decimals", positions(pc.and_not(fine, large))), ("size", positions(large))]
        ),
    )


def _null_where(values: pa.Array, mask: pa.Array) -> pa.Array:
    gone = pc.fill_null(mask, fill_value=False)
    return pc.if_else(gone, pa.scalar(None, values.type), values)
