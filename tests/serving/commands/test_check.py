"""``rollrisk check`` answers in tables or JSON and in its exit code."""

import json
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from features.ledger.cutting import cut_ledger
from features.ledger.manifest import Manifest
from features.ledger.read import ledger_from_rows
from features.ledger.write import import_extract
from features.sources.base import Extract
from features.sources.simulated import SimulationConfig, simulate
from serving.cli import main

OLDER_DAY = date(2023, 5, 15)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sound ledger of 30 accounts over six months."""
    simulation = simulate(SimulationConfig(accounts=30, months=6, seed=2))
    import_extract(
        tmp_path / "ledger",
        Extract(tables=simulation.tables),
        source="test",
        known_through=simulation.known_through,
    )
    return tmp_path / "ledger"


@pytest.fixture
def broken(folder: Path) -> Path:
    """The same ledger with one cash application on an invoice that does not exist."""
    path = folder / "applications.parquet"
    rows = pq.read_table(path).to_pylist()
    first = next(row for row in rows if row["cause"] == "cash")
    first["invoice_id"] = "INV-LOST"
    pq.write_table(pa.Table.from_pylist(rows, schema=pq.read_schema(path)), path)
    return folder


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """The same ledger as it was on 15 May 2023."""
    simulation = simulate(SimulationConfig(accounts=30, months=6, seed=2))
    whole = ledger_from_rows(simulation.tables, Manifest(known_through=simulation.known_through))
    tables = dict(cut_ledger(whole, OLDER_DAY).rows)
    extract = Extract(tables=tables)
    import_extract(tmp_path / "older", extract, source="test", known_through=OLDER_DAY)
    return tmp_path / "older"


def test_a_sound_ledger_ends_with_0_and_says_what_a_model_lacks(folder: Path) -> None:
    """Too little to train on is a note, not a failure."""
    result = CliRunner().invoke(main, ["check", str(folder)])
    assert result.exit_code == 0, result.output
    assert "balance to the cent" in result.output
    assert "failed" not in result.output
    assert "Days of history: " in result.output
    assert "needed 402" in result.output


def test_a_broken_ledger_ends_with_1_and_a_table(broken: Path) -> None:
    """The difference, the row and the changed file are all in the table."""
    result = CliRunner().invoke(main, ["check", str(broken)])
    assert result.exit_code == 1
    assert "known invoice" in result.output
    assert "files unchanged" in result.output
    assert "too much" in result.output


def test_json_holds_every_finding_with_money_as_text(broken: Path) -> None:
    """Another program reads expected, found and difference as exact decimals."""
    result = CliRunner().invoke(main, ["check", str(broken), "--json"])
    assert result.exit_code == 1
    answer = json.loads(result.output)
    assert answer["passed"] is False
    assert answer["sufficiency"] is None
    failed = [finding for finding in answer["findings"] if finding["outcome"] == "failed"]
    lost = next(finding for finding in failed if finding["name"] == "books_balance")
    amount = next(
        row["amount"]
        for row in pq.read_table(broken / "applications.parquet").to_pylist()
        if row["invoice_id"] == "INV-LOST"
    )
    assert lost["difference"] == str(amount)


def test_days_can_be_given(folder: Path) -> None:
    """--as-of replaces the month ends; a wrong date is wrong usage."""
    day = date(2023, 4, 12)
    arguments = ["check", str(folder), "--json", "--as-of"]
    answer = json.loads(CliRunner().invoke(main, [*arguments, str(day)]).output)
    days = {f["as_of"] for f in answer["findings"] if f["name"] == "books_balance"}
    assert days == {str(day)}
    assert CliRunner().invoke(main, [*arguments, "12.4.2023"]).exit_code == 2


def test_a_folder_without_a_ledger_is_refused(tmp_path: Path) -> None:
    """The message names the next step."""
    result = CliRunner().invoke(main, ["check", str(tmp_path)])
    assert result.exit_code == 1
    assert "rollrisk import" in result.output


def test_a_ledger_that_agrees_with_an_older_one_ends_with_0(folder: Path, older: Path) -> None:
    """The answers stand in a table of their own."""
    result = CliRunner().invoke(main, ["check", str(folder), "--against", str(older)])
    assert result.exit_code == 0, result.output
    assert f"items open on {OLDER_DAY} are the same bytes" in " ".join(result.output.split())
    assert "failed" not in result.output


def test_a_ledger_that_lost_a_row_since_ends_with_1(folder: Path, older: Path) -> None:
    """The ledger alone is sound enough to read; against the older one an id is gone."""
    path = older / "receipts.parquet"
    rows = pq.read_table(path)
    added = rows.slice(0, 1).set_column(0, "receipt_id", pa.array(["R-GONE"]))
    pq.write_table(pa.concat_tables([rows, added.cast(rows.schema)]), path)
    arguments = ["check", str(folder), "--against", str(older)]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1
    assert "R-GONE" in result.output
    answer = json.loads(CliRunner().invoke(main, [*arguments, "--json"]).output)
    assert answer["passed"] is False
    assert all(finding["outcome"] != "failed" for finding in answer["findings"])
    assert answer["against"]["known_through"] == str(OLDER_DAY)
    (gone,) = [f for f in answer["against"]["findings"] if f["name"] == "ids_kept"]
    assert (gone["outcome"], gone["where"], gone["examples"]) == (
        "failed",
        "receipts",
        ["R-GONE"],
    )


def test_many_features_that_differ_are_counted_in_the_table_and_listed_as_json(
    folder: Path, older: Path
) -> None:
    """Other due dates change most features; people read the ten most common ones."""
    path = older / "invoices.parquet"
    rows = pq.read_table(path).to_pylist()
    for row in rows:
        row["due_on"] = row["issued_on"]
    pq.write_table(pa.Table.from_pylist(rows, schema=pq.read_schema(path)), path)
    arguments = ["check", str(folder), "--against", str(older)]
    output = CliRunner().invoke(main, arguments).output
    answer = json.loads(CliRunner().invoke(main, [*arguments, "--json"]).output)
    features = [f for f in answer["against"]["findings"] if f["name"] == "features_agree"]
    assert len(features) > 20
    assert output.count("features agree") == 11
    assert f"{len(features) - 10} more features differ" in " ".join(output.split())


def test_the_older_ledger_must_be_the_older_one(folder: Path, older: Path) -> None:
    """Named the wrong way round, the command says so."""
    result = CliRunner().invoke(main, ["check", str(older), "--against", str(folder)])
    assert result.exit_code == 1
    assert "Name them the other way round" in result.output
