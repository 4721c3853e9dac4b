from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from features.build import feature_frame
from features.ledger.manifest import LedgerError, Manifest, write_manifest
from features.ledger.read import Ledger, ledger_from_rows, open_ledger, show_tables
from features.ledger.tables import TABLES
from tests.conftest import make_ledger

JAN, FEB, MAR = date(2024, 1, 1), date(2024, 2, 1), date(2024, 3, 1)


def seen(ledger: Ledger, query: str) -> list[tuple[object, ...]]:
    """Return the answer to a query over the ledger's views."""
    with duckdb.connect() as connection:
        show_tables(connection, ledger)
        return connection.execute(query).fetchall()


def invoice(**more: object) -> dict[str, object]:
    return {
        "invoice_id": "I", "account_id": "A", "issued_on": JAN, "due_on": FEB, "amount": 100,
    } | more  # fmt: skip


def by_hand(folder: Path, tables: dict[str, str]) -> Path:
    """Write a ledger of CSV files by hand."""
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text(text, "utf-8")
    write_manifest(folder, Manifest(known_through=MAR))
    return folder


CSV = {
    "accounts": "account_id,name,parent_account_id,segment,region,currency,opened_on,autopay,"
    "credit_limit,collector,is_natural_person,crm_id\n007,N,,,,USD,,,,,,\n",
    "invoices": "invoice_id,account_id,kind,billing_kind,replaces_invoice_id,po_number_missing,"
    "issued_on,due_on,amount,currency,known_on,terms_days\n"
    "0001,007,invoice,,,,2024-01-01,2024-02-01,100.00,USD,2024-01-01,31\n",
    "applications": "application_id,invoice_id,account_id,cause,source_id,applied_on,known_on,"
    "amount,return_code\n",
}


def test_a_row_is_visible_from_the_later_of_its_two_clocks() -> None:
    """Back-dated rows appear when they are known, post-dated rows on their date."""
    ledger = make_ledger(
        {"invoices": [
            invoice(invoice_id="BACK", issued_on=JAN, known_on=FEB),
            invoice(invoice_id="POST", issued_on=MAR, known_on=FEB),
        ]}
    )  # fmt: skip
    rows = seen(ledger, "select invoice_id, visible_on, superseded_on from invoices order by 1")
    assert rows == [("BACK", FEB, None), ("POST", MAR, None)]


def test_a_newer_version_supersedes_the_older_one_on_its_day() -> None:
    """A reader before February sees 100, from then on 80."""
    ledger = make_ledger({"invoices": [invoice(), invoice(amount=80, known_on=FEB)]})
    rows = seen(ledger, "select amount, visible_on, superseded_on from invoices order by 2")
    assert rows == [(Decimal("100.00"), JAN, FEB), (Decimal("80.00"), FEB, None)]


def test_tables_that_a_source_lacks_are_empty_and_not_present() -> None:
    """Queries run all the same; ``present`` tells an absent table from an empty one."""
    ledger = make_ledger({"invoices": [invoice()], "disputes": []})
    counts = " union all ".join(f"select '{name}', count(*) from {name}" for name in TABLES)  # noqa: S608 (tables of the contract)
    assert dict(seen(ledger, counts)) == {name: int(name == "invoices") for name in TABLES}
    assert "disputes" in ledger.present
    assert "promises" not in ledger.present


def test_a_ledger_of_csv_files_gives_the_features_of_its_rows(tmp_path: Path) -> None:
    """Ids stay text with their zeros, and a folder made by hand needs no batches."""
    frame = feature_frame(open_ledger(by_hand(tmp_path, CSV)), [MAR])
    assert frame.items["invoice_id"].tolist() == ["0001"]
    assert frame.items["account_id"].tolist() == ["007"]
    assert frame.column("days_past_due").tolist() == [29.0]


def test_a_missing_required_table_is_named(tmp_path: Path) -> None:
    """A ledger without applications cannot be read."""
    tables = {name: text for name, text in CSV.items() if name != "applications"}
    with pytest.raises(LedgerError, match="required tables are missing: applications"):
        open_ledger(by_hand(tmp_path, tables))


def test_the_digest_follows_the_content(tmp_path: Path) -> None:
    """One cent changes it; the same rows do not."""
    first, same, other = (
        make_ledger({"invoices": [invoice(amount=amount)]}) for amount in (100, 100, 100.01)
    )
    assert first.digest == same.digest != other.digest
    on_disk = open_ledger(by_hand(tmp_path, CSV)).digest
    (tmp_path / "invoices.csv").write_text(CSV["invoices"].replace("100.00", "100.01"), "utf-8")
    assert open_ledger(tmp_path).digest != on_disk


def test_the_newest_row_of_a_table_without_a_clock_counts() -> None:
    """A rate that a later batch corrected stands once."""
    ledger = make_ledger({"fx_rates": [
        {"currency": "EUR", "rate_on": JAN, "rate": Decimal("1.1")},
        {"currency": "EUR", "rate_on": JAN, "rate": Decimal("1.1")},
    ]})  # fmt: skip
    assert seen(ledger, "select currency, rate_on from fx_rates") == [("EUR", JAN)]


def test_a_path_with_a_quote_is_read(tmp_path: Path) -> None:
    """File names reach the engine as text, never as code."""
    folder = tmp_path / "O'Brien's ledger"
    folder.mkdir()
    assert len(feature_frame(open_ledger(by_hand(folder, CSV)), [MAR]).items) == 1


def test_rows_in_memory_keep_their_manifest() -> None:
    """What the manifest says travels with the rows."""
    manifest = Manifest(known_through=MAR, maturity_lag_days=0)
    ledger = ledger_from_rows(make_ledger({}).rows, manifest)
    assert ledger.manifest.maturity_lag_days == 0
