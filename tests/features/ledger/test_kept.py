"""States kept by an import: the same answers, found only for the rows that they were made of."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.build import FeatureFrame, feature_frame
from features.engines import open_session
from features.ledger import kept
from features.ledger.cutting import cut_ledger
from features.ledger.invariants import check_ledger
from features.ledger.kept import keep_states
from features.ledger.manifest import LedgerError
from features.ledger.read import Ledger, open_ledger
from features.ledger.write import import_extract
from features.outcomes import outcome_frame
from features.sources.base import Extract
from tests.features.awkward import awkward_books
from tests.features.books import Books
from tests.laws.generated import crowd_of
from tests.laws.leaks import keeps_early

DAYS = (date(2023, 9, 30), date(2024, 2, 29), date(2024, 6, 3))
THROUGH = date(2024, 6, 30)


def bring(folder: Path, ledger: Ledger, through: date = THROUGH) -> Ledger:
    extract = Extract(tables=dict(ledger.rows))
    import_extract(folder, extract, source="test", known_through=through, max_quarantined_share=1.0)
    return open_ledger(folder)


def billed(amount: float) -> Ledger:
    return Books().invoice("I", "2024-04-01", "2024-05-01", amount).ledger()


def folders(ledger: Path) -> list[str]:
    return sorted(path.name for path in (ledger / "states").iterdir())


def assert_same(one: FeatureFrame, other: FeatureFrame) -> None:
    pd.testing.assert_frame_equal(one.items, other.items)
    assert np.array_equal(one.values, other.values, equal_nan=True)


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """Many families with every table, restated and back-dated rows among them."""
    return bring(tmp_path_factory.mktemp("crowd"), crowd_of(11, 150, DAYS).ledger)


@pytest.mark.parametrize(
    "days",
    [
        DAYS,
        DAYS[:1],
        [date(1990, 1, 1) + timedelta(days=12500)],
        [THROUGH, THROUGH + timedelta(days=400)],
    ],
    ids=["several", "one", "before the books", "after the books"],
)
def test_features_and_outcomes_are_those_without_them(crowd: Ledger, days: Sequence[date]) -> None:
    assert set(crowd.states) == {"item_states", "source_states"}
    bare = replace(crowd, states={})
    assert_same(feature_frame(crowd, days), feature_frame(bare, days))
    pd.testing.assert_frame_equal(outcome_frame(crowd, days), outcome_frame(bare, days))


def test_cutting_the_rows_after_a_day_changes_nothing_of_what_kept_states_give(
    tmp_path: Path, simulated_ledger: Ledger
) -> None:
    """Kept states know every later day; nothing of it enters. States moved ahead are noticed."""
    books = bring(tmp_path, simulated_ledger, simulated_ledger.manifest.known_through)
    spoilt = keeps_early(books, tmp_path)
    for day in DAYS[:2]:
        then = feature_frame(cut_ledger(simulated_ledger, day), [day])
        assert len(then.items) > 100
        assert_same(feature_frame(books, [day]), then)
        with pytest.raises(AssertionError):
            assert_same(feature_frame(spoilt, [day]), then)


def test_awkward_rows_have_the_same_features(tmp_path: Path) -> None:
    books = bring(tmp_path, awkward_books().ledger())
    assert_same(feature_frame(books, DAYS), feature_frame(replace(books, states={}), DAYS))


def test_the_invariants_are_asked_of_them(tmp_path: Path) -> None:
    """States that lost their payments do not balance with the postings."""
    paid = Books().invoice("I", "2024-04-01", "2024-05-01", 100).cash("I", "2024-05-20", 60)
    books = bring(tmp_path, paid.ledger())
    assert not [one for one in check_ledger(books) if one.outcome == "failed"]
    unpaid = bring(tmp_path / "unpaid", billed(100))
    wrong = replace(books, states=unpaid.states)
    assert [one.name for one in check_ledger(wrong) if one.outcome == "failed"]


def test_stages_that_only_states_are_made_from_do_not_run(tmp_path: Path) -> None:
    ran: list[str] = []
    feature_frame(bring(tmp_path, billed(100)), [THROUGH], progress=ran.append)
    assert "item_states" in ran
    assert not {"applied", "due_dates"} & set(ran)


def test_an_import_keeps_new_states_and_those_before(tmp_path: Path) -> None:
    seen = [folders(tmp_path) for day in (28, 29, 30) if bring_on(tmp_path, day)]
    assert [len(one) for one in seen] == [1, 2, 2]
    assert seen[0][0] in seen[1]
    assert seen[0][0] not in seen[2]
    assert open_ledger(tmp_path).states["item_states"].parent.name in seen[2]


def bring_on(folder: Path, day: int) -> Ledger:
    return bring(folder, billed(day), date(2024, 6, day))


def test_states_of_other_files_or_queries_are_not_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(tmp_path, billed(100))
    shutil.copy(tmp_path / "invoices.parquet", tmp_path / "kept.parquet")
    (tmp_path / "invoices.parquet").write_bytes(
        (bring(tmp_path / "other", billed(70)).files["invoices"][0]).read_bytes()
    )
    assert open_ledger(tmp_path).states == {}
    shutil.move(tmp_path / "kept.parquet", tmp_path / "invoices.parquet")
    assert open_ledger(tmp_path).states
    monkeypatch.setattr("features.ledger.read.query_text", lambda stage: f"another {stage}")
    assert open_ledger(tmp_path).states == {}


def test_a_failure_leaves_a_whole_ledger_and_the_next_import_mends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: Ledger, folder: Path) -> None:
        (folder / "item_states.parquet").write_bytes(b"PAR1")
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(kept, "_write_states", full)
        with pytest.raises(LedgerError, match=r"No space left .* import the same export"):
            bring(tmp_path, billed(100))
    assert folders(tmp_path) == []
    with open_session(open_ledger(tmp_path), [THROUGH]) as session:
        session.run(("credited_sources", "applied", "due_dates", "item_states"))
        assert session.arrow("select balance_cents from item_states").to_pylist() == [
            {"balance_cents": 10000}
        ]
    assert bring(tmp_path, billed(100)).states
    assert len(folders(tmp_path)) == 1


def test_what_a_killed_import_left_goes_with_the_next(tmp_path: Path) -> None:
    bring_on(tmp_path, 28)
    half = tmp_path / "states" / f".{folders(tmp_path)[0]}.1"
    half.mkdir()
    (half / "item_states.parquet").write_bytes(b"PAR1")
    bring_on(tmp_path, 29)
    assert not half.exists()
    assert len(folders(tmp_path)) == 2


def test_states_that_stand_are_not_made_again(tmp_path: Path) -> None:
    file = bring(tmp_path, billed(100)).states["item_states"]
    before = file.stat().st_mtime_ns
    keep_states(tmp_path)
    assert file.stat().st_mtime_ns == before


def test_a_ledger_without_rows_is_kept_too(tmp_path: Path) -> None:
    empty = {name: rows.slice(0, 0) for name, rows in billed(100).rows.items()}
    books = bring(tmp_path, replace(billed(100), rows=empty))
    assert len(feature_frame(books, [THROUGH]).items) == 0
