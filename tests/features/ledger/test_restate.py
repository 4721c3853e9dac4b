from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from features.ledger.restate import Known, restate
from tests.features.books import Books, day

FIRST, SECOND, THIRD = day("2024-06-30"), day("2024-07-31"), day("2024-08-31")


def account() -> Books:
    return Books(known_through=str(FIRST)).invoice("I", "2024-04-01", "2024-05-01", 100)


def again(
    before: Books, fresh: Books, on: date = SECOND
) -> tuple[dict[str, list[dict[str, Any]]], dict[str, Known]]:
    """Return the rows that importing ``fresh`` after ``before`` writes, and the counts."""
    written, counts = restate(before.ledger(), fresh.ledger().rows, known_on=on)
    return {name: rows.to_pylist() for name, rows in written.items()}, counts


def with_row(table: str, row: dict[str, object], **more: object) -> Books:
    return account().add(table, **(row | more))


def test_the_first_batch_is_written_as_it_is() -> None:
    """There is nothing to compare with."""
    rows = account().ledger().rows
    written, counts = restate(None, rows, known_on=FIRST)
    assert written == dict(rows)
    assert counts["invoices"] == Known()


def test_equal_rows_are_not_written_again() -> None:
    """``known_on`` is no content: the first knowledge stands."""
    later = account()
    later.rows["invoices"][0] |= {"known_on": SECOND}
    written, counts = again(account(), later)
    assert written == {}
    assert counts["invoices"] == Known(known=1, changed=0)


def test_a_changed_account_is_a_dated_change() -> None:
    """The account row stays as first seen; the change is known from the extraction day."""
    before, fresh = account(), account()
    before.rows["accounts"][0] |= {"credit_limit": Decimal("100.00"), "segment": "small"}
    fresh.rows["accounts"][0] |= {"credit_limit": Decimal("250.00"), "segment": "small"}
    written, counts = again(before, fresh)
    assert written == {
        "account_changes": [
            {"account_id": "A", "known_on": SECOND, "column": "credit_limit", "value": "250.00"}
        ]
    }
    assert counts["accounts"] == Known(known=1, changed=1)


def test_an_account_is_compared_with_its_newest_value() -> None:
    """Limit 100, then 250: the third export of 250 changes nothing, one of 100 does."""
    before = account()
    before.rows["accounts"][0] |= {"credit_limit": Decimal("100.00")}
    before.add(
        "account_changes", account_id="A", known_on=FIRST, column="credit_limit", value="250.00"
    )
    same, back = account(), account()
    same.rows["accounts"][0] |= {"credit_limit": Decimal("250.00")}
    back.rows["accounts"][0] |= {"credit_limit": Decimal("100.00")}
    assert again(before, same)[0] == {}
    assert again(before, back)[0]["account_changes"][0]["value"] == "100.00"


def test_a_source_with_its_own_history_may_show_first_values() -> None:
    """Accounts as first seen beside their dated changes: the changes alone are news."""
    before, fresh = account(), account()
    for book in (before, fresh):
        book.rows["accounts"][0] |= {"autopay": True}
    fresh.add(
        "account_changes", account_id="A", known_on="2024-07-10", column="autopay", value="false"
    )
    written, _ = again(before, fresh)
    assert written == {
        "account_changes": [
            {"account_id": "A", "known_on": day("2024-07-10"), "column": "autopay",
             "value": "false"}
        ]
    }  # fmt: skip


def test_a_new_account_is_a_row_and_no_change() -> None:
    """Only known accounts change."""
    fresh = account().invoice("J", "2024-07-01", "2024-08-01", 5, account_id="B")
    written, counts = again(account(), fresh)
    assert [row["account_id"] for row in written["accounts"]] == ["B"]
    assert "account_changes" not in written
    assert counts["accounts"] == Known(known=1, changed=0)


def moved(due: str | None, amount: float = 100) -> Books:
    return Books().invoice("I", "2024-04-01", due, amount)


def test_a_changed_due_date_is_a_dated_change() -> None:
    """The invoice row keeps the due date first shown."""
    written, counts = again(account(), moved("2024-06-15"))
    assert written == {
        "due_date_changes": [{"invoice_id": "I", "known_on": SECOND, "due_on": day("2024-06-15")}]
    }
    assert counts["invoices"] == Known(known=1, changed=1)


def test_a_due_date_changed_along_with_the_amount_is_not_lost() -> None:
    """Both are recorded, each in its own way."""
    written, _ = again(account(), moved("2024-06-15", 80))
    assert [row["due_on"] for row in written["due_date_changes"]] == [day("2024-06-15")]
    assert [(row["amount"], row["known_on"]) for row in written["invoices"]] == [
        (Decimal("80.00"), SECOND)
    ]


def test_a_due_date_is_compared_with_the_newest_one() -> None:
    """Moved in July: August's export of the same date is no news, the old date is."""
    before = account()
    before.add("due_date_changes", invoice_id="I", known_on=SECOND, due_on="2024-06-15")
    assert again(before, moved("2024-06-15"), THIRD)[0] == {}
    back = again(before, moved("2024-05-01"), THIRD)[0]
    assert [row["due_on"] for row in back["due_date_changes"]] == [day("2024-05-01")]


def test_a_source_with_its_own_due_dates_may_show_the_first() -> None:
    """Invoices as first shown beside their dated changes, as the contract says."""
    change = {"invoice_id": "I", "known_on": "2024-07-10", "due_on": "2024-06-15"}
    written, _ = again(account(), account().add("due_date_changes", **change))
    assert [row["known_on"] for row in written["due_date_changes"]] == [day("2024-07-10")]
    known = account().add("due_date_changes", **change)
    assert again(known, account().add("due_date_changes", **change), THIRD)[0] == {}


def test_an_undated_invoice_can_be_dated_later_and_not_undated_again() -> None:
    """A date that appears is a change; a date that disappears leaves the last one standing."""
    written, _ = again(moved(None), moved("2024-06-15"))
    assert [row["due_on"] for row in written["due_date_changes"]] == [day("2024-06-15")]
    assert again(account(), moved(None))[0] == {}


def test_a_changed_amount_is_visible_from_the_extraction_day_only() -> None:
    """The new version is known on the day of the export, whatever its own clock says."""
    written, _ = again(account(), moved("2024-05-01", 80))
    assert [(row["amount"], row["known_on"]) for row in written["invoices"]] == [
        (Decimal("80.00"), SECOND)
    ]


DISPUTE: dict[str, object] = {
    "dispute_id": "D", "account_id": "A", "invoice_id": "I", "opened_on": "2024-06-10",
    "amount": 40,
}  # fmt: skip
PROMISE: dict[str, object] = {
    "promise_id": "M", "account_id": "A", "made_on": "2024-06-10", "promised_on": "2024-08-01",
    "amount": 40,
}  # fmt: skip
INSTALLMENT: dict[str, object] = {
    "plan_id": "L", "n": 1, "account_id": "A", "agreed_on": "2024-06-10", "due_on": "2024-08-01",
    "amount": 40,
}  # fmt: skip
FLAG: dict[str, object] = {"account_id": "A", "flag": "legal", "from_on": "2024-06-10"}

OPENED = day("2024-06-10")


@pytest.mark.parametrize(
    ("table", "row", "late", "known_on"),
    [
        # Filled in after the first export, on a day after it: the row's own clocks tell.
        ("disputes", DISPUTE, {"closed_on": "2024-06-20", "closed_known_on": "2024-07-05"}, OPENED),
        ("disputes", DISPUTE, {"closed_on": "2024-07-05", "outcome": "credited"}, OPENED),
        ("promises", PROMISE, {"withdrawn_on": "2024-07-05"}, OPENED),
        ("installments", INSTALLMENT, {"cancelled_on": "2024-07-05"}, OPENED),
        ("account_flags", FLAG, {"until_on": "2024-07-05"}, OPENED),
        # Dated on or before the first export, which did not show it: known from the second.
        ("disputes", DISPUTE, {"closed_on": "2024-06-20"}, SECOND),
        ("promises", PROMISE, {"withdrawn_on": "2024-06-30"}, SECOND),
        ("installments", INSTALLMENT, {"cancelled_on": "2024-06-20"}, SECOND),
        ("account_flags", FLAG, {"until_on": "2024-06-20"}, SECOND),
        # More than the late columns changed.
        ("disputes", DISPUTE, {"closed_on": "2024-07-05", "amount": 50}, SECOND),
    ],
)
def test_late_columns_keep_their_clock_unless_the_ledger_knows_better(
    table: str, row: dict[str, object], late: dict[str, object], known_on: date
) -> None:
    """A version known from the first day, or from the day of the export."""
    written, counts = again(with_row(table, row), with_row(table, row, **late))
    assert [found["known_on"] for found in written[table]] == [known_on]
    assert counts[table] == Known(known=1, changed=1)


def test_a_dispute_that_is_opened_again_was_closed_before() -> None:
    """Taking a closing date back is news of the day, not of the past."""
    closed = with_row("disputes", DISPUTE, closed_on="2024-06-20", closed_known_on="2024-06-21")
    written, _ = again(closed, with_row("disputes", DISPUTE))
    assert [row["known_on"] for row in written["disputes"]] == [SECOND]


@pytest.mark.parametrize(("next_is_known", "known_on"), [(False, OPENED), (True, SECOND)])
def test_a_promise_is_superseded_when_the_next_one_is_shown(
    next_is_known: bool,  # noqa: FBT001 (a case of the table)
    known_on: date,
) -> None:
    """The link counts with the new promise, unless that was there without the link."""
    following = PROMISE | {"promise_id": "N", "made_on": "2024-06-25"}
    before = with_row("promises", PROMISE)
    if next_is_known:
        before.add("promises", **following)
    fresh = with_row("promises", PROMISE, superseded_by="N").add("promises", **following)
    written, _ = again(before, fresh)
    assert {row["promise_id"]: row["known_on"] for row in written["promises"]}["M"] == known_on


def test_restated_rows_have_the_schema_of_the_contract() -> None:
    """What is written can be read back without a cast."""
    written, _ = restate(account().ledger(), moved("2024-06-15", 80).ledger().rows, known_on=SECOND)
    assert {name: rows.schema for name, rows in written.items()} == {
        name: account().has(name).ledger().rows[name].schema for name in written
    }
    assert all(isinstance(rows, pa.Table) for rows in written.values())
