"""The served scoring as tables that views group and sum."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.home import Home
from serving.online import Column
from serving.store import ServedPair

GROUPS: tuple[str, ...] = ("segment", "region", "collector")
"""What accounts are grouped by; a missing value is an empty text."""

_CATEGORIES = ("bucket", "currency", "lane", "fallback")
_ITEM_COLUMNS = (
    "currency",
    "bucket",
    "days_past_due",
    "open_balance",
    "collectible",
    "unapplied",
    "disputed",
    "p_open_30",
    "p_open_60",
    "p_open_90",
    "p_reach_91_plus",
    "balance_expected_to_roll",
    "dollars_expected_to_roll",
    "dollars_expected_to_stay",
    "dollars_at_risk",
    "fallback",
)
"""What pages sum of items: of many, no other column is looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A scoring and what was published with it.

    Parameters
    ----------
    pair : ServedPair
        Snapshot and model.
    items : pandas.DataFrame
        What pages sum of open items, ordered by account, with the account's groups and
        ``owner``, the row of the account.
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

    def items_of(self, currency: str, columns: Sequence[str] = ()) -> pd.DataFrame:
        """Return the open items of a currency; of a large book, only the columns named."""
        items = self.items[list(columns)] if columns else self.items
        return items[(self.items["currency"] == currency).to_numpy()]

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
    codes = {name: _codes(table.accounts[name]) for name in GROUPS}
    accounts = pd.DataFrame(
        {
            name: codes[name] if name in codes else _values(name, column)
            for name, column in table.accounts.items()
        }
    )
    accounts["row"] = np.arange(len(accounts))
    rows, first, end = table.item_rows.bounds()
    owner = np.repeat(rows, end - first)
    items = pd.DataFrame({name: _values(name, table.items[name]) for name in _ITEM_COLUMNS})
    items["owner"] = owner
    for name, group in codes.items():
        items[name] = group.take(owner)
    return Served(
        pair=pair,
        items=items,
        accounts=accounts,
        portfolio=_portfolio(home.snapshots / pair.name),
    )


def _values(name: str, column: Column) -> Any:  # noqa: ANN401 (an array of NumPy or pandas)
    """Return a column; repeated texts stay codes: groups of many rows are then summed quickly."""
    if name not in _CATEGORIES:
        return column.whole()
    return _categories(*column.codes())


def _codes(column: Column) -> "pd.Categorical[Any]":
    """Return texts as codes, a missing one as an empty text."""
    codes, values = column.codes()
    if "" not in values:
        codes, values = codes + 1, ["", *values]
    return _categories(np.maximum(codes, 0), values)


def _categories(codes: npt.NDArray[np.int64], values: list[str]) -> "pd.Categorical[Any]":
    return pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype(values))


def _portfolio(folder: Path) -> Mapping[str, Any]:
    content: dict[str, Any] = json.loads((folder / "portfolio.json").read_text("utf-8"))
    return content
