"""A ledger too small to train on is refused with all that is missing, and scored by the matrix."""

import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from models.fallback import MATRIX_FALLBACK
from serving.cli import main
from serving.simulate import simulate_ledger
from tests.trained import quiet_mlflow


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve accounts over five months."""
    folder = tmp_path_factory.mktemp("tiny") / "ledger"
    simulate_ledger(folder, accounts=12, months=5, seed=4)
    return folder


def run(*arguments: object) -> tuple[int, str]:
    """Run a command in this process."""
    answer = CliRunner().invoke(main, [str(argument) for argument in arguments])
    return answer.exit_code, " ".join(answer.output.split())


def test_training_names_months_classes_and_outer_buckets(
    ledger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All at once, with what there is and what is needed; nothing is registered."""
    quiet_mlflow()
    monkeypatch.setenv("ROLLRISK_HOME", str(tmp_path / "home"))
    code, said = run("train", ledger, "--config", "quick")
    assert code == 1
    for missing in (
        "is too small to train on",
        "leave nothing to fit on",
        "unresolved rows, 200 are needed",
        "resolved rows, 200 are needed",
        "rows more than 60 days past due, 30 are needed",
        "Scoring answers from the roll-rate matrix until then",
    ):
        assert missing in said
    assert not list(tmp_path.rglob("bundle.json"))


def test_scoring_then_runs_on_the_matrix_and_every_row_says_so(
    ledger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A whole scoring: probabilities, dollars that add up, a worklist, and no drivers."""
    quiet_mlflow()
    monkeypatch.setenv("ROLLRISK_HOME", str(tmp_path / "home"))
    through = json.loads((ledger / "ledger.json").read_text())["known_through"]
    code, said = run("score", ledger, "--as-of", through, "--out", tmp_path / "out")
    assert code == 0, said
    items = pd.read_parquet(tmp_path / "out" / "items.parquet")
    assert len(items)
    assert (items["fallback"] == MATRIX_FALLBACK).all()
    assert items["model_version"].str.startswith("matrix-").all()
    dated = items[items["bucket"] != "undated"]
    assert dated["p_open_30"].between(0, 1).all()
    assert (items.filter(like="shap_") == 0).all().all()
    accounts = pd.read_parquet(tmp_path / "out" / "accounts.parquet")
    for row in accounts.itertuples():
        own = items[(items["account_id"] == row.account_id) & (items["currency"] == row.currency)]
        assert row.dollars_at_risk == pytest.approx(own["dollars_at_risk"].sum(), abs=1e-6)
        assert {reason["family"] for reason in row.reasons} <= {"base"}
        told = sum(reason["dollars"] for reason in row.reasons)
        assert told == pytest.approx(row.dollars_at_risk, abs=1e-6)
    assert len((tmp_path / "out" / "worklist.csv").read_text().splitlines()) > 1
