import pytest

from tests.features.books import Books, missing

AS_OF = "2024-07-01"

SHARES = ("short_paid_share_365", "overpaid_share_365", "discount_share_365")


def shares(book: Books, on: str = AS_OF) -> list[float]:
    """What the account of item I is said to pay short, over and with a discount."""
    row = book.family(on, "payment_behaviour")["I"]
    return [row[name] for name in SHARES]


def account() -> Books:
    """An account with one open item and nothing paid."""
    return Books().invoice("I", "2024-06-01", "2024-07-01", 500)


def test_how_a_hand_worked_account_settles_its_invoices() -> None:
    """Five invoices of 100, due and settled on 1 May.

    ===== ====== ======== ======= ==================================
    name  cash   discount left    settled
    ===== ====== ======== ======= ==================================
    P1    100.00             0    in full
    P2     97.00             3.00 short; the 3.00 stay open
    P3     99.50             0.50 short; within the tolerance
    P4    105.00            -5.00 over
    P5     98.00     2.00    0    in full, with a discount
    """
    book = account()
    for name, cash in (("P1", 100), ("P2", 97), ("P3", 99.5), ("P4", 105), ("P5", 98)):
        book.invoice(name, "2024-04-01", "2024-05-01", 100).cash(name, "2024-05-01", cash)
    book.post("P5", "discount", "2024-05-01", 2)
    rows = book.family(AS_OF, "payment_behaviour")
    assert set(rows) == {"I", "P2"}
    worked = {
        "short_paid_share_365": 2 / 5,
        "overpaid_share_365": 1 / 5,
        "discount_share_365": 1 / 5,
    }
    for name, value in worked.items():
        assert rows["I"][name] == pytest.approx(value), name


def test_nothing_paid_is_no_share() -> None:
    """No payment in the year: missing, not a share of zero."""
    assert all(missing(value) for value in shares(account()))
    assert shares(account().paid("P", "2024-04-01", "2024-05-01", "2024-05-01")) == [0.0] * 3


def test_an_invoice_with_a_twentieth_open_is_not_paid_yet() -> None:
    """95.00 of 100 leave 5 %: a part payment. 95.01 leave less: paid short."""
    part = account().invoice("P", "2024-04-01", "2024-05-01", 100).cash("P", "2024-05-01", 95)
    assert all(missing(value) for value in shares(part))
    short = account().invoice("P", "2024-04-01", "2024-05-01", 100).cash("P", "2024-05-01", 95.01)
    assert shares(short) == [1.0, 0.0, 0.0]


def test_the_year_ends_with_the_payment_of_364_days_ago() -> None:
    """Paid short on 2 July 2023, 365 days ago: out. Overpaid on 3 July 2023: in."""
    book = account()
    book.invoice("OUT", "2023-06-01", "2023-07-01", 100).cash("OUT", "2023-07-02", 97)
    assert all(missing(value) for value in shares(book))
    book.invoice("IN", "2023-06-01", "2023-07-01", 100).cash("IN", "2023-07-03", 103)
    assert shares(book) == [0.0, 1.0, 0.0]


def test_a_discount_counts_from_the_day_it_is_known() -> None:
    """98 on 1 May; the discount of 2 is dated 1 May and entered on 5 July."""
    book = account().invoice("P", "2024-04-01", "2024-05-01", 100).cash("P", "2024-05-01", 98)
    book.post("P", "discount", "2024-05-01", 2, known="2024-07-05")
    assert shares(book) == [1.0, 0.0, 0.0]
    assert shares(book, "2024-07-05") == [0.0, 0.0, 1.0]


def test_a_discount_taken_back_was_none() -> None:
    """The discount of 2 was not earned and is charged back: paid short by 2."""
    book = account().invoice("P", "2024-04-01", "2024-05-01", 100).cash("P", "2024-05-01", 98)
    book.post("P", "discount", "2024-05-01", 2).post("P", "discount", "2024-05-20", -2)
    assert shares(book) == [1.0, 0.0, 0.0]


def test_a_receipt_that_came_back_settled_nothing() -> None:
    """Overpaid on 1 May and returned on 10 May: open again."""
    book = account().invoice("P", "2024-04-01", "2024-05-01", 100)
    book.cash("P", "2024-05-01", 105, source_id="R")
    book.post("P", "cash_return", "2024-05-10", -105, source_id="R")
    assert all(missing(value) for value in shares(book))


def test_invoices_of_every_currency_are_counted_together() -> None:
    """A dollar invoice paid in full, a euro invoice paid over: one of two."""
    book = account().paid("P", "2024-04-01", "2024-05-01", "2024-05-01")
    book.invoice("E", "2024-04-01", "2024-05-01", 100, currency="EUR")
    assert shares(book.cash("E", "2024-05-01", 104)) == [0.0, 0.5, 0.0]
