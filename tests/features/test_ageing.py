import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.ageing import (
    BUCKETS,
    EDGES,
    LAST,
    STEP_DAYS,
    UNDATED,
    bucket_index,
    bucket_names,
    is_exposed,
    rolls_by,
)
from features.engines import open_session
from features.ledger.books import books_balance
from features.ledger.read import Ledger
from features.stages import ITEM_STAGES
from tests.features.books import Books, day


@pytest.mark.parametrize(
    ("days", "bucket"),
    [
        (-400, "current"),
        (0, "current"),
        (1, "1-30"),
        (30, "1-30"),
        (31, "31-60"),
        (60, "31-60"),
        (61, "61-90"),
        (90, "61-90"),
        (91, "91+"),
        (4000, "91+"),
        (float("nan"), UNDATED),
    ],
)
def test_the_edges_of_the_buckets(days: float, bucket: str) -> None:
    """Due today is current; the edges belong to the younger bucket; undated has its own name."""
    assert bucket_names(bucket_index([days])).tolist() == [bucket]


def test_one_bucket_for_each_name() -> None:
    """Four edges part five buckets; the last one has no edge."""
    assert len(EDGES) + 1 == len(BUCKETS) == LAST + 1


@pytest.mark.parametrize(
    ("days", "exposed"),
    [(-31, False), (-30, False), (-29, True), (0, True), (30, True), (90, True), (91, False)],
)
def test_exposed_items_would_stand_in_the_next_bucket(days: float, exposed: bool) -> None:  # noqa: FBT001 (a case of the table)
    """Due in 30 days is due on t+30 and current then; items in the last bucket cannot roll."""
    assert is_exposed([days]).tolist() == [exposed]


@given(days=st.lists(st.integers(-500, 500), min_size=1))
def test_exposure_is_a_roll_within_one_step(days: list[int]) -> None:
    """Exposed means: unresolved, the item stands in an older bucket one step on."""
    assert is_exposed(days).tolist() == rolls_by(days, STEP_DAYS).tolist()


def test_undated_items_neither_roll_nor_are_exposed() -> None:
    """No due date, no bucket, no roll."""
    nothing = [float("nan")]
    assert not is_exposed(nothing)[0]
    assert not rolls_by(nothing, 120)[0]


def test_a_longer_horizon_never_takes_a_roll_back() -> None:
    """What rolls in 30 days rolls in 60."""
    days = np.arange(-200, 200)
    for horizon in (30, 60, 90):
        assert not (rolls_by(days, horizon) & ~rolls_by(days, horizon + 30)).any()


def test_the_buckets_sum_to_the_balance_of_hand_made_books() -> None:
    """Every awkward item at once: undated, over-applied, tolerated, unapplied, two currencies."""
    book = (
        Books()
        .invoice("I", "2024-04-01", "2024-05-01", 400)
        .invoice("UNDATED", "2024-04-01", None, 90)
        .invoice("TOLERATED", "2024-04-01", "2024-05-01", 50)
        .cash("TOLERATED", "2024-05-01", 49.5, source_id="R")
        .invoice("OVER", "2024-04-01", "2024-05-01", 50)
        .cash("OVER", "2024-05-01", 60, source_id="R")
        .invoice("E", "2024-04-01", "2024-05-01", 70, currency="EUR")
        .add("receipts", receipt_id="R", account_id="A", received_on="2024-05-01", amount=200)
        .add("credits", credit_id="C", account_id="A", issued_on="2024-05-01", amount=30)
    )
    with open_session(book.ledger(), [day("2024-07-01")]) as session:
        findings = {
            finding.currency: finding for finding in books_balance(session, book.ledger().present)
        }
    dollars = {part: float(value) for part, value in findings["USD"].parts if value}
    assert dollars == {
        "61-90": 400.0,
        "undated": 90.0,
        "within tolerance": 0.5,
        "over-applied items": -10.0,
        "unapplied cash": -90.5,  # 200 - 49.50 - 60
        "unapplied credits": -30.0,
    }
    assert {finding.outcome for finding in findings.values()} == {"passed"}
    assert float(findings["EUR"].found or 0) == 70.0


def test_the_buckets_sum_to_the_balance_of_a_whole_ledger(simulated_ledger: Ledger) -> None:
    """Expected, found and a difference of nothing, on every date and in every currency."""
    days = [day("2023-06-30"), day("2024-02-29"), day("2024-10-31")]
    with open_session(simulated_ledger, days) as session:
        session.run(ITEM_STAGES)
        findings = books_balance(session, simulated_ledger.present)
    assert len(findings) >= len(days)
    assert [finding.sentence for finding in findings if finding.outcome != "passed"] == []
