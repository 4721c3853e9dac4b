"""Sum items to accounts, hold those with an answer, rank the rest, and say what to do."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.ageing import BUCKETS, UNDATED
from models.priority import DUE_SOON, LANES, LAST_BUCKET, NO_LANE, PAST_DUE
from models.reasons import Evidence, account_reasons
from serving.policy import HOLDS, Policy
from serving.scoring import Scoring

KEY = ["as_of", "account_id", "currency"]
_LANE_ORDER = (PAST_DUE, LAST_BUCKET, DUE_SOON)


def rank_accounts(scoring: Scoring, policy: Policy) -> pd.DataFrame:
    """Return one row per account and currency with the columns of ``accounts.parquet``.

    An account stands in the lane of its most urgent collectible items: past due before the
    last bucket before due soon, and due soon only if nothing is overdue. Its
    ``priority_value`` counts the items of that lane, so that a large invoice that is not due
    lifts nobody up the past-due list. ``rank`` counts from 1 within the lane by
    ``priority_reporting``, the value in the reporting currency; where a rate is missing every
    currency is a list of its own. Held accounts are ranked after all others.
    """
    items = scoring.items.assign(
        broken_promise=scoring.frame.column("item_promise_broken") == 1,
        days_since_return=scoring.frame.column("days_since_item_return"),
    )
    grouped = items.groupby(KEY, sort=True)
    accounts = grouped.agg(
        items=("invoice_id", "size"),
        open_balance=("open_balance", "sum"),
        collectible=("collectible", "sum"),
        unapplied_cash=("unapplied", "sum"),
        disputed=("disputed", "sum"),
        on_plan=("planned", "sum"),
        promised=("promised", "sum"),
        dollars_expected_to_roll=("dollars_expected_to_roll", "sum"),
        dollars_expected_to_stay=("dollars_expected_to_stay", "sum"),
        dollars_at_risk=("dollars_at_risk", "sum"),
        balance_expected_to_roll=("balance_expected_to_roll", "sum"),
        oldest_days_past_due=("days_past_due", "max"),
        broken_promise=("broken_promise", "max"),
        days_since_return=("days_since_return", "min"),
        model_version=("model_version", "first"),
    )
    money = ["dollars_expected_to_roll", "dollars_expected_to_stay", "dollars_at_risk"]
    parts = ["open_balance", "collectible", "unapplied_cash", "disputed", "on_plan", "promised"]
    accounts[money + parts] = accounts[money + parts].round(2)
    accounts["p_roll"] = _p_roll(items).reindex(accounts.index)
    accounts = accounts.join(_by_bucket(items, "open_balance", "open"))
    accounts = accounts.join(_by_bucket(items, "collectible", "collectible"))
    accounts = accounts.join(_lanes(items))
    accounts = accounts.reset_index()
    for column in ("name", "segment", "region", "collector"):
        accounts[column] = accounts["account_id"].map(scoring.accounts[column])
    natural = accounts["account_id"].map(scoring.accounts["is_natural_person"])
    accounts["is_natural_person"] = natural
    accounts["hold_until"] = _hold_until(accounts, scoring.accounts)
    accounts["action"], accounts["why"] = policy.suggest(accounts)
    rate = accounts["currency"].map(scoring.rates).astype(float)
    accounts["priority_reporting"] = accounts["priority_value"] * rate
    accounts["rank"] = _ranks(accounts)
    group = np.asarray(grouped.ngroup(), dtype=np.int64)
    evidence = Evidence(
        values=scoring.frame.values,
        explanation=scoring.explanation,
        invoice_id=items["invoice_id"].to_numpy(dtype=object),
    )
    reasons = account_reasons(evidence, scoring.cents, group, len(accounts))
    accounts["reasons"] = pd.Series(reasons, index=accounts.index, dtype=object)
    return accounts[[*KEY, *(name for name in accounts.columns if name not in KEY)]]


def _p_roll(items: pd.DataFrame) -> pd.Series:
    """Return the collectible-weighted probability over exposed items."""
    exposed = items[items["exposed"]]
    weight = exposed["collectible"].where(exposed["collectible"] > 0, 1e-9)
    sums = (
        exposed.assign(weighted=exposed["p_roll"] * weight, weight=weight)
        .groupby(KEY)[["weighted", "weight"]]
        .sum()
    )
    return sums["weighted"] / sums["weight"]


def bucket_column(prefix: str, bucket: str) -> str:
    """Return the account column of a bucket's sum; open undated items are just ``undated``.

    Examples
    --------
    >>> bucket_column("open", "91+"), bucket_column("open", UNDATED)
    ('open_91_plus', 'undated')
    """
    if (prefix, bucket) == ("open", UNDATED):
        return UNDATED
    return f"{prefix}_{bucket.replace('-', '_').replace('+', '_plus')}"


def _by_bucket(items: pd.DataFrame, value: str, prefix: str) -> pd.DataFrame:
    table = items.pivot_table(
        index=KEY, columns="bucket", values=value, aggfunc="sum", fill_value=0.0
    )
    table = table.reindex(columns=[*BUCKETS, UNDATED], fill_value=0.0).round(2)
    table.columns = [bucket_column(prefix, str(bucket)) for bucket in table.columns]
    return table


def _lanes(items: pd.DataFrame) -> pd.DataFrame:
    """Return lane, value and hold of each account.

    The lane is that of the most urgent items with something collectible; a covered lane is
    passed over only for another that is overdue too, so that an account whose overdue items
    are all covered is held there and not reminded of what falls due. The hold names the part
    that explains most of it.
    """
    open_in = items[items["lane"] != NO_LANE]
    parts = open_in.groupby([*KEY, "lane"])[
        ["open_balance", "collectible", "priority_value", *HOLDS]
    ].sum()
    order = {lane: position for position, lane in enumerate(_LANE_ORDER)}
    parts = parts.reset_index("lane")
    covered = (parts["collectible"].round(2) <= 0) & (parts["open_balance"] > 0)
    parts["covered"] = covered
    parts["reminder"] = parts["lane"] == DUE_SOON
    parts["order"] = parts["lane"].map(order)
    first = parts.sort_values(["reminder", "covered", "order"]).groupby(level=KEY).head(1)
    held = first["covered"]
    largest = first[list(HOLDS)].to_numpy().argmax(axis=1)
    names = np.asarray(HOLDS, dtype=object)[largest]
    result = pd.DataFrame(
        {
            "lane": first["lane"],
            "priority_value": first["priority_value"],
            "hold": np.where(held, names, ""),
        },
        index=first.index,
    )
    every = pd.MultiIndex.from_frame(items[KEY].drop_duplicates())
    result = result.reindex(every)
    result["lane"] = result["lane"].fillna(NO_LANE)
    result["hold"] = result["hold"].fillna("")
    result["priority_value"] = result["priority_value"].fillna(0.0)
    return result


def _hold_until(accounts: pd.DataFrame, attributes: pd.DataFrame) -> pd.Series:
    """Return the date to which a promise or plan holds an account; missing for other holds."""
    dates = {
        name: pd.to_datetime(accounts["account_id"].map(attributes[name]))
        for name in ("promised", "planned")
    }
    promised = dates["promised"].where(accounts["hold"] == "promised")
    return promised.fillna(dates["planned"].where(accounts["hold"] == "planned"))


def _ranks(accounts: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Return ranks from 1 within the lane, or lane and currency; ties go by account id."""
    comparable = accounts["priority_reporting"].notna().all()
    lists = ["lane"] if comparable else ["currency", "lane"]
    value = accounts["priority_reporting"] if comparable else accounts["priority_value"]
    ordered = accounts.assign(held=accounts["hold"] != "", value=value).sort_values(
        [*lists, "held", "value", "account_id", "currency"],
        ascending=[*(True for _ in lists), True, False, True, True],
    )
    rank = ordered.groupby(lists).cumcount() + 1
    return np.asarray(rank.reindex(accounts.index), dtype=np.int64)


def fill_capacity(
    accounts: pd.DataFrame, policy: Policy, capacity: int, *, include_held: bool = False
) -> pd.DataFrame:
    """Return the accounts to work, lane by lane, up to each lane's share of ``capacity``.

    Seats that a lane cannot fill go to the others in order. ``position`` counts from 1.
    """
    free = accounts if include_held else accounts[accounts["hold"] == ""]
    free = free[(free["lane"] != NO_LANE)].sort_values(["lane", "rank"])
    seats = policy.seats(capacity)
    waiting = {lane: free[free["lane"] == lane] for lane in LANES}
    taken = {lane: waiting[lane].head(seats[lane]) for lane in LANES}
    spare = capacity - sum(len(rows) for rows in taken.values())
    for lane in LANES:
        more = waiting[lane].iloc[len(taken[lane]) : len(taken[lane]) + max(spare, 0)]
        taken[lane] = pd.concat([taken[lane], more])
        spare -= len(more)
    chosen = pd.concat([taken[lane] for lane in LANES], ignore_index=True)
    return chosen.assign(position=np.arange(1, len(chosen) + 1))
