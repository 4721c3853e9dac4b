"""What is allowed but deserves a look is a warning with amounts, never a failure."""

from collections.abc import Callable

from features.ledger.finding import Finding, all_passed
from features.ledger.invariants import check_ledger
from features.ledger.read import Ledger

MakeLedger = Callable[..., Ledger]


def _warnings(findings: list[Finding]) -> dict[str, tuple[int, str, tuple[str, ...]]]:
    return {f.name: (f.count, str(f.found), f.examples) for f in findings if f.outcome == "warning"}


def test_over_applied_and_undated_items_are_shown(made: MakeLedger, clean: dict[str, str]) -> None:
    """The sound ledger passes, and names the item paid twice and the one without a due date."""
    findings = check_ledger(made(clean))
    assert all_passed(findings)
    assert _warnings(findings) == {
        "over_applied_items": (1, "-10.00", ("INV-5",)),
        "undated_items": (1, "80.00", ("INV-3",)),
    }


def test_one_number_under_two_accounts_is_shown(made: MakeLedger, clean: dict[str, str]) -> None:
    """The same invoice under a second account is a version that someone should look at."""
    clean["invoices"] = """
        invoice_id  account_id  issued_on   due_on      amount  known_on
        INV-1       A1          2024-01-10  2024-02-09  1000.00 2024-01-10
        INV-1       A2          2024-01-10  2024-02-09  1000.00 2024-03-20
    """
    clean["applications"] = "application_id invoice_id cause applied_on amount\n"
    clean["receipt_returns"] = clean["receipt_returns"].split("RET-1")[0]
    assert _warnings(check_ledger(made(clean)))["invoice_under_two_accounts"] == (
        1,
        "1000.00",
        ("INV-1",),
    )


def test_a_ledger_without_receipts_says_so(made: MakeLedger, clean: dict[str, str]) -> None:
    """Five cash rows of 739.50 in sum count as their own source, and the check says it."""
    del clean["receipts"], clean["receipt_returns"]
    findings = check_ledger(made(clean))
    assert all_passed(findings)
    assert _warnings(findings)["own_source"][:2] == (5, "739.50")
    assert any("without receipts" in finding.sentence for finding in findings)


def test_accounts_that_hold_the_newest_values_are_shown(
    made: MakeLedger, clean: dict[str, str]
) -> None:
    """Both changes have led to what accounts says: past days would know them."""
    clean["accounts"] = """
        account_id  credit_limit  segment
        A1          500.00        large
        A2          900.00        small
    """
    clean["account_changes"] = """
        account_id  known_on    column        value
        A1          2024-02-01  credit_limit  700.00
        A1          2024-03-01  credit_limit  500.00
        A2          2024-03-01  segment       small
    """
    warned = _warnings(check_ledger(made(clean)))
    assert warned["accounts_as_of_now"] == (2, "None", ("A1", "A2"))
    clean["account_changes"] = clean["account_changes"].replace("small", "mid")
    clean["account_changes"] = clean["account_changes"].replace("500.00", "600.00")
    assert "accounts_as_of_now" not in _warnings(check_ledger(made(clean)))
