"""The rows of the report's portfolio tables, each made from the items or accounts it sums."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from features.ageing import BUCKETS, UNDATED
from models.priority import DUE_SOON, LAST_BUCKET, NO_LANE, PAST_DUE
from serving.reports.charts import AgeingBar
from serving.reports.scores import cents_of
from serving.reports.wording import HOLD_GROUPS, LANE_LABELS, NONE, Amount, days_text, share_text

_NETTING: tuple[tuple[str, str, str], ...] = (
    ("unapplied", "Unapplied cash and credits", "received or credited, not yet booked to invoices"),
    ("disputed", "In open dispute", "settle the dispute with its owner first"),
    ("planned", "On a payment plan", "instalments not yet due, plan in good standing"),
    ("promised", "Promised", "promises whose date, plus grace, has not passed"),
)
_LANE_NOTES: Mapping[str, str] = {
    PAST_DUE: "1 to 90 days past due; the list to work first",
    DUE_SOON: "falls due within 30 days; reminders only",
    LAST_BUCKET: "91 days past due or more",
    NO_LANE: "nothing due within 30 days, or no due date",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One headline figure; ``note`` says what it is measured against."""

    label: str
    value: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketRow:
    """One bucket of the ageing table, or its total.

    ``share`` is of the open balance, ``risk_share`` of the bucket's collectible.
    """

    label: str
    items: str
    balance: Amount
    share: str
    collectible: Amount
    to_roll: Amount
    to_stay: Amount
    risk_share: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NettingRow:
    """One part that makes the collectible smaller than the open balance."""

    label: str
    note: str
    amount: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneRow:
    """One lane: its accounts, how many can be worked, and how many are held by reason."""

    label: str
    note: str
    accounts: str
    to_work: str
    held: tuple[str, ...]
    collectible: Amount
    at_risk: Amount


def netting_rows(items: pd.DataFrame) -> tuple[NettingRow, ...]:
    """Return what leads from the open balance to the collectible, each part negative."""
    return tuple(
        NettingRow(label=label, note=note, amount=Amount(cents=-cents_of(items[column])))
        for column, label, note in _NETTING
    )


def figures(items: pd.DataFrame, key_figures: Mapping[str, Any]) -> tuple[Figure, ...]:
    """Return the headline figures of one currency."""
    receivables = Amount(cents=cents_of(items["open_balance"]))
    past_due = Amount(cents=cents_of(items.loc[items["days_past_due"] > 0, "open_balance"]))
    collectible = Amount(cents=cents_of(items["collectible"]))
    at_risk = Amount(cents=cents_of(items["dollars_at_risk"]))
    to_roll = Amount(cents=cents_of(items["dollars_expected_to_roll"]))
    balance_to_roll = Amount(cents=cents_of(items["balance_expected_to_roll"]))
    sales = Amount(cents=round(key_figures["sales_90"] * 100))
    return (
        Figure(
            label="Receivables",
            value=receivables.whole,
            note=f"{collectible.whole} of it collectible now",
        ),
        Figure(
            label="Past due",
            value=share_text(past_due, receivables),
            note=f"{past_due.whole} of the balance",
        ),
        Figure(
            label="At risk in 30 days",
            value=at_risk.whole,
            note=f"{share_text(at_risk, collectible)} of the collectible",
        ),
        Figure(
            label="Expected to roll",
            value=to_roll.whole,
            note=f"{balance_to_roll.whole} before netting",
        ),
        Figure(
            label="DSO",
            value=days_text(key_figures["dso_days"]),
            note=f"on 90-day sales of {sales.whole}",
        ),
        Figure(
            label="Best possible DSO",
            value=days_text(key_figures["best_possible_dso_days"]),
            note="if nothing were past due",
        ),
        Figure(
            label="ADD",
            value=days_text(key_figures["average_days_delinquent"]),
            note="average days delinquent",
        ),
    )


def bucket_label(name: str) -> str:
    """Return a bucket's name as the report writes it.

    Examples
    --------
    >>> bucket_label("current"), bucket_label("91+"), bucket_label("undated")
    ('Current', '91+', 'No due date')
    """
    return {BUCKETS[0]: "Current", UNDATED: "No due date"}.get(name, name.replace("-", NONE))


def bucket_row(label: str, rows: pd.DataFrame, items: pd.DataFrame) -> BucketRow:
    """Return the row of the items of a bucket; ``items`` are all of the currency."""
    balance = Amount(cents=cents_of(rows["open_balance"]))
    collectible = Amount(cents=cents_of(rows["collectible"]))
    at_risk = Amount(cents=cents_of(rows["dollars_at_risk"]))
    return BucketRow(
        label=label,
        items=f"{len(rows):,}",
        balance=balance,
        share=share_text(balance, Amount(cents=cents_of(items["open_balance"]))),
        collectible=collectible,
        to_roll=Amount(cents=cents_of(rows["dollars_expected_to_roll"])),
        to_stay=Amount(cents=cents_of(rows["dollars_expected_to_stay"])),
        risk_share=share_text(at_risk, collectible),
    )


def bar(label: str, rows: pd.DataFrame) -> AgeingBar:
    """Return the bar of the items of a bucket."""
    balance, collectible = cents_of(rows["open_balance"]), cents_of(rows["collectible"])
    at_risk = cents_of(rows["dollars_at_risk"])
    return AgeingBar(
        label=label,
        at_risk=Amount(cents=at_risk),
        secure=Amount(cents=collectible - at_risk),
        held=Amount(cents=balance - collectible),
        balance=Amount(cents=balance),
    )


def lane_row(lane: str | None, accounts: pd.DataFrame) -> LaneRow:
    """Return a lane's row; ``None`` for the total of all."""
    groups = accounts["hold"].map(HOLD_GROUPS)
    held = [int((groups == group).sum()) for group in dict.fromkeys(HOLD_GROUPS.values())]
    # Nothing of an account without a lane can roll: there is nothing to work.
    free = int(((accounts["hold"] == "") & (accounts["lane"] != NO_LANE)).sum())
    return LaneRow(
        label="All accounts" if lane is None else LANE_LABELS[lane],
        note="" if lane is None else _LANE_NOTES[lane],
        accounts=f"{len(accounts):,}",
        to_work=NONE if lane == NO_LANE else f"{free:,}",
        held=tuple(f"{count:,}" if count else NONE for count in held),
        collectible=Amount(cents=cents_of(accounts["collectible"])),
        at_risk=Amount(cents=cents_of(accounts["dollars_at_risk"])),
    )
