from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.ledger.cells import type_column
from features.ledger.parsed import ColumnError
from features.ledger.tables import ACCOUNTS, FX_RATES, INVOICES, Column
from features.sources.database_cells import joined, raw_array

AMOUNT = INVOICES.column("amount")
ISSUED_ON = INVOICES.column("issued_on")
INVOICE_ID = INVOICES.column("invoice_id")
TERMS_DAYS = INVOICES.column("terms_days")
AUTOPAY = ACCOUNTS.column("autopay")
RATE = FX_RATES.column("rate")


def _typed(column: Column, *chunks: list[Any], zone: str = "UTC") -> list[Any]:
    """Return cells, given in chunks, in the type of the ledger."""
    raw = joined([raw_array(chunk, column, zone=ZoneInfo(zone)) for chunk in chunks])
    return list(type_column(column, raw).array.to_pylist())


@given(
    st.lists(
        st.integers(-(10**17), 10**17).map(lambda cents: Decimal(cents).scaleb(-2)), min_size=1
    ),
    st.sampled_from([Decimal("0.01"), Decimal("0.001"), Decimal("0.0001"), Decimal("1E-12")]),
)
def test_money_keeps_every_cent(amounts: list[Decimal], scale: Decimal) -> None:
    """Whatever scale the database gives, the ledger has the same decimals."""
    with_scale = [amount + 0 * scale for amount in amounts]
    assert _typed(AMOUNT, with_scale, [None]) == [*amounts, None]


def test_three_decimals_are_no_thousands() -> None:
    """1.234 from a database is one and a bit: refused as money, kept as a rate."""
    cells = [Decimal("1.234"), Decimal("2.345")]
    raw = raw_array(cells, AMOUNT, zone=UTC)
    assert list(type_column(AMOUNT, raw).failures) == ["decimals"]
    assert _typed(RATE, cells) == cells


def test_numbers_that_are_none_are_refused_by_the_ledger() -> None:
    """NaN and infinity do not become money, nor do they stop the reading."""
    cells = [Decimal("NaN"), Decimal("-Infinity"), Decimal(5)]
    failures = type_column(AMOUNT, raw_array(cells, AMOUNT, zone=UTC)).failures
    assert {rule: rows.tolist() for rule, rows in failures.items()} == {"money": [0, 1]}


def test_floats_lie_within_a_millionth_of_a_cent() -> None:
    """Sums of binary floats are the cents they stand for; whole numbers may be among them."""
    cells = [0.1 + 0.2, 7, None]
    assert _typed(AMOUNT, cells) == _typed(AMOUNT, cells[:1], cells[1:2], cells[2:])
    assert _typed(AMOUNT, cells) == [Decimal("0.30"), Decimal("7.00"), None]


def test_a_whole_number_that_no_float_holds_stays_exact() -> None:
    """A chunk of floats does not round the whole numbers beside it."""
    large = 2**53 + 1
    for chunks in ([[large, 0.5]], [[large], [0.5]]):
        assert _typed(AMOUNT, *chunks) == [Decimal(large), Decimal("0.50")]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("007 ", "007 "),
        (7, "7"),
        (2**70, str(2**70)),
        (Decimal(12345678901234567890), "12345678901234567890"),
        (Decimal("1E+3"), "1000"),
        (Decimal("12.00"), "12.00"),
        (UUID(int=7), "00000000-0000-0000-0000-000000000007"),
        (True, "true"),
        (date(2024, 1, 31), "2024-01-31"),
    ],
)
def test_ids_are_the_databases_own_text(cell: object, text: str) -> None:
    """No digit, zero or blank of an id is lost or added."""
    assert _typed(INVOICE_ID, [cell, None]) == [text, None]


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (1.5, "got floating-point numbers. Cast it to text"),
        (b"x", "got bytes from the database"),
        ({"a": 1}, "got dict from the database"),
        (timedelta(1), "got timedelta from the database"),
    ],
)
def test_cells_without_a_faithful_text_are_refused(cell: object, message: str) -> None:
    """The column is named, and what to do."""
    with pytest.raises(ColumnError, match="Column 'invoice_id': expected text, ") as caught:
        raw_array([cell], INVOICE_ID, zone=UTC)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("cell", "zone", "day"),
    [
        (date(2024, 1, 31), "Asia/Tokyo", date(2024, 1, 31)),
        (datetime(2024, 1, 31, 23, 30, tzinfo=UTC), "UTC", date(2024, 1, 31)),
        (datetime(2024, 1, 31, 23, 30, tzinfo=UTC), "Europe/Berlin", date(2024, 2, 1)),
        (
            datetime(2024, 2, 1, 0, 30, tzinfo=timezone(timedelta(hours=9))),
            "UTC",
            date(2024, 1, 31),
        ),
        (datetime(2024, 1, 31, 23, 30), "Asia/Tokyo", date(2024, 1, 31)),  # noqa: DTZ001
        (datetime.max.replace(tzinfo=UTC), "Asia/Tokyo", None),
        ("2024-01-31", "Asia/Tokyo", date(2024, 1, 31)),
        ("2024-01-31 23:30:00", "Asia/Tokyo", date(2024, 1, 31)),
        ("2024-01-31T23:30:00Z", "Asia/Tokyo", date(2024, 2, 1)),
        ("2024-01-31 23:30:00+00:00", "Europe/Berlin", date(2024, 2, 1)),
        ("31.01.2024 23:30:00", "Europe/Berlin", date(2024, 1, 31)),
        (20240131, "UTC", date(2024, 1, 31)),
    ],
)
def test_a_point_in_time_is_a_day_of_the_mappings_zone(
    cell: object, zone: str, day: date | None
) -> None:
    """A time with an offset moves to the zone; one without keeps the day that is written."""
    assert _typed(ISSUED_ON, [cell, None], zone=zone) == [day, None]


def test_dates_and_times_may_stand_in_one_column() -> None:
    """Chunks of dates, times and nothing are days together."""
    cells = [[date(2024, 1, 31)], [None], [datetime(2024, 2, 1, tzinfo=UTC)]]
    assert _typed(ISSUED_ON, *cells) == [date(2024, 1, 31), None, date(2024, 2, 1)]


def test_booleans_and_whole_numbers_come_in_the_ways_of_databases() -> None:
    """Native, as 0 and 1, and as decimals."""
    assert _typed(AUTOPAY, [True, None], [False]) == [True, None, False]
    assert _typed(AUTOPAY, [1, 0, None]) == [True, False, None]
    assert _typed(AUTOPAY, [Decimal(1)], [True]) == [True, True]
    assert _typed(TERMS_DAYS, [30, None], [Decimal("14.0")]) == [30, None, 14]


def test_values_are_translated_by_their_text() -> None:
    """Blanks around a code do not count; what is not named stays as it is."""
    kind = INVOICES.column("kind")
    codes = {"RV": "invoice", "7": "debit_memo", "true": "finance_charge"}
    cells = ["RV ", "other", None, 7, True]
    found = raw_array(cells, kind, zone=UTC, translation=codes).to_pylist()
    assert found == ["invoice", "other", None, "debit_memo", "finance_charge"]


def test_no_rows_are_no_rows() -> None:
    """A table without rows has a column without rows."""
    assert joined([]).to_pylist() == []
    assert joined([pa.nulls(0)]).to_pylist() == []
