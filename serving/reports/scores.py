"""Read a folder of scores and prove that its files tell the same story."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from models.snapshot import SnapshotManifest, read_snapshot_manifest

FILES: tuple[str, ...] = ("manifest.json", "portfolio.json", "items.parquet", "accounts.parquet")

_ITEM_COLUMNS = [
    "account_id",
    "invoice_id",
    "currency",
    "bucket",
    "days_past_due",
    "due_on",
    "open_balance",
    "collectible",
    "unapplied",
    "disputed",
    "planned",
    "promised",
    "exposed",
    "p_roll",
    "p_open_30",
    "p_reach_91_plus",
    "balance_expected_to_roll",
    "dollars_expected_to_roll",
    "dollars_expected_to_stay",
    "dollars_at_risk",
    "fallback",
]
_AGREED = ("open_balance", "collectible", "dollars_at_risk")


class ScoresError(ValueError):
    """A folder that holds no scoring, or one whose files contradict each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """One scoring as it was written: two tables and two plain values."""

    items: pd.DataFrame
    accounts: pd.DataFrame
    portfolio: Mapping[str, Any]
    manifest: SnapshotManifest


def read_scores(folder: Path) -> Scores:
    """Read the scores in ``folder``.

    Raises
    ------
    ScoresError
        When files are missing, or when items, accounts and portfolio differ by a cent.
    """
    if missing := [name for name in FILES if not (folder / name).is_file()]:
        raise ScoresError(
            f"{folder} holds no scoring: {', '.join(missing)} missing. "
            "Write one with `rollrisk score LEDGER --as-of DATE --out DIR`."
        )
    scores = Scores(
        items=pd.read_parquet(folder / "items.parquet", columns=_ITEM_COLUMNS),
        accounts=pd.read_parquet(folder / "accounts.parquet"),
        portfolio=json.loads((folder / "portfolio.json").read_text("utf-8")),
        manifest=read_snapshot_manifest(folder),
    )
    if faults := _contradictions(scores):
        raise ScoresError(
            f"The files in {folder} contradict each other:\n- "
            + "\n- ".join(faults)
            + "\nThey come from different runs or were edited: score the ledger again."
        )
    return scores


def cents_of(values: pd.Series) -> int:
    """Return the sum of a money column in whole cents.

    Examples
    --------
    >>> cents_of(pd.Series([0.1, 0.2]))
    30
    """
    return round(float(values.sum()) * 100)


def _contradictions(scores: Scores) -> list[str]:
    faults = []
    currencies = scores.portfolio["currencies"]
    found = sorted(scores.items["currency"].unique())
    if found != sorted(currencies):
        faults.append(f"items.parquet has currencies {found}, portfolio.json {sorted(currencies)}")
    for currency, part in currencies.items():
        sums = {
            f"{name}.parquet": table[table["currency"] == currency]
            for name, table in (("items", scores.items), ("accounts", scores.accounts))
        }
        for column in _AGREED:
            expected = round(part["totals"][column] * 100)
            for name, rows in sums.items():
                faults += _compare(f"{currency} {column}", name, expected, cents_of(rows[column]))
        expected = round(part["totals"]["dollars_at_risk"] * 100)
        drivers = sum(round(dollars * 100) for dollars in part["drivers"].values())
        faults += _compare(f"{currency} dollars_at_risk", "the sum of drivers", expected, drivers)
    return faults


def _compare(what: str, where: str, expected: int, found: int) -> list[str]:
    if expected == found:
        return []
    difference = f"difference {(found - expected) / 100:,.2f}"
    said = f"{what}: portfolio.json says {expected / 100:,.2f}, {where} {found / 100:,.2f}"
    return [f"{said}, {difference}"]
