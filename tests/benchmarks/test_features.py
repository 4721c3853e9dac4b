import json
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.features import as_of_dates, equality, table, write
from benchmarks.measure import IDS, summary
from benchmarks.pandas_features import TWENTY
from features.ledger.manifest import Manifest


def test_other_values_are_refused_by_name(tmp_path: Path) -> None:
    """Equal files pass; one value that is off stops the run with the feature and the invoice."""
    frame = pd.DataFrame({name: ["A"] for name in IDS} | {name: [2.0] for name in TWENTY})
    for name, value in (("one", 2.0), ("same", 2.0), ("other", 2.1)):
        (tmp_path / name).mkdir()
        frame.assign(dbt_mean=value).to_parquet(tmp_path / name / "2024-06-30.parquet")
    assert equality(tmp_path / "one", tmp_path / "same")["rows"] == 1
    with pytest.raises(SystemExit, match=r"1 values differ, first dbt_mean of A: .*2.0.*2.1"):
        equality(tmp_path / "one", tmp_path / "other")


def test_dates_end_on_the_last_known_day() -> None:
    """Dates are 28 days apart."""
    dates = as_of_dates(Manifest(known_through=date(2024, 6, 30)), 2)
    assert dates == [date(2024, 6, 2), date(2024, 6, 30)]


def test_a_failed_measurement_stands_in_the_table() -> None:
    """What could not be measured is shown with the reason, and the others beside it."""
    failed = summary([{"failed": "stage open; LedgerError: no"}])
    shown = table({"measurements": {"ours_all": failed}})
    assert "failed: stage open; LedgerError: no" in shown


def test_results_are_written_whole(tmp_path: Path) -> None:
    """The JSON is renamed into place and nothing else is left behind."""
    write(tmp_path / "out.json", {"repeat": 3})
    assert json.loads((tmp_path / "out.json").read_text("utf-8")) == {"repeat": 3}
    assert [path.name for path in tmp_path.iterdir()] == ["out.json"]
