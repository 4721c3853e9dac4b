from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa

from features.build import feature_frame
from features.engines import EngineOptions
from features.inputs import Rules
from features.ledger.read import open_ledger
from features.ledger.write import import_extract
from features.partitions import Partitions, write_partitions
from features.sources.base import Extract
from tests.features.books import Books

DAYS = [date(2024, 1, 1), date(2024, 5, 31), date(2024, 6, 30)]
ONE = EngineOptions(threads=1, dates_at_once=2)


def books() -> Books:
    """One account that pays, another that does not; nothing is open on 1 January."""
    return (
        Books()
        .paid("P", "2024-03-01", "2024-03-31", "2024-04-04")
        .invoice("I", "2024-05-01", "2024-05-31", 500)
        .invoice("J", "2024-05-10", "2024-06-10", 300, account_id="B")
    )


def put(folder: Path, book: Books, through: date) -> None:
    """Import the books into the ledger in ``folder``."""
    rows: dict[str, pa.Table] = dict(book.ledger().rows)
    import_extract(folder, Extract(tables=rows, known_through=through), source="canonical")


def write(ledger: Path, out: Path, rules: Rules | None = None) -> Partitions:
    """Write the three days of the ledger in a folder."""
    return write_partitions(open_ledger(ledger), DAYS, out, rules=rules, options=ONE)


def test_the_folder_holds_what_the_frame_holds(tmp_path: Path) -> None:
    """Read as one dataset: the same rows and bytes, a day without open items included."""
    put(tmp_path / "L", books(), date(2024, 6, 30))
    done = write(tmp_path / "L", tmp_path / "F")
    assert done == Partitions(computed=tuple(DAYS), kept=())
    frame = feature_frame(open_ledger(tmp_path / "L"), DAYS, options=ONE)
    read = pd.concat(
        pd.read_parquet(tmp_path / "F" / f"as_of={day}" / "features.parquet") for day in DAYS
    )
    assert read["invoice_id"].tolist() == frame.items["invoice_id"].tolist()
    assert read[list(frame.names)].to_numpy().tobytes() == frame.matrix(frame.names).tobytes()
    whole = pd.read_parquet(tmp_path / "F")
    assert len(whole) == len(frame.items)
    assert "as_of" in whole.columns


def test_a_second_run_computes_nothing(tmp_path: Path) -> None:
    """Same ledger, same features: every day stands."""
    put(tmp_path / "L", books(), date(2024, 6, 30))
    write(tmp_path / "L", tmp_path / "F")
    stamps = [path.stat().st_mtime_ns for path in sorted((tmp_path / "F").rglob("*.parquet"))]
    assert write(tmp_path / "L", tmp_path / "F") == Partitions(computed=(), kept=tuple(DAYS))
    again = [path.stat().st_mtime_ns for path in sorted((tmp_path / "F").rglob("*.parquet"))]
    assert again == stamps


def test_an_import_of_later_days_leaves_earlier_days_alone(tmp_path: Path) -> None:
    """Cash of 20 June speaks of 30 June alone; and the day equals one computed from scratch."""
    put(tmp_path / "L", books(), date(2024, 6, 15))
    write(tmp_path / "L", tmp_path / "F")
    put(tmp_path / "L", books().cash("I", "2024-06-20", 500), date(2024, 6, 30))
    assert write(tmp_path / "L", tmp_path / "F").computed == (DAYS[2],)
    write(tmp_path / "L", tmp_path / "fresh")
    for day in DAYS:
        kept, fresh = (
            pd.read_parquet(tmp_path / name / f"as_of={day}" / "features.parquet")
            for name in ("F", "fresh")
        )
        pd.testing.assert_frame_equal(kept, fresh, check_exact=True)


def test_a_row_known_early_that_comes_late_is_computed_anew(tmp_path: Path) -> None:
    """An invoice known on 20 May that only a later export brings changes 31 May as well."""
    put(tmp_path / "L", books(), date(2024, 6, 15))
    write(tmp_path / "L", tmp_path / "F")
    late = books().invoice("LATE", "2024-05-20", "2024-06-20", 700, known_on=date(2024, 5, 20))
    put(tmp_path / "L", late, date(2024, 6, 30))
    assert write(tmp_path / "L", tmp_path / "F").computed == (DAYS[1], DAYS[2])
    day = pd.read_parquet(tmp_path / "F" / "as_of=2024-05-31" / "features.parquet")
    assert "LATE" in day["invoice_id"].tolist()


def test_a_table_that_a_source_begins_to_have_is_computed_anew(tmp_path: Path) -> None:
    """Disputes from 20 June say nothing of May, but there, missing becomes none."""
    put(tmp_path / "L", books(), date(2024, 6, 15))
    write(tmp_path / "L", tmp_path / "F")
    dispute = {"dispute_id": "D", "account_id": "A", "invoice_id": "I", "amount": 100}
    put(tmp_path / "L", books().add("disputes", opened_on="2024-06-20", **dispute), DAYS[2])
    assert write(tmp_path / "L", tmp_path / "F").computed == tuple(DAYS)
    day = pd.read_parquet(tmp_path / "F" / "as_of=2024-05-31" / "features.parquet")
    assert day["item_disputed_share"].tolist() == [0.0, 0.0]


def test_other_rules_or_a_foreign_file_are_computed_anew(tmp_path: Path) -> None:
    """What a day was made from must be known and the same."""
    put(tmp_path / "L", books(), date(2024, 6, 30))
    write(tmp_path / "L", tmp_path / "F")
    assert write(tmp_path / "L", tmp_path / "F", Rules(tolerance=5.0)).kept == ()
    foreign = tmp_path / "F" / "as_of=2024-05-31" / "features.parquet"
    pd.DataFrame({"invoice_id": ["X"]}).to_parquet(foreign)
    done = write(tmp_path / "L", tmp_path / "F", Rules(tolerance=5.0))
    assert done.computed == (DAYS[1],)
    assert [path.name for path in (tmp_path / "F").rglob(".*")] == []
