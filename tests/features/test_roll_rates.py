import pandas as pd
import pytest

from features.engines import EngineOptions, open_session
from features.roll_rates import RESULTS, RollRow, band_rates, roll_counts, roll_matrix
from tests.features.books import Books, day

ON, THROUGH = "2024-03-01", "2024-12-31"


def counts(book: Books, on: str = ON, known_through: str = THROUGH) -> pd.DataFrame:
    """Return the counts of the step that begins on a day."""
    with open_session(book.ledger(), [day(on)], options=EngineOptions(threads=1)) as session:
        return roll_counts(session, maturity_lag_days=7, known_through=day(known_through))


def row(book: Books, bucket: str) -> RollRow:
    """Return one row of the matrix."""
    return next(row for row in roll_matrix(counts(book)) if row.bucket == bucket)


@pytest.fixture
def late() -> Books:
    """Items of 100 that are 10 days late on 1 March, each with another end within 30 days."""
    book = Books().has("applications")
    for name in ("OPEN", "PAID", "HALF", "CREDITED", "LOST", "MOVED"):
        book.invoice(name, "2024-01-20", "2024-02-20", 100)
    return (
        book.cash("PAID", "2024-03-10", 100)
        .cash("HALF", "2024-03-10", 60)
        .post("CREDITED", "credit", "2024-03-10", 100, source_id="C")
        .post("LOST", "write_off", "2024-03-10", 100)
        .add("due_date_changes", invoice_id="MOVED", known_on="2024-03-05", due_on="2024-06-01")
    )


def test_a_row_tells_every_end_by_count_and_by_dollars(late: Books) -> None:
    """Six items, one of each end; the part payment splits its dollars into 40 and 60."""
    found = row(late, "1-30")
    assert (found.items, found.cents) == (6, 60_000)
    by_count = {"rolled": 2, "paid": 1, "credited": 1, "extended": 1, "written_off": 1}
    assert found.by_count == {name: n / 6 for name, n in by_count.items()}
    dollars = {"rolled": 140, "paid": 160, "credited": 100, "extended": 100, "written_off": 100}
    assert found.by_dollars == {name: n / 600 for name, n in dollars.items()}
    assert found.unresolved == pytest.approx(240 / 600)


def test_each_row_sums_to_one(late: Books) -> None:
    """Whatever became of the items, nothing is lost and nothing counted twice."""
    found = row(late, "1-30")
    assert sum(found.by_count.values()) == pytest.approx(1)
    assert sum(found.by_dollars.values()) == pytest.approx(1)


def test_items_that_cannot_roll_are_left_out() -> None:
    """Due in 30 days or more, undated, and residual items stand in no row."""
    book = (
        Books()
        .invoice("LATER", "2024-02-01", "2024-03-31", 100)
        .invoice("SOON", "2024-02-01", "2024-03-30", 100)
        .invoice("UNDATED", "2024-02-01", None, 100)
        .invoice("RESIDUAL", "2024-01-01", "2024-02-01", 1000)
        .cash("RESIDUAL", "2024-02-10", 960)
    )
    assert [(r.bucket, r.items) for r in roll_matrix(counts(book)) if r.items] == [("current", 1)]


def test_the_last_bucket_stays_and_is_told_by_band() -> None:
    """100 and 200 days late: both in 91+, in bands of their own."""
    book = (
        Books()
        .invoice("A100", "2023-11-01", "2023-11-22", 50)
        .invoice("A200", "2023-07-01", "2023-08-14", 70)
        .cash("A200", "2024-03-15", 70)
    )
    found = counts(book)
    assert dict(zip(found["band"], found["bucket"], strict=True)) == {
        "91-180": "91+",
        "181-365": "91+",
    }
    assert row(book, "91+").by_count["rolled"] == 0.5


def test_a_step_that_is_not_final_is_left_out(late: Books) -> None:
    """Known through the 37th day it counts; a day less and there is nothing yet."""
    assert counts(late, known_through="2024-04-07")["items_paid"].sum() == 1
    assert counts(late, known_through="2024-04-06").empty


def test_what_became_known_later_changes_nothing(late: Books) -> None:
    """Cash of March that was entered in May does not count: nobody could know it."""
    before = counts(late)
    late.cash("OPEN", "2024-03-12", 100, known="2024-05-02")
    pd.testing.assert_frame_equal(counts(late), before)


def test_segments_are_those_of_the_accounts() -> None:
    """Two accounts in two segments make two rows of counts; a missing one is empty text."""
    book = Books().add("accounts", account_id="A", segment="smb")
    book.invoice("I", "2024-01-20", "2024-02-20", 100)
    book.invoice("J", "2024-01-20", "2024-02-20", 100, account_id="B")
    assert sorted(counts(book)["segment"]) == ["", "smb"]


def test_a_band_with_few_items_takes_the_rates_of_all() -> None:
    """29 items are too few, 30 are enough; write-offs stand apart from what came in."""
    base = {f"{what}_{name}": 0 for what in ("items", "cents") for name in RESULTS}
    rows = [
        base | {"bucket": "91+", "band": "91-180", "items_rolled": 30, "cents_rolled": 600,
                "cents_paid": 300, "cents_written_off": 100},
        base | {"bucket": "91+", "band": "366+", "items_rolled": 29, "cents_rolled": 1000},
    ]  # fmt: skip
    rates = band_rates(pd.DataFrame(rows))
    assert rates["91-180"] == (pytest.approx(0.3), 0.1)
    assert rates["366+"] == rates["181-365"] == (pytest.approx(0.15), 0.05)


def test_nothing_exposed_gives_rows_without_shares() -> None:
    """An empty book has five rows and no share to show."""
    book = Books().invoice("FAR", "2024-02-01", "2024-12-01", 100)
    matrix = roll_matrix(counts(book))
    assert [r.items for r in matrix] == [0] * 5
    assert matrix[0].by_dollars == {}
    assert matrix[0].unresolved != matrix[0].unresolved
