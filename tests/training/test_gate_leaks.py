"""Tests of the law of no future on the ledger at hand."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest

import training.gate_leaks
from features.build import FeatureFrame
from features.ledger.read import Ledger, open_ledger
from features.ledger.sample import sample_ledger
from features.ledger.write import import_extract
from features.sources.base import Extract
from tests.laws.leaks import keeps_early, reads_early
from tests.trained import small_ledger
from training.gate_leaks import leaking_features


@pytest.fixture(scope="module")
def day() -> date:
    """A day with two months behind it."""
    return small_ledger().manifest.known_through - timedelta(days=60)


def test_the_pipeline_knows_no_future(day: date) -> None:
    """Cutting the ledger after the day changes no feature of the day."""
    assert leaking_features(small_ledger(), [day], accounts=40) == []


def test_a_pipeline_that_reads_early_is_caught(day: date, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that sees rows a hundred days before the books show them gives itself away."""

    def early(ledger: Ledger, days: Sequence[date]) -> FeatureFrame:
        return reads_early(ledger, days)

    monkeypatch.setattr(training.gate_leaks, "feature_frame", early)
    assert leaking_features(small_ledger(), [day], accounts=40)


def test_kept_states_that_speak_early_are_caught(day: date, tmp_path: Path) -> None:
    """An imported ledger holds the law; with states moved a hundred days ahead it does not."""
    small = small_ledger()
    through = small.manifest.known_through
    import_extract(tmp_path, Extract(tables=dict(small.rows)), source="test", known_through=through)
    ledger = open_ledger(tmp_path)
    assert set(ledger.states) == {"item_states", "source_states"}
    assert leaking_features(ledger, [day], accounts=40) == []
    assert leaking_features(keeps_early(ledger, tmp_path), [day], accounts=40)


def test_a_sample_holds_whole_accounts() -> None:
    """Every row of the chosen accounts, none of others, the same accounts each time."""
    ledger = small_ledger()
    sample = sample_ledger(ledger, 25)
    chosen = set(sample.rows["accounts"]["account_id"].to_pylist())
    assert len(chosen) == 25
    for name in ("invoices", "applications", "promises", "contacts"):
        own = [row for row in ledger.rows[name].to_pylist() if row["account_id"] in chosen]
        assert sample.rows[name].num_rows == len(own), name
    invoices = set(sample.rows["invoices"]["invoice_id"].to_pylist())
    assert set(sample.rows["due_date_changes"]["invoice_id"].to_pylist()) <= invoices
    assert sample.digest == sample_ledger(ledger, 25).digest
    assert sample.manifest == ledger.manifest
