"""What could happen is scored on rows that would be there, not guessed."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from features.engines import open_session
from features.ledger.read import Ledger, ledger_from_rows
from features.stages import needed_stages
from models.bundle import Bundle
from serving.account_ledger import rows_of_account
from serving.account_score import score_account
from serving.account_what_if import Scenario, ScenarioError, WhatIf, what_if
from serving.policy import Policy, read_policy
from tests.conftest import make_ledger
from tests.trained import small_ledger, small_trained
from training.choice import matrix_model

DAY = date(2024, 6, 30)


def invoice(name: str, days: int, amount: int, currency: str = "USD") -> dict[str, Any]:
    """Return an invoice so many days past due."""
    due = DAY - timedelta(days=days)
    return {
        "invoice_id": name,
        "account_id": "A",
        "issued_on": due - timedelta(days=30),
        "due_on": due,
        "amount": amount,
        "currency": currency,
    }


@pytest.fixture(scope="module")
def policy() -> Policy:
    """The shipped policy."""
    return read_policy()


@pytest.fixture(scope="module")
def books() -> Ledger:
    """Two items past due, one in euros; 300.00 in dispute, 200.00 promised."""
    return make_ledger(
        {
            "accounts": [{"account_id": "A"}, {"account_id": "OTHER"}],
            "invoices": [
                invoice("OLD", 50, 400),
                invoice("NEW", 10, 600),
                invoice("EURO", 10, 70, "EUR"),
            ],
            "receipts": [],
            "credits": [],
            "disputes": [
                {
                    "dispute_id": "D",
                    "account_id": "A",
                    "invoice_id": "OLD",
                    "opened_on": DAY - timedelta(days=9),
                    "amount": 300,
                }
            ],
            "promises": [
                {
                    "promise_id": "P",
                    "account_id": "A",
                    "invoice_id": "NEW",
                    "made_on": DAY - timedelta(days=2),
                    "promised_on": DAY + timedelta(days=2),
                    "amount": 200,
                }
            ],
        }
    )


@pytest.fixture(scope="module")
def matrix(books: Ledger) -> Bundle:
    """The roll-rate matrix of books without a past: one rate a bucket."""
    return matrix_model(books, DAY)


def asked(books: Ledger, matrix: Bundle, policy: Policy, *scenarios: Scenario) -> list[WhatIf]:
    """Return the answers on the books."""
    return what_if(books, "A", DAY, matrix, policy, scenarios)


def scenario(kind: str, amount: str | None = None, **fields: Any) -> Scenario:  # noqa: ANN401 (any field)
    """Return a scenario in dollars."""
    money = None if amount is None else Decimal(amount)
    return Scenario(**({"kind": kind, "currency": "USD", "amount": money} | fields))  # type: ignore[arg-type]


CASES: list[tuple[Scenario, int, int, list[str]]] = [
    (scenario("pays", "250.00"), 75_000, 40_000, ["what-if-1"]),
    # It keeps the promise on the way: nothing of NEW is promised any more.
    (scenario("pays", "250.00", invoice_id="NEW"), 75_000, 45_000, ["what-if-2"]),
    (scenario("pays", "5000.00"), 0, 0, ["what-if-1", "what-if-2"]),
    (scenario("keeps_promise"), 80_000, 50_000, ["what-if-2"]),
    (scenario("dispute_closes"), 100_000, 80_000, []),
    (scenario("dispute_credited"), 70_000, 50_000, ["what-if-1"]),
    (scenario("pays", "400.00"), 60_000, 40_000, ["what-if-1"]),
    (scenario("pays", "600.00", invoice_id="NEW"), 40_000, 10_000, ["what-if-2"]),
]
"""What happens → open and collectible cents after it, and the applications it leaves."""


@pytest.fixture(scope="module")
def answers(books: Ledger, matrix: Bundle, policy: Policy) -> list[WhatIf]:
    """The answers to all cases."""
    return asked(books, matrix, policy, *(case[0] for case in CASES))


@pytest.mark.parametrize("number", range(len(CASES)))
def test_a_scenario_leaves_the_books_as_it_would(answers: list[WhatIf], number: int) -> None:
    """Open and collectible by hand; before it 1,000.00 are open and 500.00 can be collected."""
    what, open_cents, collectible_cents, rows = CASES[number]
    answer = answers[number]
    assert answer.scenario == what
    assert (answer.before.open_cents, answer.before.collectible_cents) == (100_000, 50_000)
    assert answer.after.open_cents == open_cents
    assert answer.after.collectible_cents == collectible_cents
    assert answer.rows.get("applications", []) == rows
    assert f"{answer.after.cents / 100:,.2f}" in answer.sentence


def test_an_item_that_is_paid_is_gone(answers: list[WhatIf]) -> None:
    """The oldest due, unless the cash is meant for another; what no item takes stays unapplied."""
    everything, oldest, named = answers[2], answers[6], answers[7]
    assert set(oldest.after.items) == {"NEW"}
    assert set(named.after.items) == {"OLD"}
    assert everything.after.items == {}
    assert everything.rows["receipts"] == ["what-if"]


@pytest.mark.parametrize(
    ("what", "says"),
    [
        (scenario("pays", "0.00"), "A payment must be above 0, got 0.00"),
        (scenario("pays"), "A payment must be above 0, got None"),
        (scenario("pays", "1.00", invoice_id="X"), "Invoice X is no open item"),
        (scenario("pays", "1.00", currency="GBP"), "nothing open in GBP. Open: EUR, USD"),
        (scenario("keeps_promise", currency="EUR"), "no open promise in EUR"),
        (scenario("dispute_closes", currency="EUR"), "no open dispute in EUR"),
    ],
    ids=str,
)
def test_what_the_books_do_not_allow_is_refused(
    books: Ledger, matrix: Bundle, policy: Policy, what: Scenario, says: str
) -> None:
    """With what would be possible."""
    with pytest.raises(ScenarioError, match=says):
        asked(books, matrix, policy, what)


def test_a_table_that_the_source_lacks_stays_absent(matrix: Bundle, policy: Policy) -> None:
    """A receipt would make features appear that the model never saw for these books."""
    bare = make_ledger({"accounts": [{"account_id": "A"}], "invoices": [invoice("OLD", 50, 400)]})
    [answer] = what_if(bare, "A", DAY, matrix, policy, [scenario("pays", "100.00")])
    assert set(answer.rows) == {"applications"}
    assert answer.after.open_cents == 30_000


def test_the_answer_is_the_score_of_books_in_which_it_happened(policy: Policy) -> None:
    """A trained model on simulated books: the same cents as with the rows written by hand."""
    whole, bundle = small_ledger(), small_trained().bundle
    day = whole.manifest.known_through
    account_id, invoice_id, amount, currency = _open_item(whole, day)
    ledger = rows_of_account(whole, account_id)
    paid = Scenario(kind="pays", currency=currency, amount=amount, invoice_id=invoice_id)
    [answer] = what_if(ledger, account_id, day, bundle, policy, [paid])
    receipt = {
        "receipt_id": "HAND",
        "account_id": account_id,
        "received_on": day,
        "known_on": day,
        "amount": amount,
        "currency": currency,
        "method": "other",
    }
    application = {
        "application_id": "HAND-1",
        "invoice_id": invoice_id,
        "account_id": account_id,
        "cause": "cash",
        "source_id": "HAND",
        "applied_on": day,
        "known_on": day,
        "amount": amount,
    }
    written = _plus(_plus(ledger, "receipts", [receipt]), "applications", [application])
    expected = score_account(written, account_id, day, bundle, policy)
    assert answer.after == expected[currency]
    assert answer.before == score_account(ledger, account_id, day, bundle, policy)[currency]
    assert answer.after.families != answer.before.families


def _open_item(ledger: Ledger, day: date) -> tuple[str, str, Decimal, str]:
    """Return an item in the bucket 1-30 of an account with most open items, and half of it."""
    with open_session(ledger, [day]) as session:
        session.run(needed_stages(["open_items"]))
        [row] = session.arrow(
            "select account_id, invoice_id, currency, balance_cents from open_items "
            "where days_past_due between 1 and 30 and balance_cents > 10000 "
            "order by count(*) over (partition by account_id) desc, account_id, invoice_id limit 1"
        ).to_pylist()
    half = Decimal(row["balance_cents"] // 2) / 100
    return row["account_id"], row["invoice_id"], half, row["currency"]


def _plus(ledger: Ledger, name: str, rows: Sequence[dict[str, Any]]) -> Ledger:
    table = ledger.rows[name]
    full = [dict.fromkeys(table.column_names) | row for row in rows]
    more = pa.Table.from_pylist(full, schema=table.schema)
    return ledger_from_rows({**ledger.rows, name: pa.concat_tables([table, more])}, ledger.manifest)
