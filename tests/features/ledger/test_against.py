"""Two ledgers of one system agree on the last known day of the older one, or it is said where."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.catalogue import NAMES
from features.engines import EngineOptions
from features.ledger.against import check_against
from features.ledger.cutting import cut_ledger
from features.ledger.finding import Finding, all_passed
from features.ledger.manifest import LedgerError
from features.ledger.read import Ledger, open_ledger
from features.ledger.write import import_extract
from features.sources.base import Extract

MakeLedger = Callable[..., Ledger]
LATER = "2024-04-30"


def compared(newer: Ledger, older: Ledger) -> list[Finding]:
    """What the comparison finds, on one thread: quicker for small ledgers."""
    return check_against(newer, older, options=EngineOptions(threads=1))


def failed(findings: Sequence[Finding]) -> dict[str, Finding]:
    """Findings that are not passed by name and where, the features apart."""
    return {
        f"{finding.name} {finding.where}".strip(): finding
        for finding in findings
        if finding.outcome != "passed" and finding.name != "features_agree"
    }


def features(findings: Sequence[Finding]) -> dict[str, tuple[str, ...]]:
    """Features that differ, with their examples."""
    return {
        finding.where: finding.examples
        for finding in findings
        if finding.name == "features_agree" and not finding.passed
    }


def test_what_was_posted_since_is_no_difference(made: MakeLedger, clean: dict[str, str]) -> None:
    """A new account, invoice and payment of April leave March as it was."""
    grown = clean | {
        "accounts": clean["accounts"] + "A3\n",
        "invoices": clean["invoices"] + "INV-6 2024-04-05 2024-05-05 10.00\n",
        "receipts": clean["receipts"] + "R-5 2024-04-10 500.00\n",
        "applications": clean["applications"] + "APP-7 INV-2 cash R-5 2024-04-10 500.00\n",
    }
    findings = compared(made(grown, LATER), made(clean))
    assert [finding.name for finding in findings] == [
        "ids_kept",
        "values_kept",
        "days_kept",
        "features_agree",
    ]
    assert {finding.outcome for finding in findings} == {"passed"}
    assert findings[-1].sentence == (
        f"All {len(NAMES)} features of the 3 items open on 2024-03-31 are the same bytes."
    )


def test_a_vanished_invoice_is_named(made: MakeLedger, clean: dict[str, str]) -> None:
    """INV-3 was open in March and is nowhere in April's export."""
    lines = [line for line in clean["invoices"].splitlines() if "INV-3" not in line]
    findings = compared(made(clean | {"invoices": "\n".join(lines)}, LATER), made(clean))
    (gone,) = failed(findings).values()
    assert (gone.name, gone.where, gone.count, gone.examples) == (
        "ids_kept",
        "invoices",
        1,
        ("INV-3",),
    )
    assert "balances, ageing and payment history of past days" in gone.sentence
    assert features(findings)["open items"] == ("INV-3",)


def test_an_overwritten_due_date_is_told_with_both_values(
    made: MakeLedger, clean: dict[str, str]
) -> None:
    """INV-2 was 25 days late on 31 March; the moved due date says it was not yet due."""
    moved = clean | {"invoices": clean["invoices"].replace("2024-03-06", "2024-05-06")}
    findings = compared(made(moved, LATER), made(clean))
    (changed,) = failed(findings).values()
    assert (changed.name, changed.where, changed.count) == ("values_kept", "invoices.due_on", 1)
    assert changed.examples == ("INV-2: 2024-03-06 → 2024-05-06",)
    assert features(findings)["days_past_due"] == ("INV-2: 25 → -36",)
    assert features(findings)["due_on"] == ("INV-2: 2024-03-06 → 2024-05-06",)


def test_a_dated_change_of_a_due_date_is_no_difference(
    made: MakeLedger, clean: dict[str, str]
) -> None:
    """The first due date stands and the change counts from April."""
    changes = "invoice_id known_on due_on\nINV-2 2024-04-02 2024-05-06\n"
    findings = compared(made(clean | {"due_date_changes": changes}, LATER), made(clean))
    assert {finding.outcome for finding in findings} == {"passed"}


def test_a_dated_change_with_a_false_day_is_found(made: MakeLedger, clean: dict[str, str]) -> None:
    """A change known from March, which March's export does not have, came later."""
    changes = "invoice_id known_on due_on\nINV-2 2024-03-10 2024-05-06\n"
    findings = compared(made(clean | {"due_date_changes": changes}, LATER), made(clean))
    assert failed(findings)["days_kept due_date_changes"].examples == (
        "INV-2 2024-03-10: shown from 2024-03-10",
    )


BACK_DATED = {
    "receipts": "receipt_id received_on known_on amount\nR-5 2024-03-28 {known} 500.00\n",
    "applications": "application_id invoice_id cause source_id applied_on known_on amount\n"
    "APP-7 INV-2 cash R-5 2024-03-28 {known} 500.00\n",
}


def with_late_cash(made: MakeLedger, clean: dict[str, str], known: str) -> Ledger:
    """The clean ledger with cash of 28 March that was entered after March."""
    before = made(clean, LATER)
    late = made({name: text.format(known=known) for name, text in BACK_DATED.items()}, LATER)
    both = {name: pa.concat_tables([before.rows[name], late.rows[name]]) for name in late.rows}
    return replace(before, rows={**before.rows, **both})


def test_back_dated_cash_with_a_false_known_day_is_found(
    made: MakeLedger, clean: dict[str, str]
) -> None:
    """Entered in April, known from 28 March as the row says: nobody saw it in March."""
    findings = compared(with_late_cash(made, clean, "2024-03-28"), made(clean))
    found = failed(findings)
    assert found.keys() == {"days_kept receipts", "days_kept applications"}
    cash = found["days_kept applications"]
    assert (cash.outcome, cash.count, cash.examples) == (
        "failed",
        1,
        ("APP-7: shown from 2024-03-28",),
    )
    assert "later with an earlier known day" in cash.sentence
    assert features(findings)["open items"] == ("INV-2",)


def test_back_dated_cash_with_its_true_known_day_is_no_difference(
    made: MakeLedger, clean: dict[str, str]
) -> None:
    """The business date may lie in March when the known day does not."""
    findings = compared(with_late_cash(made, clean, "2024-04-03"), made(clean))
    assert {finding.outcome for finding in findings} == {"passed"}


def test_a_copied_known_day_is_named_as_the_cause(made: MakeLedger, clean: dict[str, str]) -> None:
    """Where known_on is the business date, the sentence says what to export."""
    newer = with_late_cash(made, clean, "2024-03-28")
    newer = replace(newer, manifest=replace(newer.manifest, defaulted_clocks=("applications",)))
    found = failed(compared(newer, made(clean)))
    assert "copied from the business date" in found["days_kept applications"].sentence
    assert "copied from the business date" not in found["days_kept receipts"].sentence


def test_a_row_that_an_update_moved_to_a_later_day_is_found(
    made: MakeLedger, clean: dict[str, str]
) -> None:
    """A known day taken from the time of the last update takes the invoice out of March."""
    rows = "invoice_id issued_on known_on due_on amount\nINV-1 2024-01-10 {} 2024-02-09 10.00\n"
    newer = made(clean | {"invoices": rows.format("2024-04-05")}, LATER)
    older = made(clean | {"invoices": rows.format("2024-01-10")})
    found = failed(compared(newer, older))
    assert found["days_kept invoices"].examples == ("INV-1: shown from 2024-01-10 → 2024-04-05",)
    assert "this one only later" in found["days_kept invoices"].sentence


DISPUTES = """
    dispute_id  invoice_id  opened_on   amount  closed_on  closed_known_on  outcome
    D-1         INV-2       2024-03-01  50.00   {}
"""


def test_a_dispute_closed_later_is_no_difference(made: MakeLedger, clean: dict[str, str]) -> None:
    """Closed on 28 March, as the books showed in April: open on 31 March in both."""
    older = made(clean | {"disputes": DISPUTES.format("- - -")})
    newer = made(clean | {"disputes": DISPUTES.format("2024-03-28 2024-04-02 won")}, LATER)
    assert {finding.outcome for finding in compared(newer, older)} == {"passed"}


def test_a_closing_with_a_false_known_day_is_found(made: MakeLedger, clean: dict[str, str]) -> None:
    """The late columns are compared as they were known on the day."""
    older = made(clean | {"disputes": DISPUTES.format("- - -")})
    newer = made(clean | {"disputes": DISPUTES.format("2024-03-28 2024-03-28 won")}, LATER)
    found = failed(compared(newer, older))
    assert {name: finding.examples for name, finding in found.items()} == {
        "values_kept disputes.closed_on": ("D-1: empty → 2024-03-28",),
        "values_kept disputes.closed_known_on": ("D-1: empty → 2024-03-28",),
        "values_kept disputes.outcome": ("D-1: empty → won",),
    }


def test_a_promise_replaced_later_is_no_difference(made: MakeLedger, clean: dict[str, str]) -> None:
    """The promise that replaces it is of April; before, nobody knew of it."""
    head = "promise_id made_on promised_on amount withdrawn_on superseded_by\n"
    older = made(clean | {"promises": f"{head}P-1 2024-03-20 2024-04-20 80.00 - -\n"})
    later = "P-1 2024-03-20 2024-04-20 80.00 2024-04-18 P-2\nP-2 2024-04-18 2024-05-20 80.00 - -\n"
    newer = made(clean | {"promises": head + later}, LATER)
    assert {finding.outcome for finding in compared(newer, older)} == {"passed"}


def test_long_texts_are_cut_and_secrets_and_names_are_not_shown(
    made: MakeLedger, clean: dict[str, str]
) -> None:
    """A reason is shown in part, a card number never, a person's name never."""
    heads = {
        "accounts": "account_id name segment\n",
        "credits": "credit_id issued_on amount reason\n",
    }
    older = made(
        clean
        | {
            "accounts": heads["accounts"] + "A1 Meier small\nA2 - -\n",
            "credits": heads["credits"] + "C-1 2024-03-10 50.00 short\nC-2 2024-03-11 1.00 none\n",
        }
    )
    newer = made(
        clean
        | {
            "accounts": heads["accounts"] + "A1 Schmidt large\nA2 - -\n",
            "credits": heads["credits"]
            + f"C-1 2024-03-10 50.00 {'abc' * 20}\nC-2 2024-03-11 1.00 card:4111-1111-1111-1111\n",
        },
        LATER,
    )
    found = failed(compared(newer, older))
    assert found["values_kept accounts.name"].examples == ("A1",)
    assert found["values_kept accounts.segment"].examples == ("A1: small → large",)
    assert found["values_kept credits.reason"].examples == (
        f"C-1: short → {'abc' * 8}…",
        "C-2: none → [redacted: card number]",
    )
    assert "Meier" not in str(found)
    assert "Schmidt" not in str(found)


def test_late_rows_of_a_table_without_a_known_day_are_a_warning(
    made: MakeLedger, clean: dict[str, str]
) -> None:
    """Contacts carry no day of entry, so a late one cannot be told from an early one."""
    head = "contact_id contacted_on channel\n"
    older = made(clean | {"contacts": f"{head}K-1 2024-03-01 call\n"})
    newer = made(clean | {"contacts": f"{head}K-1 2024-03-01 call\nK-2 2024-03-02 call\n"}, LATER)
    findings = compared(newer, older)
    assert failed(findings)["days_kept contacts"].outcome == "warning"
    assert all_passed(findings)


def test_tables_of_one_ledger_alone_are_left_out_with_a_warning(
    made: MakeLedger, clean: dict[str, str]
) -> None:
    """April's export has disputes of March for the first time; the other tables still agree."""
    disputes = {"disputes": DISPUTES.format("- - -")}
    findings = compared(made(clean | disputes, LATER), made(clean))
    (warning,) = failed(findings).values()
    assert (warning.name, warning.outcome, warning.examples) == (
        "same_tables",
        "warning",
        ("disputes",),
    )
    assert features(findings) == {}


def test_ledgers_named_the_wrong_way_round_are_refused(
    made: MakeLedger, clean: dict[str, str]
) -> None:
    """The message says which one ends earlier."""
    with pytest.raises(LedgerError, match="known through 2024-04-30, this one through 2024-03-31"):
        compared(made(clean), made(clean, LATER))


@pytest.mark.parametrize("day", [date(2023, 11, 20), date(2024, 6, 16)], ids=str)
def test_a_ledger_agrees_with_itself_cut_at_a_day(simulated_ledger: Ledger, day: date) -> None:
    """Every table, with all that was filled in and changed since."""
    findings = compared(simulated_ledger, cut_ledger(simulated_ledger, day))
    assert {finding.outcome for finding in findings} == {"passed"}


def test_exports_imported_one_after_the_other_keep_the_past(
    simulated_ledger: Ledger, tmp_path: Path
) -> None:
    """The import dates an overwritten due date; reading the later export alone does not."""
    day = date(2024, 6, 30)
    first = Extract(tables=dict(cut_ledger(simulated_ledger, day).rows))
    invoices = simulated_ledger.rows["invoices"].to_pandas(date_as_object=True)
    invoices.loc[invoices["issued_on"] < date(2024, 5, 1), "due_on"] = date(2024, 12, 1)
    later = dict(simulated_ledger.rows)
    later["invoices"] = pa.Table.from_pandas(
        invoices, schema=later["invoices"].schema, preserve_index=False
    )
    second = Extract(tables=later)
    through = simulated_ledger.manifest.known_through
    for name, extracts in {
        "older": [(first, day)],
        "grown": [(first, day), (second, through)],
        "alone": [(second, through)],
    }.items():
        for extract, known_through in extracts:
            import_extract(tmp_path / name, extract, source="test", known_through=known_through)
    older = open_ledger(tmp_path / "older")
    assert all_passed(compared(open_ledger(tmp_path / "grown"), older))
    alone = failed(compared(open_ledger(tmp_path / "alone"), older))
    assert alone.keys() == {"values_kept invoices.due_on"}


def test_a_damaged_ledger_is_reported_and_not_raised(
    tmp_path: Path, made: MakeLedger, clean: dict[str, str]
) -> None:
    """Bytes that are no Parquet file give a finding with the next step."""
    older = made(clean)
    folder = tmp_path / "ledger"
    import_extract(
        folder, Extract(tables=dict(older.rows)), source="t", known_through=date(2024, 3, 31)
    )
    assert pq.read_table(folder / "credits.parquet").num_rows == 1
    (folder / "credits.parquet").write_bytes(b"not a table")
    (finding,) = compared(open_ledger(folder), older)
    assert (finding.name, finding.outcome) == ("comparable", "failed")
    assert "Check each of them alone first" in finding.sentence
