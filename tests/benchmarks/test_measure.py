import platform
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.measure import machine, measure, summary
from benchmarks.pandas_features import TWENTY
from features.ledger.write import import_extract
from features.sources.base import Extract
from tests.features.books import Books, day


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A ledger on disk with one open invoice."""
    books = Books().invoice("I", "2024-04-01", "2024-05-01", 100).cash("I", "2024-05-03", 40)
    through = day("2024-06-30")
    extract = Extract(tables=dict(books.ledger().rows))
    import_extract(tmp_path / "ledger", extract, source="test", known_through=through)
    return tmp_path / "ledger"


def test_a_measurement_runs_in_its_own_process_and_keeps_the_values(
    folder: Path, tmp_path: Path
) -> None:
    """Seconds and memory are real; the twenty features lie in a file per date."""
    result = measure("pandas_20", folder, [day("2024-05-02"), day("2024-06-30")], keep=tmp_path)
    assert result["rows"] == 2
    assert result["columns"] == len(TWENTY)
    assert result["seconds"] > 0
    assert 10 < result["peak_mb"] < 2000
    kept = pd.read_parquet(tmp_path / "2024-06-30.parquet")
    assert kept["item_balance"].tolist() == [60.0]


def test_stages_add_up_to_the_seconds(folder: Path) -> None:
    """Every stage of ours is told, and together they are the whole."""
    result = measure("ours_all", folder, [day("2024-06-30")])
    assert {"open", "item_states", "payment_behaviour"} <= set(result["stages"])
    assert sum(result["stages"].values()) == pytest.approx(result["seconds"], abs=0.05)


def test_a_failed_measurement_says_why(tmp_path: Path) -> None:
    """A folder without a ledger: the stage and the error stand in the result."""
    result = measure("ours_all", tmp_path, [day("2024-06-30")])
    assert result["failed"].startswith("stage open; ")
    assert "is no ledger" in result["failed"]
    assert summary([result]) == {"failed": [result["failed"]]}


def test_medians_keep_all_runs() -> None:
    """The median is shown; every run is kept beside it."""
    fixed = {"rows": 5, "columns": 20}
    runs = [
        {"seconds": s, "processor_seconds": 1.0, "peak_mb": 9.0, "stages": {"a": s}, **fixed}
        for s in (3.0, 1.0, 2.0)
    ]
    found = summary(runs)
    assert found["seconds"] == 2.0
    assert found["stages"] == {"a": 2.0}
    assert found["runs"]["seconds"] == [3.0, 1.0, 2.0]


def test_the_machine_has_no_name() -> None:
    """Its parts are described; its name on the network is not."""
    found = machine()
    assert found["cores"] >= 1
    assert platform.node() not in found.values()
