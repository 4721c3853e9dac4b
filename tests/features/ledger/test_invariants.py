"""All questions in one go: sound ledgers pass, damaged ones say what is damaged."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from features.ledger.finding import Finding, all_passed
from features.ledger.invariants import check_days, check_ledger
from features.ledger.manifest import Manifest
from features.ledger.read import Ledger, ledger_from_rows, open_ledger
from features.ledger.write import import_extract
from features.sources.base import Extract
from features.sources.simulated import Simulation, SimulationConfig, simulate

MakeLedger = Callable[..., Ledger]


@pytest.fixture(scope="module")
def simulated() -> Simulation:
    """150 accounts over 18 months."""
    return simulate(SimulationConfig(accounts=150, months=18, seed=11))


@pytest.fixture
def folder(tmp_path: Path, made: MakeLedger, clean: dict[str, str]) -> Path:
    """The sound ledger as an import writes it."""
    tables = dict(made(clean).rows)
    target = tmp_path / "ledger"
    import_extract(target, Extract(tables=tables), source="test", known_through=date(2024, 3, 31))
    return target


def _outcomes(findings: list[Finding], name: str) -> list[str]:
    return [finding.outcome for finding in findings if finding.name == name]


def test_the_simulated_ledger_keeps_every_invariant(simulated: Simulation) -> None:
    """All month ends of all currencies balance, and no rule is broken."""
    manifest = Manifest(known_through=simulated.known_through)
    findings = check_ledger(ledger_from_rows(simulated.tables, manifest))
    assert [finding.sentence for finding in findings if not finding.passed] == []
    days = {finding.as_of for finding in findings if finding.name == "books_balance"}
    assert len(days) == 18


def test_a_lost_application_of_the_simulated_ledger_is_found(simulated: Simulation) -> None:
    """Without its last cash_return row a returned receipt still pays, and is named."""
    rows = simulated.tables["applications"].to_pandas()
    lost = rows.index[rows["cause"] == "cash_return"][0]
    kept = simulated.tables["applications"].take([i for i in range(len(rows)) if i != lost])
    tables = simulated.tables | {"applications": kept}
    findings = check_ledger(
        ledger_from_rows(tables, Manifest(known_through=simulated.known_through))
    )
    (broken,) = [finding for finding in findings if not finding.passed]
    assert (broken.name, broken.examples) == ("returns_reopen", (rows["source_id"][lost],))
    assert broken.difference == -rows["amount"][lost]


def test_checked_days_can_be_chosen(made: MakeLedger, clean: dict[str, str]) -> None:
    """Given days replace the month ends."""
    found = check_ledger(made(clean), [date(2024, 2, 27)])
    days = [finding.as_of for finding in found if finding.name == "books_balance"]
    assert days == [date(2024, 2, 27)]


def test_month_ends_lead_back_from_the_last_known_day() -> None:
    """24 month ends and the last known day, which may be a month end itself."""
    days = check_days(date(2024, 3, 31))
    assert (len(days), days[0], days[-2:]) == (
        25,
        date(2022, 3, 31),
        [date(2024, 2, 29), date(2024, 3, 31)],
    )


def test_an_imported_ledger_passes(folder: Path) -> None:
    """Digests, second reading and books agree on what an import has just written."""
    findings = check_ledger(open_ledger(folder))
    assert all_passed(findings)
    assert _outcomes(findings, "files_unchanged") == ["passed"]
    assert _outcomes(findings, "reads_the_same") == ["passed"]


def test_a_changed_file_is_found(folder: Path) -> None:
    """A file that still reads well but is not the imported one fails by its digest."""
    path = folder / "credits.parquet"
    pq.write_table(pq.read_table(path).slice(0, 0), path)
    findings = check_ledger(open_ledger(folder))
    (finding,) = [finding for finding in findings if finding.name == "files_unchanged"]
    assert (finding.outcome, finding.examples) == ("failed", ("credits.parquet",))


def test_a_damaged_file_is_reported_and_not_raised(folder: Path) -> None:
    """Bytes that are no Parquet file give a finding with the next step."""
    (folder / "credits.parquet").write_bytes(b"not a table")
    findings = check_ledger(open_ledger(folder))
    assert _outcomes(findings, "files_unchanged") == ["failed"]
    (finding,) = [finding for finding in findings if finding.name == "readable"]
    assert "import again" in finding.sentence


def test_a_folder_made_by_hand_has_no_digests(folder: Path) -> None:
    """Where ledger.json lists no files a change cannot be seen, and the check says so."""
    (folder / "ledger.json").write_text(json.dumps({"format": 1, "known_through": "2024-03-31"}))
    findings = check_ledger(open_ledger(folder))
    assert _outcomes(findings, "files_unchanged") == ["warning"]
    assert all_passed(findings)
