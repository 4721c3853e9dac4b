import pytest

from tests.features.books import Books, missing

AS_OF = "2024-07-01"  # 30 days before is 1 June, 90 days before is 2 April

CHANGES = ("past_due_share_change_30", "past_due_share_change_90", "balance_against_90_days_ago")


def past(book: Books, invoice: str = "I") -> list[float]:
    """The three looks back of an invoice's account, in the order of ``CHANGES``."""
    row = book.family(AS_OF, "past_ageing")[invoice]
    return [row[name] for name in CHANGES]


def test_the_past_ageing_of_a_hand_worked_account() -> None:
    """What was late of what was owed on 2 April, 1 June and 1 July.

    ===== ========== ========== ====== ========== ======= ======= =======
    name  issued     due        amount paid       2 April 1 June  1 July
    ===== ========== ========== ====== ========== ======= ======= =======
    I     2024-02-01 2024-03-15    100 -          late    late    late
    J     2024-03-01 2024-05-15    300 -          current late    late
    P     2024-03-10 2024-04-30    200 2024-06-10 current late    paid
    N     2024-06-05 2024-07-05    600 -          -       -       current
    late of the balance                           100/600 600/600 400/1000
    """
    book = (
        Books()
        .invoice("I", "2024-02-01", "2024-03-15", 100)
        .invoice("J", "2024-03-01", "2024-05-15", 300)
        .paid("P", "2024-03-10", "2024-04-30", "2024-06-10", 200)
        .invoice("N", "2024-06-05", "2024-07-05", 600)
        .invoice("OTHER", "2024-01-01", "2024-01-31", 999, account_id="B")
    )
    rows = book.family(AS_OF, "past_ageing")
    worked = {
        "past_due_share_change_30": 0.4 - 1,
        "past_due_share_change_90": 0.4 - 100 / 600,
        "balance_against_90_days_ago": 1000 / 600,
    }
    for name, value in worked.items():
        assert rows["I"][name] == rows["N"][name] == pytest.approx(value), name
    # Late then and late now: no change.
    assert [rows["OTHER"][name] for name in CHANGES] == [0.0, 0.0, 1.0]


def test_an_item_due_on_the_day_looked_back_on_was_not_late_yet() -> None:
    """Due on 1 June: nothing of it late on that day, all of it on 1 July."""
    change_30, change_90, ratio = past(Books().invoice("I", "2024-03-01", "2024-06-01", 100))
    assert (change_30, change_90, ratio) == (1.0, 1.0, 1.0)


def test_an_account_that_owed_nothing_then_has_no_change() -> None:
    """Billed on 1 June it shows by the end of that day; billed on 2 June it does not."""
    first = past(Books().invoice("I", "2024-06-01", "2024-06-15", 100))
    assert first[0] == 1.0
    assert missing(first[1])
    assert missing(first[2])
    assert all(
        missing(value) for value in past(Books().invoice("I", "2024-06-02", "2024-07-15", 9))
    )


def test_cash_known_later_was_not_there_when_the_books_were_read() -> None:
    """P was paid on 20 March by the calendar, on 20 June by the books: 100 of 200 late before."""
    book = Books().invoice("P", "2024-02-01", "2024-03-01", 100)
    book.cash("P", "2024-03-20", 100, known="2024-06-20")
    book.invoice("I", "2024-03-01", "2024-08-01", 100)
    assert past(book) == [-0.5, -0.5, 100 / 200]


def test_an_invoice_known_later_was_not_owed_then() -> None:
    """Back-dated to January and entered on 20 June: 300 of 400 late now, nothing then."""
    book = Books().invoice("I", "2024-03-01", "2024-08-01", 100)
    book.invoice("B", "2024-01-01", "2024-02-01", 300, known_on="2024-06-20")
    assert past(book) == [0.75, 0.75, 4.0]


def test_a_due_date_moved_since_leaves_the_past_as_it_was_shown() -> None:
    """Due on 1 March, moved on 1 May to 1 August: late on 2 April, current from May on."""
    book = Books().invoice("I", "2024-02-01", "2024-03-01", 100)
    book.add("due_date_changes", invoice_id="I", known_on="2024-05-01", due_on="2024-08-01")
    assert past(book) == [0.0, -1.0, 1.0]


def test_a_payment_that_came_back_since_was_a_payment_then() -> None:
    """Late on 2 April, paid on 20 May, bounced on 20 June: late again beside 100 current."""
    book = Books().invoice("P", "2024-02-01", "2024-03-01", 100)
    book.cash("P", "2024-05-20", 100, source_id="R")
    book.post("P", "cash_return", "2024-06-20", -100, source_id="R")
    book.invoice("I", "2024-03-01", "2024-08-01", 100)
    assert past(book) == [0.5, 0.0, 1.0]


def test_balances_within_the_tolerance_were_not_owed() -> None:
    """1.00 was left of P on both days: no open item, no share."""
    book = Books().invoice("P", "2024-02-01", "2024-03-01", 100).cash("P", "2024-03-01", 99)
    assert all(missing(value) for value in past(book.invoice("I", "2024-06-20", "2024-07-20", 50)))


def test_currencies_are_looked_back_on_apart() -> None:
    """The dollars fell late between 1 June and 1 July, the euros were billed since."""
    book = Books().invoice("I", "2024-03-01", "2024-06-10", 100)
    book.invoice("E", "2024-06-20", "2024-07-20", 500, currency="EUR")
    assert past(book) == [1.0, 1.0, 1.0]
    assert all(missing(value) for value in past(book, "E"))


def test_undated_items_count_in_the_balance_and_in_no_late_share() -> None:
    """As in the share itself: of the dated items 100 of 200 were late, and 100 of 100 are.

    Owed in all: 100 + 100 + 600 undated then, 100 + 600 now.
    """
    book = (
        Books()
        .invoice("I", "2024-02-01", "2024-03-01", 100)
        .paid("P", "2024-02-01", "2024-06-20", "2024-06-20")
        .invoice("U", "2024-02-01", None, 600)
    )
    assert past(book) == [0.5, 0.5, 700 / 800]
    assert book.family(AS_OF, "ageing")["I"]["account_past_due_share"] == 1.0
    alone = past(Books().invoice("I", "2024-02-01", None, 600))
    assert missing(alone[0])
    assert missing(alone[1])
    assert alone[2] == 1.0
