from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import features.ledger.write as module
from features.build import feature_frame
from features.engines import open_session
from features.ledger.cutting import cut_ledger
from features.ledger.manifest import FILE_NAME, LedgerError, Manifest, read_manifest
from features.ledger.quarantine import Rejected
from features.ledger.read import Ledger, open_ledger
from features.ledger.sensitive import SensitiveDataError
from features.ledger.write import ImportRefusedError, import_extract
from features.sources.base import Extract
from features.stages import ITEM_STAGES
from tests.conftest import make_ledger
from tests.features.books import Books, day

FIRST, SECOND = date(2024, 6, 30), date(2024, 7, 31)


def extract(book: Books, **more: Any) -> Extract:  # noqa: ANN401 (fields of Extract)
    return Extract(tables=dict(book.ledger().rows), **more)


def account() -> Books:
    return Books().invoice("I", "2024-04-01", "2024-05-01", 100)


def bring(folder: Path, book: Books, through: date, **more: Any) -> dict[str, tuple[int, ...]]:  # noqa: ANN401 (options of import_extract)
    """Import books as an export taken on a day; return new, changed and repeated rows."""
    reports = import_extract(folder, extract(book), source="test", known_through=through, **more)
    return {report.table: (report.new, report.changed, report.repeated) for report in reports}


def files(folder: Path) -> list[str]:
    """Return every file below the folder but the lock."""
    found = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    return sorted(name for name in found if name != ".lock")


def balances(ledger: Ledger, on: date) -> dict[str, float]:
    """Return the open balance of each open item on a day."""
    with open_session(ledger, [on]) as session:
        session.run(ITEM_STAGES)
        rows = session.arrow("select invoice_id, balance_cents from open_items").to_pylist()
    return {row["invoice_id"]: row["balance_cents"] / 100 for row in rows}


def values(ledger: Ledger, on: date) -> tuple[list[str], bytes]:
    """Return the items and feature bytes of a day."""
    frame = feature_frame(ledger, [on])
    return frame.items["invoice_id"].tolist(), frame.values.tobytes()


def test_the_first_import_makes_a_ledger(tmp_path: Path) -> None:
    """Rows, manifest and digests; the folder need not exist."""
    folder = tmp_path / "new" / "ledger"
    assert bring(folder, account(), FIRST)["invoices"] == (1, 0, 0)
    manifest = read_manifest(folder)
    assert manifest.known_through == FIRST
    assert {entry.table for entry in manifest.batches[0].files} >= {"accounts", "invoices"}
    assert balances(open_ledger(folder), FIRST) == {"I": 100.0}


def test_importing_the_same_twice_changes_nothing(tmp_path: Path) -> None:
    """Not a byte of any file; the report calls every row repeated."""
    bring(tmp_path, account(), FIRST)
    before = {name: (tmp_path / name).read_bytes() for name in files(tmp_path)}
    assert bring(tmp_path, account(), FIRST)["invoices"] == (0, 0, 1)
    assert {name: (tmp_path / name).read_bytes() for name in files(tmp_path)} == before


def test_the_same_content_of_a_later_day_moves_the_last_known_day(tmp_path: Path) -> None:
    """Nothing was posted in July: that is knowledge, and outcomes mature by it."""
    bring(tmp_path, account(), FIRST)
    digest = open_ledger(tmp_path).digest
    assert bring(tmp_path, account(), SECOND)["invoices"] == (0, 0, 1)
    ledger = open_ledger(tmp_path)
    assert ledger.manifest.known_through == SECOND
    assert ledger.digest == digest


def test_a_value_that_returns_to_an_earlier_one_is_a_change(tmp_path: Path) -> None:
    """Amount 100, then 80, then 100 again: the third export is no repetition of the first."""
    corrected = Books().invoice("I", "2024-04-01", "2024-05-01", 80)
    bring(tmp_path, account(), FIRST)
    bring(tmp_path, corrected, SECOND)
    assert bring(tmp_path, account(), date(2024, 8, 31))["invoices"] == (0, 1, 0)
    ledger = open_ledger(tmp_path)
    amounts = [balances(ledger, on)["I"] for on in (FIRST, SECOND, date(2024, 8, 31))]
    assert amounts == [100.0, 80.0, 100.0]


def test_new_rows_are_added_and_known_ones_skipped(tmp_path: Path) -> None:
    """The second export repeats the invoice and brings a payment."""
    bring(tmp_path, account(), FIRST)
    done = bring(tmp_path, account().cash("I", "2024-07-10", 100), SECOND)
    assert done["invoices"] == (0, 0, 1)
    assert done["applications"] == (1, 0, 0)
    ledger = open_ledger(tmp_path)
    assert list(balances(ledger, FIRST)) == ["I"]
    assert balances(ledger, SECOND) == {}


def test_a_crash_before_the_manifest_leaves_the_old_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Data files without a manifest that lists them are not part of the ledger."""
    bring(tmp_path, account(), FIRST)
    before = open_ledger(tmp_path).digest
    later = account().cash("I", "2024-07-10", 100)

    def crash(_folder: Path, _manifest: Manifest) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(module, "write_manifest", crash)
        with pytest.raises(OSError, match="disk full"):
            bring(tmp_path, later, SECOND)
    assert open_ledger(tmp_path).digest == before
    assert list(balances(open_ledger(tmp_path), SECOND)) == ["I"]
    # The import can be done again, and gives what it would have given.
    assert bring(tmp_path, later, SECOND)["applications"] == (1, 0, 0)
    assert balances(open_ledger(tmp_path), SECOND) == {}


def test_a_crash_of_the_first_import_leaves_no_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a first import cannot be opened by mistake."""

    def crash(_folder: Path, _manifest: Manifest) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(module, "write_manifest", crash)
    with pytest.raises(OSError, match="disk full"):
        bring(tmp_path, account(), FIRST)
    with pytest.raises(LedgerError, match="is no ledger"):
        open_ledger(tmp_path)


def broken(good: int) -> Books:
    """One invoice of an unknown account among good ones."""
    book = Books()
    for number in range(good):
        book.invoice(f"I{number}", "2024-04-01", "2024-05-01", 100)
    book.rows["invoices"].append(dict(book.rows["invoices"][0], invoice_id="X", account_id="??"))
    return book


def test_broken_rows_go_to_quarantine_with_their_rule(tmp_path: Path) -> None:
    """Nothing is dropped silently: table, row, rule and value are kept."""
    done = bring(tmp_path, broken(9), FIRST, max_quarantined_share=0.2)
    assert done["invoices"] == (9, 0, 0)
    rows = pq.read_table(tmp_path / "quarantine" / "batch-0001.parquet").to_pylist()
    assert [(row["table"], row["row"], row["rule"]) for row in rows] == [("invoices", 10, "orphan")]
    assert read_manifest(tmp_path).batches[0].quarantined == 1


def test_too_many_broken_rows_refuse_the_import(tmp_path: Path) -> None:
    """One of 11 rows is 9.1 %: nothing but the quarantine is written, and the error says so."""
    with pytest.raises(
        ImportRefusedError,
        match=r"1 of 11 rows break the ledger contract \(9\.1%, allowed 1\.0%\), .*'invoices'",
    ):
        bring(tmp_path, broken(9), FIRST)
    assert files(tmp_path) == ["quarantine/refused.parquet"]


def test_a_refused_import_leaves_an_existing_ledger_alone(tmp_path: Path) -> None:
    """The ledger before is the ledger after."""
    bring(tmp_path, account(), FIRST)
    before = (tmp_path / FILE_NAME).read_bytes()
    with pytest.raises(ImportRefusedError):
        bring(tmp_path, broken(9), SECOND)
    assert (tmp_path / FILE_NAME).read_bytes() == before


def test_rows_refused_by_the_source_count(tmp_path: Path) -> None:
    """Cells that could not be typed are broken rows too."""
    refused = extract(
        account(),
        rejected=[Rejected(table="invoices", row=2, rule="money", column="amount", value="ten")],
        rows_read={"invoices": 2},
    )
    with pytest.raises(ImportRefusedError, match="1 of 3 rows"):
        import_extract(tmp_path, refused, source="test", known_through=FIRST)


def test_a_card_number_is_refused_and_leaves_no_file(tmp_path: Path) -> None:
    """No ledger, no quarantine, no folder, and no digit of it in the message."""
    book = account()
    book.rows["accounts"][0] |= {"name": "card 4111 1111 1111 1111"}
    folder = tmp_path / "ledger"
    with pytest.raises(SensitiveDataError) as caught:
        bring(folder, book, FIRST)
    assert "1111" not in str(caught.value)
    assert not folder.exists()


def test_the_last_known_day_must_be_told(tmp_path: Path) -> None:
    """Neither the source nor the caller says it: refused, with the option to give."""
    with pytest.raises(LedgerError, match="--known-through"):
        import_extract(tmp_path / "L", extract(account()), source="test")
    assert not (tmp_path / "L").exists()


def test_settings_of_the_source_reach_the_manifest(tmp_path: Path) -> None:
    """Time zone, lag and currency of the first batch; defaulted clocks of all."""
    settings: Mapping[str, str | int] = {
        "time_zone": "Europe/Paris", "maturity_lag_days": 0, "reporting_currency": "EUR",
    }  # fmt: skip
    told = extract(account(), settings=settings, defaulted_clocks=("invoices",))
    import_extract(tmp_path, told, source="test", known_through=FIRST)
    more = extract(account().cash("I", "2024-07-10", 1), defaulted_clocks=("applications",))
    import_extract(tmp_path, more, source="test", known_through=SECOND)
    manifest = read_manifest(tmp_path)
    assert (manifest.time_zone, manifest.maturity_lag_days) == ("Europe/Paris", 0)
    assert manifest.reporting_currency == "EUR"
    assert manifest.defaulted_clocks == ("applications", "invoices")


def test_two_exports_give_the_features_that_each_export_gave(
    tmp_path: Path, simulated_ledger: Ledger
) -> None:
    """The law of imports: what an export of a day said, both exports together say of that day.

    Features on the day of the first export do not change when the second one is imported, and
    those on the second day are those of the second export alone.
    """
    first, second = day("2024-02-29"), day("2024-05-31")
    exports = {on: cut_ledger(simulated_ledger, on) for on in (first, second)}
    for on, ledger in exports.items():
        tables = {name: table.combine_chunks() for name, table in ledger.rows.items()}
        import_extract(tmp_path, Extract(tables=tables), source="test", known_through=on)
    both = open_ledger(tmp_path)
    assert len(both.manifest.batches) == 2
    for on, ledger in exports.items():
        assert len(values(ledger, on)[0]) > 100
        assert values(both, on) == values(ledger, on)


def test_two_exports_of_a_source_that_overwrites_agree_too(tmp_path: Path) -> None:
    """Back-dated cash, a moved due date, a corrected amount, a closed dispute: all at once.

    The second export shows the state of the end of July, with no history of its own.
    """
    dispute = {
        "dispute_id": "D", "account_id": "A", "invoice_id": "I",
        "opened_on": "2024-06-10", "amount": 40,
    }  # fmt: skip

    def june() -> Books:
        book = Books().invoice("I", "2024-04-01", "2024-05-01", 100)
        return book.invoice("J", "2024-04-01", "2024-05-01", 200).add("disputes", **dispute)

    july = Books().invoice("I", "2024-04-01", "2024-08-01", 90)
    july.invoice("J", "2024-04-01", "2024-05-01", 200)
    july.cash("J", "2024-06-25", 50, known="2024-07-02")
    # Closed with a date in June, which the export of 30 June did not show.
    july.add("disputes", **dispute, closed_on="2024-06-20", outcome="rejected")
    bring(tmp_path, june(), FIRST)
    bring(tmp_path, july, SECOND)
    both = open_ledger(tmp_path)
    assert values(both, FIRST) == values(june().ledger(), FIRST)
    frame = feature_frame(both, [SECOND])
    assert frame.items["open_balance"].tolist() == [90.0, 150.0]
    assert frame.items["days_past_due"].tolist() == [-1.0, 91.0]
    assert frame.column("item_was_disputed").tolist() == [1.0, 0.0]


def test_two_tables_that_are_equal_have_equal_digests_in_any_chunks(tmp_path: Path) -> None:
    """How the rows were read in pieces is no content."""
    tables = dict(account().paid("P", "2024-04-01", "2024-05-01", "2024-05-01").ledger().rows)
    pieces = {name: pa.concat_tables([t.slice(0, 1), t.slice(1)]) for name, t in tables.items()}
    import_extract(tmp_path, Extract(tables=tables), source="test", known_through=FIRST)
    reports = import_extract(tmp_path, Extract(tables=pieces), source="test", known_through=FIRST)
    assert sum(report.repeated for report in reports) == 4
    assert len(read_manifest(tmp_path).batches) == 1


def test_a_ledger_in_memory_and_its_import_agree(tmp_path: Path) -> None:
    """Writing to Parquet and reading changes no feature."""
    ledger = make_ledger(account().rows)
    bring(tmp_path, account(), FIRST)
    assert values(open_ledger(tmp_path), FIRST) == values(ledger, FIRST)
