from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.ledger.dates import DateOrder, parse_dates
from features.ledger.parsed import ColumnError

DAYS = st.dates(date(1950, 1, 1), date(2150, 12, 31))
FORMATS = [
    "%Y-%m-%d",
    "%Y-%m-%dT00:00:00",
    "%Y-%m-%d 21:56:08.000000",
    "%Y-%m-%dT07:00:00Z",
    "%Y%m%d",
    "%Y%m%d.0",
    "%Y/%m/%d",
    "%d.%m.%Y",
    "\u00a0%d.%m.%Y ",
]


def _days(*text: str | None, date_order: DateOrder | None = None) -> list[Any]:
    raw = pa.array(text, pa.string())
    return list(parse_dates(raw, column="due_on", date_order=date_order).array.to_pylist())


@settings(deadline=None)
@given(days=st.lists(DAYS, min_size=1, max_size=10), form=st.sampled_from(FORMATS))
def test_dates_survive_every_form_that_has_one_reading(days: list[date], form: str) -> None:
    """A day written in a form with one reading is read back as that day."""
    parsed = parse_dates(pa.array([day.strftime(form) for day in days]), column="due_on")
    assert parsed.failures == {}
    assert parsed.array.to_pylist() == days


@settings(deadline=None)
@given(
    days=st.lists(DAYS, min_size=1, max_size=10),
    form=st.sampled_from([("dmy", "%d/%m/%Y"), ("mdy", "%m/%d/%Y")]),
)
def test_slashed_dates_are_read_right_or_refused(
    days: list[date], form: tuple[DateOrder, str]
) -> None:
    """Slashed dates are never read in the wrong order: settled, the same both ways, or refused."""
    order, pattern = form
    text = pa.array([day.strftime(pattern) for day in days])
    assert parse_dates(text, column="d", date_order=order).array.to_pylist() == days
    settled = any(day.day > 12 for day in days) or all(day.day == day.month for day in days)
    if settled:
        assert parse_dates(text, column="d").array.to_pylist() == days
    else:
        with pytest.raises(ColumnError, match="no other value settles"):
            parse_dates(text, column="d")


@settings(deadline=None)
@given(st.lists(st.text(alphabet="0123456789-/.T: ", max_size=12), max_size=6))
def test_any_text_is_a_day_a_failure_or_a_refusal(text: list[str]) -> None:
    """Each row is a day, null for blank or zeros, or one failure."""
    try:
        parsed = parse_dates(pa.array(text, pa.string()), column="d")
    except ColumnError:
        return
    failed = {int(row) for rows in parsed.failures.values() for row in rows}
    for row, value in enumerate(parsed.array.to_pylist()):
        absent = text[row].strip() in {"", "00000000", "00000000.0"}
        assert (value is None) == (row in failed or absent)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("2020-02-30", "date"),
        ("31/02/2020", "date"),
        ("13/13/2020", "date"),
        ("2020-1-5", "date"),
        ("31-01-2020", "date"),
        ("01/31/20", "date"),
        ("2020013", "date"),
        ("2020-01-31T25", "date"),
        ("yesterday", "date"),
        ("0000-00-00", "date"),
        ("1949-12-31", "day"),
        ("2151-01-01", "day"),
        ("4712-12-31", "day"),
    ],
)
def test_what_is_no_day_fails_the_row_alone(text: str, rule: str) -> None:
    """A value that is no day between 1950 and 2150 fails its row and leaves the others."""
    parsed = parse_dates(pa.array(["2020-01-31", text, "00000000", " "]), column="due_on")
    assert {name: rows.tolist() for name, rows in parsed.failures.items()} == {rule: [1]}
    assert parsed.array.to_pylist() == [date(2020, 1, 31), None, None, None]


def test_an_unsettled_column_is_refused_with_the_next_step() -> None:
    """The error names the column, an example and both ways out."""
    with pytest.raises(ColumnError) as caught:
        _days("02/03/2020", "05/05/2020")
    message = str(caught.value)
    assert "'due_on'" in message
    assert "'02/03/2020'" in message
    assert "ISO" in message
    assert 'date_order="dmy"' in message


def test_contradictory_evidence_is_refused() -> None:
    """A column with day-first and month-first dates is refused, and so is a wrong option."""
    with pytest.raises(ColumnError, match="'31/01/2020' is day first and '01/31/2020' is month"):
        _days("31/01/2020", "01/31/2020")
    with pytest.raises(ColumnError, match="date_order is 'mdy', but '31/01/2020'"):
        _days("31/01/2020", date_order="mdy")


def test_dotted_dates_are_day_first_whatever_the_slashes_say() -> None:
    """`02.03.2020` is the second of March in every column."""
    assert _days("02.03.2020", "01/31/2020", date_order="mdy") == [
        date(2020, 3, 2),
        date(2020, 1, 31),
    ]


def test_typed_columns_are_taken_as_they_are() -> None:
    """Dates, timestamps (their own zone's day), numbers and pandas columns give the same days."""
    day = date(2020, 1, 26)
    late = datetime(2020, 1, 27, 5, 30, tzinfo=UTC)
    for raw in (
        pa.array([day, None]),
        pa.array([day, None], pa.date64()),
        pa.array([datetime(2020, 1, 26, 23, 59), None]),  # noqa: DTZ001 - a zoneless timestamp
        pa.array([late, None], pa.timestamp("us", "America/Los_Angeles")),
        pa.array([20200126, None], pa.int64()),
        pa.array([20200126.0, None]),
        pa.array(["20200126.0", None]).dictionary_encode(),
        pd.to_datetime(pd.Series(["2020-01-26", None])),
        pd.Series([day, None], dtype=object),
        pd.Series(["2020-01-26", None]),
    ):
        assert parse_dates(raw, column="d").array.to_pylist() == [day, None]
    assert parse_dates(pa.nulls(1), column="d").array.to_pylist() == [None]
    old = parse_dates(pa.array([date(1900, 1, 1), day]), column="d")
    assert old.failures["day"].tolist() == [0]
    assert old.array.to_pylist() == [None, day]
    with pytest.raises(ColumnError, match="expected dates or text, got bool"):
        parse_dates(pa.array([True]), column="d")
