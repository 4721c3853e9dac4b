"""Date text to days, one column at a time, by rules that never guess.

Accepted, with spaces around: ``2020-01-31``, ``2020/01/31``, ``20200131``, ``20200131.0``,
``31.01.2020`` (always day first), ``31/01/2020`` and ``01/31/2020``; a time of day after the
dashed, slashed and dotted forms is read and left out. ``00000000`` and blanks are null.

Whether ``a/b/year`` is day or month first is a property of the column. A value with a part
above 12 settles it, ``05/05/2020`` is the same day both ways. A column in which a value can
be read in two ways and nothing settles the order is refused, and so is one with evidence for
both.
"""

import re
from datetime import date
from typing import Literal

import numpy as np
import numpy.typing as npt
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

DateOrder = Literal["dmy", "mdy"]

FIRST_DAY = date(1950, 1, 1)
LAST_DAY = date(2150, 12, 31)

_TIME = r"[0-2][0-9]:[0-5][0-9](?::[0-6][0-9](?:\.[0-9]+)?)?(?: ?(?:Z|UTC|[+-][0-9]{2}:?[0-9]{2}))?"
_WITH_TIME = rf"^([0-9]+[-/.][0-9]+[-/.][0-9]+)[T ]{_TIME}$"
_YEAR_FIRST = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})|([0-9]{4})/([0-9]{1,2})/([0-9]{1,2})"
    r"|([0-9]{4})([0-9]{2})([0-9]{2})(?:\.0)?"
)
_DOTTED = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})")
_SLASHED = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})")
_NO_DATE = re.compile(r"0{8}(?:\.0)?")
_EPOCH = date(1970, 1, 1).toordinal()


def parse_dates(raw: Raw, *, column: str, date_order: DateOrder | None = None) -> Parsed:
    """Return a column of dates as date32.

    Parameters
    ----------
    raw : pa.Array, pa.ChunkedArray or pd.Series
        Text, dates, timestamps (the wall-clock day in their own zone) or numbers such as
        20200131.
    column : str
        What errors call the column.
    date_order : {"dmy", "mdy"}, optional
        For slashed dates in a column in which no value settles the order.

    Returns
    -------
    Parsed
        Rules: ``date`` (no accepted form, or no such day), ``day`` (before 1950 or after
        2150).

    Raises
    ------
    ColumnError
        When the order of day and month cannot be settled, the evidence is mixed, or the
        column holds something else than dates.

    Examples
    --------
    >>> parsed = parse_dates(pa.array(["31/01/2020", "02/03/2020", "30/02/2020"]), column="d")
    >>> [str(day) for day in parsed.array.to_pylist()]
    ['2020-01-31', '2020-03-02', 'None']
    >>> parsed.failures
    {'date': array([2])}
    >>> parse_dates(pa.array(["02/03/2020"]), column="due_on")
    Traceback (most recent call last):
    features.ledger.parsed.ColumnError: Column 'due_on': '02/03/2020' can be day or month first...
    """
    values = as_arrow(raw)
    kind = values.type
    if pa.types.is_timestamp(kind):
        if kind.tz is not None:
            values = pc.local_timestamp(values)
        return _in_range(pc.cast(pc.floor_temporal(values, unit="day"), pa.date32()))
    if pa.types.is_date(kind):
        return _in_range(pc.cast(values, pa.date32()))
    if pa.types.is_null(kind):
        return Parsed(array=pc.cast(values, pa.date32()))
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        text = pc.cast(values, pa.string()) if pa.types.is_integer(kind) else _whole(values)
    elif is_text(kind):
        text = trimmed(values)
    else:
        raise ColumnError(f"Column {column!r}: expected dates or text, got {kind}.")
    return _text_to_dates(text, column, date_order)


def _whole(values: pa.Array) -> pa.Array:
    """Return floats such as 20200131.0 as text; NaN is null, as pandas writes it."""
    numbers = pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)
    return pa.array(
        [None if number is None else f"{number:.1f}" for number in numbers.to_pylist()],
        pa.string(),
    )


def _text_to_dates(text: pa.Array, column: str, order: DateOrder | None) -> Parsed:
    # There are few distinct days, so each is read once.
    coded = pc.replace_substring_regex(text, _WITH_TIME, r"\1").dictionary_encode()
    distinct = coded.dictionary.to_pylist()
    settled = _settle(distinct, column, order)
    days = [_day(value, settled) for value in distinct]
    known = pa.array([day for day, _ in days], pa.int32())
    rules = np.array([rule for _, rule in days] or [""])
    codes = pc.fill_null(coded.indices, fill_value=0).to_numpy()
    valid = coded.indices.is_valid().to_numpy(zero_copy_only=False)
    failures = [(rule, np.flatnonzero((rules[codes] == rule) & valid)) for rule in ("date", "day")]
    return Parsed(
        array=known.take(coded.indices).cast(pa.date32()), failures=without_empty(failures)
    )


def _day(value: str, order: DateOrder | None) -> tuple[int | None, str]:
    """Return days since 1970 and the rule broken; neither for a date that is not there."""
    if _NO_DATE.fullmatch(value):
        return None, ""
    if match := _YEAR_FIRST.fullmatch(value):
        year, month, day = (int(part) for part in match.groups() if part is not None)
    elif match := _DOTTED.fullmatch(value):
        day, month, year = (int(part) for part in match.groups())
    elif match := _SLASHED.fullmatch(value):
        day, month, year = (int(part) for part in match.groups())
        if order == "mdy":
            day, month = month, day
    else:
        return None, "date"
    try:
        found = date(year, month, day)
    except ValueError:
        return None, "date"
    if not FIRST_DAY <= found <= LAST_DAY:
        return None, "day"
    return found.toordinal() - _EPOCH, ""


def _settle(distinct: list[str], column: str, order: DateOrder | None) -> DateOrder | None:
    evidence: dict[DateOrder, str] = {}
    either = None
    for value in distinct:
        if match := _SLASHED.fullmatch(value):
            first, second = int(match[1]), int(match[2])
            if 12 < first <= 31 and 1 <= second <= 12:
                evidence.setdefault("dmy", value)
            elif 12 < second <= 31 and 1 <= first <= 12:
                evidence.setdefault("mdy", value)
            elif first != second and max(first, second) <= 12:
                either = either or value
    if len(evidence) == 2:
        raise ColumnError(
            f"Column {column!r}: {redact(evidence['dmy'])!r} is day first and "
            f"{redact(evidence['mdy'])!r} is month first. Give ISO dates (2020-01-31)."
        )
    if order is not None:
        against = evidence.get("mdy" if order == "dmy" else "dmy")
        if against is not None:
            raise ColumnError(
                f"Column {column!r}: date_order is {order!r}, but {redact(against)!r} can only "
                "be read the other way. Leave date_order out or correct the file."
            )
        return order
    if either is not None and not evidence:
        raise ColumnError(
            f"Column {column!r}: {redact(either)!r} can be day or month first, and no other "
            'value settles which. Give ISO dates (2020-01-31), or pass date_order="dmy" or '
            'date_order="mdy".'
        )
    return next(iter(evidence), None)


def _in_range(days: pa.Array) -> Parsed:
    outside: npt.NDArray[np.int64] = positions(
        pc.or_(
            pc.less(days, pa.scalar(FIRST_DAY)),
            pc.greater(days, pa.scalar(LAST_DAY)),
        )
    )
    if not outside.size:
        return Parsed(array=days)
    gone = np.zeros(len(days), dtype=np.bool_)
    gone[outside] = True
    return Parsed(
        array=pc.if_else(pa.array(gone), pa.scalar(None, pa.date32()), days),
        failures={"day": outside},
    )
