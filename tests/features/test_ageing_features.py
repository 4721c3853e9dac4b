import pytest

from tests.features.books import Books, missing

AS_OF = "2024-07-01"


def test_the_ageing_of_a_hand_worked_account() -> None:
    """100 current, 200 at 10 days, 300 at 40, 400 at 100 days past due: 1,000 in all."""
    book = (
        Books()
        .invoice("CURRENT", "2024-06-01", "2024-07-11", 100)  # -10 days
        .invoice("LATE", "2024-05-01", "2024-06-21", 200)  # 10 days
        .invoice("LATER", "2024-04-01", "2024-05-22", 300)  # 40 days
        .invoice("LAST", "2024-02-01", "2024-03-23", 400)  # 100 days
        .invoice("OTHER", "2024-01-01", "2024-01-31", 999, account_id="B")
    )
    rows = book.family(AS_OF, "document", "ageing", "billing", "item_against_usual", "due_calendar")
    assert [rows[name]["days_past_due"] for name in ("CURRENT", "LATE", "LATER", "LAST")] == [
        -10.0,
        10.0,
        40.0,
        100.0,
    ]
    worked = {
        "account_open_items": 4,
        "account_past_due_items": 3,
        "account_31_plus_items": 2,
        "account_61_plus_items": 1,
        "account_91_plus_items": 1,
        "account_oldest_days_past_due": 100,
        "account_youngest_days_past_due": -10,
        "account_past_due_share": 0.9,
        "account_31_plus_share": 0.7,
        "account_61_plus_share": 0.4,
        "account_91_plus_share": 0.4,
        # (-10 x 100 + 10 x 200 + 40 x 300 + 100 x 400) / 1000
        "account_mean_days_past_due": 53,
        "largest_item_share": 400 / 1000,
    }
    for name, value in worked.items():
        assert rows["CURRENT"][name] == rows["LAST"][name] == pytest.approx(value), name
    assert rows["OTHER"]["account_open_items"] == 1.0


def test_each_count_of_late_items_begins_on_the_first_day_of_its_bucket() -> None:
    """Six items of 100, due 30, 31, 60, 61, 90 and 91 days ago; a seventh of 1.00 is settled."""
    book = Books().invoice("SETTLED", "2024-01-01", "2024-02-01", 1)
    dues = ("2024-06-01", "2024-05-31", "2024-05-02", "2024-05-01", "2024-04-02", "2024-04-01")
    for due in dues:
        book.invoice(due, "2024-03-01", due, 100)
    row = book.family(AS_OF, "ageing")["2024-06-01"]
    assert row["account_past_due_items"] == 6.0
    assert row["account_31_plus_items"] == 5.0
    assert row["account_61_plus_items"] == 3.0
    assert row["account_91_plus_items"] == 1.0
    assert row["account_31_plus_share"] == pytest.approx(5 / 6)
    assert row["largest_item_share"] == pytest.approx(1 / 6)


def test_due_today_is_current() -> None:
    """Days past due count whole days: 0 on the due date."""
    row = (
        Books()
        .invoice("I", "2024-06-01", "2024-07-01", 100)
        .family(AS_OF, "document", "ageing", "billing", "item_against_usual", "due_calendar")["I"]
    )
    assert row["days_past_due"] == 0.0
    assert row["account_past_due_items"] == 0.0


def test_undated_items_are_rows_without_an_age() -> None:
    """An item without a due date is not lost, and does not age its account."""
    book = Books().invoice("I", "2024-06-01", "2024-06-21", 100)
    book.invoice("UNDATED", "2024-01-01", None, 900)
    rows = book.family(AS_OF, "document", "ageing", "billing", "item_against_usual", "due_calendar")
    assert missing(rows["UNDATED"]["days_past_due"])
    assert missing(rows["UNDATED"]["due_weekday"])
    assert rows["UNDATED"]["item_balance"] == 900.0
    assert rows["UNDATED"]["age_days"] == 182.0
    assert rows["I"]["account_open_items"] == 1.0
    assert rows["I"]["account_31_plus_items"] == 0.0
    assert rows["I"]["account_balance"] == 1000.0
    # It is a debt nonetheless: 900 of the 1,000 stand on the undated item.
    assert rows["I"]["largest_item_share"] == 0.9


def test_an_account_of_undated_items_alone_has_no_ageing() -> None:
    """No due date, no ageing: missing, not zero."""
    row = Books().invoice("I", "2024-06-01", None, 100).features(AS_OF)["I"]
    for name in ("account_open_items", "account_past_due_items", "account_31_plus_items"):
        assert missing(row[name]), name
    for name in ("account_61_plus_items", "account_91_plus_items", "account_past_due_share"):
        assert missing(row[name]), name
    assert missing(row["own_survival_30"])
    assert row["largest_item_share"] == 1.0


def test_currencies_age_apart() -> None:
    """Nothing is added across currencies: each share is within its own."""
    book = Books().invoice("USD", "2024-06-01", "2024-07-11", 100)
    book.invoice("EUR", "2024-05-01", "2024-06-21", 100, currency="EUR")
    rows = book.family(AS_OF, "document", "ageing", "billing", "item_against_usual", "due_calendar")
    assert rows["USD"]["account_past_due_share"] == 0.0
    assert rows["EUR"]["account_past_due_share"] == 1.0
    assert rows["USD"]["account_balance"] == 100.0
    assert rows["USD"]["largest_item_share"] == rows["EUR"]["largest_item_share"] == 1.0


def test_balances_within_the_tolerance_are_not_open() -> None:
    """1.00 left is settled, 1.01 is open; an over-applied item is neither."""
    book = (
        Books()
        .invoice("TOLERATED", "2024-05-01", "2024-06-21", 100)
        .cash("TOLERATED", "2024-06-21", 99)
        .invoice("OPEN", "2024-05-01", "2024-06-21", 100)
        .cash("OPEN", "2024-06-21", 98.99)
        .invoice("OVER", "2024-05-01", "2024-06-21", 100)
        .cash("OVER", "2024-06-21", 120)
    )
    assert list(
        book.family(AS_OF, "document", "ageing", "billing", "item_against_usual", "due_calendar")
    ) == ["OPEN"]


def test_a_moved_due_date_ages_from_the_day_it_is_known() -> None:
    """Moved from 1 June to 16 June, shown on 10 June: 8 days late before, 0 on 16 June."""
    book = Books().invoice("I", "2024-05-01", "2024-06-01", 100)
    book.add("due_date_changes", invoice_id="I", known_on="2024-06-10", due_on="2024-06-16")
    before, after = (
        book.family(
            "2024-06-09", "document", "ageing", "billing", "item_against_usual", "due_calendar"
        )["I"],
        book.family(
            "2024-06-16", "document", "ageing", "billing", "item_against_usual", "due_calendar"
        )["I"],
    )
    assert (before["days_past_due"], before["due_moved_days"]) == (8.0, 0.0)
    assert (after["days_past_due"], after["due_moved_days"]) == (0.0, 15.0)


def test_a_returned_payment_brings_the_item_back_old() -> None:
    """Due 1 April, paid 5 April, bounced 20 June: 91 days past due on 1 July, not 11."""
    book = Books().invoice("I", "2024-03-01", "2024-04-01", 100)
    book.cash("I", "2024-04-05", 100, source_id="R")
    book.post("I", "cash_return", "2024-06-20", -100, source_id="R")
    assert (
        book.family(
            "2024-06-19", "document", "ageing", "billing", "item_against_usual", "due_calendar"
        )
        == {}
    )
    row = book.family(AS_OF, "document", "ageing", "billing", "item_against_usual", "due_calendar")[
        "I"
    ]
    assert row["days_past_due"] == 91.0
    assert row["account_91_plus_share"] == 1.0


def test_an_invoice_shown_later_is_invisible_before() -> None:
    """Back-dated to 1 May and entered on 2 July: no item on 1 July."""
    book = Books().invoice("I", "2024-05-01", "2024-06-01", 100, known_on="2024-07-02")
    assert (
        book.family(AS_OF, "document", "ageing", "billing", "item_against_usual", "due_calendar")
        == {}
    )
    assert list(
        book.family(
            "2024-07-02", "document", "ageing", "billing", "item_against_usual", "due_calendar"
        )
    ) == ["I"]
