"""The ageing adds up to the books, and says by how much when it does not."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

from features.engines import open_session
from features.ledger.books import PARTS, books_balance
from features.ledger.finding import Finding
from features.ledger.read import Ledger

MakeLedger = Callable[..., Ledger]
END = date(2024, 3, 31)


def _balance(ledger: Ledger, *days: date) -> dict[tuple[str, date], Finding]:
    with open_session(ledger, days or [END]) as session:
        found = books_balance(session, ledger.present)
    return {(finding.currency, finding.as_of): finding for finding in found if finding.as_of}


def _figures(finding: Finding) -> tuple[str, str, str]:
    return str(finding.expected), str(finding.found), str(finding.difference)


def test_every_part_is_the_accountants_figure(made: MakeLedger, clean: dict[str, str]) -> None:
    """Golden: 1,710 billed less 1,039.50 in, 200 back, 50 credited, 20 given up is 800.50."""
    finding = _balance(made(clean))["USD", END]
    parts = {name: str(amount) for name, amount in finding.parts if amount}
    assert parts == {
        "1-30": "500.00",
        "31-60": "380.00",
        "undated": "80.00",
        "within tolerance": "0.50",
        "over-applied items": "-10.00",
        "unapplied cash": "-100.00",
        "unapplied credits": "-50.00",
    }
    assert _figures(finding) == ("800.50", "800.50", "0.00")
    assert finding.passed


def test_parts_are_complete_and_in_order(made: MakeLedger, clean: dict[str, str]) -> None:
    """Every part is shown, zero or not, and the parts sum to what was found."""
    finding = _balance(made(clean))["USD", END]
    assert tuple(name for name, _ in finding.parts) == PARTS
    assert sum(amount for _, amount in finding.parts) == finding.found


def test_past_days_balance_as_they_were_shown(made: MakeLedger, clean: dict[str, str]) -> None:
    """While the bounced receipt still stood, it paid: 200 less on both sides."""
    before = _balance(made(clean), date(2024, 2, 27), date(2024, 2, 28))
    assert _figures(before["USD", date(2024, 2, 27)]) == ("570.50", "570.50", "0.00")
    assert _figures(before["USD", date(2024, 2, 28)]) == ("770.50", "770.50", "0.00")


def test_cash_from_an_unknown_receipt_is_too_little(
    made: MakeLedger, clean: dict[str, str]
) -> None:
    """Cash without a receipt lowers the item and nothing else."""
    clean["applications"] += "    APP-7 INV-2 cash R-9 2024-03-05 40.00\n"
    finding = _balance(made(clean))["USD", END]
    assert _figures(finding) == ("800.50", "760.50", "-40.00")
    assert "40.00 too little" in finding.sentence


def test_cash_on_an_unknown_invoice_is_too_much(made: MakeLedger, clean: dict[str, str]) -> None:
    """Cash applied to nothing leaves unapplied cash and lowers no item."""
    clean["applications"] += "    APP-7 INV-9 cash R-1 2024-03-05 60.00\n"
    finding = _balance(made(clean))["USD", END]
    assert _figures(finding) == ("800.50", "860.50", "60.00")
    assert "60.00 too much" in finding.sentence


def test_currencies_are_never_added(made: MakeLedger, clean: dict[str, str]) -> None:
    """Euros that pay a dollar invoice break both currencies, each by its own amount."""
    clean["receipts"] = """
        receipt_id  received_on  amount  currency
        R-1         2024-02-20   700.00  USD
        R-2         2024-02-01   29.50   USD
        R-3         2024-02-04   110.00  USD
        R-4         2024-02-15   200.00  USD
        R-5         2024-03-20   40.00   EUR
    """
    clean["applications"] += "    APP-7 INV-2 cash R-5 2024-03-20 40.00\n"
    found = _balance(made(clean))
    assert _figures(found["USD", END]) == ("800.50", "760.50", "-40.00")
    assert _figures(found["EUR", END]) == ("-40.00", "0.00", "40.00")


def test_a_return_of_an_unknown_receipt_is_found(made: MakeLedger, clean: dict[str, str]) -> None:
    """Money that goes back without having come in is in the postings only."""
    clean["receipt_returns"] += "    RET-2 R-9 2024-03-05 15.00 void\n"
    assert _figures(_balance(made(clean))["USD", END]) == ("815.50", "800.50", "-15.00")


def test_a_prepayment_waits_for_its_item(made: MakeLedger, clean: dict[str, str]) -> None:
    """Cash applied before its invoice is shown stands apart and moves over with the invoice."""
    clean["invoices"] += "    INV-6 2024-03-20 2024-04-19 100.00\n"
    clean["applications"] += "    APP-7 INV-6 cash R-1 2024-03-10 100.00\n"
    before, after = date(2024, 3, 19), date(2024, 3, 20)
    found = _balance(made(clean), before, after)
    name = "applied before its item was shown"
    assert dict(found["USD", before].parts)[name] == Decimal("-100.00")
    assert dict(found["USD", after].parts)[name] == 0
    assert all(finding.passed for finding in found.values())


def test_an_application_may_be_shown_before_its_receipt(
    made: MakeLedger, clean: dict[str, str]
) -> None:
    """A receipt that the books show late is bridged, and the bridge closes when it is shown."""
    clean["receipts"] += "    R-5 2024-03-15 40.00\n"
    clean["applications"] += "    APP-7 INV-2 cash R-5 2024-03-10 40.00\n"
    found = _balance(made(clean), date(2024, 3, 14), date(2024, 3, 15))
    name = "applied before its source was shown"
    assert [dict(f.parts)[name] for f in found.values()] == [Decimal("40.00"), Decimal(0)]
    assert all(finding.passed for finding in found.values())


def test_without_receipts_cash_is_its_own_source(made: MakeLedger, clean: dict[str, str]) -> None:
    """A source that exports no receipts balances; unapplied cash cannot be seen."""
    del clean["receipts"], clean["receipt_returns"]
    finding = _balance(made(clean))["USD", END]
    assert _figures(finding) == ("900.50", "900.50", "0.00")
    assert dict(finding.parts)["unapplied cash"] == 0


def test_a_corrected_amount_counts_from_its_day(made: MakeLedger, clean: dict[str, str]) -> None:
    """A newer version of an invoice replaces the older one from the day it is known."""
    clean["invoices"] = """
        invoice_id  issued_on   due_on      amount   known_on
        INV-1       2024-01-10  2024-02-09  1000.00  2024-01-10
        INV-1       2024-01-10  2024-02-09  900.00   2024-03-20
        INV-2       2024-02-05  2024-03-06  500.00   2024-02-05
        INV-3       2024-03-01  -           80.00    2024-03-01
        INV-4       2024-01-01  2024-01-31  30.00    2024-01-01
        INV-5       2024-01-05  2024-02-04  100.00   2024-01-05
    """
    found = _balance(made(clean), date(2024, 3, 19), date(2024, 3, 20))
    assert [_figures(f)[0] for f in found.values()] == ["800.50", "700.50"]
    assert all(finding.passed for finding in found.values())
