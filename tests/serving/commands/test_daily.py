"""``rollrisk daily`` brings an export to a served snapshot, and never a broken one."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from features.sources.simulated import Simulation, SimulationConfig, simulate
from models.home import Home
from models.snapshot import current_snapshot
from serving.cli import main
from serving.locks import locked
from tests.trained import quiet_mlflow


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    """15 accounts over seven months."""
    return simulate(SimulationConfig(accounts=15, months=7, seed=4))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """An empty home."""
    quiet_mlflow()
    monkeypatch.setenv("ROLLRISK_HOME", str(tmp_path / "home"))
    return Home(path=tmp_path / "home")


@pytest.fixture
def export(tmp_path: Path, simulation: Simulation) -> Path:
    """The simulation as a source exports it."""
    folder = tmp_path / "export"
    folder.mkdir()
    for name, rows in simulation.tables.items():
        pq.write_table(rows, folder / f"{name}.parquet")
    facts = {"known_through": str(simulation.known_through), "reporting_currency": "USD"}
    (folder / "ledger.json").write_text(json.dumps({"format": 1, **facts}))
    return folder


def daily(tmp_path: Path, export: Path | None, *more: str) -> tuple[Result, dict[str, Any]]:
    """Run the command; return its result and the line of JSON."""
    load = [] if export is None else ["--source", "canonical", "--from", str(export)]
    result = CliRunner().invoke(main, ["daily", str(tmp_path / "ledger"), *load, *more])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    lines = result.stdout.strip().splitlines()
    return result, json.loads(lines[-1]) if lines and lines[-1].startswith("{") else {}


def states(line: dict[str, Any]) -> dict[str, str]:
    """Return what became of each step but the monitor, which judges by what is known by then."""
    return {name: state for name, (state, _) in line["steps"].items() if name != "monitor"}


def test_a_day_goes_from_export_to_served_snapshot(
    tmp_path: Path, home: Home, export: Path, simulation: Simulation
) -> None:
    """A second run finds all done; a broken export ends with 1 and leaves what is served."""
    result, first = daily(tmp_path, export)
    assert result.exit_code == 0, result.output
    assert first["status"] == "done"
    assert first["as_of"] == str(simulation.known_through)
    assert first["rows_new"] > 0
    assert current_snapshot(home).name == first["snapshot"] == first["served"]
    assert states(first) == dict.fromkeys(("import", "look", "check", "score", "publish"), "done")
    _, second = daily(tmp_path, export)
    assert second["rows_new"] == 0
    assert (states(second)["check"], states(second)["score"]) == ("kept", "kept")
    assert second["snapshot"] == first["snapshot"]
    path = export / "invoices.parquet"
    invoices = pq.read_table(path)
    negative = pc.multiply(invoices["amount"], pa.scalar(-1)).cast(invoices["amount"].type)
    place = invoices.column_names.index("amount")
    pq.write_table(invoices.set_column(place, "amount", negative), path)
    result, third = daily(tmp_path, export)
    assert result.exit_code == 1
    assert third["status"] == "failed"
    assert third["error"].startswith("import: ")
    assert list(third["steps"]) == ["import"]
    assert current_snapshot(home).name == first["snapshot"]


def test_only_one_run_at_a_time(tmp_path: Path, home: Home, export: Path) -> None:
    """The second says so and does nothing."""
    with locked(home.path / "daily.lock"):
        result, line = daily(tmp_path, export)
    assert result.exit_code == 1
    assert "Another process holds" in result.output
    assert line == {}
    assert not (tmp_path / "ledger").exists()


@pytest.mark.usefixtures("home")
def test_a_source_needs_its_export(tmp_path: Path) -> None:
    """Wrong usage ends with 2."""
    result, _ = daily(tmp_path, None, "--source", "canonical")
    assert result.exit_code == 2
    assert "belong together" in result.output
