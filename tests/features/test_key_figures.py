from math import isnan

import pytest

from features.engines import EngineOptions, open_session
from features.key_figures import (
    PastFigures,
    amounts_by_class,
    collection_effectiveness,
    countback_dso,
    days_sales_outstanding,
    key_figures,
    past_figures,
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


def test_the_golden_customer_roll_up() -> None:
    """Items of 100 / 1,000 / 10,000 give class amounts of 610 / 750 / 9,740."""
    chances = [(0.10, 0.50, 0.40), (0.50, 0.30, 0.20), (0.01, 0.04, 0.95)]
    found = amounts_by_class([100, 1_000, 10_000], chances)
    assert [round(amount, 6) for amount in found] == [610, 750, 9_740]


def figures_of(book: Books, *days: str) -> dict[str, PastFigures]:
    """Return the dollar figures of some days."""
    asked = [day(text) for text in days]
    with open_session(book.ledger(), asked, options=EngineOptions(threads=1)) as session:
        found = past_figures(session)
    return {figure.as_of.isoformat(): figure for figure in found if figure.currency == "USD"}


def test_past_figures_are_those_of_the_day() -> None:
    """They equal what is computed for the day alone, and see nothing that came later."""
    book = (
        Books()
        .invoice("I", "2024-05-01", "2024-06-01", 300)
        .invoice("LATER", "2024-06-01", "2024-07-01", 1000, known_on="2024-07-05")
        .cash("I", "2024-06-10", 100, known="2024-07-03")
    )
    found = figures_of(book, "2024-07-01", "2024-07-31")
    with open_session(book.ledger(), [day("2024-07-01")]) as session:
        alone = key_figures(session, day("2024-07-01"))["USD"]
    past = found["2024-07-01"]
    assert past.receivables == alone.receivables == 300.0
    assert (past.dso_days, past.sales_90) == (alone.dso_days, alone.sales_90)
    assert past.buckets["1-30"] == 300.0
    assert found["2024-07-31"].buckets == {
        "current": 0.0,
        "1-30": 1000.0,
        "31-60": 200.0,
        "61-90": 0.0,
        "91+": 0.0,
        "undated": 0.0,
    }


def test_collection_effectiveness_needs_the_opening_balance() -> None:
    """Opening 600, billed 300 in 90 days, 100 left that is not due: (600+100−100)/(600+100−100)."""
    book = (
        Books()
        .invoice("OLD", "2024-01-01", "2024-02-01", 600)
        .invoice("NEW", "2024-06-01", "2024-08-01", 300)
        .cash("OLD", "2024-06-01", 600)
        .cash("NEW", "2024-06-20", 200)
    )
    found = figures_of(book, "2024-04-02", "2024-07-01")
    assert isnan(found["2024-04-02"].effectiveness)
    assert found["2024-07-01"].effectiveness == pytest.approx(100.0)


def test_promises_are_judged_by_cash_and_counted_when_they_fall_due() -> None:
    """One kept, one kept by half, one not yet due; the account has nothing open any more."""
    book = (
        Books()
        .has("receipts", "receipt_returns", "credits")
        .invoice("I", "2024-01-01", "2024-02-01", 100)
        .invoice("J", "2024-01-01", "2024-02-01", 100)
        .cash("I", "2024-06-03", 100)
        .cash("J", "2024-06-04", 50)
        .cash("J", "2024-06-30", 50)
    )
    for name, invoice, on in (("P", "I", "2024-06-05"), ("Q", "J", "2024-06-05"),
                              ("R", "J", "2024-07-30")):  # fmt: skip
        book.add(
            "promises",
            promise_id=name,
            account_id="A",
            invoice_id=invoice,
            made_on="2024-06-01",
            promised_on=on,
            amount=100,
        )
    book.invoice("OTHER", "2024-06-01", "2024-07-10", 10, account_id="B")
    figure = figures_of(book, "2024-07-01")["2024-07-01"]
    assert (figure.promises_due, figure.promises_kept) == (2, 1)
    assert (figure.promised, figure.promised_kept) == (200.0, 150.0)


def test_unapplied_cash_counts_whoever_holds_it() -> None:
    """A receipt of 500 of which 100 is applied leaves 400, whether or not items are open."""
    book = Books().invoice("I", "2024-01-01", "2024-02-01", 100)
    book.add(
        "receipts", receipt_id="R", account_id="A", received_on="2024-06-01", amount=500,
        method="wire",
    )  # fmt: skip
    book.cash("I", "2024-06-02", 100, source_id="R")
    assert figures_of(book, "2024-07-01")["2024-07-01"].unapplied == 400.0
