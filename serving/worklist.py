"""Sum items to accounts, hold those with an answer, rank the rest, and say what to do."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.ageing import BUCKETS, UNDATED
from features.collectible import PARTS
from models.priority import DUE_SOON, LAST_BUCKET, NO_LANE, PAST_DUE
from models.reasons import AGE_FAMILY, BASE, Evidence, Reason, account_reasons
from serving.account_state import AccountState
from serving.feedback import Feedback, standing
from serving.policy import Policy
from serving.policy_holds import as_plain, find_holds, recent_contacts
from serving.scoring import Scoring
from serving.sign_off import may_be_natural, principal_reasons
from serving.worklist_feedback import decided, with_feedback

KEY = ["as_of", "account_id", "currency"]
_LANE_ORDER = (PAST_DUE, LAST_BUCKET, DUE_SOON)
_INTERNAL = ["covered_by", "covered_amount", "promised_until", "planned_until", "main_sentence"]


_SUMMED = {
    "open_balance": "open_balance",
    "collectible": "collectible",
    "unapplied": "unapplied_cash",
    "disputed": "disputed",
    "planned": "on_plan",
    "promised": "promised",
    "dollars_expected_to_roll": "dollars_expected_to_roll",
    "dollars_expected_to_stay": "dollars_expected_to_stay",
    "dollars_at_risk": "dollars_at_risk",
    "balance_expected_to_roll": "balance_expected_to_roll",
}
"""Columns of items that an account is the sum of, and what they are called there."""


def rank_accounts(
    scoring: Scoring, policy: Policy, feedback: Sequence[Feedback] = ()
) -> pd.DataFrame:
    """Return one row per account and currency with the columns of ``accounts.parquet``.

    An account stands in the lane of its most urgent collectible items: past due before the
    last bucket before due soon, and due soon only if nothing is overdue. Its
    ``priority_value`` counts the items of that lane, so that a large invoice that is not due
    lifts nobody up the past-due list. ``rank`` counts from 1 within the lane by
    ``priority_reporting``, the value in the reporting currency; where a rate is missing every
    currency is a list of its own. Held accounts are ranked after all others.

    Parameters
    ----------
    scoring : Scoring
        The scored items.
    policy : Policy
        Holds, actions and costs.
    feedback : sequence of Feedback
        What collectors told by the day of the scoring; later feedback does not count. It is
        laid over the list as the service lays it over a published one.
    """
    heard = standing(feedback, scoring.as_of)
    accounts = _sums(scoring)
    accounts = accounts.join(_lanes(scoring.items)).reset_index()
    _describe(accounts, scoring, policy)
    accounts["reasons"] = _reasons(scoring, accounts)
    _main_reasons(accounts)
    _hold(accounts, scoring, policy)
    accounts["suggested_action"], accounts["suggested_why"] = policy.suggest(accounts)
    accounts[["action", "why", "overridden_by"]] = decided(accounts)
    accounts = with_feedback(accounts, heard, policy, scoring.as_of)
    accounts["principal_reasons"] = _principal_reasons(accounts)
    rate = accounts["currency"].map(scoring.rates).astype(float)
    accounts["priority_reporting"] = accounts["priority_value"] * rate
    accounts["rank"] = _ranks(accounts)
    kept = [name for name in accounts.columns if name not in (*KEY, *_INTERNAL)]
    return accounts[[*KEY, *kept]]


def _sums(scoring: Scoring) -> pd.DataFrame:
    """Return the figures of each account as sums over its items, indexed by ``KEY``."""
    items = scoring.items.assign(
        broken_promise=scoring.frame.column("item_promise_broken") == 1,
    )
    grouped = items.groupby(KEY, sort=True)
    accounts = grouped[list(_SUMMED)].sum().rename(columns=_SUMMED)
    money = [name for name in accounts.columns if name != "balance_expected_to_roll"]
    accounts[money] = accounts[money].round(2)
    accounts.insert(0, "items", grouped.size())
    largest = grouped[["days_past_due", "broken_promise"]].max()
    accounts["oldest_days_past_due"] = largest["days_past_due"]
    accounts["broken_promise"] = largest["broken_promise"]
    accounts["model_version"] = grouped["model_version"].first()
    accounts["p_roll"] = _p_roll(items).reindex(accounts.index)
    return accounts.join(_by_bucket(items))


def _describe(accounts: pd.DataFrame, scoring: Scoring, policy: Policy) -> None:
    """Add what the books say of each account."""
    for column in ("name", "segment", "region", "collector", "is_natural_person"):
        accounts[column] = accounts["account_id"].map(scoring.accounts[column])
    for column, source in (("promised_until", "promised"), ("planned_until", "planned")):
        accounts[column] = pd.to_datetime(accounts["account_id"].map(scoring.accounts[source]))
    state: AccountState = scoring.state
    keys = pd.MultiIndex.from_frame(accounts[["account_id", "currency"]])
    known = state.by_currency.reindex(keys).reset_index(drop=True)
    accounts[list(known.columns)] = known
    suspended = state.flags.loc[state.flags["flag"] == "suspended", "account_id"]
    accounts["suspended"] = accounts["account_id"].isin(set(suspended))
    owners = policy.dispute_owners
    reason = accounts["dispute_reason"]
    owner = reason.map(owners).fillna(owners["default"])
    accounts["dispute_owner"] = owner.where(reason.notna(), None)
    open_balance = accounts["open_balance"].where(accounts["open_balance"] > 0)
    accounts["disputed_share"] = accounts["disputed"] / open_balance


def _reasons(scoring: Scoring, accounts: pd.DataFrame) -> pd.Series:
    items = scoring.items
    group = np.asarray(items.groupby(KEY, sort=True).ngroup(), dtype=np.int64)
    evidence = Evidence(
        values=scoring.frame.values,
        explanation=scoring.explanation,
        invoice_id=items["invoice_id"].to_numpy(dtype=object),
        fallback=items["fallback"].to_numpy(dtype=object),
    )
    reasons = account_reasons(evidence, scoring.cents, group, len(accounts))
    return pd.Series(reasons, index=accounts.index, dtype=object)


def _main_reasons(accounts: pd.DataFrame) -> None:
    """Add the family that raises the risk most, the age of the items apart, and its sentence."""
    first: list[Reason | None] = [
        next(
            (
                reason
                for reason in reasons
                if reason["dollars"] > 0 and reason["family"] not in (AGE_FAMILY, BASE)
            ),
            None,
        )
        for reasons in accounts["reasons"]
    ]
    accounts["main_reason"] = pd.Series(
        [reason["family"] if reason else "" for reason in first], dtype=object
    )
    accounts["main_sentence"] = pd.Series(
        [reason["sentence"] if reason else "No behaviour stands out" for reason in first],
        dtype=object,
    )


def _principal_reasons(accounts: pd.DataFrame) -> pd.Series:
    """Return the reasons that a notice must name, for accounts that may be natural persons."""
    rows = zip(accounts["reasons"], accounts["is_natural_person"], strict=True)
    found = [principal_reasons(reasons) if may_be_natural(who) else [] for reasons, who in rows]
    return pd.Series(found, index=accounts.index, dtype=object)


def _hold(accounts: pd.DataFrame, scoring: Scoring, policy: Policy) -> None:
    """Add the holds of each account; ``hold`` and what stands beside it is the leading one."""
    holds = find_holds(accounts, scoring.state, policy.holds, scoring.as_of)
    accounts["hold"] = pd.Series([rows[0].kind if rows else "" for rows in holds], dtype=object)
    accounts["hold_reason"] = pd.Series(
        [rows[0].reason if rows else "" for rows in holds], dtype=object
    )
    until = pd.Series([rows[0].until if rows else None for rows in holds], dtype=object)
    accounts["hold_until"] = pd.to_datetime(until)
    plain = [[as_plain(hold) for hold in rows] for rows in holds]
    accounts["holds"] = pd.Series(plain, dtype=object)
    recent = recent_contacts(scoring.state, policy.holds.longest_cadence, scoring.as_of)
    days = [[str(day) for day in recent.get(name, [])] for name in accounts["account_id"]]
    accounts["recent_contacts"] = pd.Series(days, dtype=object)


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


def _by_bucket(items: pd.DataFrame) -> pd.DataFrame:
    """Return what is open and what is collectible in each bucket."""
    sums = items.groupby([*KEY, "bucket"])[["open_balance", "collectible"]].sum()
    wide = sums.unstack("bucket", fill_value=0.0).round(2)  # noqa: PD010 (half the time of a pivot)
    columns = {
        bucket_column(prefix, bucket): wide.get((value, bucket), 0.0)
        for value, prefix in (("open_balance", "open"), ("collectible", "collectible"))
        for bucket in (*BUCKETS, UNDATED)
    }
    return pd.DataFrame(columns, index=wide.index)


def _lanes(items: pd.DataFrame) -> pd.DataFrame:
    """Return lane, value and what covers each account.

    The lane is that of the most urgent items with something collectible; a covered lane is
    passed over only for another that is overdue too, so that an account whose overdue items
    are all covered is held there and not reminded of what falls due. ``covered_by`` names the
    part that explains most of it.
    """
    open_in = items[items["lane"] != NO_LANE]
    parts = open_in.groupby([*KEY, "lane"])[
        ["open_balance", "collectible", "priority_value", *PARTS]
    ].sum()
    order = {lane: position for position, lane in enumerate(_LANE_ORDER)}
    parts = parts.reset_index("lane")
    covered = (parts["collectible"].round(2) <= 0) & (parts["open_balance"] > 0)
    parts["covered"] = covered
    parts["reminder"] = parts["lane"] == DUE_SOON
    parts["order"] = parts["lane"].map(order)
    first = parts.sort_values(["reminder", "covered", "order"]).groupby(level=KEY).head(1)
    held = first["covered"]
    largest = first[list(PARTS)].to_numpy().argmax(axis=1)
    names = np.asarray(PARTS, dtype=object)[largest]
    result = pd.DataFrame(
        {
            "lane": first["lane"],
            "priority_value": first["priority_value"].round(2),
            "covered_by": np.where(held, names, ""),
            "covered_amount": np.where(held, first[list(PARTS)].max(axis=1), 0.0),
        },
        index=first.index,
    )
    every = pd.MultiIndex.from_frame(items[KEY].drop_duplicates())
    result = result.reindex(every)
    result["lane"] = result["lane"].fillna(NO_LANE)
    result["covered_by"] = result["covered_by"].fillna("")
    return result.fillna({"priority_value": 0.0, "covered_amount": 0.0})


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
