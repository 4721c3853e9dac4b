"""Replay past days under several policies: whom each would have listed, and what that reaches.

Everything is as the books showed it on the day; outcomes are looked at afterwards, where they
are mature. Dollars reached are what was expected to roll, or did roll, on the listed accounts.
They are no effect of working them: the accounts that rolled were worked too, by whatever rule
was in force. Only accounts drawn by chance (``[explore]`` of the policy) can show an effect.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from features.ageing import STEP_DAYS
from features.ledger.read import Ledger
from features.outcomes import outcome_frame, unresolved
from models.bundle import Bundle
from serving.policy import Policy
from serving.scoring import Scoring, repriced, score_ledger
from serving.worklist import rank_accounts
from serving.worklist_capacity import fill_capacity

NO_EFFECT = (
    "Dollars reached are what the model expects to roll, or what did roll, on the listed "
    "accounts. They are not what working them would change (no incremental effect): only "
    "accounts drawn by chance can show that."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What one policy would have listed on one day, in one currency.

    Parameters
    ----------
    as_of : datetime.date
        The day.
    policy : str
        Name of the policy.
    currency : str
        Amounts are never added across currencies.
    listed, held : int
        Accounts on the list, and accounts held off it.
    hours : float
        Time the suggested actions take.
    expected, expected_all : float
        Dollars expected to roll on the list, and on all accounts.
    rolled, rolled_all : float or None
        The collectible dollars of items that did roll within 30 days; None while any of their
        outcomes is not mature.
    overlap : float
        Share of the listed accounts that the first policy lists too; 1 for the first itself,
        NaN when nothing is listed.
    """

    as_of: date
    policy: str
    currency: str
    listed: int
    held: int
    hours: float
    expected: float
    expected_all: float
    rolled: float | None
    rolled_all: float | None
    overlap: float


def replay(
    ledger: Ledger,
    as_of: Sequence[date],
    bundle_of: Callable[[date], Bundle],
    policies: Mapping[str, Policy],
    capacity: int,
    *,
    progress: Callable[[str], None] | None = None,
) -> list[Replay]:
    """Replay every day under every policy, in the order of days, currencies and policies.

    Parameters
    ----------
    ledger : Ledger
        Books that reach beyond the days, so that outcomes can be known.
    as_of : sequence of datetime.date
        Days to replay.
    bundle_of : callable
        The model of a day. It must not have seen that day's outcomes.
    policies : mapping of str to Policy
        By name; the first is the one that others are compared with.
    capacity : int
        Accounts a day.
    progress : callable
        Told the day that is being replayed.
    """
    replays = []
    for day in sorted(set(as_of)):
        if progress is not None:
            progress(str(day))
        bundle = bundle_of(day)
        scoring = score_ledger(ledger, day, bundle, next(iter(policies.values())))
        rolled = _rolled(ledger, scoring)
        lists = {}
        for name, policy in policies.items():
            accounts = rank_accounts(repriced(scoring, bundle, policy), policy)
            accounts = accounts.join(rolled, on=["account_id", "currency"])
            lists[name] = (accounts, fill_capacity(accounts, policy, capacity, on=day))
        for currency in sorted(scoring.items["currency"].unique()):
            first = _ids(next(iter(lists.values()))[1], currency)
            for name, (accounts, listed) in lists.items():
                replays.append(
                    _replay(day, name, currency, accounts, listed, policies[name], first)
                )
    return replays


def _rolled(ledger: Ledger, scoring: Scoring) -> pd.Series:
    """Return the collectible dollars that rolled by account and currency, NaN where unknown."""
    outcomes = outcome_frame(ledger, [scoring.as_of])
    items = scoring.items
    happened = unresolved(outcomes[f"outcome_{STEP_DAYS}"])
    dollars = np.where(items["exposed"], items["collectible"].to_numpy() * happened, 0.0)
    table = items[["account_id", "currency"]].assign(rolled=dollars)
    return table.groupby(["account_id", "currency"])["rolled"].sum(min_count=1, skipna=False)


def _ids(accounts: pd.DataFrame, currency: str) -> set[str]:
    return set(accounts.loc[accounts["currency"] == currency, "account_id"])


def _replay(
    day: date,
    name: str,
    currency: str,
    accounts: pd.DataFrame,
    listed: pd.DataFrame,
    policy: Policy,
    first: set[str],
) -> Replay:
    every = accounts[accounts["currency"] == currency]
    own = listed[listed["currency"] == currency]
    mature = not every["rolled"].isna().any()
    ids = set(own["account_id"])
    return Replay(
        as_of=day,
        policy=name,
        currency=currency,
        listed=len(own),
        held=int((every["hold"] != "").sum()),
        hours=sum(policy.minutes_of(action) for action in own["action"]) / 60,
        expected=float(own["dollars_expected_to_roll"].sum()),
        expected_all=float(every["dollars_expected_to_roll"].sum()),
        rolled=float(own["rolled"].sum()) if mature else None,
        rolled_all=float(every["rolled"].sum()) if mature else None,
        overlap=len(ids & first) / len(ids) if ids else float("nan"),
    )


def mature_until(ledger: Ledger) -> date:
    """Return the last day whose outcomes the ledger knows."""
    lag = STEP_DAYS + ledger.manifest.maturity_lag_days
    return ledger.manifest.known_through - timedelta(days=lag)
