"""The portfolio in one plain value: ageing, expected roll, drivers, key figures.

Amounts are never added across currencies: every currency has figures of its own.
"""

import math
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.ageing import BUCKETS, UNDATED
from models.bundle import Bundle
from models.contributions import Contribution, chosen, parts_of, sum_up
from models.explain import FAMILY_NAMES
from models.profile import ALL, CELLS
from models.reasons import BASE
from serving.scoring import Scoring

_SUMS = (
    "open_balance",
    "collectible",
    "dollars_expected_to_roll",
    "dollars_expected_to_stay",
    "dollars_at_risk",
    "balance_expected_to_roll",
)


def portfolio_view(scoring: Scoring, accounts: pd.DataFrame, bundle: Bundle) -> dict[str, Any]:
    """Return ``portfolio.json`` as plain values; money in units of each currency."""
    currencies = sorted(scoring.items["currency"].unique())
    return {
        "as_of": scoring.as_of.isoformat(),
        "model_version": bundle.version,
        "feature_digest": bundle.feature_digest,
        "currencies": {name: _currency(scoring, accounts, name) for name in currencies},
        "roll_rate_matrix": {
            "rows": list(CELLS),
            "p_unresolved_30": [row[0] for row in bundle.profile.matrix[ALL]],
        },
        "point_in_time_unproven": list(bundle.facts.get("point_in_time_unproven", [])),
    }


def _currency(scoring: Scoring, accounts: pd.DataFrame, currency: str) -> dict[str, Any]:
    here = (scoring.items["currency"] == currency).to_numpy()
    items = scoring.items[here]
    own = accounts[accounts["currency"] == currency]
    cents = scoring.cents[here].sum(axis=0)
    names = [*FAMILY_NAMES, BASE]
    drivers = {
        name: int(value) / 100
        for name, value in sorted(
            zip(names, cents, strict=True), key=lambda pair: (pair[0] == BASE, -pair[1])
        )
    }
    figures = asdict(scoring.figures[currency])
    return {
        "items": len(items),
        "accounts": len(own),
        "held_accounts": int((own["hold"] != "").sum()),
        "totals": {name: _money(items[name]) for name in _SUMS},
        "netting": {
            "unapplied": _money(items["unapplied"]),
            "disputed": _money(items["disputed"]),
            "planned": _money(items["planned"]),
            "promised": _money(items["promised"]),
        },
        "buckets": [_bucket(items, name) for name in (*BUCKETS, UNDATED)],
        "drivers": drivers,
        "contributions": _contributions(scoring, here),
        "key_figures": {
            name: None if math.isnan(value) else round(value, 2) for name, value in figures.items()
        },
    }


def _contributions(scoring: Scoring, here: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """Return what base, families and features add, in log-odds, probability and dollars."""
    parts = parts_of(scoring.explanation, scoring.cents, scoring.netting.collectible_cents)
    level = sum_up(chosen(parts, here))
    return {
        "collectible": level.collectible_cents / 100,
        "dollars_at_risk": level.at_risk_cents / 100,
        "log_odds": level.log_odds,
        "probability": level.probability,
        "base": _plain(level.base),
        "families": [_plain(part) for part in level.families],
        "features": [_plain(part) for part in level.features],
    }


def _plain(part: Contribution) -> dict[str, Any]:
    return {
        "name": part.name,
        "log_odds": part.log_odds,
        "probability": part.probability,
        "dollars": part.cents / 100,
    }


def _bucket(items: pd.DataFrame, bucket: str) -> dict[str, Any]:
    rows = items[items["bucket"] == bucket]
    return {
        "bucket": bucket,
        "items": len(rows),
        **{name: _money(rows[name]) for name in _SUMS},
        "expected_to_roll_items": round(float(np.nansum(rows["p_roll"])), 1),
    }


def _money(values: pd.Series) -> float:
    return round(float(values.sum()), 2)
