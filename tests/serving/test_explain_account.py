"""An explanation sets the account beside its own past and names the rows behind it."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from features.build import feature_frame
from features.catalogue import FAMILIES, MODEL_NAMES, NAMES
from features.ledger.read import open_ledger
from features.ledger.tables import TABLES
from models.contributions import Parts, sum_up
from serving.account_ledger import family_members, restrict_ledger
from serving.account_score import stored_levels
from serving.account_what_if import Scenario
from serving.explain_account import (
    EVIDENCE_ROWS,
    FAMILY_TABLES,
    Further,
    explain_account,
    month_ends,
    own_norms,
    recent_rows,
)
from serving.policy import read_policy
from serving.store import ServedPair, load_pair
from tests.serving.conftest import Installation


@pytest.fixture(scope="module")
def pair(installation: Installation) -> ServedPair:
    """The published snapshot and its model."""
    return load_pair(installation.home)


def account_with_items(pair: ServedPair) -> str:
    """Return the account with most open items."""
    return max(pair.table.item_rows, key=lambda name: np.diff(pair.table.item_rows[name])[0])


def elsewhere(pair: ServedPair) -> ServedPair:
    """Return the pair as a machine without the ledger has it."""
    return replace(pair, manifest=replace(pair.manifest, ledger="/nowhere/at/all"))


def test_month_ends_lie_before_the_day() -> None:
    """Twelve of them, the day itself never."""
    days = month_ends(date(2024, 12, 31))
    assert len(days) == 12
    assert days[0] == date(2023, 12, 31)
    assert days[-1] == date(2024, 11, 30)
    assert month_ends(date(2024, 12, 30)) == days


def test_a_norm_is_the_median_over_own_items_at_the_month_ends(
    installation: Installation, pair: ServedPair
) -> None:
    """The norm of an account alone is its median in a frame of the whole ledger."""
    account_id = account_with_items(pair)
    whole = open_ledger(installation.ledger)
    family = restrict_ledger(whole, family_members(whole, account_id))
    norms = own_norms(family, account_id, installation.as_of)
    frame = feature_frame(whole, month_ends(installation.as_of))
    own = frame.select((frame.items["account_id"] == account_id).to_numpy())
    assert len(own.items) > 0
    for name in NAMES:
        values = own.column(name)
        known = values[~np.isnan(values)]
        assert norms.get(name) == (float(np.median(known)) if len(known) else None)


def test_every_feature_stands_in_its_family_beside_norm_and_segment(
    pair: ServedPair,
) -> None:
    """Values are those that were scored; medians are the model's."""
    account_id = account_with_items(pair)
    told = explain_account(pair, account_id, None)
    assert [family["family"] for family in told["families"]] == list(FAMILIES)
    features = {f["name"]: f for family in told["families"] for f in family["features"]}
    assert set(features) == set(MODEL_NAMES)
    scored = pair.evidence_of(account_id).to_pylist()
    row = next(r for r in scored if r["invoice_id"] == told["explained_invoice_id"])
    for name, feature in features.items():
        value = row[f"value_{name}"]
        assert feature["value"] == (None if value is None or np.isnan(value) else value)
        assert feature["log_odds"] == row[f"log_odds_{name}"]
    medians = pair.bundle.profile.medians[told["accounts"][0]["segment"]]
    by_name = dict(zip(MODEL_NAMES, medians, strict=True))
    assert features["dbt_mean"]["segment_median"] == by_name["dbt_mean"]
    assert any(feature["own_norm"] is not None for feature in features.values())
    assert told["notes"] == []


def test_families_and_base_sum_to_the_dollars_at_risk(pair: ServedPair) -> None:
    """In every currency, to the cent."""
    for account_id in list(pair.table.account_rows)[:5]:
        told = explain_account(elsewhere(pair), account_id, None)
        for entry in told["accounts"]:
            parts = [family["dollars"][entry["currency"]] for family in told["families"]]
            parts.append(told["base"]["dollars"][entry["currency"]])
            cents = sum(round(float(part) * 100) for part in parts)
            assert cents == round(float(entry["dollars_at_risk"]) * 100)


def test_the_invoice_asked_for_is_explained(pair: ServedPair) -> None:
    """Another item, other values; an invoice of someone else is an error."""
    account_id = account_with_items(pair)
    items = [row["invoice_id"] for row in pair.table.item_entries(account_id)]
    for invoice_id in items[:2]:
        told = explain_account(elsewhere(pair), account_id, invoice_id)
        assert told["explained_invoice_id"] == invoice_id
    with pytest.raises(KeyError):
        explain_account(elsewhere(pair), account_id, "nobody's")


def test_evidence_names_rows_that_the_books_showed(
    installation: Installation, pair: ServedPair
) -> None:
    """Newest first, the account's own, none known after the day."""
    account_id = account_with_items(pair)
    own = restrict_ledger(open_ledger(installation.ledger), [account_id])
    early = date(2023, 12, 31)
    shown = recent_rows(own, early)["invoices"]
    rows = {row["invoice_id"]: row for row in own.rows["invoices"].to_pylist()}
    days = [max(rows[name]["issued_on"], rows[name]["known_on"]) for name in shown]
    assert days == sorted(days, reverse=True)
    assert days[0] <= early
    assert len(shown) <= EVIDENCE_ROWS
    assert set(FAMILY_TABLES) == set(FAMILIES)


def test_without_the_ledger_the_rest_is_still_explained(pair: ServedPair) -> None:
    """A server on another machine says what is missing."""
    told = explain_account(elsewhere(pair), account_with_items(pair), None)
    assert "cannot be read" in told["notes"][0]
    features = [f for family in told["families"] for f in family["features"]]
    assert all(feature["own_norm"] is None for feature in features)
    assert any(feature["value"] is not None for feature in features)


def cents(text: str) -> int:
    """Return money as a whole number of cents."""
    return round(100 * float(text))


def test_items_families_and_features_add_up_in_three_units(pair: ServedPair) -> None:
    """Log-odds, probability points and dollars; at the item, the account, and between them."""
    account_id = account_with_items(pair)
    told = explain_account(elsewhere(pair), account_id, None)
    for item in told["items"]:
        assert sum(item["probability"].values()) == pytest.approx(item["p_open_30"], abs=1e-9)
        assert sum(map(cents, item["dollars"].values())) == cents(item["dollars_at_risk"])
    explained = next(
        item for item in told["items"] if item["invoice_id"] == told["explained_invoice_id"]
    )
    for currency, total in told["totals"].items():
        parts = [family["account"][currency] for family in told["families"]]
        parts.append(told["base"]["account"][currency])
        assert sum(cents(part["dollars"]) for part in parts) == cents(total["dollars"])
        for unit in ("log_odds", "probability"):
            assert sum(part[unit] for part in parts) == pytest.approx(total[unit], abs=1e-9)
        [entry] = [entry for entry in told["accounts"] if entry["currency"] == currency]
        assert total["dollars"] == entry["dollars_at_risk"]
    for family in told["families"]:
        if family["family"] == "matrix":
            continue  # the pull of the matrix has no features
        features = family["features"]
        name, currency = family["family"], explained["currency"]
        assert sum(cents(f["dollars"]) for f in features) == cents(explained["dollars"][name])
        for unit in ("log_odds", "probability"):
            points = sum(feature[unit] for feature in features)
            assert points == pytest.approx(explained[unit][name], abs=1e-9)
        dollars = sum(cents(feature["account"][currency]["dollars"]) for feature in features)
        assert dollars == cents(family["account"][currency]["dollars"])
        assert family["dollars"][currency] == family["account"][currency]["dollars"]


def test_the_portfolio_is_the_sum_of_its_accounts(
    installation: Installation, pair: ServedPair
) -> None:
    """Every family and feature of the stored items, to the cent, in each currency."""
    stored = json.loads((installation.snapshot / "portfolio.json").read_text("utf-8"))
    evidence = pq.read_table(installation.snapshot / "evidence.parquet").to_pandas()
    items = pq.read_table(installation.snapshot / "items.parquet").to_pandas()
    kept = ["invoice_id", "currency", "account_id", "collectible", "shap_matrix", "base_value"]
    rows = items[kept].merge(
        evidence.drop(columns="account_id"), on="invoice_id", validate="one_to_one"
    )
    for currency, view in stored["currencies"].items():
        own = rows[rows["currency"] == currency]
        levels = [sum_up(parts_of(group)) for _, group in own.groupby("account_id")]
        for kind in ("families", "features"):
            sums = [
                sum(part.cents for part in same)
                for same in zip(*(getattr(level, kind) for level in levels), strict=True)
            ]
            told = view["contributions"][kind]
            assert [round(100 * part["dollars"]) for part in told] == sums
        assert view["contributions"]["dollars_at_risk"] == view["totals"]["dollars_at_risk"]
        drivers = {part["name"]: part["dollars"] for part in view["contributions"]["families"]}
        assert drivers.items() <= view["drivers"].items()
    account_id = account_with_items(pair)
    for currency, level in stored_levels(pair, account_id).items():
        mine = rows[(rows["account_id"] == account_id) & (rows["currency"] == currency)]
        assert level == sum_up(parts_of(mine.sort_values("invoice_id")))


def parts_of(rows: pd.DataFrame) -> Parts:
    """Return the contributions of stored items."""
    return Parts(
        log_odds=rows[[f"log_odds_{name}" for name in MODEL_NAMES]].to_numpy(),
        pull=rows["shap_matrix"].to_numpy(),
        base=rows["base_value"].to_numpy(),
        probability_base=rows["probability_base"].to_numpy(),
        scale=rows["scale"].to_numpy(),
        cents=rows[[f"cents_{name}" for name in (*FAMILIES, "base")]].to_numpy(),
        collectible_cents=np.rint(100 * rows["collectible"].to_numpy()).astype(np.int64),
    )


def test_evidence_of_an_invoice_names_only_its_rows(
    installation: Installation, pair: ServedPair
) -> None:
    """The ids are rows of the ledger that name it."""
    account_id = account_with_items(pair)
    told = explain_account(pair, account_id, None)
    own = restrict_ledger(open_ledger(installation.ledger), [account_id])
    for family in told["families"]:
        for name, ids in family["invoice_evidence"].items():
            rows = {
                ":".join(str(row[key]) for key in TABLES[name].key): row
                for row in own.rows[name].to_pylist()
            }
            assert ids
            assert {rows[one]["invoice_id"] for one in ids} == {told["explained_invoice_id"]}


def test_what_else_is_asked_for_is_answered_or_said_to_be_missing(
    installation: Installation, pair: ServedPair
) -> None:
    """A scenario is scored; without an earlier scoring, or without the ledger, a note says so."""
    account_id = account_with_items(pair)
    currency = pair.table.accounts["currency"][pair.table.account_rows[account_id][0]]
    pays = Scenario(kind="pays", currency=currency, amount=Decimal(50))
    further = Further(
        policy=read_policy(), snapshots=installation.home.snapshots, scenarios=(pays,)
    )
    told = explain_account(pair, account_id, None, further)
    [answer] = told["what_if"]
    before = answer["before"]["dollars_at_risk"]
    [entry] = [entry for entry in told["accounts"] if entry["currency"] == currency]
    assert before == entry["dollars_at_risk"]
    assert cents(answer["after"]["open_balance"]) == cents(entry["open_balance"]) - 5000
    moved = cents(answer["after"]["dollars_at_risk"]) - cents(before)
    assert sum(map(cents, answer["families"].values())) == cents(answer["moved"]) == moved
    assert told["moved"] == []
    assert told["notes"] == ["No earlier scoring is at hand to compare with."]
    lost = explain_account(elsewhere(pair), account_id, None, further)
    assert lost["what_if"] == []
    assert "cannot be scored again here" in lost["notes"][-1]
