import json
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from features.build import feature_frame
from features.engines import EngineOptions
from features.ledger.read import open_ledger
from features.ledger.sensitive import SensitiveDataError
from features.ledger.write import import_extract
from features.sources.base import ContractError, Extract
from features.sources.canonical import CanonicalSource
from features.sources.simulated import Simulation
from tests.features.sources.erp import MAPPING, contacts, read, run
from tests.features.sources.postgres import PASSWORD, as_reader

SQLITE_MAPPING = """
known_through = 2024-03-31
[accounts]
table = "customers"
columns.account_id = "id"
constants = { currency = "USD", segment = "it's; drop table customers --" }
[invoices]
table = "open items; drop table customers"
columns = { invoice_id = "no\\"; drop table customers --", account_id = "customer" }
constants.currency = "USD"
[applications]
query = "select 'p' || rowid as application_id, * from clearings"
"""


def _canonical(folder: Path, simulation: Simulation) -> Extract:
    folder.mkdir()
    for name, rows in simulation.tables.items():
        pq.write_table(rows, folder / f"{name}.parquet")
    said = {
        "known_through": str(simulation.known_through),
        "time_zone": "Europe/Berlin",
        "reporting_currency": "USD",
    }
    (folder / "ledger.json").write_text(json.dumps(said), "utf-8")
    return CanonicalSource().read(folder)


def _sqlite(path: Path) -> str:
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        for statement in (
            "create table customers (id text, name text, autopay integer, opened_on text)",
            "insert into customers values ('007', 'Robert''); drop table customers;--', 1, "
            "'2020-01-31 23:30:00+00:00'), ('008', null, 0, null)",
            'create table "open items; drop table customers" ("no""; drop table customers --" '
            "integer, customer text, issued_on text, due_on text, amount numeric)",
            'insert into "open items; drop table customers" values '
            "(12345678901234567, '007', '2024-01-01', '2024-01-31', 1234.5), "
            "(2, '008', '2024-01-02', null, 7)",
            "create table clearings (invoice_id text, account_id text, cause text, "
            "applied_on text, amount text)",
            "insert into clearings values ('2', '008', 'cash', '2024-02-01', '7.00')",
        ):
            connection.exec_driver_sql(statement)
    engine.dispose()
    return f"sqlite:///{path}"


def test_a_database_gives_the_features_of_the_same_ledger_in_files(
    loaded: str, erp_simulation: Simulation, tmp_path: Path
) -> None:
    """Renamed, recoded and queried, the rows are the same, and so is every byte of features."""
    from_files = _canonical(tmp_path / "export", erp_simulation)
    from_database = read(tmp_path, loaded)
    assert from_database.rejected == []
    assert from_database.settings == from_files.settings
    assert from_database.known_through == from_files.known_through
    for name, rows in from_files.tables.items():
        order = [(column, "ascending") for column in rows.column_names]
        assert from_database.tables[name] == rows.sort_by(order), name
    ledgers = {}
    for name, extract in (("files", from_files), ("database", from_database)):
        import_extract(tmp_path / name, extract, source="sql")
        ledgers[name] = open_ledger(tmp_path / name)
    for as_of in (date(2023, 8, 31), date(2023, 12, 31)):
        frames = [
            feature_frame(ledger, [as_of], options=EngineOptions(threads=1))
            for ledger in ledgers.values()
        ]
        assert len(frames[0].items) > 20
        assert frames[0].items.equals(frames[1].items)
        assert frames[0].values.tobytes() == frames[1].values.tobytes()


def test_importing_twice_changes_nothing(loaded: str, server: sa.URL, tmp_path: Path) -> None:
    """The second import writes no file, although rows have moved within their table."""
    ledger = tmp_path / "ledger"
    first = import_extract(ledger, read(tmp_path, loaded), source="sql")
    before = {path.name: path.read_bytes() for path in ledger.iterdir() if path.is_file()}
    run(server, "update erp.applications set reason = reason where amount > 500")
    second = import_extract(ledger, read(tmp_path, loaded), source="sql")
    assert before == {path.name: path.read_bytes() for path in ledger.iterdir() if path.is_file()}
    assert sum(report.new for report in first) > 1000
    assert {(report.new, report.changed, report.quarantined) for report in second} == {(0, 0, 0)}


@pytest.mark.parametrize("chunk_rows", [1, 7, 100_000])
def test_the_size_of_the_chunks_changes_nothing(
    loaded: str, tmp_path: Path, chunk_rows: int
) -> None:
    """Chunks smaller than the table, of one row and larger than it give the same tables."""
    assert read(tmp_path, loaded, chunk_rows=chunk_rows).tables == read(tmp_path, loaded).tables


def test_rows_are_fetched_chunk_by_chunk(loaded: str, tmp_path: Path) -> None:
    """The server keeps the result: no fetch asks it for more than one chunk of rows."""
    import psycopg

    asked: list[int] = []
    fetch = psycopg.ServerCursor.fetchmany

    def count(self: Any, size: int = 0) -> Any:  # noqa: ANN401 (the driver's own types)
        asked.append(size)
        return fetch(self, size)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(psycopg.ServerCursor, "fetchmany", count)
        patch.setattr(psycopg.ServerCursor, "fetchall", None)
        extract = read(tmp_path, loaded, chunk_rows=50)
    assert max(asked) <= 50
    assert len(asked) > sum(extract.rows_read.values()) / 50


def test_a_date_that_is_none_stops_the_import_with_the_tables_name(
    loaded: str, tmp_path: Path
) -> None:
    """PostgreSQL's infinity has no day; the error says where it stands."""
    query = "select 'k' as contact_id, 'A' as account_id, date 'infinity' as contacted_on"
    with pytest.raises(ContractError, match=r"Table 'contacts' \(query\): .*infinity"):
        read(tmp_path, loaded, contacts(f'query = "{query}"'))


def test_every_fault_of_the_mapping_is_told_with_the_nearest_name(
    loaded: str, tmp_path: Path
) -> None:
    """Tables and columns that the database does not have are one error with all of them."""
    mapping = (
        MAPPING.replace('"erp.accounts"', '"erp.accountz"')
        .replace('"document_no"', '"documentno"')
        .replace("clearing_no as application_id", "clearing_no")
    )
    with pytest.raises(ContractError) as caught:
        read(tmp_path, loaded, mapping)
    text = str(caught.value)
    for part in (
        "Table 'accounts' (erp.accountz): the database has no such table or view: did you mean "
        "'accounts'?",
        "Table 'invoices' (erp.invoices) has no column 'documentno' for 'invoice_id': did you "
        "mean 'document_no'?",
        "Table 'applications': required column(s) application_id missing.",
    ):
        assert part in text
    assert len(caught.value.details) == 3


def test_a_query_with_a_mistake_is_told_with_the_databases_words(
    loaded: str, tmp_path: Path
) -> None:
    """The table of the ledger, the message and its hint; not the statement."""
    mapping = MAPPING.replace("lower(reason)", "lower(reasn)")
    with pytest.raises(ContractError) as caught:
        read(tmp_path, loaded, mapping)
    assert str(caught.value).startswith("postgresql+psycopg://reader:***@")
    assert str(caught.value).endswith(
        "Table 'applications' (query): column \"reasn\" does not exist "
        'HINT: Perhaps you meant to reference the column "posted.reason".'
    )


def test_the_ledger_keeps_no_address(loaded: str, tmp_path: Path) -> None:
    """Neither the password nor the host stands in any file of the ledger."""
    import_extract(tmp_path / "ledger", read(tmp_path, loaded), source="sql")
    stored = b"".join(
        path.read_bytes() for path in (tmp_path / "ledger").rglob("*") if path.is_file()
    )
    for part in (PASSWORD, "p%40ss", "psycopg", "reader"):
        assert part.encode() not in stored


def test_card_numbers_in_a_table_are_refused(loaded: str, server: sa.URL, tmp_path: Path) -> None:
    """A card number in free text stops the import; a secret's column cannot be mapped."""
    del loaded
    run(
        server,
        "create table erp.cards as select 'k' as contact_id, 'A-000001' as account_id, "
        "current_date as contacted_on, 'call 4111 1111 1111 1111' as outcome, 'x' as iban",
    )
    reader = as_reader(server)
    with pytest.raises(SensitiveDataError, match="card number") as caught:
        read(tmp_path, reader, contacts('table = "erp.cards"'))
    assert "4111" not in str(caught.value)
    with pytest.raises(SensitiveDataError, match="'iban': the name is on the deny-list"):
        read(tmp_path, reader, contacts('table = "erp.cards"\ncolumns.channel = "iban"'))


def test_sqlite_and_hostile_names_and_values(tmp_path: Path) -> None:
    """SQLite works by URL; SQL in names, values and constants is text and nothing else."""
    url = _sqlite(tmp_path / "erp.db")
    extract = read(tmp_path, url, SQLITE_MAPPING)
    assert extract.tables["accounts"].select(
        ["account_id", "name", "segment", "autopay", "opened_on"]
    ).to_pylist() == [
        {
            "account_id": "007",
            "name": "Robert'); drop table customers;--",
            "segment": "it's; drop table customers --",
            "autopay": True,
            "opened_on": date(2020, 1, 31),
        },
        {
            "account_id": "008",
            "name": None,
            "segment": "it's; drop table customers --",
            "autopay": False,
            "opened_on": None,
        },
    ]
    invoices = extract.tables["invoices"]
    assert invoices["invoice_id"].to_pylist() == ["2", "12345678901234567"]
    assert [str(amount) for amount in invoices["amount"].to_pylist()] == ["7.00", "1234.50"]
    assert extract.defaulted_clocks == ("invoices", "applications")
    assert extract.rows_read == {"accounts": 2, "invoices": 2, "applications": 1}
    assert read(tmp_path, url, SQLITE_MAPPING, chunk_rows=1).tables == extract.tables
    import_extract(tmp_path / "ledger", extract, source="sql")
    assert open_ledger(tmp_path / "ledger").manifest.batches[0].source == "sql"


def test_sqlite_cannot_be_written_nor_made(tmp_path: Path) -> None:
    """A query that writes is refused, and a file that is not there stays so."""
    url = _sqlite(tmp_path / "erp.db")
    mapping = SQLITE_MAPPING.replace("select 'p' || rowid as application_id, * from", "delete from")
    with pytest.raises(ContractError, match="attempt to write a readonly database"):
        read(tmp_path, url, mapping)
    assert read(tmp_path, url, SQLITE_MAPPING).rows_read["applications"] == 1
    with pytest.raises(ContractError, match=r"missing\.db: there is no such file"):
        read(tmp_path, f"sqlite:///{tmp_path / 'missing.db'}", SQLITE_MAPPING)
    assert not (tmp_path / "missing.db").exists()


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("constants.currency", 'values.kind = { a = "b" }\nconstants.currency', "translates kind"),
        ('"customers"', '"clearings"', "has no column 'id' for 'account_id'"),
        (
            '* from clearings"',
            "* from clearings\"\nconstants.cause = 'cash'",
            "stands in constants",
        ),
        ("'p' || rowid as", "1.5 as", "expected text, got floating-point numbers"),
        ("'p' || rowid as", "x'00' as", "got bytes from the database"),
        ("select 'p' || rowid as application_id, *", "select 1 as one", "required column"),
        ("'p' || rowid as application_id, *", "*, 1 as iban", "deny-list"),
    ],
)
def test_what_cannot_be_read_is_refused(
    tmp_path: Path, before: str, after: str, message: str
) -> None:
    """Each mistake of a mapping names the ledger table and the column."""
    assert before in SQLITE_MAPPING
    with pytest.raises((ContractError, SensitiveDataError), match=message):
        read(tmp_path, _sqlite(tmp_path / "erp.db"), SQLITE_MAPPING.replace(before, after))
