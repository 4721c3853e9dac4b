"""Small scorings written as `rollrisk score` writes them, with sums known from whole cents."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.ageing import BUCKETS, bucket_index, bucket_names, is_exposed
from models.explain import FAMILY_NAMES
from models.priority import item_lanes
from models.snapshot import FORMAT, SnapshotManifest

AS_OF = date(2025, 6, 30)
NETTED = ("unapplied", "disputed", "planned", "promised")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What a test asks of a scoring: accounts per currency, and what it wants changed."""

    accounts: Mapping[str, int]
    items_each: int = 4
    names: tuple[str, ...] = ()
    fallback: str = ""
    unproven: tuple[str, ...] = ()
    seed: int = 7
    hold: Mapping[str, str] = field(default_factory=dict)


@pytest.fixture
def scoring_of(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes the scoring of a recipe and returns its folder."""

    def write(**asked: Any) -> Path:  # noqa: ANN401 (the fields of a recipe)
        recipe = Recipe(**asked)
        items = _items(recipe)
        accounts = _accounts(recipe, items)
        manifest = SnapshotManifest(
            ledger="ledger",
            ledger_digest="0123456789abcdef" * 4,
            as_of=AS_OF,
            model="7",
            model_version="7",
            feature_digest="feedfacefeedface",
        )
        folder = tmp_path / "scores"
        folder.mkdir(exist_ok=True)
        items.drop(columns="account_no").to_parquet(folder / "items.parquet", index=False)
        accounts.to_parquet(folder / "accounts.parquet", index=False)
        texts = {
            "portfolio.json": _portfolio(recipe, items, accounts),
            "manifest.json": {"format": FORMAT, **asdict(manifest)},
        }
        for name, content in texts.items():
            (folder / name).write_text(json.dumps(content, default=str), "utf-8")
        return folder

    return write


def _items(recipe: Recipe) -> pd.DataFrame:
    rng = np.random.default_rng(recipe.seed)
    keys = [
        (f"{currency}-{number:03d}", currency, number, position)
        for currency, count in recipe.accounts.items()
        for number in range(count)
        for position in range(recipe.items_each)
    ]
    n = len(keys)
    # The first item of an account is always past due and has something collectible.
    first = np.array([position == 0 for *_, position in keys], dtype=bool)
    days = np.where(first, rng.integers(1, 91, n), rng.integers(-60, 200, n)).astype(float)
    days[~first & (rng.random(n) < 0.1)] = np.nan
    balance = rng.integers(200, 3_000_000, n)
    shares = rng.random((n, len(NETTED))) * (rng.random((n, len(NETTED))) < 0.3) * 0.2
    netted = np.floor(balance[:, None] * shares).astype(np.int64)
    collectible = balance - netted.sum(axis=1)
    exposed, p = is_exposed(days), rng.random(n)
    last = bucket_index(days) == len(BUCKETS) - 1
    rolls = np.where(exposed, np.rint(collectible * p), 0).astype(np.int64)
    stays = np.where(last, np.rint(collectible * p), 0).astype(np.int64)
    due = [None if np.isnan(d) else pd.Timestamp(AS_OF - timedelta(days=int(d))) for d in days]
    return pd.DataFrame(
        {
            "as_of": pd.Series([pd.Timestamp(AS_OF)] * n, dtype="datetime64[ms]"),
            "account_id": pd.Series([key[0] for key in keys], dtype="str"),
            "account_no": pd.Series([key[2] for key in keys], dtype="int64"),
            "invoice_id": pd.Series([f"INV-{k:04d}" for k in range(n)], dtype="str"),
            "currency": pd.Series([key[1] for key in keys], dtype="str"),
            "bucket": pd.Series(bucket_names(bucket_index(days)), dtype="str"),
            "days_past_due": pd.array(days, dtype="Float64").astype("Int64"),
            "due_on": pd.Series(due, dtype="datetime64[ms]"),
            "open_balance": balance / 100,
            "collectible": collectible / 100,
            **{name: netted[:, k] / 100 for k, name in enumerate(NETTED)},
            "exposed": exposed,
            "p_roll": np.where(exposed, p, np.nan),
            "p_open_30": p,
            "p_reach_91_plus": np.where(last, 1.0, np.where(days < -29, np.nan, p / 2)),
            "balance_expected_to_roll": np.where(exposed, balance / 100 * p, 0.0),
            "dollars_expected_to_roll": rolls / 100,
            "dollars_expected_to_stay": stays / 100,
            "dollars_at_risk": (rolls + stays) / 100,
            "lane": pd.Series(item_lanes(days), dtype="str"),
            "fallback": pd.Series([recipe.fallback] * n, dtype="str"),
        }
    )


def _accounts(recipe: Recipe, items: pd.DataFrame) -> pd.DataFrame:
    rng = np.random.default_rng(recipe.seed + 1)
    rows = []
    ranks: dict[str, int] = {}
    for (account, currency), own in items.groupby(["account_id", "currency"]):
        ranks[str(currency)] = ranks.get(str(currency), 0) + 1
        number = int(own["account_no"].iloc[0])
        at_risk = _cents(own["dollars_at_risk"])
        hold = recipe.hold.get(str(account), "")
        rows.append(
            {
                "account_id": account,
                "currency": currency,
                "name": recipe.names[number] if number < len(recipe.names) else f"Name {account}",
                "segment": "mid_market",
                "region": None,
                "collector": "C-01",
                "items": len(own),
                **{name: _cents(own[name]) / 100 for name in ("open_balance", "collectible")},
                "unapplied_cash": _cents(own["unapplied"]) / 100,
                "disputed": _cents(own["disputed"]) / 100,
                "on_plan": _cents(own["planned"]) / 100,
                "promised": _cents(own["promised"]) / 100,
                "dollars_at_risk": at_risk / 100,
                "p_roll": 0.5,
                "priority_value": at_risk / 1000,
                "lane": "past_due",
                "rank": ranks[str(currency)],
                "hold": hold,
                "hold_until": pd.Timestamp("2025-07-11") if hold == "promised" else pd.NaT,
                "action": "call",
                "why": "Past due and more likely than not to roll: call.",
                "reasons": _reasons(rng, at_risk, explained=not recipe.fallback),
            }
        )
    columns = ["account_id", "currency", "name", "segment", "region", "collector", "items"]
    columns += ["open_balance", "collectible", "unapplied_cash", "disputed", "on_plan"]
    columns += ["promised", "dollars_at_risk", "p_roll", "priority_value", "lane", "rank"]
    columns += ["hold", "hold_until", "action", "why", "reasons"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(hold_until=pd.to_datetime(table["hold_until"]))


def _reasons(rng: np.random.Generator, at_risk: int, *, explained: bool) -> list[dict[str, Any]]:
    """Split the cents at risk into families and a base that takes what is left."""
    families = rng.integers(-9_000, 9_000, len(FAMILY_NAMES) if explained else 0)
    reasons = [
        {"family": name, "sentence": f"The account shows {name}", "dollars": int(cents) / 100}
        for name, cents in zip(FAMILY_NAMES, families, strict=False)
    ]
    base = at_risk - int(np.sum(families))
    return [*reasons, {"family": "base", "sentence": "What is usual", "dollars": base / 100}]


def _portfolio(recipe: Recipe, items: pd.DataFrame, accounts: pd.DataFrame) -> dict[str, Any]:
    currencies = {}
    for currency, own in items.groupby("currency"):
        cents: dict[str, int] = dict.fromkeys((*FAMILY_NAMES, "base"), 0)
        for reasons in accounts.loc[accounts["currency"] == currency, "reasons"]:
            for reason in reasons:
                cents[reason["family"]] += round(reason["dollars"] * 100)
        names = ("open_balance", "collectible", "dollars_at_risk")
        currencies[str(currency)] = {
            "totals": {name: _cents(own[name]) / 100 for name in names},
            "drivers": {name: value / 100 for name, value in cents.items()},
            "key_figures": {
                "sales_90": 1000.0,
                "dso_days": None,
                "best_possible_dso_days": 30.25,
                "average_days_delinquent": None,
            },
        }
    return {"currencies": currencies, "point_in_time_unproven": list(recipe.unproven)}


def _cents(values: pd.Series) -> int:
    return sum(round(value * 100) for value in values)
