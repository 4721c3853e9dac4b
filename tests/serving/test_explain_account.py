"""An explanation sets the account beside its own past and names the rows behind it."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from features.build import feature_frame
from features.catalogue import FAMILIES, MODEL_NAMES, NAMES
from features.ledger.read import open_ledger
from serving.account_ledger import family_members, restrict_ledger
from serving.explain_account import (
    EVIDENCE_ROWS,
    FAMILY_TABLES,
    explain_account,
    month_ends,
    own_norms,
    recent_rows,
)
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
