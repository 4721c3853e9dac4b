from math import isnan

import pytest

from features.engines import open_session
from features.key_figures import (
    collection_effectiveness,
    countback_dso,
    days_sales_outstanding,
    key_figures,
)
from tests.features.books import Books, day


def test_the_golden_collection_effectiveness() -> None:
    """Opening 6,200, sales 10,890 in 3 months, ending 6,340, of it current 3,590: 55.9 %."""
    # (6200 + 3630 - 6340) / (6200 + 3630 - 3590) = 3490 / 6240
    assert collection_effectiveness(6200, 10890, 6340, 3590, 3) == pytest.approx(349000 / 6240)
    assert round(collection_effectiveness(6200, 10890, 6340, 3590, 3), 1) == 55.9


def test_collecting_everything_that_was_due_is_hundred_per_cent() -> None:
    """Nothing past due at the end: 100 %; nothing to collect: no figure."""
    assert collection_effectiveness(1000, 300, 500, 500, 3) == 100.0
    assert isnan(collection_effectiveness(0, 0, 0, 0, 1))


def test_dso_needs_sales() -> None:
    """500 of 1,000 in 90 days stand for 45 days; without sales there is no figure."""
    assert days_sales_outstanding(500, 1000, 90) == 45.0
    assert isnan(days_sales_outstanding(500, 0, 90))


def test_count_back_takes_months_off_and_prorates_the_rest() -> None:
    """600 owed: June 300 (30 days), May 200 (31 days), 100 of April's 400 (30 days)."""
    months = [(300.0, 30), (200.0, 31), (400.0, 30)]
    assert countback_dso(600, months) == 30 + 31 + 30 * 100 / 400
    assert countback_dso(300, months) == 30.0
    assert isnan(countback_dso(901, months))


def test_count_back_of_nothing_is_no_days() -> None:
    """No receivables, no days, whatever the newest month sold."""
    assert countback_dso(0, [(0.0, 30), (200.0, 31)]) == 0.0
    assert countback_dso(0, []) == 0.0


def test_key_figures_of_a_hand_worked_book() -> None:
    """Per currency: 300 late, 500 current and 100 undated of 900; billed 900 in 90 days.

    DSO 900 / 900 x 90 = 90 days, best possible 500 / 900 x 90 = 50, delinquent 40.
    """
    book = (
        Books()
        .invoice("LATE", "2024-05-01", "2024-06-01", 300)
        .invoice("CURRENT", "2024-06-01", "2024-07-01", 500)
        .invoice("UNDATED", "2024-06-01", None, 100)
        .paid("OLD", "2024-01-01", "2024-02-01", "2024-02-01", 5000)
        .invoice("EUR", "2024-06-01", "2024-07-10", 70, currency="EUR")
    )
    on = day("2024-07-01")
    with open_session(book.ledger(), [on]) as session:
        figures = key_figures(session, on)
    dollars = figures["USD"]
    assert (dollars.receivables, dollars.past_due, dollars.current) == (900.0, 300.0, 500.0)
    assert dollars.sales_90 == 900.0
    assert dollars.dso_days == pytest.approx(90)
    assert dollars.best_possible_dso_days == pytest.approx(50)
    assert dollars.average_days_delinquent == pytest.approx(40)
    assert figures["EUR"].receivables == 70.0
    assert sorted(figures) == ["EUR", "USD"]


def test_sales_are_those_shown_by_the_day() -> None:
    """Billed in June but entered in July: no sales on 1 July; the 90th day back is out."""
    book = (
        Books()
        .invoice("I", "2024-06-01", "2024-07-01", 100)
        .invoice("UNSEEN", "2024-06-01", "2024-07-01", 1000, known_on="2024-07-05")
        .invoice("OUT", "2024-04-02", "2024-05-01", 10)
        .invoice("IN", "2024-04-03", "2024-05-01", 20)
    )
    on = day("2024-07-01")
    with open_session(book.ledger(), [on]) as session:
        assert key_figures(session, on)["USD"].sales_90 == 120.0
