from math import sqrt

import pytest

from tests.features.books import Books, missing

AS_OF = "2024-07-01"


def history() -> Books:
    """Four invoices paid 10 early, 0, 20 and 40 days late, one open; all in dollars.

    ===== ========== ========== ========== ====== ==== ============
    name  issued     due        paid       amount late days to pay
    ===== ========== ========== ========== ====== ==== ============
    P1    2023-05-02 2023-06-01 2023-05-22    100  -10   20 (406 days ago)
    P2    2024-01-02 2024-02-01 2024-02-01    200    0   30 (151 days ago)
    P3    2024-03-02 2024-04-01 2024-04-21    300   20   50 (71 days ago)
    P4    2024-04-02 2024-05-02 2024-06-11    400   40   70 (20 days ago)
    ===== ========== ========== ========== ====== ==== ============
    """
    return (
        Books()
        .paid("P1", "2023-05-02", "2023-06-01", "2023-05-22", 100)
        .paid("P2", "2024-01-02", "2024-02-01", "2024-02-01", 200)
        .paid("P3", "2024-03-02", "2024-04-01", "2024-04-21", 300)
        .paid("P4", "2024-04-02", "2024-05-02", "2024-06-11", 400)
        .invoice("I", "2024-06-01", "2024-07-01", 500)
    )


def test_the_payment_features_of_a_hand_worked_account() -> None:
    """Days beyond terms -10, 0, 20 and 40; the first lies more than a year back."""
    row = history().family(AS_OF, "document", "payment_behaviour")["I"]
    weights = [round(2**20 * 0.5 ** (days_ago / 90)) for days_ago in (406, 151, 71, 20)]
    late = (-10, 0, 20, 40)
    decayed = sum(w * days for w, days in zip(weights, late, strict=True)) / sum(weights)
    worked = {
        "paid_items_a_month": 4 * 30 / 407,
        "paid_items_365": 3,  # P2, P3, P4
        "paid_items_180": 3,
        "paid_items_60": 1,  # P4
        "dbt_mean": 50 / 4,  # (-10 + 0 + 20 + 40) / 4
        "dbt_mean_365": 60 / 3,
        "dbt_mean_180": 60 / 3,
        "dbt_mean_60": 40,
        "dbt_trend": 40 - 20,
        "dbt_median_365": 20,
        "dbt_worst_365": 40,
        "dbt_best_365": 0,
        # sqrt(mean of squares - square of mean) = sqrt((0 + 400 + 1600) / 3 - 400)
        "dbt_spread_365": sqrt(2000 / 3 - 400),
        # (0 x 200 + 20 x 300 + 40 x 400) / 900
        "dbt_amount_weighted_365": 22_000 / 900,
        # large invoices are the late ones: 22,000 / 900 against a plain mean of 20
        "dbt_large_premium_365": 22_000 / 900 - 20,
        "dbt_decayed": decayed,
        "dbt_mean_30": 40,  # P4
        "dbt_mean_90": (20 + 40) / 2,  # P3, P4
        "days_to_pay_mean_365": (30 + 50 + 70) / 3,
        "late_share_365": 2 / 3,
        "late_share_60": 1,
        "late_15_share_365": 2 / 3,
        "late_30_share_365": 1 / 3,
        "late_60_share_365": 0,
        "late_30_share": 1 / 4,
        "days_since_last_payment": 20,
        "paid_in_parts_share_365": 0,
    }
    for name, value in worked.items():
        assert row[name] == pytest.approx(value, rel=1e-12), name


def test_an_account_without_payments_has_no_payment_behaviour() -> None:
    """Nothing paid yet: missing, not zero days late."""
    row = Books().invoice("I", "2024-06-01", "2024-07-01", 500).features(AS_OF)["I"]
    for name in ("dbt_mean_365", "late_share_365", "days_since_last_payment", "weekday_share"):
        assert missing(row[name]), name


def test_credited_written_off_and_extended_items_are_no_payment_behaviour() -> None:
    """Only the cash payment of P4's twin remains in the history."""
    book = (
        Books()
        .invoice("CREDITED", "2024-01-01", "2024-02-01", 100)
        .post("CREDITED", "credit", "2024-05-01", 60)
        .cash("CREDITED", "2024-05-01", 40)
        .invoice("LOST", "2024-01-01", "2024-02-01", 100)
        .post("LOST", "write_off", "2024-05-01", 100)
        .paid("EXTENDED", "2024-01-01", "2024-02-01", "2024-05-01")
        .add("due_date_changes", invoice_id="EXTENDED", known_on="2024-02-10", due_on="2024-06-01")
        .paid("PAID", "2024-05-01", "2024-06-01", "2024-06-04")
        .invoice("I", "2024-06-01", "2024-07-01", 500)
    )
    row = book.family(AS_OF, "document", "payment_behaviour")["I"]
    assert row["paid_items_365"] == 1.0
    assert row["dbt_mean"] == 3.0


def test_a_short_payment_within_five_per_cent_is_paid_on_its_day() -> None:
    """96 of 100 paid 5 days late: paid; the rest of 4 is a residual, shown and open."""
    book = Books().invoice("P", "2024-05-01", "2024-06-01", 100).cash("P", "2024-06-06", 96)
    rows = book.family(AS_OF, "document", "payment_behaviour")
    assert rows["P"]["item_balance"] == 4.0
    assert rows["P"]["dbt_mean_365"] == 5.0


def test_an_item_paid_in_parts_is_paid_on_the_last_day() -> None:
    """60 on time and 40 ten days late: ten days late, in parts; alone of two items."""
    book = (
        Books()
        .invoice("P", "2024-05-01", "2024-06-01", 100)
        .cash("P", "2024-06-01", 60)
        .cash("P", "2024-06-11", 40)
        .paid("Q", "2024-05-01", "2024-06-01", "2024-06-01")
        .invoice("I", "2024-06-01", "2024-07-01", 500)
    )
    row = book.family(AS_OF, "document", "payment_behaviour")["I"]
    assert row["dbt_worst_365"] == 10.0
    assert row["paid_in_parts_share_365"] == 0.5


def test_restated_cash_is_one_payment_and_not_two() -> None:
    """One receipt posted as 60, corrected to 70: one part payment."""
    book = (
        Books()
        .invoice("I", "2024-05-01", "2024-06-01", 100)
        .cash("I", "2024-06-01", 60, application_id="P")
        .cash("I", "2024-06-01", 70, application_id="P", known="2024-06-10")
    )
    row = book.family(AS_OF, "document", "payment_behaviour")["I"]
    assert row["item_payments"] == 1.0
    assert row["item_paid_share"] == 0.7


def test_cash_that_is_back_dated_is_invisible_until_it_is_known() -> None:
    """Dated 10 June, shown on 5 July: on 1 July the item is open and nothing was paid."""
    book = Books().invoice("P", "2024-05-01", "2024-06-01", 100)
    book.cash("P", "2024-06-10", 100, known="2024-07-05")
    book.invoice("I", "2024-06-01", "2024-07-01", 500)
    before, after = (
        book.family(AS_OF, "document", "payment_behaviour"),
        book.family("2024-07-05", "document", "payment_behaviour"),
    )
    assert before["P"]["item_balance"] == 100.0
    assert missing(before["I"]["dbt_mean"])
    assert "P" not in after
    assert after["I"]["dbt_mean"] == 9.0


def test_a_returned_payment_is_no_payment_behaviour() -> None:
    """Paid on time on 1 June, back on 5 June: the item is open again and no promise of speed."""
    book = Books().invoice("P", "2024-05-01", "2024-06-01", 100)
    book.cash("P", "2024-06-01", 100, source_id="R")
    book.post("P", "cash_return", "2024-06-05", -100, source_id="R")
    shown, back = (
        book.family("2024-06-04", "document", "payment_behaviour"),
        book.family(AS_OF, "document", "payment_behaviour"),
    )
    assert shown == {}
    assert back["P"]["days_past_due"] == 30.0
    assert back["P"]["item_payments"] == 0.0
    assert missing(back["P"]["dbt_mean"])


@pytest.mark.parametrize("cause", ["cash_return", "unapply"])
def test_cash_that_was_taken_back_sets_no_day_of_payment(cause: str) -> None:
    """Paid on its due date, 31 January; a second payment of 31 May is gone again on 2 June."""
    book = Books().invoice("P", "2024-01-01", "2024-01-31", 100)
    book.cash("P", "2024-01-31", 100, source_id="R1").cash("P", "2024-05-31", 100, source_id="R2")
    book.post("P", cause, "2024-06-02", -100, source_id="R2")
    book.invoice("I", "2024-04-01", "2024-05-01", 1000)
    while_there = book.family("2024-06-01", "payment_behaviour")["I"]
    assert while_there["dbt_mean"] == 121.0
    after = book.family(AS_OF, "payment_behaviour")["I"]
    assert after["dbt_mean"] == 0.0
    assert after["late_share_365"] == 0.0
    assert after["dbt_worst_365"] == 0.0


def test_a_returned_part_payment_is_no_part_payment() -> None:
    """Of 300 on 1 May and 300 on 15 June, the second bounces on 18 June."""
    book = Books().invoice("I", "2024-04-01", "2024-05-01", 1000)
    book.cash("I", "2024-05-01", 300, source_id="R1").cash("I", "2024-06-15", 300, source_id="R2")
    book.post("I", "cash_return", "2024-06-18", -300, source_id="R2")
    row = book.family(AS_OF, "document")["I"]
    assert row["item_payments"] == 1.0
    assert row["days_since_part_payment"] == 61.0


def test_a_discount_is_no_payment() -> None:
    """98 on the due date, the discount of 2 booked three months later: paid on time."""
    book = Books().invoice("P", "2024-01-01", "2024-01-31", 100)
    book.cash("P", "2024-01-31", 98).post("P", "discount", "2024-04-30", 2)
    book.invoice("I", "2024-04-01", "2024-05-01", 1000)
    assert book.family(AS_OF, "payment_behaviour")["I"]["dbt_mean"] == 0.0


def test_part_payments_on_the_item() -> None:
    """1,000 billed; 300 cash on 10 June, 200 credited on 20 June, 500 open on 1 July."""
    book = (
        Books()
        .invoice("I", "2024-05-01", "2024-06-01", 1000)
        .cash("I", "2024-06-10", 300)
        .post("I", "credit", "2024-06-20", 200)
    )
    row = book.family(AS_OF, "document", "payment_behaviour")["I"]
    assert row["item_balance"] == 500.0
    assert row["item_paid_share"] == 0.3
    assert row["item_credited_share"] == 0.2
    assert row["item_payments"] == 1.0
    # The credit of 20 June is no payment: the last one is 21 days ago.
    assert row["days_since_part_payment"] == 21.0


def test_the_worst_payer_is_kept() -> None:
    """A payment 400 days late is history, not an outlier."""
    book = Books().paid("P", "2023-01-01", "2023-02-01", "2024-03-07")
    row = book.invoice("I", "2024-06-01", "2024-07-01", 500).family(
        AS_OF, "document", "payment_behaviour"
    )["I"]
    assert row["dbt_worst_365"] == 400.0
