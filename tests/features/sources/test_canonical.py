import json
import logging
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.ledger.arrow import arrow_schema
from features.ledger.quarantine import quarantine_table
from features.ledger.sensitive import SensitiveDataError
from features.ledger.tables import TABLES
from features.ledger.validate import validate
from features.sources.base import ContractError, Extract
from features.sources.canonical import CanonicalSource

CARD = "4111 1111 1111 1111"
GOOD = {
    "accounts.csv": "account_id,name,autopay\n007,Acme,yes\n008,,0\n",
    "invoices.csv": (
        "invoice_id,account_id,issued_on,due_on,amount,currency\n"
        '0001,007,31/01/2024,31/03/2024,"1,250.50",USD\n'
        "0002,008,01/02/2024,00000000,(7.00),USD\n"
    ),
    "applications.csv": (
        "application_id,invoice_id,account_id,cause,applied_on,known_on,amount\n"
        "p1,0001,007,cash,2024-02-10,2024-02-12,100\n"
    ),
}


def _folder(path: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        (path / name).write_text(content, encoding="utf-8")
    return path


def _read(path: Path, **changed: str) -> Extract:
    files = GOOD | {f"{name}.csv": content for name, content in changed.items()}
    return CanonicalSource().read(_folder(path, files))


def test_a_folder_of_csv_becomes_typed_tables(tmp_path: Path) -> None:
    """Ids keep their zeros, money, dates and booleans are typed, what is absent is null."""
    extract = _read(tmp_path)
    for name, table in extract.tables.items():
        assert table.schema == arrow_schema(TABLES[name])
    assert extract.tables["accounts"].select(["account_id", "name", "autopay"]).to_pylist() == [
        {"account_id": "007", "name": "Acme", "autopay": True},
        {"account_id": "008", "name": None, "autopay": False},
    ]
    first, second = extract.tables["invoices"].to_pylist()
    assert first["amount"] == Decimal("1250.50")
    assert first["due_on"] == date(2024, 3, 31)
    assert (second["due_on"], second["amount"]) == (None, Decimal("-7.00"))
    assert {first["kind"], second["kind"]} == {"invoice"}
    assert first["billing_kind"] is None
    assert extract.rejected == []
    assert extract.rows_read == {"accounts": 2, "invoices": 2, "applications": 1}


def test_an_absent_clock_is_the_business_date_and_says_so(tmp_path: Path) -> None:
    """known_on is copied from the business date where the source has none, per table."""
    extract = _read(
        tmp_path,
        credits="credit_id,account_id,issued_on,known_on,amount,currency\nc,007,2024-01-01,,5,USD\n",
    )
    assert extract.defaulted_clocks == ("invoices", "credits")
    invoices = extract.tables["invoices"]
    assert invoices["known_on"].to_pylist() == invoices["issued_on"].to_pylist()
    assert extract.tables["applications"]["known_on"].to_pylist() == [date(2024, 2, 12)]


def test_parquet_and_csv_give_the_same_tables(tmp_path: Path) -> None:
    """Typed Parquet, one file or several, is read as the CSV is."""
    (tmp_path / "csv").mkdir()
    wanted = _read(tmp_path / "csv")
    for layout in ("one", "many"):
        folder = tmp_path / layout
        folder.mkdir()
        for name, table in wanted.tables.items():
            if layout == "one":
                pq.write_table(table, folder / f"{name}.parquet")
            else:
                (folder / name).mkdir()
                pq.write_table(table.slice(0, 1), folder / name / "part-0.parquet")
                pq.write_table(table.slice(1), folder / name / "part-1.parquet")
        extract = CanonicalSource().read(folder)
        assert extract.tables == wanted.tables
        assert extract.defaulted_clocks == ()


def test_cells_that_cannot_be_typed_are_told_with_their_line(tmp_path: Path) -> None:
    """Each bad cell is one record with its line of data; the row is left out, others stay."""
    extract = _read(
        tmp_path,
        applications=(
            "application_id,invoice_id,account_id,cause,applied_on,known_on,amount\n"
            "p1,0001,007,cash,2024-02-30,2024-02-12,1.005\n"
            "short\n"
            "p\x003,0001,007,cash,2024-02-10,2024-02-12,5.00\n"
            "p4,0001,007,cash,2024-02-10,2024-02-12,5.00\n"
        ),
    )
    assert sorted((bad.row, bad.rule, bad.column, bad.value) for bad in extract.rejected) == [
        (1, "date", "applied_on", "2024-02-30"),
        (1, "decimals", "amount", "1.005"),
        (2, "fields", "", "1 fields, the header has 7"),
        (3, "nul", "application_id", "p\x003"),
    ]
    assert extract.tables["applications"]["application_id"].to_pylist() == ["p4"]
    assert extract.source_rows["applications"].to_pylist() == [4]
    assert extract.rows_read["applications"] == 4


def test_lines_of_the_source_reach_the_validator(tmp_path: Path) -> None:
    """A row the validator refuses is told by its line in the file, not in the typed table."""
    extract = _read(
        tmp_path,
        applications=(
            "application_id,invoice_id,account_id,cause,applied_on,known_on,amount\n"
            "p1,0001,007,cash,never,2024-02-12,1\n"
            "p2,0001,007,paid,2024-02-10,2024-02-12,1\n"
        ),
    )
    checked = validate(extract.tables, source_rows=extract.source_rows)
    assert [(bad.table, bad.row, bad.rule) for bad in checked.rejected] == [
        ("invoices", 2, "sign"),
        ("applications", 2, "choice"),
    ]


def test_every_fault_of_the_folder_is_told_at_once(tmp_path: Path) -> None:
    """Missing tables, missing columns and unreadable columns are one error with all details."""
    _folder(
        tmp_path,
        {
            "accounts.csv": "name\nAcme\n",
            "invoices.csv": (
                "invoice_id,account_id,issued_on,amount,currency\n1,A,02/03/2024,1.234,USD\n"
            ),
            "ledger.json": '{"known_through": "31.01.2024", "maturity_lag_days": "7"}',
        },
    )
    with pytest.raises(ContractError) as caught:
        CanonicalSource().read(tmp_path)
    details = caught.value.details
    assert len(details) == 6
    text = str(caught.value)
    for part in (
        "known_through must be an ISO date",
        "maturity_lag_days must be a whole number",
        "'accounts': required column(s) account_id missing. Accepted names: account_id, name",
        "'invoices': Column 'issued_on': '02/03/2024' can be day or month first",
        "'invoices': Column 'amount': '1.234' can be read",
        "'applications' is missing. Accepted: applications.parquet, applications.csv",
    ):
        assert part in text
    settled = CanonicalSource(date_order="dmy", decimal_mark=",")
    _folder(tmp_path, {"accounts.csv": GOOD["accounts.csv"], "ledger.json": "{}"})
    _folder(tmp_path, {"applications.csv": GOOD["applications.csv"]})
    invoice = settled.read(tmp_path).tables["invoices"].to_pylist()[0]
    assert (invoice["issued_on"], invoice["amount"]) == (date(2024, 3, 2), Decimal(1234))


def test_a_table_must_be_there_once(tmp_path: Path) -> None:
    """Two files for one table are a fault, since nobody knows which one counts."""
    _folder(tmp_path, GOOD)
    pq.write_table(pa.table({"account_id": ["1"]}), tmp_path / "accounts.parquet")
    with pytest.raises(ContractError, match=r"more than once: accounts\.csv, accounts\.parquet"):
        CanonicalSource().read(tmp_path)
    with pytest.raises(ContractError, match="is not a folder"):
        CanonicalSource().read(tmp_path / "accounts.csv")


def test_what_is_left_out_is_warned_of(tmp_path: Path) -> None:
    """Unknown columns and files are named and not carried over."""
    extract = _read(tmp_path, accounts="account_id,Mood\n007,x\n008,y\n", orders="id\n1\n")
    assert extract.warnings == (
        "Table 'accounts': column(s) Mood are not in the contract and were left out.",
        "File(s) orders.csv are no table of the contract and were left out.",
    )
    assert "Mood" not in extract.tables["accounts"].column_names


def test_the_ledger_file_tells_what_no_table_can(tmp_path: Path) -> None:
    """known_through, settings and clocks that were defaulted before are taken over."""
    content = {
        "format": 1,
        "known_through": "2024-03-31",
        "time_zone": "Europe/Berlin",
        "maturity_lag_days": 3,
        "reporting_currency": None,
        "defaulted_clocks": ["applications"],
    }
    _folder(tmp_path, {"ledger.json": json.dumps(content)})
    extract = _read(tmp_path)
    assert extract.known_through == date(2024, 3, 31)
    assert extract.settings == {"time_zone": "Europe/Berlin", "maturity_lag_days": 3}
    assert extract.defaulted_clocks == ("invoices", "applications")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("not json", "is no JSON object"),
        ("[]", "is no JSON object"),
        ('{"known_through": 20240131}', "known_through must be"),
        ('{"defaulted_clocks": ["orders"]}', "defaulted_clocks must be"),
        ('{"time_zone": 1}', "time_zone must be text"),
    ],
)
def test_a_broken_ledger_file_is_refused(tmp_path: Path, content: str, message: str) -> None:
    """What ledger.json says wrongly is a fault and never ignored."""
    _folder(tmp_path, {"ledger.json": content})
    with pytest.raises(ContractError, match=message):
        _read(tmp_path)


@settings(deadline=None, max_examples=40)
@given(
    column=st.sampled_from(["account_id", "name", "segment", "collector", "crm_id"]),
    others=st.lists(st.sampled_from(["x", "INV-1", "Acme 2024"]), max_size=5),
    secret=st.sampled_from([CARD, CARD.replace(" ", ""), "GB82 WEST 1234 5698 7654 32"]),
)
def test_a_planted_secret_refuses_the_file_and_is_never_shown(
    tmp_path_factory: pytest.TempPathFactory, column: str, others: list[str], secret: str
) -> None:
    """A card number or an IBAN in any text column of a file stops the import."""
    rows = [*others, secret]
    header = "account_id" if column == "account_id" else f"account_id,{column}"
    lines = [
        cell if column == "account_id" else f"A{number},{cell}" for number, cell in enumerate(rows)
    ]
    files = {**GOOD, "accounts.csv": "\n".join([header, *lines]) + "\n"}
    folder = _folder(tmp_path_factory.mktemp("export"), files)
    with pytest.raises(SensitiveDataError) as caught:
        CanonicalSource().read(folder)
    assert secret not in f"{caught.value} {caught.value!r} {vars(caught.value)}"


def test_secrets_in_other_columns_are_redacted_and_nothing_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A card number where money or a date belongs is refused, and its value replaced."""
    with caplog.at_level(logging.DEBUG):
        extract = _read(
            tmp_path,
            applications=(
                "application_id,invoice_id,account_id,cause,applied_on,known_on,amount\n"
                f"p1,0001,007,cash,{CARD},2024-02-12,{CARD}\n"
            ),
        )
    assert {bad.value for bad in extract.rejected} == {"[redacted: card number]"}
    assert CARD not in str(quarantine_table(extract.rejected).to_pylist())
    assert caplog.text == ""


def test_confirmed_document_numbers_pass(tmp_path: Path) -> None:
    """An id column a person has confirmed is read, and the extract says which."""
    number = CARD.replace(" ", "")
    _folder(tmp_path, {**GOOD, "accounts.csv": f"account_id\n{number}\n"})
    confirmed = frozenset({("accounts", "account_id")})
    extract = CanonicalSource(document_numbers=confirmed).read(tmp_path)
    assert extract.tables["accounts"]["account_id"].to_pylist() == [number]
    assert extract.document_numbers == confirmed
