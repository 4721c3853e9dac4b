"""Tests of families and of who was worked when."""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from training.monitor_accounts import read_account_book

ACCOUNTS = [
    {"account_id": "A", "parent_account_id": "P"},
    {"account_id": "B", "parent_account_id": "P"},
    {"account_id": "C"},
]


def contact(number: int, account: str, day: date) -> dict[str, Any]:
    """Return a row of contacts."""
    return {"contact_id": f"C{number}", "account_id": account, "contacted_on": day}


def test_accounts_under_one_parent_are_one_family(ledger_of: Any) -> None:  # noqa: ANN401 (a function)
    """An account without parent, or one that nobody knows, is its own."""
    book = read_account_book(ledger_of({"accounts": ACCOUNTS}), date(2024, 12, 31))
    account = np.array(["A", "B", "C", "X"], dtype=object)
    assert book.family(account).tolist() == ["P", "P", "C", "X"]
    assert not book.has_contacts


def test_worked_is_a_matter_of_days(ledger_of: Any) -> None:  # noqa: ANN401 (a function)
    """Contacts up to the scoring count for drift, those after it for outcomes."""
    contacts = [contact(1, "A", date(2024, 6, 1)), contact(2, "B", date(2024, 7, 5))]
    ledger = ledger_of({"accounts": ACCOUNTS, "contacts": contacts})
    book = read_account_book(ledger, date(2024, 12, 31))
    account = np.array(["A", "B", "C"], dtype=object)
    day = pd.Series(pd.to_datetime(["2024-06-30"] * 3))
    assert book.worked_before(account, day).tolist() == [True, False, False]
    assert book.worked_before(account, day + pd.Timedelta(days=1)).tolist() == [False] * 3
    assert book.worked_within(account, day, 30).tolist() == [False, True, False]
    assert book.worked_within(account, day, 4).tolist() == [False] * 3


def test_contacts_after_the_day_are_unknown(ledger_of: Any) -> None:  # noqa: ANN401 (a function)
    """What happens later is not read."""
    ledger = ledger_of({"accounts": ACCOUNTS, "contacts": [contact(1, "A", date(2024, 6, 1))]})
    assert read_account_book(ledger, date(2024, 5, 31)).contacts.empty
