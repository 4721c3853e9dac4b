"""Receipts and credits give what they hold, and returned cash gives it back."""

from collections.abc import Callable

from features.ledger.finding import Finding
from features.ledger.invariants import check_ledger
from features.ledger.read import Ledger

MakeLedger = Callable[..., Ledger]


def _answers(ledger: Ledger, name: str) -> list[Finding]:
    return [finding for finding in check_ledger(ledger) if finding.name == name]


def _figures(finding: Finding) -> tuple[str, str, str]:
    return str(finding.expected), str(finding.found), str(finding.difference)


def test_a_receipt_may_not_give_more_than_it_holds(made: MakeLedger, clean: dict[str, str]) -> None:
    """R-1 holds 700, gave 600 and gives 150 more: 50 too much."""
    clean["applications"] += "    APP-7 INV-2 cash R-1 2024-03-05 150.00\n"
    (finding,) = _answers(made(clean), "not_over_applied")
    assert _figures(finding) == ("700.00", "750.00", "50.00")
    assert (finding.where, finding.examples, finding.passed) == ("receipts", ("R-1",), False)


def test_a_credit_may_not_give_more_than_it_holds(made: MakeLedger, clean: dict[str, str]) -> None:
    """C-1 holds 50 and gives 50.02."""
    clean["applications"] += "    APP-7 INV-2 credit C-1 2024-03-10 50.02\n"
    (finding,) = _answers(made(clean), "not_over_applied")
    assert _figures(finding) == ("50.00", "50.02", "0.02")


def test_a_cent_is_rounding(made: MakeLedger, clean: dict[str, str]) -> None:
    """One cent more than a source holds is let through."""
    clean["applications"] += "    APP-7 INV-2 credit C-1 2024-03-10 50.01\n"
    assert all(finding.passed for finding in _answers(made(clean), "not_over_applied"))


def test_a_returned_receipt_must_be_taken_off_its_items(
    made: MakeLedger, clean: dict[str, str]
) -> None:
    """R-4 bounced in full, so it may pay nothing; without APP-6 it still pays 200."""
    clean["applications"] = "\n".join(
        line for line in clean["applications"].splitlines() if "cash_return" not in line
    )
    (finding,) = _answers(made(clean), "returns_reopen")
    assert _figures(finding) == ("0.00", "200.00", "200.00")
    assert (finding.examples, finding.passed) == (("R-4",), False)


def test_a_return_of_the_last_days_may_wait(made: MakeLedger, clean: dict[str, str]) -> None:
    """Within the maturity lag a return that has not re-opened its items is a warning."""
    clean["receipt_returns"] += "    RET-2 R-2 2024-03-28 29.50 bounced\n"
    passed, warned = _answers(made(clean), "returns_reopen")
    assert (passed.outcome, warned.outcome) == ("passed", "warning")
    assert _figures(warned) == ("0.00", "29.50", "29.50")
    assert not all(f.passed for f in _answers(made(clean, maturity_lag_days=0), "returns_reopen"))


def test_a_partial_return_leaves_the_rest(made: MakeLedger, clean: dict[str, str]) -> None:
    """R-1 holds 700 and pays 600: 100 may be refunded, 101 may not."""
    fine = clean["receipt_returns"] + "    RET-2 R-1 2024-03-01 100.00 refund\n"
    wrong = clean["receipt_returns"] + "    RET-2 R-1 2024-03-01 101.00 refund\n"
    (kept,) = _answers(made(clean | {"receipt_returns": fine}), "returns_reopen")
    (broken,) = _answers(made(clean | {"receipt_returns": wrong}), "returns_reopen")
    assert kept.passed
    assert _figures(broken) == ("599.00", "600.00", "1.00")


def test_no_item_is_restored_by_more_than_was_paid(made: MakeLedger, clean: dict[str, str]) -> None:
    """A cash_return entered twice would re-open the item beyond what R-4 had paid."""
    clean["applications"] += "    APP-7 INV-2 cash_return R-4 2024-02-28 -200.00\n"
    (finding,) = _answers(made(clean), "restores_what_it_paid")
    assert (finding.passed, finding.examples, str(finding.found)) == (False, ("INV-2",), "-200.00")
