from datetime import timedelta

import pytest

from tests.features.books import Books, day, missing

AS_OF = "2024-07-01"


def payer(*payments: tuple[int, int]) -> Books:
    """An open item I and items of 100 paid so many days ago, so many days late."""
    book = Books().invoice("I", "2024-06-01", "2024-07-01", 500)
    for number, (days_ago, late) in enumerate(payments):
        paid_on = day(AS_OF) - timedelta(days_ago)
        due_on = paid_on - timedelta(late)
        book.invoice(f"P{number}", str(due_on - timedelta(30)), str(due_on), 100)
        book.cash(f"P{number}", str(paid_on), 100)
    return book


def behaviour(book: Books) -> dict[str, float]:
    """How the account of item I pays."""
    return book.family(AS_OF, "payment_behaviour")["I"]


def test_each_window_ends_a_day_before_its_length() -> None:
    """Pairs of payments at both sides of 30, 60, 90, 180 and 365 days; lateness tells which.

    ======== === === === === === === === === === ===
    days ago  29  30  59  60  89  90 179 180 364 365
    late       1   2   4   8  16  32  64 128 256 512
    ======== === === === === === === === === === ===
    """
    edges = (29, 30, 59, 60, 89, 90, 179, 180, 364, 365)
    row = behaviour(payer(*((days, 2**n) for n, days in enumerate(edges))))
    worked = {
        "dbt_mean_30": 1,
        "dbt_mean_60": (1 + 2 + 4) / 3,
        "dbt_mean_90": (1 + 2 + 4 + 8 + 16) / 5,
        "dbt_mean_180": (1 + 2 + 4 + 8 + 16 + 32 + 64) / 7,
        "dbt_mean_365": 511 / 9,
        "dbt_mean": 1023 / 10,
        "dbt_trend": 7 / 3 - 511 / 9,
        "dbt_median_365": 16,  # the fifth of nine
        "dbt_best_365": 1,
        "dbt_worst_365": 256,
        "days_to_pay_mean_365": 511 / 9 + 30,
        "paid_items_60": 3,
        "paid_items_180": 7,
        "paid_items_365": 9,
        "paid_items_a_month": 10 * 30 / 366,
        "days_since_last_payment": 29,
    }
    for name, value in worked.items():
        assert row[name] == pytest.approx(value), name


def test_lateness_begins_a_day_after_each_limit() -> None:
    """Paid 0, 1, 15, 16, 30, 31, 60 and 61 days late: each limit itself is not beyond it."""
    row = behaviour(payer(*((70, late) for late in (0, 1, 15, 16, 30, 31, 60, 61))))
    worked = {
        "late_share_365": 7 / 8,
        "late_15_share_365": 5 / 8,
        "late_30_share_365": 3 / 8,
        "late_60_share_365": 1 / 8,
        "late_30_share": 3 / 8,
    }
    for name, value in worked.items():
        assert row[name] == pytest.approx(value), name
    assert missing(row["late_share_60"])  # nothing paid in 60 days


def test_payments_of_long_ago_leave_the_year_missing() -> None:
    """Paid 400 days ago, 40 days late: what is said of all time is known, of the year nothing."""
    row = behaviour(payer((400, 40)))
    worked = {"dbt_mean": 40, "late_30_share": 1, "paid_items_365": 0, "dbt_decayed": 40}
    for name, value in worked.items():
        assert row[name] == value, name
    for name in ("dbt_mean_365", "dbt_median_365", "dbt_spread_365", "late_share_365", "dbt_trend"):
        assert missing(row[name]), name
    assert missing(row["dbt_amount_weighted_365"])


def test_weights_halve_every_90_days_and_end_after_1800() -> None:
    """0 days late today and 30 late 90 days ago: 30 x 0.5 / 1.5. Older than 1,800 days: nothing."""
    row = behaviour(payer((0, 0), (90, 30)))
    worked = {"dbt_decayed": 10}
    assert row["dbt_decayed"] == pytest.approx(worked["dbt_decayed"])
    assert behaviour(payer((1800, 7)))["dbt_decayed"] == 7.0
    assert missing(behaviour(payer((1801, 7)))["dbt_decayed"])


def test_one_payment_does_not_vary() -> None:
    """12 days late once: a spread of zero, a median of 12, in dollars as by count."""
    row = behaviour(payer((20, 12)))
    worked = {
        "dbt_spread_365": 0,
        "dbt_median_365": 12,
        "dbt_amount_weighted_365": 12,
        "dbt_large_premium_365": 0,
        "paid_items_a_month": 1,  # less than a month of history counts as one
    }
    for name, value in worked.items():
        assert row[name] == value, name
    # Of an even number the median lies between.
    assert behaviour(payer((20, 12), (20, 5)))["dbt_median_365"] == 8.5


def test_amounts_of_two_currencies_are_not_weighed_against_each_other() -> None:
    """Dollars and euros paid in the year: missing. Euros of 400 days ago do no harm."""
    dollars = payer((20, 12), (400, 90))
    dollars.rows["invoices"][-1]["currency"] = "EUR"
    row = behaviour(dollars)
    assert (row["dbt_amount_weighted_365"], row["dbt_large_premium_365"]) == (12.0, 0.0)
    both = payer((20, 12), (30, 0))
    both.rows["invoices"][-1]["currency"] = "EUR"
    row = behaviour(both)
    assert missing(row["dbt_amount_weighted_365"])
    assert missing(row["dbt_large_premium_365"])
    assert row["dbt_mean_365"] == 6.0


def test_the_share_still_open_of_what_fell_due_in_60_days() -> None:
    """Due today and 59 days ago they count, tomorrow and 60 days ago they do not.

    Two are paid and two open of the four that count; the paid one of 60 days ago is out.
    """
    book = Books()
    for name, due_on, paid in (
        ("I", "2024-07-01", False),
        ("P", "2024-07-01", True),
        ("J", "2024-05-03", False),
        ("Q", "2024-05-03", True),
        ("NEXT", "2024-07-02", False),
        ("OUT", "2024-05-02", True),
    ):
        book.invoice(name, "2024-04-01", due_on, 100)
        if paid:
            book.cash(name, "2024-06-20", 100)
    worked = {"open_share_due_60": 0.5}
    assert book.family(AS_OF, "billing")["I"]["open_share_due_60"] == worked["open_share_due_60"]
    young = Books().invoice("I", "2024-06-01", "2024-07-02", 100)
    assert missing(young.family(AS_OF, "billing")["I"]["open_share_due_60"])
