"""Tests of a scoring: the columns promised, sums to the cent at every level, the same bytes."""

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from features.engines import EngineOptions
from features.ledger.read import open_ledger
from models.bundle import Bundle
from models.explain import FAMILY_NAMES
from models.home import Home
from models.scorer import CUTS
from serving.batch import Scored, score_batch
from serving.policy import read_policy
from serving.portfolio import portfolio_view
from serving.scoring import Scoring, score_ledger
from serving.worklist import rank_accounts
from tests.trained import Installation, small_installation

AS_OF = date(2024, 12, 15)

ITEM_COLUMNS = (
    *("as_of", "account_id", "invoice_id", "currency", "bucket", "days_past_due"),
    *("open_balance", "collectible", "exposed", "p_roll"),
    *("p_open_30", "p_open_60", "p_open_90", "p_open_120"),
    *("p_reach_1_30", "p_reach_31_60", "p_reach_61_90", "p_reach_91_plus"),
    *("balance_expected_to_roll", "dollars_expected_to_roll", "dollars_expected_to_stay"),
    *("dollars_at_risk", "lane", "priority_value", "fallback", "model_version"),
    *("feature_digest", *(f"shap_{family}" for family in FAMILY_NAMES), "base_value"),
)
BUCKET_COLUMNS = ("current", "1_30", "31_60", "61_90", "91_plus")
ACCOUNT_COLUMNS = (
    *("as_of", "account_id", "currency", "name", "segment", "collector"),
    *(f"open_{bucket}" for bucket in BUCKET_COLUMNS),
    *(f"collectible_{bucket}" for bucket in BUCKET_COLUMNS),
    *("undated", "unapplied_cash", "disputed", "promised", "on_plan"),
    *("dollars_expected_to_roll", "dollars_expected_to_stay", "dollars_at_risk", "p_roll"),
    *("balance_expected_to_roll", "lane", "priority_value", "rank", "hold", "hold_until"),
    *("action", "reasons", "model_version"),
)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """A home with one registered model."""
    return small_installation(tmp_path_factory)


@pytest.fixture(scope="module")
def bundle(small: Installation) -> Bundle:
    """The model."""
    return small.trained.bundle


def batch(small: Installation, bundle: Bundle, root: Path) -> Scored:
    """Score the day into a home of its own."""
    return score_batch(
        small.ledger,
        AS_OF,
        bundle,
        read_policy(),
        Home(path=root / "home"),
        ledger_path=small.ledger_path,
        model_reference="1",
        out=root / "out",
        threads=1,
    )


@pytest.fixture(scope="module")
def scored(small: Installation, bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Scored:
    """The day, scored and written."""
    return batch(small, bundle, tmp_path_factory.mktemp("scored"))


@pytest.fixture(scope="module")
def items(scored: Scored) -> pd.DataFrame:
    """items.parquet as read back."""
    return pd.read_parquet(scored.folder / "items.parquet")


@pytest.fixture(scope="module")
def accounts(scored: Scored) -> pd.DataFrame:
    """accounts.parquet as read back."""
    return pd.read_parquet(scored.folder / "accounts.parquet")


def cents(values: pd.Series) -> npt.NDArray[np.int64]:
    """Return whole cents, and assert that they are whole."""
    exact = values.to_numpy(dtype=float) * 100
    whole = np.rint(exact)
    np.testing.assert_allclose(exact, whole, atol=1e-5, rtol=0)
    return whole.astype(np.int64)


def test_the_promised_columns_are_there(items: pd.DataFrame, accounts: pd.DataFrame) -> None:
    """Every column of the contract stands in the files."""
    assert set(ITEM_COLUMNS) <= set(items.columns)
    assert set(ACCOUNT_COLUMNS) <= set(accounts.columns)
    assert not items.duplicated("invoice_id").any()
    assert not accounts.duplicated(["as_of", "account_id", "currency"]).any()


def test_probabilities_are_coherent(items: pd.DataFrame) -> None:
    """They fall with the horizon; p_roll is p_open_30 of exposed items and null elsewhere."""
    curve = items[[f"p_open_{days}" for days in CUTS]].to_numpy()
    assert ((curve >= 0) & (curve <= 1)).all()
    assert (np.diff(curve, axis=1) <= 0).all()
    exposed = items["exposed"].to_numpy()
    assert 0 < exposed.sum() < len(items)
    np.testing.assert_array_equal(items["p_roll"][exposed], items["p_open_30"][exposed])
    assert items["p_roll"][~exposed].isna().all()


def test_dollars_add_up_per_item(items: pd.DataFrame) -> None:
    """Roll = collectible × p of exposed, stay = collectible × p of the last bucket, 0 else."""
    expected = (items["collectible"] * items["p_open_30"]).round(2)
    roll = expected.where(items["exposed"], 0.0)
    stay = expected.where(items["bucket"] == "91+", 0.0)
    assert (np.abs(cents(items["dollars_expected_to_roll"]) - cents(roll)) <= 1).all()
    assert (np.abs(cents(items["dollars_expected_to_stay"]) - cents(stay)) <= 1).all()
    total = cents(items["dollars_expected_to_roll"]) + cents(items["dollars_expected_to_stay"])
    assert (total == cents(items["dollars_at_risk"])).all()
    assert (items["dollars_expected_to_stay"] > 0).any()


def test_the_parts_of_the_balance_sum_to_it(items: pd.DataFrame) -> None:
    """Open balance = collectible + unapplied + disputed + planned + promised, to the cent."""
    parts = sum(cents(items[name]) for name in ("unapplied", "disputed", "planned", "promised"))
    assert (cents(items["collectible"]) + parts == cents(items["open_balance"])).all()
    assert (items["collectible"] >= 0).all()


def test_accounts_are_the_sums_of_their_items_and_the_portfolio_of_its_accounts(
    items: pd.DataFrame, accounts: pd.DataFrame, scored: Scored
) -> None:
    """To the cent, per currency, with no account lost."""
    keys = ["account_id", "currency"]
    portfolio = json.loads((scored.folder / "portfolio.json").read_text())
    for name in (
        *("open_balance", "collectible", "dollars_expected_to_roll"),
        *("dollars_expected_to_stay", "dollars_at_risk"),
    ):
        by_item = items.assign(value=cents(items[name])).groupby(keys)["value"].sum()
        by_account = accounts.assign(value=cents(accounts[name])).set_index(keys)["value"]
        assert by_item.sort_index().equals(by_account.sort_index())
        for currency, rows in accounts.groupby("currency"):
            shown = portfolio["currencies"][currency]["totals"][name]
            assert round(shown * 100) == cents(rows[name]).sum()


def test_reasons_and_drivers_sum_to_the_dollars_at_risk(
    accounts: pd.DataFrame, scored: Scored
) -> None:
    """For every account and for the portfolio, base included, to the cent."""
    for row in accounts.to_dict("records"):
        total = sum(round(reason["dollars"] * 100) for reason in row["reasons"])
        assert total == round(row["dollars_at_risk"] * 100)
    for currency, view in scored.portfolio["currencies"].items():
        total = sum(round(value * 100) for value in view["drivers"].values())
        assert total == round(view["totals"]["dollars_at_risk"] * 100), currency


def test_buckets_of_the_portfolio_sum_to_its_totals(scored: Scored) -> None:
    """Undated items have a column of their own and are not lost."""
    for view in scored.portfolio["currencies"].values():
        for name, total in view["totals"].items():
            parts = sum(bucket[name] for bucket in view["buckets"])
            assert parts == pytest.approx(total, abs=0.03)
        assert sum(bucket["items"] for bucket in view["buckets"]) == view["items"]


def test_log_odds_of_modelled_items_sum_to_a_margin(items: pd.DataFrame, bundle: Bundle) -> None:
    """Base and families give the calibrated probability of step 1."""
    modelled = items["fallback"] == ""
    assert modelled.any()
    shap = [f"shap_{family}" for family in FAMILY_NAMES]
    margin = items["base_value"] + items[shap].sum(axis=1)
    p = bundle.parts["step_1"].calibrator.probability(margin.to_numpy())
    np.testing.assert_allclose(p[modelled], items["p_open_30"][modelled], atol=1e-9)


def test_the_expected_balance_is_not_netted(items: pd.DataFrame) -> None:
    """Disputed dollars roll too; part payments take some of the balance off."""
    exposed = items["exposed"]
    most = items["open_balance"] * items["p_open_30"]
    assert (items["balance_expected_to_roll"][exposed] <= most[exposed] + 1e-9).all()
    assert (items["balance_expected_to_roll"][~exposed] == 0).all()
    assert (items["balance_expected_to_roll"][exposed] > 0.5 * most[exposed]).all()


def test_scoring_twice_gives_the_same_bytes_of_every_file(
    small: Installation, bundle: Bundle, scored: Scored, tmp_path: Path
) -> None:
    """Same ledger, day and model: nothing in any file depends on when or where."""
    again = batch(small, bundle, tmp_path)
    names = sorted(p.relative_to(scored.folder) for p in scored.folder.rglob("*") if p.is_file())
    assert {"items.parquet", "accounts.parquet", "worklist.csv", "portfolio.json"} <= {
        str(name) for name in names
    }
    for name in names:
        assert (again.folder / name).read_bytes() == (scored.folder / name).read_bytes(), name
        assert (again.snapshot / name).read_bytes() == (scored.snapshot / name).read_bytes()


def same(left: Scoring, right: Scoring) -> None:
    """Assert that two scorings are equal to the last bit."""
    pd.testing.assert_frame_equal(left.items, right.items, check_exact=True)
    assert left.cents.tolist() == right.cents.tolist()


def test_threads_do_not_change_the_numbers(small: Installation, bundle: Bundle) -> None:
    """One or two, in DuckDB and in LightGBM: the same bits, the same ranking."""
    policy = read_policy()
    one, two = (
        score_ledger(
            small.ledger,
            AS_OF,
            bundle,
            policy,
            options=EngineOptions(threads=count),
            threads=count,
        )
        for count in (1, 2)
    )
    same(one, two)
    pd.testing.assert_frame_equal(
        rank_accounts(one, policy), rank_accounts(two, policy), check_exact=True
    )


def test_another_policy_moves_priorities_and_no_probability(
    small: Installation, bundle: Bundle, scored: Scored
) -> None:
    """Costs are the manager's, probabilities the model's."""
    policy = read_policy()
    dear = replace(policy, costs=replace(policy.costs, capital_cost=0.9))
    other = score_ledger(small.ledger, AS_OF, bundle, dear).items
    mine = scored.scoring.items
    changed = [name for name in mine.columns if not mine[name].equals(other[name])]
    assert changed == ["priority_cost", "priority_value"]


def test_a_day_earlier_scores_what_the_books_showed_then(
    small: Installation, bundle: Bundle
) -> None:
    """Every row is of its day and open on it."""
    day = AS_OF - timedelta(days=200)
    scoring = score_ledger(open_ledger(small.ledger_path), day, bundle, read_policy())
    assert set(scoring.items["as_of"].dt.date) == {day}
    view = portfolio_view(scoring, rank_accounts(scoring, read_policy()), bundle)
    assert view["as_of"] == str(day)
    assert len(scoring.items) > 100
