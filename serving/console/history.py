"""An account's year on one time line: score, balance, payments, promises and disputes.

Everything is read from the account's own ledger rows as the books showed them on each day. Scores
of past days are today's model read on the features of those days: they show how the account
moved, and are no forecasts that were given then.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd

from features.ageing import is_exposed
from features.build import feature_frame
from features.catalogue import feature_digest
from features.engines import EngineOptions, open_session
from features.ledger.read import Ledger, open_ledger
from features.stages import DEBT_STAGES, query_text
from models.scorer import survival_curves
from serving.account_ledger import family_members, restrict_ledger, rows_of_account
from serving.explain_account import month_ends
from serving.store import ServedPair

WEEKS = 52
ROWS_SHOWN = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """P roll of the account's exposed items on a day, weighted by balance."""

    on: date
    p_roll: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """Open balance and its part past due on a day."""

    on: date
    open: float
    past_due: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """A receipt, or one that came back (then ``amount`` is negative)."""

    on: date
    known_on: date
    amount: float
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """A promise to pay and what became of it by the as-of date."""

    made_on: date
    promised_on: date
    amount: float
    received: float
    state: str
    invoice_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """A dispute; ``closed_on`` is None while the books show it open."""

    opened_on: date
    closed_on: date | None
    amount: float
    reason: str
    invoice_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """An account's year in one currency, oldest first; promises and disputes newest first."""

    first: date
    last: date
    scores: tuple[Score, ...]
    balances: tuple[Balance, ...]
    payments: tuple[Payment, ...]
    promises: tuple[Promise, ...]
    disputes: tuple[Dispute, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Events:
    payments: tuple[Payment, ...]
    promises: tuple[Promise, ...]
    disputes: tuple[Dispute, ...]


@lru_cache(maxsize=2)
def ledger_at(folder: str, digest: str) -> Ledger:
    """Open a ledger once per snapshot: finding its digest reads every file."""
    del digest
    return open_ledger(Path(folder))


def account_history(pair: ServedPair, account_id: str, currency: str) -> History:
    """Return the year of an account up to the snapshot's day.

    Raises
    ------
    LedgerError
        When the snapshot's ledger cannot be read.
    """
    manifest = pair.manifest
    as_of = manifest.as_of
    ledger = ledger_at(manifest.ledger, manifest.ledger_digest)
    family = restrict_ledger(ledger, family_members(ledger, account_id))
    own = rows_of_account(family, account_id)
    days = [as_of - timedelta(days=7 * back) for back in range(WEEKS, -1, -1)]
    with open_session(own, days, options=EngineOptions(threads=1, standing=True)) as session:
        session.run(DEBT_STAGES)
        session.run(("open_items",))
        balances = session.arrow(
            "select as_of, cast(sum(balance_cents) as bigint) as cents, "
            "cast(sum(case when days_past_due > 0 then balance_cents else 0 end) as bigint) "
            "as late from open_items where currency = $currency group by as_of".replace(
                "$currency", _quoted(currency)
            )
        ).to_pylist()
    found = {row["as_of"]: row for row in balances}
    events = _events(own, as_of, days[0], currency)
    return History(
        first=days[0],
        last=as_of,
        scores=tuple(_scores(pair, family, account_id, currency)),
        balances=tuple(
            Balance(
                on=day,
                open=found[day]["cents"] / 100 if day in found else 0.0,
                past_due=found[day]["late"] / 100 if day in found else 0.0,
            )
            for day in days
        ),
        payments=events.payments,
        promises=events.promises,
        disputes=events.disputes,
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _scores(pair: ServedPair, family: Ledger, account_id: str, currency: str) -> list[Score]:
    if pair.bundle.feature_digest != feature_digest():
        return []
    days = [*month_ends(pair.manifest.as_of), pair.manifest.as_of]
    frame = feature_frame(
        family, days, options=EngineOptions(threads=1, standing=True, dates_at_once=len(days))
    )
    own = (frame.items["account_id"] == account_id) & (frame.items["currency"] == currency)
    dpd = frame.items["days_past_due"].to_numpy(dtype=float)
    frame = frame.select(own.to_numpy() & is_exposed(dpd))
    if not len(frame.items):
        return []
    start, _ = pair.table.account_rows[account_id]
    segment = pair.table.accounts["segment"][start] or ""
    curves = survival_curves(pair.bundle, frame, np.full(len(frame.items), segment, dtype=object))
    table = pd.DataFrame(
        {
            "as_of": pd.to_datetime(frame.items["as_of"]).dt.date.to_numpy(),
            "weight": frame.column("item_balance"),
            "p": curves.at(30),
        }
    )
    sums = table.assign(p=table["p"] * table["weight"]).groupby("as_of")[["p", "weight"]].sum()
    shares = (sums["p"] / sums["weight"]).to_dict()
    return [Score(on=cast("date", day), p_roll=share) for day, share in shares.items()]


def _events(ledger: Ledger, as_of: date, first: date, currency: str) -> _Events:
    where = (
        f"currency = {_quoted(currency)} and visible_on <= date '{as_of}' "
        f"and (superseded_on is null or superseded_on > date '{as_of}')"
    )
    with open_session(ledger, [as_of], options=EngineOptions(threads=1, standing=True)) as session:
        receipts = session.arrow(
            f"select received_on as day, known_on, amount, method as words from receipts "  # noqa: S608 (an ISO date, a quoted currency)
            f"where {where} and received_on >= date '{first}' union all "
            "select returned_on as day, known_on, -amount as amount, kind as words "
            f"from receipt_returns where {where} and returned_on >= date '{first}' "
            "order by day, words, amount"
        ).to_pylist()
        disputes = session.arrow(
            "select opened_on, amount, coalesce(reason, '') as reason, "  # noqa: S608
            "coalesce(invoice_id, '') as invoice_id, "
            f"case when closed_known_on <= date '{as_of}' then closed_on end as closed_on "
            f"from disputes where {where} order by opened_on desc limit {ROWS_SHOWN}"
        ).to_pylist()
        session.run(("credited_sources",))
        promises = session.arrow(
            "with asked_accounts as (select as_of_dates.as_of, cast(0 as bigint) as account_no, "  # noqa: S608
            "promisers.account_id from as_of_dates cross join "
            "(select distinct account_id from promises) as promisers), "
            f"judged as ({query_text('promise_states')}) "
            "select made_on, promised_on, amount_cents, received_cents, state, "
            "coalesce(invoice_id, '') as invoice_id from judged "
            f"where currency = {_quoted(currency)} "
            f"order by promised_on desc, made_on desc, promise_id limit {ROWS_SHOWN}"
        ).to_pylist()
    return _Events(
        payments=tuple(
            Payment(
                on=row["day"],
                known_on=row["known_on"],
                amount=float(row["amount"]),
                words=row["words"] or "",
            )
            for row in receipts
        ),
        disputes=tuple(
            Dispute(
                opened_on=row["opened_on"],
                closed_on=row["closed_on"],
                amount=float(row["amount"]),
                reason=row["reason"],
                invoice_id=row["invoice_id"],
            )
            for row in disputes
        ),
        promises=tuple(
            Promise(
                made_on=row["made_on"],
                promised_on=row["promised_on"],
                amount=int(row["amount_cents"]) / 100,
                received=int(row["received_cents"]) / 100,
                state=_promise_state(row),
                invoice_id=row["invoice_id"],
            )
            for row in promises
        ),
    )


def _promise_state(row: dict[str, object]) -> str:
    """Return the state in words: cash on time that is not all of it keeps a promise partly."""
    if row["state"] == "broken" and row["received_cents"]:
        return "partly kept"
    return {"void": "withdrawn or superseded"}.get(str(row["state"]), str(row["state"]))
