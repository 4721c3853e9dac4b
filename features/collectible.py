"""What a collector can still ask for: the open balance less what explains it already.

Taken off in this order, each part capped at what remains: unapplied cash and credits, amounts
in open dispute, plans in good standing (instalments not yet due), promises still open. Rows
that name an item reduce that item; rows of the account go to its oldest due item first. The
parts and the collectible balance sum to the open balance, to the cent.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from features.session import Session
from features.stages import needed_stages

Cents = npt.NDArray[np.int64]

PARTS: tuple[str, ...] = ("unapplied", "disputed", "planned", "promised")
"""The parts taken off, in order."""

STAGES: tuple[str, ...] = needed_stages(
    ("unapplied", "known_disputes", "promise_states", "plan_states")
)

_QUERIES: dict[str, str] = {
    "unapplied": """
        select as_of, account_id, currency, cast(null as varchar) as invoice_id,
            sum(unapplied_cents) as cents
        from unapplied group by as_of, account_id, currency
    """,
    "disputed": """
        select as_of, account_id, currency, invoice_id, sum(amount_cents) as cents
        from known_disputes
        where is_open = 1
        group by as_of, account_id, currency, invoice_id
    """,
    "planned": """
        select as_of, account_id, currency, invoice_id, sum(upcoming_cents) as cents
        from plan_states
        where in_good_standing = 1
        group by as_of, account_id, currency, invoice_id
    """,
    "promised": """
        select as_of, account_id, currency, invoice_id,
            sum(greatest(amount_cents - received_cents, 0)) as cents
        from promise_states
        where state = 'open'
        group by as_of, account_id, currency, invoice_id
    """,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Netting:
    """The parts of each open item in cents, in the row order of ``feature_frame``.

    Parameters
    ----------
    open_cents : numpy.ndarray of int64, shape (n,)
        Open balance.
    parts : dict of str to numpy.ndarray of int64, shape (n,)
        What was taken off, by the names in ``PARTS``.
    collectible_cents : numpy.ndarray of int64, shape (n,)
        What remains, at least 0.
    """

    open_cents: Cents
    parts: dict[str, Cents]
    collectible_cents: Cents


def net_items(session: Session) -> Netting:
    """Return the netting of every open item of a session."""
    session.run(STAGES)
    items = session.arrow(
        "select as_of, account_id, currency, invoice_id, due_on, balance_cents "
        "from open_items order by as_of, account_id, invoice_id"
    ).to_pandas()
    items["position"] = np.arange(len(items))
    ordered = items.sort_values(
        ["as_of", "account_id", "currency", "due_on", "invoice_id"], na_position="last"
    )
    keys = ordered[["as_of", "account_id", "currency"]]
    group = keys.ne(keys.shift()).any(axis=1).cumsum().to_numpy(dtype=np.int64) - 1
    remaining = ordered["balance_cents"].to_numpy(dtype=np.int64).copy()
    parts: dict[str, Cents] = {}
    back = np.empty(len(ordered), dtype=np.int64)
    back[ordered["position"].to_numpy()] = np.arange(len(ordered))
    for name in PARTS:
        taken = np.zeros(len(ordered), dtype=np.int64)
        rows = session.arrow(_QUERIES[name])
        for amounts in _amounts(rows, ordered, group, remaining) if rows.num_rows else ():
            taken += amounts
            remaining -= amounts
        parts[name] = taken[back]
    return Netting(
        open_cents=items["balance_cents"].to_numpy(dtype=np.int64),
        parts=parts,
        collectible_cents=remaining[back],
    )


def _amounts(
    rows: pa.Table, ordered: pd.DataFrame, group: Cents, remaining: Cents
) -> Iterator[Cents]:
    """Yield what a part takes from each item: first by name, then from the oldest item on."""
    frame = rows.to_pandas()
    frame["cents"] = frame["cents"].astype("int64").clip(lower=0)
    named = frame[frame["invoice_id"].notna()]
    by_item = named.groupby(["as_of", "invoice_id"])["cents"].sum()
    wanted = _lookup(by_item, ordered[["as_of", "invoice_id"]])
    yield np.minimum(wanted, remaining)
    pooled = frame[frame["invoice_id"].isna()]
    by_account = pooled.groupby(["as_of", "account_id", "currency"])["cents"].sum()
    pool = _lookup(by_account, ordered[["as_of", "account_id", "currency"]])
    yield allocate(remaining, group, pool)


def _lookup(values: pd.Series, keys: pd.DataFrame) -> Cents:
    if values.empty:
        return np.zeros(len(keys), dtype=np.int64)
    found = values.reindex(pd.MultiIndex.from_frame(keys)).fillna(0)
    return found.to_numpy(dtype=np.int64)


def allocate(remaining: Cents, group: Cents, pool: Cents) -> Cents:
    """Hand each group's pool to its rows in order, each up to what remains of it.

    Parameters
    ----------
    remaining : numpy.ndarray of int64, shape (n,)
        Upper bound of each row.
    group : numpy.ndarray of int64, shape (n,)
        Group of each row, rising, rows of one group together.
    pool : numpy.ndarray of int64, shape (n,)
        The group's pool, repeated on each of its rows.

    Examples
    --------
    >>> allocate(np.array([50, 30, 20]), np.array([0, 0, 1]), np.array([60, 60, 5])).tolist()
    [50, 10, 5]
    """
    total = np.cumsum(remaining) - remaining
    if not len(group):
        return total
    first = np.flatnonzero(np.diff(group, prepend=-1))
    before = total - total[first][np.cumsum(np.diff(group, prepend=-1) != 0) - 1]
    share: Cents = np.clip(pool - before, 0, remaining)
    return share


def commitment_dates(session: Session) -> pd.DataFrame:
    """Return until when promises and plans of an account hold.

    Returns
    -------
    pandas.DataFrame
        ``account_id``, ``promised`` (last promised date of an open promise, grace included)
        and ``planned`` (next instalment of a plan in good standing).
    """
    session.run(STAGES)
    frame: pd.DataFrame = session.arrow("""
        select account_id, max(promised) as promised, min(planned) as planned
        from (
            select account_id,
                cast(date_add(promised_on, to_days(settings.promise_grace_days)) as date)
                    as promised,
                cast(null as date) as planned
            from promise_states cross join settings
            where state = 'open'
            union all
            select account_id, cast(null as date) as promised, next_due_on as planned
            from plan_states
            where in_good_standing = 1
        ) as dates
        group by account_id
    """).to_pandas()
    return frame
