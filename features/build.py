"""Build the feature frame: one row per open item and as-of date, one column per feature.

The catalogue decides the columns, the ``.sql`` files their values. Features of an account
are repeated on each of its items. Where a source lacks an optional table, the features that
need it are missing.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from features.ageing import bucket_index
from features.catalogue import CATALOGUE, NAMES, feature_digest
from features.engines import EngineOptions, open_session
from features.gather import GRAIN_KEYS, ITEMS, gather
from features.inputs import Rules
from features.ledger.read import Ledger
from features.session import Session
from features.stages import ends, needed_stages

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
    names: tuple[str, ...] = NAMES,
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
    names : tuple of str
        Features to compute, the whole catalogue by default; only their queries run.
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

    Raises
    ------
    KeyError
        When the catalogue has no feature of a name.
    """
    parts = feature_parts(
        ledger,
        as_of,
        names=names,
        rules=rules,
        options=options,
        session=session,
        progress=progress,
        anew=True,
    )
    return joined(list(parts))


def feature_parts(
    ledger: Ledger,
    as_of: Sequence[date],
    *,
    names: tuple[str, ...] = NAMES,
    rules: Rules | None = None,
    options: EngineOptions | None = None,
    session: Session | None = None,
    progress: Callable[[str], None] | None = None,
    anew: bool = False,
) -> Iterator[FeatureFrame]:
    """Yield the rows of ``feature_frame`` for a few dates at a time, in order.

    Takes what ``feature_frame`` takes. Only the states of items are held for all dates; features
    are held for ``options.dates_at_once`` of them. While a part is in hand, the session answers
    for its dates. The next part takes the memory of its ``values``, unless each is to have some
    ``anew``: copy what is to stay, as ``select`` does.
    """
    options = options or EngineOptions()
    shared = nullcontext(session) if session else open_session(ledger, as_of, rules, options)
    with shared as active:
        if session is None and names != NAMES:
            active.narrow(_columns(names, ledger.present))
        yield from _parts(active, ledger.present, names, options, progress, anew=anew)


def _parts(
    session: Session,
    present: frozenset[str],
    names: tuple[str, ...],
    options: EngineOptions,
    progress: Callable[[str], None] | None,
    *,
    anew: bool,
) -> Iterator[FeatureFrame]:
    wanted = set(names)
    features = tuple(feature for feature in CATALOGUE if feature.name in wanted)
    if unknown := wanted.difference(NAMES):
        raise KeyError(f"No features are called {sorted(unknown)}.")
    stages = needed_stages(
        feature.query for feature in features if present.issuperset(feature.needs)
    )
    digest = feature_digest(names)
    dates, at_once = session.as_of, options.dates_at_once
    memory = np.empty(0)
    for start in range(0, len(dates), at_once):
        if len(dates) > at_once:
            session.turn_to(dates[start : start + at_once])
        session.run(stages, progress)
        rows = session.arrow(ITEMS)
        size = len(features) * rows.num_rows
        if anew or size > len(memory):
            # Books grow from date to date; memory that nothing is written to costs nothing.
            memory = np.empty(size if anew else 2 * size)
        buffer = memory[:size].reshape(len(features), rows.num_rows)
        gather(session, rows, features, present, buffer)
        frame = FeatureFrame(
            items=_items(rows),
            values=buffer.T,
            names=tuple(feature.name for feature in features),
            digest=digest,
        )
        yield frame
    if len(dates) > at_once:
        session.turn_to(dates)


def _columns(names: tuple[str, ...], present: frozenset[str]) -> dict[str, list[str]]:
    """Return the columns that each stage needs to have for some features, if no stage reads it."""
    features = [one for one in CATALOGUE if one.name in names and present.issuperset(one.needs)]
    columns = {feature.query: list(GRAIN_KEYS[feature.grain]) for feature in features}
    for feature in features:
        columns[feature.query].append(feature.name)
    last = ends(needed_stages(columns))
    return {stage: needed for stage, needed in columns.items() if stage in last}


def joined(parts: Sequence[FeatureFrame]) -> FeatureFrame:
    """Return parts with the same features as one frame."""
    first = parts[0]
    if len(parts) == 1:
        return first
    items = pd.concat([part.items for part in parts], ignore_index=True)
    buffer = np.empty((len(first.names), len(items)))
    start = 0
    for part in parts:
        end = start + len(part.items)
        buffer[:, start:end] = part.matrix(part.names).T
        start = end
    return FeatureFrame(items=items, values=buffer.T, names=first.names, digest=first.digest)


def _items(table: pa.Table) -> pd.DataFrame:
    items: pd.DataFrame = table.select(list(KEYS)).to_pandas()
    for column in ("as_of", "due_on"):
        items[column] = pd.to_datetime(items[column])
    items["days_past_due"] = items["days_past_due"].astype(float)
    items["residual"] = items["residual"].astype(bool)
    return items
