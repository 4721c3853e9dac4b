from datetime import timedelta

import pytest

from tests.features.books import Books, day, missing

AS_OF = "2024-07-01"


def book_of(*payments: tuple[int, int]) -> Books:
    """An open item and items paid so many days ago, so many days late."""
    book = Books().invoice("I", "2024-06-01", "2024-07-01", 100)
    for number, (days_ago, late) in enumerate(payments):
        paid_on = day(AS_OF) - timedelta(days_ago)
        due_on = paid_on - timedelta(late)
        book.paid(f"P{number}", str(due_on - timedelta(30)), str(due_on), str(paid_on))
    return book


def slope(book: Books, on: str = AS_OF) -> float:
    """How many days later the account pays each month."""
    return book.family(on, "recent_payments")["I"]["dbt_slope_10"]


def test_the_slope_of_a_hand_worked_account() -> None:
    """0 days late 90 days ago, 10 late 60 days ago, 20 late 30 days ago: ten days a month."""
    row = book_of((90, 0), (60, 10), (30, 20)).family(AS_OF, "recent_payments")["I"]
    worked = {"dbt_slope_10": 10}
    assert row["dbt_slope_10"] == pytest.approx(worked["dbt_slope_10"])
    assert slope(book_of((90, 20), (60, 10), (30, 0))) == pytest.approx(-10)
    assert slope(book_of((90, 7), (60, 7), (30, 7))) == 0.0


def test_every_item_of_a_pay_day_weighs() -> None:
    """On time 60 and 30 days ago, two items 12 days late today; x in months, y in days.

    x = -2, -1, 0, 0 with mean -0.75; y = 0, 0, 12, 12 with mean 6
    sum of dx dy = 1.25 x 6 + 0.25 x 6 + 0.75 x 6 + 0.75 x 6 = 18
    sum of dx dx = 1.5625 + 0.0625 + 0.5625 + 0.5625 = 2.75
    """
    assert slope(book_of((60, 0), (30, 0), (0, 12), (0, 12))) == pytest.approx(18 / 2.75)


def test_only_the_last_ten_pay_days_speak() -> None:
    """Ten pay days of 5 days late hide the one before them; nine do not."""
    steady = [(10 * n, 5) for n in range(1, 11)]
    assert slope(book_of(*steady, (110, 200))) == 0.0
    assert slope(book_of(*steady[:9], (110, 200))) < 0


def test_items_of_one_day_are_one_pay_day() -> None:
    """Ten days with two items each are ten pay days, not five; the eleventh is out."""
    pairs = [(10 * n, 5) for n in range(1, 11) for _ in range(2)]
    assert slope(book_of(*pairs, (110, 200))) == 0.0


@pytest.mark.parametrize("payments", [[], [(30, 10)], [(30, 0), (30, 20)]])
def test_one_pay_day_has_no_slope(payments: list[tuple[int, int]]) -> None:
    """Nothing, one item, or two items on one day: missing, not flat."""
    assert missing(slope(book_of(*payments)))


def test_the_year_ends_with_the_pay_day_of_364_days_ago() -> None:
    """10 days later over 334 days; a pay day of 365 days ago is out, and one is left."""
    assert slope(book_of((364, 0), (30, 10))) == pytest.approx(10 / 334 * 30)
    assert missing(slope(book_of((365, 0), (30, 10))))


def test_a_payment_known_later_is_in_no_slope() -> None:
    """Paid on 1 June, entered on 5 July: one pay day on 1 July, two from then on."""
    book = book_of((60, 0)).invoice("P", "2024-04-01", "2024-05-12", 100)
    book.cash("P", "2024-06-01", 100, known="2024-07-05")
    assert missing(slope(book))
    assert slope(book, "2024-07-05") == pytest.approx(20)
