"""Each rule of the rows finds the row that breaks it, by table and id."""

from collections.abc import Callable

import pytest

from features.ledger.finding import Finding
from features.ledger.invariants import check_ledger
from features.ledger.read import Ledger

MakeLedger = Callable[..., Ledger]

BROKEN = {
    "known_account": ("receipts", "R-5 2024-03-05 10.00 A9", "R-5"),
    "known_invoice": ("applications", "APP-7 INV-9 write_off - 2024-03-05 1.00 A1", "APP-7"),
    "same_account": ("applications", "APP-7 INV-2 write_off - 2024-03-05 1.00 A2", "APP-7"),
    "known_source": ("applications", "APP-7 INV-2 cash R-9 2024-03-05 1.00 A1", "APP-7"),
    "known_by_the_end": ("credits", "C-2 2024-04-01 5.00 A1", "C-2"),
    "one_content_per_key": ("credits", "C-1 2024-03-10 60.00 A1", "C-1"),
}


def _failed(ledger: Ledger) -> dict[tuple[str, str], Finding]:
    found = check_ledger(ledger)
    return {(f.name, f.where): f for f in found if not f.passed and f.name != "books_balance"}


def _with_accounts(text: str) -> str:
    """Spell out the account of every row."""
    head, *lines = text.strip().splitlines()
    return "\n".join([f"{head} account_id", *(f"{line} A1" for line in lines)])


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_row_is_named(name: str, made: MakeLedger, clean: dict[str, str]) -> None:
    """The one row that breaks a rule is counted and named, and no other rule complains."""
    table, row, key = BROKEN[name]
    clean[table] = _with_accounts(clean[table]) + "\n" + row
    failed = _failed(made(clean))
    assert list(failed) == [(name, table)]
    finding = failed[name, table]
    assert (finding.count, finding.examples) == (1, (key,))
    assert finding.sentence.startswith(f"Rows of {table} that ")


def test_a_business_date_far_after_its_posting_is_a_mistyped_year(
    made: MakeLedger, clean: dict[str, str]
) -> None:
    """401 days after known_on is refused, 400 are allowed."""
    clean["credits"] = """
        credit_id  issued_on   known_on    amount
        C-1        2025-02-04  2024-01-01  50.00
        C-2        2025-02-05  2024-01-01  50.00
    """
    assert _failed(made(clean))["plausible_dates", "credits"].examples == ("C-2",)


def test_two_currencies_in_one_chain_are_named(made: MakeLedger, clean: dict[str, str]) -> None:
    """Both the application and the return that change currency are found."""
    clean["credits"] = """
        credit_id  issued_on   amount  currency
        C-1        2024-03-10  50.00   EUR
    """
    clean["applications"] += "    APP-7 INV-2 credit C-1 2024-03-10 5.00\n"
    clean["receipt_returns"] = """
        return_id  receipt_id  returned_on  amount  kind     currency
        RET-1      R-4         2024-02-28   200.00  bounced  EUR
    """
    failed = _failed(made(clean))
    assert failed["one_currency", "applications"].examples == ("APP-7",)
    assert failed["one_currency", "receipt_returns"].examples == ("RET-1",)


def test_a_receipt_and_a_credit_may_not_share_an_id(
    made: MakeLedger, clean: dict[str, str]
) -> None:
    """An application could not tell which of them it uses."""
    clean["credits"] += "    R-1 2024-03-10 5.00\n"
    assert _failed(made(clean))["one_content_per_key", "receipts and credits"].examples == ("R-1",)


def test_netting_without_a_source_is_contra(made: MakeLedger, clean: dict[str, str]) -> None:
    """What we owe the customer is set off without receipt or credit, and the books balance."""
    clean["applications"] += "    APP-7 INV-2 netting - 2024-03-05 40.00\n"
    assert all(finding.passed for finding in check_ledger(made(clean)))


def test_a_version_of_another_day_is_no_conflict(made: MakeLedger, clean: dict[str, str]) -> None:
    """The same key with other content, known later, is a new version."""
    clean["credits"] = """
        credit_id  issued_on   known_on    amount
        C-1        2024-03-10  2024-03-10  50.00
        C-1        2024-03-10  2024-03-11  60.00
    """
    assert all(finding.passed for finding in check_ledger(made(clean)))
