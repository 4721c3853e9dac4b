import numpy as np
import pandas as pd
import pytest

from features.ledger.read import Ledger
from features.outcomes import HORIZONS, RESOLVED, STEPS, long_outcomes, outcome_frame, unresolved
from tests.features.books import Books, day

AS_OF = "2024-03-01"
# 30, 60, 90 and 120 days on: 31 March, 30 April, 30 May, 29 June 2024.
ALL_OPEN = ["open"] * 4
ALL_PAID = ["paid"] * 4


def books(amount: float = 1000.0, due: str | None = "2024-02-15") -> Books:
    """One invoice, issued on 16 January, 15 days past due on 1 March."""
    return Books().invoice("I", "2024-01-16", due, amount)


def remaining(book: Books, days: int) -> float:
    """Return what is left of invoice I after so many days."""
    return float(book.outcomes(AS_OF).loc["I", f"remaining_{days}"])


def test_an_item_without_any_payment_stays_open() -> None:
    """Nothing came in: open at every step, all of it remaining."""
    book = books()
    assert book.outcome(AS_OF) == ALL_OPEN
    assert remaining(book, 120) == 1000.0


def test_cash_in_full_is_paid_from_its_step_on() -> None:
    """Cash on 15 April falls between the first and the second step."""
    book = books().cash("I", "2024-04-15", 1000)
    assert book.outcome(AS_OF) == ["open", "paid", "paid", "paid"]
    assert [remaining(book, days) for days in (30, 60)] == [1000.0, 0.0]


@pytest.mark.parametrize(
    ("on", "expected"),
    [("2024-03-08", ("paid", "paid")), ("2024-03-09", ("open", "paid")),
     ("2024-03-15", ("open", "paid")), ("2024-03-16", ("open", "open"))],
)  # fmt: skip
def test_the_last_day_of_a_horizon_counts(on: str, expected: tuple[str, str]) -> None:
    """1 March plus 7 days is 8 March, plus 14 is 15 March; both days are inside."""
    row = books().cash("I", on, 1000).outcomes(AS_OF).loc["I"]
    assert (row["outcome_7"], row["outcome_14"]) == expected


@pytest.mark.parametrize(
    ("cash", "expected"),
    [(949.99, "open"), (950.00, "paid"), (950.01, "paid"), (400, "open")],
)
def test_open_means_more_than_five_per_cent_of_the_balance(cash: float, expected: str) -> None:
    """Of 1,000.00 exactly 50.00 may remain; 50.01 is open."""
    assert books().cash("I", "2024-03-10", cash).outcome(AS_OF)[0] == expected


def test_five_per_cent_is_of_the_balance_at_t_not_of_the_bill() -> None:
    """900 of 1,000 was paid before; 40 left of 100 is open although it is 4 % of the bill."""
    book = books().cash("I", "2024-02-20", 900).cash("I", "2024-03-10", 60)
    assert book.outcome(AS_OF)[0] == "open"
    assert remaining(book, 30) == 40.0


def test_the_tolerance_settles_small_items() -> None:
    """Of 10.00 a rest of 1.00 is within the tolerance though it is 10 %; 1.01 is not."""
    assert books(10).cash("I", "2024-03-10", 9.00).outcome(AS_OF)[0] == "paid"
    assert books(10).cash("I", "2024-03-10", 8.99).outcome(AS_OF)[0] == "open"


def test_a_partial_payment_is_visible_in_what_remains() -> None:
    """300 of 1,000 paid: still open, 700 remaining."""
    assert remaining(books().cash("I", "2024-03-20", 300), 30) == 700.0


def test_mostly_credited_is_credited_and_no_payment() -> None:
    """600 credited against 400 cash: closed does not read as paid."""
    book = books().cash("I", "2024-03-10", 400).post("I", "credit", "2024-03-12", 600)
    assert book.outcome(AS_OF)[0] == "credited"
    assert unresolved(["credited"])[0] == 0.0


@pytest.mark.parametrize("cause", ["cash", "discount", "netting"])
def test_cash_discounts_and_netting_pay(cause: str) -> None:
    """Discounts taken by right and contra netting count with the cash."""
    book = books().post("I", cause, "2024-03-10", 600).post("I", "credit", "2024-03-10", 400)
    assert book.outcome(AS_OF)[0] == "paid"


def test_a_write_off_is_a_loss_and_never_a_payment() -> None:
    """700 written off against 300 cash is written off, and counts as unresolved."""
    book = books().cash("I", "2024-03-10", 300).post("I", "write_off", "2024-03-20", 700)
    assert book.outcome(AS_OF) == ["written_off"] * 4
    assert unresolved(["written_off"])[0] == 1.0


def test_a_small_write_off_beside_cash_is_paid() -> None:
    """A rest of 100 given up after 900 cash is a paid item."""
    book = books().cash("I", "2024-03-10", 900).post("I", "write_off", "2024-03-11", 100)
    assert book.outcome(AS_OF)[0] == "paid"


def test_a_due_date_moved_out_is_extended() -> None:
    """Agreed on 10 March to be due in June: a non-roll of its own kind, also later on."""
    book = books().add(
        "due_date_changes", invoice_id="I", known_on="2024-03-10", due_on="2024-06-30"
    )
    assert book.outcome(AS_OF) == ["extended"] * 4


def test_a_due_date_moved_in_or_moved_before_t_is_not_extended() -> None:
    """Only a later date agreed after t extends; what was known at t is the due date judged."""
    earlier = books().add(
        "due_date_changes", invoice_id="I", known_on="2024-03-10", due_on="2024-02-01"
    )
    before = books().add(
        "due_date_changes", invoice_id="I", known_on="2024-02-20", due_on="2024-06-30"
    )
    assert earlier.outcome(AS_OF) == ALL_OPEN
    assert before.outcome(AS_OF) == ALL_OPEN


def test_an_extended_item_that_is_paid_in_time_is_paid() -> None:
    """Cash answers before the agreement does."""
    book = books().add(
        "due_date_changes", invoice_id="I", known_on="2024-03-10", due_on="2024-06-30"
    )
    assert book.cash("I", "2024-03-20", 1000).outcome(AS_OF)[0] == "paid"


def test_cash_returned_within_the_lag_never_counted() -> None:
    """Paid on 29 March, returned on 5 April: before 31 March + 7 days, so it stayed open."""
    book = books().cash("I", "2024-03-29", 1000, source_id="R1")
    book.post("I", "cash_return", "2024-04-05", -1000, source_id="R1")
    assert book.outcome(AS_OF) == ALL_OPEN


def test_cash_returned_within_the_lag_is_matched_without_a_source() -> None:
    """A source that numbers no receipts still tells cash that came back."""
    book = books().cash("I", "2024-03-29", 1000)
    book.post("I", "cash_return", "2024-04-05", -1000)
    assert book.outcome(AS_OF) == ALL_OPEN


def test_cash_returned_after_the_lag_is_a_new_episode() -> None:
    """Returned on 8 April, a day after the lag: paid at step one, and that stands."""
    book = books().cash("I", "2024-03-29", 1000, source_id="R1")
    book.post("I", "cash_return", "2024-04-08", -1000, source_id="R1")
    assert book.outcome(AS_OF) == ALL_PAID
    # The new episode stands at the original due date: 57 days past due on 12 April.
    again = book.family("2024-04-12", "document")["I"]
    assert again["days_past_due"] == 57.0
    assert book.outcome("2024-04-12")[0] == "open"


def test_a_return_takes_back_no_more_than_the_source_gave_by_the_horizon() -> None:
    """500 before and 500 after 31 March from one cheque that bounced: 1,000 remain, not 1,500."""
    book = books().cash("I", "2024-03-29", 500, source_id="R1")
    book.cash("I", "2024-04-02", 500, source_id="R1")
    book.post("I", "cash_return", "2024-04-05", -1000, source_id="R1")
    assert remaining(book, 30) == 1000.0


def test_the_return_of_later_cash_leaves_the_step_alone() -> None:
    """900 on 10 March pays 90 %; another cheque for the rest in April bounces: 100 remain."""
    book = books().cash("I", "2024-03-10", 900, source_id="R1")
    book.cash("I", "2024-04-02", 100, source_id="R2")
    book.post("I", "cash_return", "2024-04-05", -100, source_id="R2")
    assert remaining(book, 30) == 100.0


def test_an_outcome_that_is_not_mature_is_unknown() -> None:
    """The books end on 6 April; 31 March + 7 days lies after, and nothing may be said."""
    book = Books(known_through="2024-04-06").invoice("I", "2024-01-16", "2024-02-15", 1000)
    book.cash("I", "2024-03-10", 1000)
    row = book.outcomes(AS_OF).loc["I"]
    # 8 March and 15 March plus 7 days are mature, the first step is a day short.
    assert [row["outcome_7"], row["outcome_14"], row["outcome_30"]] == ["open", "paid", "unknown"]
    assert np.isnan(row["remaining_30"])
    assert np.isnan(unresolved(["unknown"])[0])


def test_the_first_mature_day_is_known() -> None:
    """With books to 7 April, 31 March + 7 days is known."""
    book = Books(known_through="2024-04-07").invoice("I", "2024-01-16", "2024-02-15", 1000)
    assert book.outcome(AS_OF) == ["open", "unknown", "unknown", "unknown"]


def test_no_lag_where_the_source_has_no_returns() -> None:
    """With a lag of 0 days 31 March is enough."""
    book = Books(known_through="2024-03-31", maturity_lag_days=0)
    book.invoice("I", "2024-01-16", "2024-02-15", 1000)
    assert book.outcome(AS_OF)[0] == "open"


def test_the_first_resolution_is_absorbing() -> None:
    """Credited in March, re-opened in May: credited at every step."""
    book = books().post("I", "credit", "2024-03-10", 1000, source_id="C1")
    book.post("I", "unapply", "2024-05-20", -1000, source_id="C1")
    book.add("credits", credit_id="C1", account_id="A", issued_on="2024-03-10", amount=1000)
    assert book.outcome(AS_OF) == ["credited"] * 4
    assert remaining(book, 120) == 0.0


def test_back_dated_cash_pays_when_it_is_known_within_the_lag() -> None:
    """Dated 30 March and shown on 6 April: judged as paid by 31 March."""
    assert books().cash("I", "2024-03-30", 1000, known="2024-04-06").outcome(AS_OF) == ALL_PAID


def test_back_dated_cash_known_after_the_lag_counts_from_the_next_step() -> None:
    """Dated 30 March but shown on 8 April: the first step was judged without it."""
    book = books().cash("I", "2024-03-30", 1000, known="2024-04-08")
    assert book.outcome(AS_OF) == ["open", "paid", "paid", "paid"]


def test_cash_dated_before_t_and_known_after_it_resolves_the_item_seen_as_open() -> None:
    """On 1 March the books showed no cash of 25 February: open then, paid afterwards."""
    book = books().cash("I", "2024-02-25", 1000, known="2024-03-05")
    assert book.outcome(AS_OF) == ALL_PAID


def test_a_prepayment_leaves_nothing_to_judge() -> None:
    """Cash applied before the invoice was issued: the item is never open."""
    book = books().cash("I", "2024-01-10", 1000)
    assert book.outcomes(AS_OF).empty


def test_a_part_prepayment_lowers_the_balance_at_t() -> None:
    """600 prepaid, 400 open at t; 385 of these paid leave 15, within 5 % of 400."""
    book = books().cash("I", "2024-01-10", 600).cash("I", "2024-03-10", 385)
    assert book.outcome(AS_OF)[0] == "paid"
    assert remaining(book, 30) == 15.0


def test_a_re_billed_item_inherits_the_due_date() -> None:
    """The new number is as old as the debt: due 15 February, over two generations."""
    book = books().post("I", "credit", "2024-02-25", 1000)
    book.invoice("I2", "2024-02-25", "2024-03-26", 1000, replaces_invoice_id="I")
    book.post("I2", "credit", "2024-02-28", 1000)
    book.invoice("I3", "2024-02-28", "2024-03-29", 1000, replaces_invoice_id="I2")
    features = book.family(AS_OF, "document")
    assert list(features) == ["I3"]
    assert features["I3"]["days_past_due"] == 15.0
    assert features["I3"]["is_rebilled"] == 1.0
    assert book.outcome(AS_OF, "I3") == ALL_OPEN


def test_an_item_that_is_re_billed_after_t_is_credited() -> None:
    """Credit and re-bill close the old number without a payment."""
    book = books().post("I", "credit", "2024-03-10", 1000)
    book.invoice("I2", "2024-03-10", "2024-04-09", 1000, replaces_invoice_id="I")
    assert book.outcome(AS_OF)[0] == "credited"


def test_a_restated_application_is_taken_back_and_counted_anew() -> None:
    """500 shown at t turn out to be 100 on 10 March: 900 remain, not 400."""
    book = books().cash("I", "2024-02-20", 500, application_id="P")
    book.cash("I", "2024-02-20", 100, application_id="P", known="2024-03-10")
    assert remaining(book, 30) == 900.0


def test_a_restated_invoice_amount_is_no_payment() -> None:
    """Corrected from 1,000 to 200 on 10 March and paid: credited by 800, 200 in cash."""
    book = books().invoice("I", "2024-01-16", "2024-02-15", 200, known_on="2024-03-10")
    book.cash("I", "2024-03-20", 200)
    assert remaining(book, 30) == 0.0
    assert book.outcome(AS_OF)[0] == "credited"


def test_undated_items_are_judged_and_cannot_roll() -> None:
    """No due date: an outcome, but no roll."""
    book = books(due=None)
    frame = book.outcomes(AS_OF).reset_index()
    long = long_outcomes(frame, [float("nan")])
    assert long["outcome"].tolist() == ALL_OPEN
    assert long["rolled"].isna().all()


def test_rolled_is_missing_where_an_item_cannot_stand_in_an_older_bucket() -> None:
    """Due in 45 days: cannot roll in 30 days, can in 60; in the last bucket: never."""
    book = (
        Books()
        .invoice("FAR", "2024-02-20", "2024-04-15", 100)
        .invoice("NEAR", "2024-02-20", "2024-03-15", 100)
        .invoice("OLD", "2023-10-01", "2023-11-01", 100)
        .invoice("PAID", "2024-01-16", "2024-02-15", 100)
        .cash("PAID", "2024-03-10", 100)
    )
    frame = book.outcomes(AS_OF).reset_index()
    past_due = {"FAR": -45.0, "NEAR": -14.0, "OLD": 121.0, "PAID": 15.0}
    long = long_outcomes(frame, [past_due[name] for name in frame["invoice_id"]])
    rolled = long.pivot_table(
        index="invoice_id", columns="step", values="rolled", aggfunc="first", dropna=False
    ).loc[["FAR", "NEAR", "OLD", "PAID"]]
    assert rolled.loc["NEAR"].tolist() == [True] * STEPS
    assert rolled.loc["PAID"].tolist() == [False] * STEPS
    assert pd.isna(rolled.loc["FAR", 1])
    assert rolled.loc["FAR", [2, 3, 4]].tolist() == [True] * 3
    assert rolled.loc["OLD"].isna().all()


def test_items_open_only_after_t_are_no_rows() -> None:
    """Invoices not shown by t, though dated before it, have no outcome at t."""
    book = books().invoice("LATER", "2024-02-01", "2024-03-01", 50, known_on="2024-03-02")
    assert book.outcomes(AS_OF).index.tolist() == ["I"]


def test_what_remains_never_grows_while_the_outcome_is_settled(simulated_ledger: Ledger) -> None:
    """On a whole ledger: settled stays settled, and unknown only ever follows known."""
    frame = outcome_frame(simulated_ledger, [day("2023-11-30"), day("2024-06-30")])
    assert len(frame) > 300
    settled = np.zeros(len(frame), dtype=bool)
    for days in HORIZONS[2:]:
        outcome = frame[f"outcome_{days}"]
        assert not (settled & outcome.eq("open")).any()
        settled |= outcome.isin([*RESOLVED, "written_off"]).to_numpy()
        assert frame[f"remaining_{days}"].isna().equals(outcome.eq("unknown"))
    found = set(frame["outcome_30"])
    assert {"open", "paid", "credited", "written_off"} <= found
