"""Tests of the worklist on books an accountant can read: lanes, holds, ranks, seats."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.ledger.read import Ledger
from serving.policy import Policy, read_policy
from serving.scoring import Scoring, score_ledger
from serving.worklist import rank_accounts
from serving.worklist_capacity import fill_capacity
from tests.conftest import make_ledger
from training.choice import matrix_model

AS_OF = date(2024, 6, 30)


def invoice(
    account: str, name: str, days: int, amount: int, currency: str = "USD"
) -> dict[str, Any]:
    """Return an invoice that is ``days`` past due on the day of scoring."""
    due = AS_OF - timedelta(days=days)
    return {
        "invoice_id": f"{account}-{name}",
        "account_id": account,
        "issued_on": due - timedelta(days=30) if days >= -28 else AS_OF - timedelta(days=1),
        "due_on": due,
        "amount": amount,
        "currency": currency,
    }


def dispute(account: str, name: str, amount: int) -> dict[str, Any]:
    """Return an open dispute of an invoice."""
    return {
        "dispute_id": f"D-{account}-{name}",
        "account_id": account,
        "invoice_id": f"{account}-{name}",
        "opened_on": AS_OF - timedelta(days=5),
        "amount": amount,
    }


BOOKS: dict[str, list[dict[str, Any]]] = {
    "accounts": [
        {"account_id": account, "name": f"Company {account}"}
        for account in ("A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "T1", "T2")
    ],
    "invoices": [
        # A: all lanes at once; the past-due items decide.
        invoice("A", "1", 12, 1000),
        invoice("A", "2", -5, 90_000),
        invoice("A", "3", 200, 500),
        # B: last bucket and due soon.
        invoice("B", "1", 120, 700),
        invoice("B", "2", -5, 300),
        # C: due soon only.  D: nothing can roll.
        invoice("C", "1", -10, 400),
        invoice("D", "1", -60, 400),
        # E: past due, all of it disputed.
        invoice("E", "1", 40, 5000),
        # F: past due disputed, the last bucket not.
        invoice("F", "1", 40, 5000),
        invoice("F", "2", 150, 3000),
        # G: past due covered by unapplied cash, something falls due.
        invoice("G", "1", 20, 800),
        invoice("G", "2", -3, 800),
        # H: a promise.  I: a plan in good standing.
        invoice("H", "1", 15, 600),
        invoice("I", "1", 15, 600),
        # J: two currencies.
        invoice("J", "1", 15, 650),
        invoice("J", "2", 15, 650, "EUR"),
        # T1 and T2: the same to the cent.
        invoice("T2", "1", 70, 2000),
        invoice("T1", "1", 70, 2000),
    ],
    "disputes": [dispute("E", "1", 5000), dispute("F", "1", 5000)],
    "receipts": [
        {
            "receipt_id": "R-G",
            "account_id": "G",
            "received_on": AS_OF - timedelta(days=2),
            "amount": 800,
            "method": "ach",
        }
    ],
    "promises": [
        {
            "promise_id": "P-H",
            "account_id": "H",
            "invoice_id": "H-1",
            "made_on": AS_OF - timedelta(days=3),
            "promised_on": AS_OF + timedelta(days=4),
            "amount": 600,
        }
    ],
    "installments": [
        {
            "plan_id": "PL-I",
            "n": n,
            "account_id": "I",
            "invoice_id": "I-1",
            "agreed_on": AS_OF - timedelta(days=3),
            "due_on": AS_OF + timedelta(days=20 * n),
            "amount": 300,
        }
        for n in (1, 2)
    ],
}


@pytest.fixture(scope="module")
def policy() -> Policy:
    """The shipped policy."""
    return read_policy()


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    """The books."""
    return make_ledger(BOOKS)


@pytest.fixture(scope="module")
def scoring(ledger: Ledger, policy: Policy) -> Scoring:
    """The books scored by their own (empty) roll-rate matrix."""
    return score_ledger(ledger, AS_OF, matrix_model(ledger, AS_OF), policy)


@pytest.fixture(scope="module")
def accounts(scoring: Scoring, policy: Policy) -> pd.DataFrame:
    """The ranked accounts."""
    return rank_accounts(scoring, policy)


@pytest.fixture(scope="module")
def usd(accounts: pd.DataFrame) -> pd.DataFrame:
    """Those in dollars, by account."""
    return accounts[accounts["currency"] == "USD"].set_index("account_id")


def test_an_account_stands_in_the_lane_of_its_most_urgent_collectible_items(
    usd: pd.DataFrame,
) -> None:
    """Past due before the last bucket before due soon; a covered lane gives way to the next."""
    lanes = usd["lane"].to_dict()
    assert {name: lanes[name] for name in "ABCDEFGHIJ"} == {
        **dict.fromkeys("AEGHIJ", "past_due"),
        **dict.fromkeys("BF", "last_bucket"),
        "C": "due_soon",
        "D": "",
    }


def test_the_value_counts_the_items_of_the_lane_only(usd: pd.DataFrame, scoring: Scoring) -> None:
    """A large invoice that is not due lifts nobody up the past-due list."""
    items = scoring.items.set_index("invoice_id")
    assert usd.loc["A", "priority_value"] == items.loc["A-1", "priority_value"]
    assert items.loc["A-2", "priority_value"] > usd.loc["A", "priority_value"]
    assert usd.loc["F", "priority_value"] == items.loc["F-2", "priority_value"]
    assert usd.loc["D", "priority_value"] == 0


def test_accounts_are_held_by_what_covers_their_overdue_items(usd: pd.DataFrame) -> None:
    """The hold names the part; nothing that can be collected is held."""
    holds = usd["hold"]
    assert holds[holds != ""].to_dict() == {
        "E": "disputed",
        "G": "unapplied",
        "H": "promised",
        "I": "planned",
    }


def test_a_hold_says_until_when(usd: pd.DataFrame) -> None:
    """A promise with its grace, a plan to its next instalment, others without a date."""
    until = usd["hold_until"].dropna()
    assert {name: day.date() for name, day in until.items()} == {
        "H": AS_OF + timedelta(days=4 + 3),
        "I": AS_OF + timedelta(days=20),
    }


def test_held_accounts_get_the_action_that_ends_the_hold(usd: pd.DataFrame) -> None:
    """Cash is applied, disputes are resolved, promises and plans are waited for."""
    assert usd.loc[["E", "G", "H", "I"], "action"].tolist() == [
        *("resolve_dispute", "apply_cash", "wait_for_promise", "wait_for_plan"),
    ]
    assert usd.loc["C", "action"] == "remind"
    assert usd.loc["D", "action"] == "none"


def test_ranks_count_from_one_by_value_with_the_held_last(accounts: pd.DataFrame) -> None:
    """Within lane and currency; the held follow all others whatever their value."""
    for _, rows in accounts.groupby(["currency", "lane"]):
        ordered = rows.sort_values("rank")
        assert ordered["rank"].tolist() == list(range(1, len(rows) + 1))
        held = (ordered["hold"] != "").to_numpy()
        assert (np.diff(held.astype(int)) >= 0).all()
        for part in (ordered[~held], ordered[held]):
            assert (np.diff(part["priority_value"]) <= 0).all()


def test_ties_go_by_account(usd: pd.DataFrame) -> None:
    """The same value: the smaller id first, whatever the order of the books."""
    assert usd.loc["T1", "priority_value"] == usd.loc["T2", "priority_value"]
    assert usd.loc["T2", "rank"] == usd.loc["T1", "rank"] + 1


def test_currencies_are_lists_of_their_own(accounts: pd.DataFrame) -> None:
    """One row per account and currency; nothing is added across."""
    rows = accounts[accounts["account_id"] == "J"].set_index("currency")
    assert rows["open_balance"].to_dict() == {"EUR": 650.0, "USD": 650.0}
    assert rows.loc["EUR", "rank"] == 1


def test_an_accounts_figures_are_the_sums_of_its_items(
    accounts: pd.DataFrame, scoring: Scoring
) -> None:
    """Balances, parts and buckets to the cent; p_roll weighted by what is collectible."""
    for row in accounts.to_dict("records"):
        mine = scoring.items["account_id"] == row["account_id"]
        items = scoring.items[mine & (scoring.items["currency"] == row["currency"])]
        for column in ("open_balance", "collectible", "dollars_at_risk"):
            assert row[column] == pytest.approx(items[column].sum(), abs=1e-9)
        parts = row["unapplied_cash"] + row["disputed"] + row["on_plan"] + row["promised"]
        assert parts + row["collectible"] == pytest.approx(row["open_balance"], abs=1e-9)
        buckets = [row[f"open_{name}"] for name in ("current", "1_30", "31_60", "61_90")]
        total = sum(buckets) + row["open_91_plus"] + row["undated"]
        assert total == pytest.approx(row["open_balance"], abs=1e-9)
        exposed = items[items["exposed"] & (items["collectible"] > 0)]
        if len(exposed):
            weighted = (exposed["p_roll"] * exposed["collectible"]).sum()
            assert row["p_roll"] == pytest.approx(weighted / exposed["collectible"].sum())


def test_books_without_open_items_have_an_empty_worklist(ledger: Ledger, policy: Policy) -> None:
    """A day before the first invoice is no error."""
    early = date(2023, 1, 1)
    scoring = score_ledger(ledger, early, matrix_model(ledger, early), policy)
    accounts = rank_accounts(scoring, policy)
    assert len(accounts) == 0
    assert len(fill_capacity(accounts, policy, 5, on=early)) == 0
