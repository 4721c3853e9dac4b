"""Build the feature frame: one row per open item and as-of date, one column per feature.

The catalogue decides the columns, the ``.sql`` files their values. Features of an account
are repeated on each of its items. Where a source lacks an optional table, the features that
need it are missing.
"""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from features.ageing import bucket_index
from features.catalogue import CATALOGUE, NAMES, Feature, feature_digest
from features.engines import (
    FEATURE_STAGES,
    ITEM_STAGES,
    EngineOptions,
    Session,
    open_session,
)
from features.inputs import Rules
from features.ledger.read import Ledger

KEYS: tuple[str, ...] = (
    "as_of",
    "account_id",
    "invoice_id",
    "currency",
    "due_on",
    "days_past_due",
    "open_balance",
    "amount",
    "residual",
)
"""Columns that describe a row beside its features."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureFrame:
    """Open items with their features.

    Parameters
    ----------
    items : pandas.DataFrame, shape (n, len(KEYS))
        What each row is: keys, due date, days past due (NaN for undated items), open balance
        and billed amount in document currency, and whether it is a residual.
    values : numpy.ndarray of float64, shape (n, len(names))
        The features; NaN where a value is missing.
    names : tuple of str
        Feature names in column order.
    digest : str
        Digest of the feature definitions.
    """

    items: pd.DataFrame
    values: npt.NDArray[np.float64]
    names: tuple[str, ...]
    digest: str

    @property
    def bucket(self) -> npt.NDArray[np.int64]:
        """Index of the ageing bucket of each row, -1 for undated items; shape (n,)."""
        return bucket_index(self.items["days_past_due"].to_numpy(dtype=float))

    def select(self, keep: npt.NDArray[np.bool_]) -> "FeatureFrame":
        """Return the rows where ``keep`` is true."""
        return FeatureFrame(
            items=self.items.loc[keep].reset_index(drop=True),
            values=self.values[keep],
            names=self.names,
            digest=self.digest,
        )

    def matrix(self, names: tuple[str, ...]) -> npt.NDArray[np.float64]:
        """Return the named features in that order, shape (n, len(names)); KeyError if unknown."""
        if names == self.names:
            return self.values
        place = {name: position for position, name in enumerate(self.names)}
        return self.values[:, [place[name] for name in names]]

    def column(self, name: str) -> npt.NDArray[np.float64]:
        """Return the values of one feature, shape (n,)."""
        return self.values[:, self.names.index(name)]

    def to_frame(self) -> pd.DataFrame:
        """Return keys and features side by side, as ``rollrisk features`` writes them."""
        features = pd.DataFrame(self.values, columns=list(self.names))
        repeated = [name for name in self.names if name in self.items.columns]
        return pd.concat([self.items.drop(columns=repeated), features], axis=1)


def feature_frame(
    ledger: Ledger,
    as_of: Sequence[date],
    *,
    rules: Rules | None = None,
    options: EngineOptions | None = None,
    session: Session | None = None,
    progress: Callable[[str], None] | None = None,
) -> FeatureFrame:
    """Compute the features of every open item at every date in ``as_of``.

    Parameters
    ----------
    ledger : Ledger
        The ledger to read.
    as_of : sequence of date
        Observation dates. Nothing that the books showed later enters a row.
    rules, options : Rules, EngineOptions
        Business rules and the use of the machine.
    session : Session
        An open session on the same ledger and dates, to share its stages.
    progress : callable
        Told the name of each stage before it runs.

    Returns
    -------
    FeatureFrame
        Rows ordered by as_of, account_id and invoice_id.
    """
    shared = nullcontext(session) if session else open_session(ledger, as_of, rules, options)
    with shared as active:
        active.run((*ITEM_STAGES, *FEATURE_STAGES), progress)
        table = active.arrow(_select(ledger.present))
    items = _items(table)
    values = np.empty((table.num_rows, len(NAMES)), dtype=np.float64)
    for position, name in enumerate(NAMES):
        values[:, position] = table.column(f"feature_{name}").to_numpy()
    return FeatureFrame(items=items, values=values, names=NAMES, digest=feature_digest())


def _items(table: pa.Table) -> pd.DataFrame:
    items: pd.DataFrame = table.select(list(KEYS)).to_pandas()
    for column in ("as_of", "due_on"):
        items[column] = pd.to_datetime(items[column])
    items["days_past_due"] = items["days_past_due"].astype(float)
    items["residual"] = items["residual"].astype(bool)
    return items


_JOINS = {
    "item": ("item_no",),
    "account": ("as_of", "account_no"),
    "account_currency": ("as_of", "account_no", "currency"),
}


def _select(present: frozenset[str]) -> str:
    """Return the query that joins the family results to the open items."""
    columns = [_feature_column(feature, present) for feature in CATALOGUE]
    joins = []
    for query, grain in dict.fromkeys((feature.query, feature.grain) for feature in CATALOGUE):
        condition = " and ".join(f"items.{key} = {query}.{key}" for key in _JOINS[grain])
        joins.append(f"left join {query} on {condition}")
    return f"""
        select
            items.as_of,
            items.account_id,
            items.invoice_id,
            items.currency,
            items.due_on,
            items.days_past_due,
            cast(items.balance_cents as double) / 100 as open_balance,
            cast(items.amount_cents as double) / 100 as amount,
            items.residual,
            {", ".join(columns)}
        from open_items as items
        {" ".join(joins)}
        order by items.item_no
    """  # noqa: S608 (names come from the catalogue)


def _feature_column(feature: Feature, present: frozenset[str]) -> str:
    if not present.issuperset(feature.needs):
        return f"cast('nan' as double) as feature_{feature.name}"
    value = f"cast({feature.query}.{feature.name} as double)"
    return f"coalesce({value}, cast('nan' as double)) as feature_{feature.name}"
