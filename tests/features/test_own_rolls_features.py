from datetime import timedelta

import pytest

from tests.features.books import Books, day, missing

AS_OF = "2024-07-01"

SHARES = (
    "own_roll_current_180",
    "own_roll_1_30_180",
    "own_roll_31_60_180",
    "own_roll_61_90_180",
    "outer_share_365",
    "cured_share_365",
)


def ago(days: int) -> str:
    """The day so many days before the as-of date."""
    return str(day(AS_OF) - timedelta(days))


def history() -> Books:
    """Eleven items by when they fell due; touching day 1, 31, 61, 91 means unpaid at its end.

    ==== =========== ========== ========== ==== ===========================================
    name due         days ago   paid       late touched
    ==== =========== ========== ========== ==== ===========================================
    I    2024-07-31  not yet    -
    P0   2024-06-21   10        2024-06-21    0 nothing
    P1   2024-06-11   20        2024-06-12    1 nothing: paid on the first day past due
    P2   2024-05-22   40        2024-06-01   10 day 1
    P3   2024-04-22   70        2024-05-23   31 day 1; paid on the 31st day
    P4   2024-04-22   70        2024-05-24   32 days 1 and 31
    P5   2024-03-23  100        2024-05-23   61 days 1 and 31
    O1   2024-03-23  100        -             - days 1, 31, 61 and 91
    O2   2024-02-22  130        -             - days 1, 31, 61 and 91
    P6   2024-02-22  130        2024-05-12   80 days 1, 31 and 61
    P7   2023-11-01  243        2023-11-01    0 nothing
    """
    return (
        Books()
        .invoice("I", "2024-06-01", "2024-07-31", 100)
        .paid("P0", "2024-05-01", "2024-06-21", "2024-06-21")
        .paid("P1", "2024-05-01", "2024-06-11", "2024-06-12")
        .paid("P2", "2024-05-01", "2024-05-22", "2024-06-01")
        .paid("P3", "2024-04-01", "2024-04-22", "2024-05-23")
        .paid("P4", "2024-04-01", "2024-04-22", "2024-05-24")
        .paid("P5", "2024-03-01", "2024-03-23", "2024-05-23")
        .invoice("O1", "2024-03-01", "2024-03-23", 100)
        .invoice("O2", "2024-02-01", "2024-02-22", 100)
        .paid("P6", "2024-02-01", "2024-02-22", "2024-05-12")
        .paid("P7", "2023-10-01", "2023-11-01", "2023-11-01")
    )


def test_the_rolls_of_a_hand_worked_account() -> None:
    """Each share counts items: those that went on, of those that came so far."""
    rows = history().family(AS_OF, "own_rolls")
    worked = {
        # due 1 to 180 days ago: all but I and P7; P0 and P1 touched nothing
        "own_roll_current_180": 7 / 9,
        # due 31 to 210 days ago, day 1 touched: P2 to P6, O1, O2; all but P2 and P3 went on
        "own_roll_1_30_180": 5 / 7,
        # due 61 to 240 days ago, day 31 touched: P4, P5, O1, O2, P6; P4 and P5 stopped
        "own_roll_31_60_180": 3 / 5,
        # due 91 to 270 days ago, day 61 touched: O1, O2, P6; P6 stopped
        "own_roll_61_90_180": 2 / 3,
        # due 31 to 364 days ago: P2 to P7, O1, O2; the five that touched day 31
        "outer_share_365": 5 / 8,
        # of these five P4, P5 and P6 are paid
        "cured_share_365": 3 / 5,
    }
    assert list(worked) == list(SHARES)
    for name, value in worked.items():
        assert rows["I"][name] == rows["O1"][name] == pytest.approx(value), name


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("own_roll_current_180", 1, 180),
        ("own_roll_1_30_180", 31, 210),
        ("own_roll_31_60_180", 61, 240),
        ("own_roll_61_90_180", 91, 270),
        ("outer_share_365", 31, 364),
    ],
)
def test_each_share_has_its_window_of_due_dates(name: str, first: int, last: int) -> None:
    """One open item an account: within the window it went on, outside nothing can be said."""
    book = Books()
    for days in (first - 1, first, last, last + 1):
        book.invoice(str(days), ago(days + 30), ago(days), 100, account_id=str(days))
    rows = book.family(AS_OF, "own_rolls")
    assert rows[str(first)][name] == rows[str(last)][name] == 1.0
    assert missing(rows[str(first - 1)][name])
    assert missing(rows[str(last + 1)][name])


def test_an_account_with_nothing_due_yet_has_no_rolls() -> None:
    """Nothing fell due: nothing can be said, and nothing was cured."""
    row = Books().invoice("I", "2024-06-01", "2024-07-01", 100).family(AS_OF, "own_rolls")["I"]
    assert all(missing(row[name]) for name in SHARES)


def test_a_share_of_nothing_is_missing_and_a_share_none_of_which_went_on_is_zero() -> None:
    """P fell due 40 days ago and was paid on time: no item late, hence no cure to speak of."""
    book = Books().paid("P", "2024-05-01", "2024-05-22", "2024-05-22")
    row = book.invoice("I", "2024-06-01", "2024-07-31", 100).family(AS_OF, "own_rolls")["I"]
    assert row["own_roll_current_180"] == 0.0
    assert missing(row["own_roll_1_30_180"])
    assert row["outer_share_365"] == 0.0
    assert missing(row["cured_share_365"])


def test_an_item_open_for_more_than_a_year_is_none_of_the_year() -> None:
    """Due 400 days ago and open, beside one that fell due 40 days ago and was paid on time."""
    book = Books().invoice("I", ago(430), ago(400), 100)
    book.paid("P", "2024-05-01", "2024-05-22", "2024-05-22")
    row = book.family(AS_OF, "own_rolls")["I"]
    assert row["outer_share_365"] == 0.0
    assert missing(row["cured_share_365"])


def test_an_item_paid_a_little_short_is_one_paid_item() -> None:
    """97 of 100 paid 5 days late, 40 days ago: the open 3 are a residual, no second item."""
    book = Books().invoice("P", "2024-05-01", "2024-05-22", 100).cash("P", "2024-05-27", 97)
    row = book.family(AS_OF, "own_rolls")["P"]
    assert row["own_roll_current_180"] == 1.0
    assert row["own_roll_1_30_180"] == 0.0
    assert row["outer_share_365"] == 0.0


def test_credited_and_extended_items_are_no_behaviour() -> None:
    """C was credited, X and Y were extended, X is paid and Y open: P alone is counted."""
    book = (
        Books()
        .paid("P", "2024-03-01", "2024-04-01", "2024-04-01")
        .invoice("C", "2024-03-01", "2024-04-01", 100)
        .post("C", "credit", "2024-06-01", 100)
        .paid("X", "2024-01-01", "2024-02-01", "2024-06-20")
        .invoice("Y", "2024-01-01", "2024-02-01", 100)
    )
    for name in ("X", "Y"):
        book.add("due_date_changes", invoice_id=name, known_on="2024-02-10", due_on="2024-05-01")
    row = book.family(AS_OF, "own_rolls")["Y"]
    assert row["own_roll_current_180"] == 0.0
    assert row["outer_share_365"] == 0.0


def test_a_payment_is_a_cure_once_the_books_show_it() -> None:
    """Due 22 May, paid on 27 May, entered on 5 July: 40 days late on 1 July, then never late."""
    book = Books().invoice("P", "2024-05-01", "2024-05-22", 100)
    book.cash("P", "2024-05-27", 100, known="2024-07-05")
    book.invoice("I", "2024-06-01", "2024-07-31", 100)
    before, after = (
        book.family(AS_OF, "own_rolls")["I"],
        book.family("2024-07-05", "own_rolls")["I"],
    )
    assert (before["outer_share_365"], before["cured_share_365"]) == (1.0, 0.0)
    assert (after["outer_share_365"], after["own_roll_current_180"]) == (0.0, 1.0)
    assert missing(after["cured_share_365"])


def test_a_payment_that_came_back_cured_nothing() -> None:
    """Due 22 April, paid 40 days late on 1 June, bounced on 10 June: open for 70 days."""
    book = Books().invoice("P", "2024-04-01", "2024-04-22", 100)
    book.cash("P", "2024-06-01", 100, source_id="R")
    book.post("P", "cash_return", "2024-06-10", -100, source_id="R")
    row = book.family(AS_OF, "own_rolls")["P"]
    assert (row["own_roll_31_60_180"], row["cured_share_365"]) == (1.0, 0.0)


def test_items_of_every_currency_are_counted_together() -> None:
    """Counts are no money: a dollar item late and a euro item on time are one of two."""
    book = Books().invoice("USD", "2024-04-01", "2024-05-22", 100)
    book.paid("P", "2024-04-01", "2024-05-22", "2024-05-22")
    book.rows["invoices"][-1]["currency"] = "EUR"
    book.invoice("EUR", "2024-06-01", "2024-07-31", 100, currency="EUR")
    rows = book.family(AS_OF, "own_rolls")
    assert rows["USD"]["outer_share_365"] == rows["EUR"]["outer_share_365"] == 0.5
