"""Where the matrix has a part in the answer, every level says so and still adds up to the cent."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.bundle import bundle_digest
from models.fallback import by_matrix_alone
from models.home import Home
from serving.explain_account import explain_account
from serving.reports.scores import read_scores
from serving.reports.view import report_view
from serving.reports.wording import count_text
from serving.store import ServedPair, load_pair
from tests.serving.conftest import Installation, publish


@pytest.fixture(scope="module")
def snapshot(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The day scored by the same trees, with a matrix that has a large part for young accounts."""
    bundle = load_pair(installation.home).bundle
    assert bundle.fallback is not None
    bundle = replace(bundle, fallback=replace(bundle.fallback, known_k=0.5))
    bundle = replace(bundle, version=bundle_digest(bundle))
    home = Home(path=tmp_path_factory.mktemp("mixed"))
    return publish(home, installation.ledger, installation.as_of, bundle)


@pytest.fixture(scope="module")
def pair(snapshot: Path) -> ServedPair:
    """The snapshot as it is served."""
    return load_pair(Home(path=snapshot.parents[1]))


@pytest.fixture(scope="module")
def items(snapshot: Path) -> pd.DataFrame:
    """Its items."""
    return pd.read_parquet(snapshot / "items.parquet")


def mixed_account(items: pd.DataFrame) -> str:
    """Return the account to which the matrix adds or takes most."""
    mixed = items[(items["fallback"] != "") & ~by_matrix_alone(items["fallback"])]
    size = (mixed["shap_matrix"].abs() * mixed["dollars_at_risk"]).groupby(mixed["account_id"])
    return str(size.sum().idxmax())


def test_items_say_the_share_and_the_counts(items: pd.DataFrame) -> None:
    """Some are answered in part, some by the model alone; the pull is there where it is said."""
    in_part = items["fallback"].str.match(r"matrix \d+%: the account has paid .* in a year, and ")
    assert in_part.any()
    assert (items["fallback"] == "").any()
    assert (items.loc[in_part, "shap_matrix"] != 0).any()
    assert (items.loc[~in_part, "shap_matrix"] == 0).all()


def test_reasons_of_accounts_name_the_matrix_and_add_up(snapshot: Path) -> None:
    """To the cent, with a sentence that says its share and why."""
    accounts = pd.read_parquet(snapshot / "accounts.parquet")
    told = []
    for row in accounts.itertuples():
        total = sum(round(100 * reason["dollars"]) for reason in row.reasons)
        assert total == round(100 * row.dollars_at_risk)
        told += [reason["sentence"] for reason in row.reasons if reason["family"] == "matrix"]
    assert told
    assert all(text.startswith("The roll-rate matrix has ") for text in told)


def test_the_explanation_of_an_account_adds_up_with_the_matrix(
    pair: ServedPair, items: pd.DataFrame
) -> None:
    """Families and base give the totals in all three units; the matrix has no features."""
    told = explain_account(pair, mixed_account(items), None)
    matrix = next(family for family in told["families"] if family["family"] == "matrix")
    assert matrix["features"] == []
    assert matrix["sentence"].startswith("The roll-rate matrix has ")
    for currency, total in told["totals"].items():
        parts = [family["account"][currency] for family in told["families"]]
        parts.append(told["base"]["account"][currency])
        for unit in ("log_odds", "probability"):
            assert sum(part[unit] for part in parts) == pytest.approx(total[unit], abs=1e-9)
        dollars = sum(round(100 * float(part["dollars"])) for part in parts)
        assert dollars == round(100 * float(total["dollars"]))
    for item in told["items"]:
        own = item["probability"]
        assert sum(own.values()) == pytest.approx(item["p_open_30"], abs=1e-9)


def test_the_portfolio_adds_up_with_the_matrix(snapshot: Path) -> None:
    """Its drivers have the matrix beside the families."""
    portfolio = json.loads((snapshot / "portfolio.json").read_text("utf-8"))
    for part in portfolio["currencies"].values():
        cents = sum(round(100 * value) for value in part["drivers"].values())
        assert cents == round(100 * part["totals"]["dollars_at_risk"])
        level = part["contributions"]
        points = level["base"]["probability"] + sum(f["probability"] for f in level["families"])
        assert points == pytest.approx(level["probability"], abs=1e-9)
    drivers = [part["drivers"]["matrix"] for part in portfolio["currencies"].values()]
    assert np.any(np.array(drivers) != 0)


def test_the_report_says_how_many_items_the_matrix_had_a_part_in(
    snapshot: Path, items: pd.DataFrame
) -> None:
    """And still shows drivers, since the model answered too."""
    view = report_view(read_scores(snapshot), top=3)
    in_part = ((items["fallback"] != "") & ~by_matrix_alone(items["fallback"])).sum()
    assert f"{in_part:,} of {count_text(len(items), 'item')} are answered in part" in view.model
    assert view.explains
