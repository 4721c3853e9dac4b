"""Holds on books an accountant can read: each with its reason, its end, and nothing known later."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from models.bundle import Bundle
from serving.feedback import Feedback
from serving.policy import Policy, read_policy
from serving.policy_holds import HOLDS, Cadence
from serving.scoring import score_ledger
from serving.worklist import rank_accounts
from tests.conftest import make_ledger
from training.choice import matrix_model

DAY = date(2024, 6, 30)


def ago(days: int) -> date:
    """Return the day so many days before the scoring; negative ones lie after it."""
    return DAY - timedelta(days=days)


Books = dict[str, list[dict[str, Any]]]


def books(**tables: list[dict[str, Any]]) -> Books:
    """Return the books of account A with one invoice of 1,000.00, 12 days past due."""
    return {
        "accounts": [{"account_id": "A", "segment": "smb", "is_natural_person": False}],
        "invoices": [
            {
                "invoice_id": "I",
                "account_id": "A",
                "issued_on": ago(42),
                "due_on": ago(12),
                "amount": 1000,
            }
        ],
        **tables,
    }


def together(many: list[Books]) -> Books:
    """Return the books of all as one ledger: every id gets the number of its books in front."""
    whole: Books = {}
    for number, one in enumerate(many):
        for name, rows in one.items():
            numbered = [
                {
                    key: f"{number:02d}-{value}"
                    if key.endswith("_id") and value is not None
                    else value
                    for key, value in row.items()
                }
                for row in rows
            ]
            whole.setdefault(name, []).extend(numbered)
    return whole


def flag(name: str, from_days: int = 5, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 (any cell)
    """Return a flag on the account."""
    return {"account_id": "A", "flag": name, "from_on": ago(from_days), **fields}


def contacts(*days: int) -> list[dict[str, Any]]:
    """Return calls so many days ago."""
    return [
        {"contact_id": f"C{place}", "account_id": "A", "contacted_on": ago(day), "channel": "call"}
        for place, day in enumerate(days)
    ]


def receipt(amount: int, final_in: int | None, name: str = "R") -> dict[str, Any]:
    """Return a payment of two days ago that may still come back."""
    return {
        "receipt_id": name,
        "account_id": "A",
        "received_on": ago(2),
        "amount": amount,
        "method": "ach",
        "provisional_until": None if final_in is None else ago(-final_in),
    }


def applied(amount: int) -> dict[str, Any]:
    """Return the application of the payment to the invoice."""
    return {
        "application_id": "X",
        "invoice_id": "I",
        "account_id": "A",
        "cause": "cash",
        "source_id": "R",
        "applied_on": ago(2),
        "amount": amount,
    }


@pytest.fixture(scope="module")
def policy() -> Policy:
    """The shipped policy."""
    return read_policy()


@pytest.fixture(scope="module")
def matrix() -> Bundle:
    """The roll-rate matrix of books without a past."""
    return matrix_model(make_ledger(books()), DAY)


def ranked(
    rows: Books, matrix: Bundle, policy: Policy, *feedback: Feedback
) -> list[dict[Any, Any]]:
    """Return the rows of the worklist, by account."""
    scoring = score_ledger(make_ledger(rows), DAY, matrix, policy)
    return rank_accounts(scoring, policy, feedback).to_dict("records")


CASES: list[tuple[Books, str, date | None, str]] = [
    ({}, "", None, "call"),
    ({"account_flags": [flag("legal")]}, "legal", None, "leave_alone"),
    ({"account_flags": [flag("agency", until_on=ago(-9))]}, "agency", ago(-9), "leave_alone"),
    ({"account_flags": [flag("agency", until_on=DAY)]}, "agency", DAY, "leave_alone"),
    ({"account_flags": [flag("agency", until_on=ago(1))]}, "", None, "call"),
    ({"account_flags": [flag("legal", known_on=ago(-1))]}, "", None, "call"),
    ({"account_flags": [flag("legal", from_days=-1, known_on=ago(9))]}, "", None, "call"),
    ({"account_flags": [flag("suspended")]}, "", None, "call"),
    (
        {"account_flags": [flag("do_not_contact"), flag("bankruptcy")]},
        *("bankruptcy", None, "leave_alone"),
    ),
    ({"contacts": contacts(0, 3, 6)}, "cadence", DAY, "leave_alone"),
    ({"contacts": contacts(0, 1, 2, 3)}, "cadence", ago(-4), "leave_alone"),
    ({"contacts": contacts(0, 3, 7)}, "", None, "call"),
    ({"contacts": contacts(-1, 0, 3)}, "", None, "call"),
    ({"receipts": [receipt(1000, 3)]}, "provisional", ago(-2), "wait_for_payment"),
    ({"receipts": [receipt(1000, None)]}, "unapplied", None, "apply_cash"),
    ({"receipts": [receipt(1000, 0)]}, "unapplied", None, "apply_cash"),
    (
        {"receipts": [receipt(1000, None), receipt(50, 3, "S")]},
        *("unapplied", None, "apply_cash"),
    ),
    (
        {"receipts": [receipt(980, None), receipt(50, 3, "S")]},
        *("provisional", ago(-2), "wait_for_payment"),
    ),
    (
        {"receipts": [receipt(600, 3)], "applications": [applied(600)]},
        *("provisional", ago(-2), "wait_for_payment"),
    ),
    ({"receipts": [receipt(400, 3)], "applications": [applied(400)]}, "", None, "call"),
]
"""What the books hold beside the invoice → hold, its last day, and the action."""


@pytest.fixture(scope="module")
def judged(matrix: Bundle, policy: Policy) -> list[dict[Any, Any]]:
    """The accounts of all cases, scored together."""
    return ranked(together([books(**tables) for tables, *_ in CASES]), matrix, policy)


@pytest.mark.parametrize("number", range(len(CASES)))
def test_each_hold_has_its_reason_and_its_end(judged: list[dict[Any, Any]], number: int) -> None:
    """The last day it stands where the books know one; what they showed later holds nobody."""
    _, hold, until, action = CASES[number]
    row = judged[number]
    assert (row["hold"], row["action"]) == (hold, action)
    assert (None if pd.isna(row["hold_until"]) else row["hold_until"].date()) == until
    assert bool(row["hold_reason"]) == bool(hold)
    assert [entry["kind"] for entry in row["holds"]][:1] == ([hold] if hold else [])


def test_a_cadence_of_the_segment_goes_before_the_default(matrix: Bundle, policy: Policy) -> None:
    """One contact a month where the policy says so."""
    own = {**policy.holds.cadence, "smb": Cadence(contacts=1, days=30)}
    changed = replace(policy, holds=replace(policy.holds, cadence=own))
    [row] = ranked(books(contacts=contacts(20)), matrix, changed)
    assert (row["hold"], row["hold_until"].date()) == ("cadence", ago(-9))
    assert row["hold_reason"] == "Contacted 1 times within 30 days; 1 are allowed."
    [usual] = ranked(books(contacts=contacts(20)), matrix, policy)
    assert usual["hold"] == ""


def test_snoozes_known_on_the_day_hold_and_later_ones_do_not(
    matrix: Bundle, policy: Policy
) -> None:
    """A batch of a past day knows what was told by then."""

    def snooze(day: date) -> Feedback:
        return Feedback(
            kind="snooze",
            account_id="A",
            by="kim",
            at=datetime(day.year, day.month, day.day, 12, tzinfo=UTC),
            reason="moving offices",
            until=ago(-5),
        )

    [held] = ranked(books(), matrix, policy, snooze(ago(1)))
    assert (held["hold"], held["hold_until"].date()) == ("snooze", ago(-5))
    [later] = ranked(books(), matrix, policy, snooze(ago(-1)))
    assert later["hold"] == ""


def test_all_holds_are_told_in_the_order_in_which_they_bind(matrix: Bundle, policy: Policy) -> None:
    """A flag before the money that covers it before the cadence."""
    rows = books(
        account_flags=[flag("legal")], receipts=[receipt(1000, None)], contacts=contacts(0, 1, 2)
    )
    [row] = ranked(rows, matrix, policy)
    kinds = [entry["kind"] for entry in row["holds"]]
    assert kinds == ["legal", "unapplied", "cadence"]
    assert kinds == sorted(kinds, key=HOLDS.index)


def test_hard_measures_against_people_are_only_proposed(matrix: Bundle, policy: Policy) -> None:
    """An unknown account counts as a person; only of these are the reasons for a notice kept."""
    owed = {"issued_on": ago(400), "due_on": ago(300), "amount": 9000}
    many = []
    for natural in (False, True, None):
        rows = books()
        rows["accounts"][0]["is_natural_person"] = natural
        rows["invoices"][0] |= owed
        many.append(rows)
    company, person, unknown = ranked(together(many), matrix, policy)
    assert company["action"] == "refer"
    assert person["action"] == unknown["action"] == "propose_refer"
    assert company["principal_reasons"] == []
    assert isinstance(person["principal_reasons"], list)
