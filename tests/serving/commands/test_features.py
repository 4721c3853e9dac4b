"""``rollrisk features``: a file of named days, or a folder of all days since one."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
from click.testing import CliRunner

from features.ledger.write import import_extract
from features.sources.base import Extract
from serving.cli import main
from tests.features.books import Books, day


def ledger(folder: Path) -> Path:
    """Import a small ledger."""
    rows: dict[str, pa.Table] = dict(
        Books().invoice("I", "2024-05-01", "2024-05-31", 500).ledger().rows
    )
    extract = Extract(tables=rows, known_through=day("2024-06-30"))
    import_extract(folder / "L", extract, source="canonical")
    return folder / "L"


def run(*words: object) -> tuple[int, str]:
    """Run the command and return its exit code and output."""
    result = CliRunner().invoke(main, ["features", *map(str, words)])
    return result.exit_code, result.output


def test_a_folder_of_days_is_written_once(tmp_path: Path) -> None:
    """Every 14 days up to the last known one; the second run keeps them all."""
    books, out = ledger(tmp_path), tmp_path / "F"
    asked = (books, "--since", "2024-05-20", "--every", "14", "--out", out)
    assert run(*asked) == (0, f"{out}: 3 days computed, 0 kept.\n")
    assert run(*asked) == (0, f"{out}: 0 days computed, 3 kept.\n")
    assert sorted(path.name for path in out.iterdir()) == [
        "as_of=2024-05-20",
        "as_of=2024-06-03",
        "as_of=2024-06-17",
    ]
    assert pd.read_parquet(out)["invoice_id"].tolist() == ["I", "I", "I"]


def test_named_days_are_one_file(tmp_path: Path) -> None:
    """Two days, two rows."""
    out = tmp_path / "F.parquet"
    code, said = run(
        ledger(tmp_path), "--as-of", "2024-05-20", "--as-of", "2024-06-03", "--out", out
    )
    assert code == 0
    assert "2 open items on 2 dates" in said
    assert len(pd.read_parquet(out)) == 2


def test_days_must_be_asked_for_in_one_way(tmp_path: Path) -> None:
    """Neither or both is wrong usage; a day beyond the ledger is refused."""
    books = ledger(tmp_path)
    assert run(books, "--out", tmp_path / "F")[0] == 2
    both = (books, "--as-of", "2024-05-20", "--since", "2024-05-20", "--out", tmp_path / "F")
    assert run(*both)[0] == 2
    code, said = run(books, "--since", "2024-07-01", "--out", tmp_path / "F")
    assert code == 1
    assert "lies after 2024-06-30, the last day the ledger knows" in said
