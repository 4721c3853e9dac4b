"""Score a ledger on a day: features → probabilities → dollars → accounts.

One path for the batch command and for ledger rows sent to the service, so that both give the
same numbers.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.ageing import LAST, bucket_index, bucket_names, is_exposed
from features.build import FeatureFrame, feature_frame
from features.collectible import Netting, commitment_dates, net_items
from features.engines import EngineOptions, open_session
from features.inputs import Rules
from features.key_figures import KeyFigures, key_figures
from features.ledger.read import Ledger
from features.peers import with_groups
from features.rates import known_rates
from models.bundle import Bundle
from models.explain import FAMILY_NAMES, Explanation, dollar_parts, explain
from models.priority import item_lanes, worth_of_working
from models.scorer import CUTS, Curves, model_frame, reach_probabilities, survival_curves
from serving.account_state import AccountState, account_state
from serving.policy import Policy

Floats = npt.NDArray[np.float64]
Cents = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """Scored open items of one day, with what explanations are made from.

    Parameters
    ----------
    as_of : date
        The day.
    items : pandas.DataFrame
        One row per open item with the columns of ``items.parquet``, ordered by account and
        invoice.
    frame : FeatureFrame
        Features of the same rows, those of their peers behind them.
    explanation : Explanation
        Contributions of the same rows.
    cents : numpy.ndarray of int64, shape (n, n_families + 1)
        Cents at risk by family, base last.
    netting : Netting
        What was taken off the open balance.
    accounts : pandas.DataFrame
        Attributes of the accounts, and until when promises and plans hold, indexed by
        account_id.
    figures : dict of str to KeyFigures
        Key figures by currency.
    state : AccountState
        What holds and actions are made from.
    rates : dict of str to float
        Newest known rate of each currency to the reporting currency; empty without rates.
    """

    as_of: date
    items: pd.DataFrame
    frame: FeatureFrame
    explanation: Explanation
    cents: Cents
    netting: Netting
    accounts: pd.DataFrame
    figures: dict[str, KeyFigures]
    state: AccountState
    rates: dict[str, float]


def score_ledger(
    ledger: Ledger,
    as_of: date,
    bundle: Bundle,
    policy: Policy,
    *,
    rules: Rules | None = None,
    options: EngineOptions | None = None,
    threads: int = 1,
    progress: Callable[[str], None] | None = None,
) -> Scoring:
    """Score every open item of ``ledger`` on ``as_of``.

    Parameters
    ----------
    ledger : Ledger
        What the books hold; rows known after ``as_of`` are not read.
    as_of : date
        Observation date.
    bundle : Bundle
        The model.
    policy : Policy
        Costs of ageing, for the priority.
    rules, options : Rules, EngineOptions
        Business rules and the use of the machine.
    threads : int
        LightGBM threads; the numbers do not depend on it.
    progress : callable
        Told what is being done.
    """
    tell = progress or (lambda _: None)
    with open_session(ledger, [as_of], rules, options) as session:
        frame = feature_frame(ledger, [as_of], session=session, progress=progress)
        frame = model_frame(bundle, with_groups(frame, session, ledger.present))
        tell("net")
        netting = net_items(session)
        figures = key_figures(session, as_of)
        accounts = session.arrow(
            "select account_id, name, segment, region, collector, is_natural_person, "
            "parent_account_id from accounts"
        ).to_pandas()
        commitments = commitment_dates(session)
        state = account_state(session)
        rates = known_rates(session, ledger.manifest.reporting_currency)
    accounts = accounts.drop_duplicates("account_id").merge(
        commitments, on="account_id", how="left"
    )
    accounts = accounts.set_index("account_id")
    segment = _segments(frame, accounts)
    tell("score")
    curves = survival_curves(bundle, frame, segment, threads=threads)
    tell("explain")
    explanation = explain(bundle, frame, curves, threads=threads)
    items = _items(bundle, frame, curves, segment, netting, policy)
    at_risk = np.rint(items["dollars_at_risk"].to_numpy() * 100).astype(np.int64)
    cents = dollar_parts(explanation, netting.collectible_cents, at_risk)
    for position, family in enumerate(FAMILY_NAMES):
        items[f"shap_{family}"] = explanation.families[:, position]
    items["base_value"] = explanation.base
    return Scoring(
        as_of=as_of,
        items=items,
        frame=frame,
        explanation=explanation,
        cents=cents,
        netting=netting,
        accounts=accounts,
        figures=figures,
        state=state,
        rates=dict(zip(rates["currency"], rates["rate"], strict=True)),
    )


def _segments(frame: FeatureFrame, accounts: pd.DataFrame) -> npt.NDArray[np.object_]:
    mapped = frame.items["account_id"].map(accounts["segment"])
    return mapped.fillna("").to_numpy(dtype=object)


def _items(
    bundle: Bundle,
    frame: FeatureFrame,
    curves: Curves,
    segment: npt.NDArray[np.object_],
    netting: Netting,
    policy: Policy,
) -> pd.DataFrame:
    """Return the score columns of every item, money settled to cents."""
    keys = frame.items
    days = keys["days_past_due"].to_numpy(dtype=float)
    bucket = bucket_index(days)
    exposed = is_exposed(days)
    balance = netting.open_cents / 100
    collectible = netting.collectible_cents / 100
    p30 = curves.at(30)
    to_roll = np.where(exposed, _whole_cents(collectible * p30), 0.0)
    to_stay = np.where(bucket == LAST, _whole_cents(collectible * p30), 0.0)
    remaining = balance * p30 * bundle.profile.share_left(days)
    items = pd.DataFrame(
        {
            "as_of": keys["as_of"],
            "account_id": keys["account_id"],
            "invoice_id": keys["invoice_id"],
            "currency": keys["currency"],
            "bucket": bucket_names(bucket),
            "days_past_due": pd.array(days, dtype="Float64").astype("Int64"),
            "due_on": keys["due_on"],
            "open_balance": balance,
            "collectible": collectible,
            **{name: cents / 100 for name, cents in netting.parts.items()},
            "exposed": exposed,
            "p_roll": np.where(exposed, p30, np.nan),
        }
    )
    for days_ahead in CUTS:
        items[f"p_open_{days_ahead}"] = curves.at(days_ahead)
    reach = reach_probabilities(bundle, curves, segment, days)
    for name, probability in reach.items():
        items[reach_column(name)] = probability
    items["expected_remaining_30"] = remaining
    items["balance_expected_to_roll"] = np.where(exposed, remaining, 0.0)
    items["dollars_expected_to_roll"] = to_roll
    items["dollars_expected_to_stay"] = to_stay
    items["dollars_at_risk"] = to_roll + to_stay
    items["lane"] = item_lanes(days)
    _price(items, netting, bundle, policy)
    items["fallback"] = curves.fallback
    items["model_version"] = bundle.version
    items["feature_digest"] = bundle.feature_digest
    return items


def _price(items: pd.DataFrame, netting: Netting, bundle: Bundle, policy: Policy) -> None:
    """Add what working each item is worth, with its factors."""
    days = items["days_past_due"].to_numpy(dtype=float, na_value=np.nan)
    p30 = items["p_open_30"].to_numpy(dtype=float)
    worth = worth_of_working(days, p30, netting.collectible_cents, policy.costs, bundle.profile)
    items["priority_probability"] = worth.probability
    items["priority_cost"] = worth.cost
    items["priority_value"] = worth.cents / 100


def repriced(scoring: Scoring, bundle: Bundle, policy: Policy) -> Scoring:
    """Return a scoring with the priorities of another policy; no probability changes."""
    items = scoring.items.copy()
    _price(items, scoring.netting, bundle, policy)
    return replace(scoring, items=items)


def _whole_cents(dollars: Floats) -> Floats:
    return np.asarray(np.rint(dollars * 100) / 100)


def reach_column(bucket: str) -> str:
    """Return the column of P(reaching ``bucket``).

    Examples
    --------
    >>> [reach_column(bucket) for bucket in ("1-30", "31-60", "61-90", "91+")]
    ['p_reach_1_30', 'p_reach_31_60', 'p_reach_61_90', 'p_reach_91_plus']
    """
    return "p_reach_" + bucket.replace("-", "_").replace("+", "_plus")
