"""The whole path from the command line, as the README shows it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]


def rollrisk(home: Path, *arguments: str, code: int = 0) -> str:
    """Run a command with its own home folder and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "serving.cli", *arguments],
        cwd=ROOT,
        env={**os.environ, "ROLLRISK_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder in which the demonstration has run."""
    folder: Path = tmp_path_factory.mktemp("home")
    printed = rollrisk(folder, "demo", "--accounts", "250", "--months", "30")
    assert "who to work first" in printed
    assert "report.html" in printed
    assert "/v1/worklist" in printed
    return folder


def test_the_demonstration_leaves_a_ledger_whose_invariants_hold(home: Path) -> None:
    """`rollrisk check` says yes to what `rollrisk demo` imported."""
    rollrisk(home, "check", str(home / "demo" / "ledger"))


def test_items_accounts_portfolio_and_reasons_agree_to_the_cent(home: Path) -> None:
    """Dollars at risk are the same at every level, and the reasons add up to them."""
    scores = home / "demo" / "scores"
    items = pd.read_parquet(scores / "items.parquet")
    accounts = pd.read_parquet(scores / "accounts.parquet")
    portfolio = json.loads((scores / "portfolio.json").read_text("utf-8"))
    by_item = items.groupby(["account_id", "currency"])["dollars_at_risk"].sum()
    by_account = accounts.set_index(["account_id", "currency"])["dollars_at_risk"]
    pd.testing.assert_series_equal(by_item.round(2), by_account.sort_index(), check_names=False)
    reasons = accounts["reasons"].map(lambda found: round(sum(r["dollars"] for r in found), 2))
    np.testing.assert_allclose(reasons, accounts["dollars_at_risk"], atol=0.001)
    for currency, view in portfolio["currencies"].items():
        total = accounts.loc[accounts["currency"] == currency, "dollars_at_risk"].sum()
        assert view["totals"]["dollars_at_risk"] == pytest.approx(total, abs=0.005)
        assert sum(view["drivers"].values()) == pytest.approx(total, abs=0.005)


def test_scoring_again_gives_the_same_bytes(home: Path, tmp_path: Path) -> None:
    """Same ledger, same day, same model: the same files, byte for byte."""
    as_of = json.loads((home / "demo" / "scores" / "portfolio.json").read_text())["as_of"]
    ledger = str(home / "demo" / "ledger")
    rollrisk(home, "score", ledger, "--as-of", as_of, "--out", str(tmp_path / "again"))
    for name in ("items.parquet", "accounts.parquet", "worklist.csv", "portfolio.json"):
        first = (home / "demo" / "scores" / name).read_bytes()
        assert (tmp_path / "again" / name).read_bytes() == first, name


def test_features_and_outcomes_are_written_for_several_dates(home: Path, tmp_path: Path) -> None:
    """One row per open item and date, the same items in both files."""
    ledger = str(home / "demo" / "ledger")
    dates = ("--as-of", "2024-05-31", "--as-of", "2024-08-31")
    rollrisk(home, "features", ledger, *dates, "--out", str(tmp_path / "f.parquet"))
    rollrisk(home, "outcomes", ledger, *dates, "--out", str(tmp_path / "o.parquet"))
    features = pd.read_parquet(tmp_path / "f.parquet")
    outcomes = pd.read_parquet(tmp_path / "o.parquet")
    assert features["as_of"].nunique() == 2
    assert len(outcomes) == 4 * len(features)
    assert set(outcomes["invoice_id"]) == set(features["invoice_id"])


def test_the_report_stands_alone(home: Path) -> None:
    """The page names nothing outside itself."""
    page = (home / "demo" / "report.html").read_text("utf-8")
    assert "Receivables at risk" in page
    assert 'src="http' not in page
    assert 'href="http' not in page
