import numpy as np
import pytest

from features.usual_curve import FIRST_DAY, KNOTS, LAST_DAY, usual_curve
from tests.features.books import Books, missing

AS_OF = "2024-07-01"


def usual(day: int) -> float:
    """The usual hazard of a day past due."""
    return float(np.interp(day, *np.array(KNOTS).T))


def minus_log(hazard: float) -> float:
    """The log survival that a daily hazard takes, as the query approximates it."""
    return hazard * (6 - hazard) / (6 - 4 * hazard)


def falling(loss: float) -> float:
    """The survival after so much log survival is lost, as the query approximates it."""
    return 1 / (1 + loss + loss**2 / 2 + loss**3 / 6)


def test_an_account_without_history_follows_the_usual_curve() -> None:
    """Due today and alone: the item itself is at risk up to now, nobody afterwards."""
    row = (
        Books()
        .invoice("I", "2024-06-01", "2024-07-01", 100)
        .family(AS_OF, "life_table", "own_history", "item_against_usual")["I"]
    )
    loss = sum(-np.log1p(-usual(day)) for day in range(1, 31))
    assert row["own_survival_30"] == pytest.approx(falling(loss), rel=1e-6)
    assert row["own_survival_30_cautious"] == pytest.approx(falling(loss), rel=1e-6)
    assert row["own_items_seen_at_age"] == 0.0
    assert missing(row["days_beyond_usual"])


def test_items_younger_than_this_age_when_issued_are_not_judged_at_it() -> None:
    """Due in 54 days: items on terms of 14 days were never so far from their due date."""
    book = Books().invoice("I", "2024-06-25", "2024-08-24", 100)
    for number in range(1, 4):
        book.paid(f"P{number}", f"2024-0{number}-01", f"2024-0{number}-15", f"2024-0{number}-10")
    row = book.family(AS_OF, "own_history")["I"]
    assert row["own_items_seen_at_age"] == 0.0
    assert row["own_judged_items"] == 0.0
    assert missing(row["own_roll_rate_at_age"])


def test_the_life_table_of_a_hand_worked_account() -> None:
    """Two items paid 10 days late: at day 10 both of two at risk are paid.

    With k = 0.5 notional items that pay as usual: the hazard of day 10 is
    (2 + 0.5 h) / 2.5; the days before weigh k / (2 + k), those after k / (0 + k) = 1.
    """
    book = (
        Books()
        .paid("P1", "2024-03-02", "2024-04-01", "2024-04-11")
        .paid("P2", "2024-04-02", "2024-05-02", "2024-05-12")
        .invoice("I", "2024-06-01", "2024-07-01", 100)
    )
    row = book.family(AS_OF, "life_table", "own_history", "item_against_usual")["I"]
    for name, k in (("own_survival_30", 0.5), ("own_survival_30_cautious", 2.0)):
        weight = k / (2 + k)
        loss = sum(weight * -np.log1p(-usual(day)) for day in range(1, 10))
        loss += minus_log((2 + k * usual(10)) / (2 + k))
        loss += sum(-np.log1p(-usual(day)) for day in range(11, 31))
        assert row[name] == pytest.approx(falling(loss), rel=1e-6), name
    assert row["own_items_seen_at_age"] == 2.0
    assert row["days_beyond_usual"] == -10.0


def test_slow_payers_keep_more_of_their_items_open() -> None:
    """The later an account paid, the more it leaves open."""
    survival = []
    for paid_on in ("2024-04-03", "2024-04-20", "2024-05-20"):
        book = Books().invoice("I", "2024-06-01", "2024-07-01", 100)
        for number in range(4):
            book.paid(f"P{number}", "2024-03-02", "2024-04-01", paid_on)
        survival.append(
            book.family(AS_OF, "life_table", "own_history", "item_against_usual")["I"][
                "own_survival_30"
            ]
        )
    assert survival[0] < survival[1] < survival[2]


def test_very_old_items_still_have_the_usual_chance() -> None:
    """The curve is flat beyond its end: 900 days past due is like 600 days past due."""
    book = Books().invoice("OLD", "2021-12-01", "2022-01-01", 100)
    book.invoice("LESS", "2021-12-01", "2022-11-01", 100, account_id="B")
    rows = book.family(AS_OF, "life_table", "item_against_usual")
    assert rows["OLD"]["own_survival_30"] == pytest.approx(rows["LESS"]["own_survival_30"])
    assert rows["OLD"]["own_survival_30"] < 0.99


def test_the_usual_curve_covers_every_age() -> None:
    """One row a day, hazards within (0, 1), log survival lost that only grows."""
    curve = usual_curve().to_pandas()
    assert curve["day"].tolist() == list(range(FIRST_DAY, LAST_DAY + 1))
    assert curve["hazard"].between(0, 1, inclusive="neither").all()
    assert (curve["total"].diff().dropna() > 0).all()


def test_the_own_history_of_a_hand_worked_account() -> None:
    """An item 10 days late beside five that were once as old and can be judged.

    ===== ========== ============ ==========================================
    P1    paid  5 d  not unpaid at 10 days
    P2    paid 20 d  unpaid at 10 days, paid by 40: judged, not rolled
    P3    paid 40 d  paid on the 40th day: judged, not rolled
    P4    paid 41 d  judged and rolled
    O     open 91 d  judged and rolled: open items count
    N     paid 12 d  due 20 days ago: too young to be judged (less than 40 days)
    """
    book = (
        Books()
        .paid("P1", "2024-02-01", "2024-03-01", "2024-03-06")
        .paid("P2", "2024-02-01", "2024-03-01", "2024-03-21")
        .paid("P3", "2024-02-01", "2024-03-01", "2024-04-10")
        .paid("P4", "2024-02-01", "2024-03-01", "2024-04-11")
        .invoice("O", "2024-03-01", "2024-04-01", 100)
        .paid("N", "2024-05-01", "2024-06-11", "2024-06-23")
        .invoice("I", "2024-05-21", "2024-06-21", 100)
    )
    row = book.family(AS_OF, "own_history")["I"]
    worked = {
        "own_judged_items": 4,
        "own_roll_rate_at_age": 2 / 4,
        # of five paid items P2, P3, P4 and N were paid later than at 10 days
        "own_share_paid_later": 4 / 5,
        # P4 alone was paid more than 40 days late: (1 + 0.3) / (4 + 1)
        "own_share_paid_much_later": 1.3 / 5,
        "younger_paid_items": 0,
    }
    for name, value in worked.items():
        assert row[name] == pytest.approx(value), name


def test_younger_invoices_paid_first_show_a_skipped_one() -> None:
    """Two of the three younger invoices that are due are paid: 2 / (3 + 1)."""
    book = (
        Books()
        .invoice("I", "2024-03-01", "2024-04-01", 100)
        .paid("P1", "2024-04-01", "2024-05-01", "2024-05-03")
        .paid("P2", "2024-04-15", "2024-05-15", "2024-05-15")
        .invoice("J", "2024-05-01", "2024-06-01", 100)
        .invoice("K", "2024-06-15", "2024-07-15", 100)
    )
    rows = book.family(AS_OF, "own_history")
    assert rows["I"]["younger_paid_items"] == 2.0
    assert rows["I"]["younger_paid_share"] == 0.5
    assert rows["K"]["younger_paid_items"] == 0.0
