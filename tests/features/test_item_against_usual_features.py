import pytest

from tests.features.books import Books, missing

AS_OF = "2024-07-01"


def usual(book: Books, on: str = AS_OF) -> dict[str, dict[str, float]]:
    """The open items beside what is usual for their account."""
    return book.family(on, "item_against_usual")


def test_an_item_beside_the_usual_of_a_hand_worked_account() -> None:
    """Usual is the year up to now, this item's own billing included.

    ===== ========== ========== ===== ====== ========== =========== ====
    name  issued     due        terms amount paid       days to pay late
    ===== ========== ========== ===== ====== ========== =========== ====
    P1    2024-02-01 2024-02-16    15    100 2024-02-21          20    5
    P2    2024-03-01 2024-03-16    15    200 2024-04-10          40   25
    I     2024-05-01 2024-05-31    30    600 -           61 days old  31 past due
    J     2024-06-01 2024-07-11    40    400 -           30 days old -10
    """
    book = (
        Books()
        .paid("P1", "2024-02-01", "2024-02-16", "2024-02-21", 100)
        .paid("P2", "2024-03-01", "2024-03-16", "2024-04-10", 200)
        .invoice("I", "2024-05-01", "2024-05-31", 600)
        .invoice("J", "2024-06-01", "2024-07-11", 400)
    )
    row = usual(book)["I"]
    worked = {
        "age_beyond_usual": 61 - (20 + 40) / 2,
        "days_beyond_usual": 31 - (5 + 25) / 2,
        "terms_against_usual": 30 - (15 + 15 + 30 + 40) / 4,
        "amount_against_usual": 600 / 300,  # the median of 100, 200, 400 and 600
        "item_share_of_account": 0.6,
        # 10th and 21st are tied: 9 days to 10 July, 31 past due now
        "days_past_due_on_usual_day": 40,
    }
    for name, value in worked.items():
        assert row[name] == pytest.approx(value), name
    younger = usual(book)["J"]
    assert younger["age_beyond_usual"] == 0.0
    assert younger["terms_against_usual"] == 40 - 25
    assert younger["days_past_due_on_usual_day"] == -1.0


def test_an_account_without_payments_has_no_usual_age() -> None:
    """Billing says what terms and amounts are usual, payments alone say when it pays."""
    row = usual(Books().invoice("I", "2024-05-01", "2024-05-31", 600))["I"]
    for name in ("age_beyond_usual", "days_beyond_usual", "days_past_due_on_usual_day"):
        assert missing(row[name]), name
    assert (row["terms_against_usual"], row["amount_against_usual"]) == (0.0, 1.0)


def test_one_payment_is_what_is_usual() -> None:
    """Paid after 20 days once: an item of 61 days is 41 days beyond."""
    book = Books().paid("P", "2024-02-01", "2024-02-16", "2024-02-21")
    assert (
        usual(book.invoice("I", "2024-05-01", "2024-05-31", 100))["I"]["age_beyond_usual"] == 41.0
    )


def test_an_undated_item_has_an_age_and_no_terms() -> None:
    """Its age counts from the issue; what needs its due date is missing."""
    book = Books().paid("P", "2024-02-01", "2024-02-16", "2024-02-21")
    row = usual(book.invoice("I", "2024-05-01", None, 100))["I"]
    assert row["age_beyond_usual"] == 41.0
    assert row["amount_against_usual"] == 1.0
    for name in ("terms_against_usual", "days_beyond_usual", "days_past_due_on_usual_day"):
        assert missing(row[name]), name


def test_what_was_billed_more_than_a_year_ago_is_not_usual() -> None:
    """OLD, of 2 July 2023, is 365 days old and out; P of 3 July 2023 is in."""
    book = Books().invoice("OLD", "2023-07-02", "2023-08-01", 900)
    row = usual(book)["OLD"]
    assert missing(row["amount_against_usual"])
    assert missing(row["terms_against_usual"])
    row = usual(book.invoice("P", "2023-07-03", "2023-07-13", 100))["OLD"]
    assert (row["amount_against_usual"], row["terms_against_usual"]) == (9.0, 20.0)


def test_a_payment_more_than_a_year_ago_is_not_usual() -> None:
    """Paid 365 days ago: no usual age. Paid 364 days ago, 32 days after the issue: usual."""
    book = Books().paid("OUT", "2023-06-01", "2023-07-01", "2023-07-02")
    book.invoice("I", "2024-05-01", "2024-05-31", 100)
    assert missing(usual(book)["I"]["age_beyond_usual"])
    book.paid("IN", "2023-06-01", "2023-07-01", "2023-07-03")
    assert usual(book)["I"]["age_beyond_usual"] == 61 - 32


def test_amounts_and_terms_are_usual_within_their_currency() -> None:
    """Dollars of 100 on 30 days, euros of 900 on 10; when it pays is one habit of both."""
    book = Books().paid("P", "2024-02-01", "2024-03-02", "2024-02-21", 100)
    book.invoice("I", "2024-05-01", "2024-05-31", 300)
    book.invoice("E", "2024-05-01", "2024-05-11", 900, currency="EUR")
    rows = usual(book)
    assert (rows["I"]["amount_against_usual"], rows["I"]["terms_against_usual"]) == (1.5, 0.0)
    assert (rows["E"]["amount_against_usual"], rows["E"]["terms_against_usual"]) == (1.0, 0.0)
    assert rows["I"]["age_beyond_usual"] == rows["E"]["age_beyond_usual"] == 61 - 20


def test_what_is_known_later_is_not_usual_yet() -> None:
    """A payment of 21 February entered on 5 July, an invoice of 900 entered on 5 July."""
    book = Books().invoice("P", "2024-02-01", "2024-03-02", 100)
    book.cash("P", "2024-02-21", 100, known="2024-07-05")
    book.invoice("I", "2024-05-01", "2024-05-31", 100)
    book.invoice("B", "2024-06-01", "2024-07-31", 900, known_on="2024-07-05")
    before, after = usual(book)["I"], usual(book, "2024-07-05")["I"]
    assert missing(before["age_beyond_usual"])
    assert (before["amount_against_usual"], before["terms_against_usual"]) == (1.0, 0.0)
    assert after["age_beyond_usual"] == 65 - 20
    # the median of 100, 100 and 900; terms of 30, 30 and 60
    assert (after["amount_against_usual"], after["terms_against_usual"]) == (1.0, -10.0)
