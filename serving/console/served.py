"""The served scoring as tables that views group and sum."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from models.home import Home
from serving.store import ServedPair

GROUPS: tuple[str, ...] = ("segment", "region", "collector")
"""What accounts are grouped by; a missing value is an empty text."""

_CATEGORIES = ("bucket", "currency", "lane", *GROUPS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A scoring and what was published with it.

    Parameters
    ----------
    pair : ServedPair
        Snapshot and model.
    items : pandas.DataFrame
        Open items by account, with the account's groups and ``owner``, the row of the account.
    accounts : pandas.DataFrame
        Accounts, one row per currency.
    portfolio : mapping
        ``portfolio.json``.
    """

    pair: ServedPair
    items: pd.DataFrame
    accounts: pd.DataFrame
    portfolio: Mapping[str, Any]

    @property
    def currencies(self) -> tuple[str, ...]:
        """Currencies, the largest open balance first."""
        parts = self.portfolio["currencies"]
        order = sorted(parts, key=lambda name: (-parts[name]["totals"]["open_balance"], name))
        return tuple(order)

    def currency(self, wanted: str | None) -> str:
        """Return the currency asked for, the largest one when it is not there."""
        if wanted in self.currencies:
            return str(wanted)
        return self.currencies[0] if self.currencies else ""

    def items_of(self, currency: str) -> pd.DataFrame:
        """Return the open items of a currency."""
        return self.items[self.items["currency"] == currency]

    def accounts_of(self, currency: str) -> pd.DataFrame:
        """Return the accounts of a currency."""
        return self.accounts[self.accounts["currency"] == currency]


def serve(pair: ServedPair, home: Home) -> Served:
    """Return the tables of a served pair.

    Raises
    ------
    FileNotFoundError
        When the snapshot's folder is gone.
    """
    table = pair.table
    accounts = pd.DataFrame({name: cells.whole() for name, cells in table.accounts.items()})
    accounts["row"] = np.arange(len(accounts))
    for name in GROUPS:
        accounts[name] = accounts[name].fillna("").astype(str)
    ids, first, counts = table.item_rows.spans()
    items = pd.DataFrame({name: cells.whole() for name, cells in table.items.items()})
    items["account_id"] = np.repeat(ids, counts)
    owner = np.repeat(first, counts)
    items["owner"] = owner
    for name in GROUPS:
        items[name] = accounts[name].to_numpy(dtype=object)[owner]
    return Served(
        pair=pair,
        items=_categories(items),
        accounts=_categories(accounts),
        portfolio=_portfolio(home.snapshots / pair.name),
    )


def _categories(frame: pd.DataFrame) -> pd.DataFrame:
    """Keep repeated texts as codes: groups of many rows are then summed quickly."""
    return frame.assign(
        **{name: frame[name].astype("category") for name in _CATEGORIES if name in frame}
    )


def _portfolio(folder: Path) -> Mapping[str, Any]:
    content: dict[str, Any] = json.loads((folder / "portfolio.json").read_text("utf-8"))
    return content
