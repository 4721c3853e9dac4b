"""The accounts of the worklist: a row each, and a card with reasons and open items."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from features.ageing import BUCKETS
from serving.reports.drivers import Step, account_steps
from serving.reports.scores import cents_of
from serving.reports.wording import (
    HOLD_LABELS,
    NBSP,
    NONE,
    Amount,
    long_date,
    plain,
    probability_text,
)

ITEMS_SHOWN = 12
"""Items listed on a card; the rest is summed in one line, so that the table still adds up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRow:
    """One open item on a card. ``days`` and the probabilities are texts, dashes where null."""

    invoice_id: str
    due: str
    days: str
    balance: Amount
    collectible: Amount
    p_roll: str
    at_risk: Amount
    reach_last: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemSum:
    """A line that sums items: those not listed, or all."""

    label: str
    balance: Amount
    collectible: Amount
    at_risk: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountCard:
    """One account of the worklist.

    Parameters
    ----------
    anchor : str
        Name of the card within the page.
    rank : int
        Place in the lane.
    traits : str
        Account id, segment, and who collects.
    hold : str
        Why the account is held and until when; empty for accounts to work.
    netted : tuple of (str, Amount)
        What makes the collectible smaller than the open balance, where anything does.
    steps : tuple of Step
        From the average to the account's amount at risk.
    explained : bool
        False when the roll-rate matrix answered for all items: there are no reasons.
    items : tuple of ItemRow
        The items with most at risk.
    rest : ItemSum or None
        The items that are not listed.
    total : ItemSum
        All items of the account.
    """

    anchor: str
    rank: int
    account_id: str
    name: str
    segment: str
    collector: str
    traits: str
    balance: Amount
    collectible: Amount
    p_roll: str
    at_risk: Amount
    priority: Amount
    action: str
    why: str
    hold: str
    netted: tuple[tuple[str, Amount], ...]
    steps: tuple[Step, ...]
    explained: bool
    items: tuple[ItemRow, ...]
    rest: ItemSum | None
    total: ItemSum


def account_card(row: Mapping[Hashable, Any], items: pd.DataFrame, anchor: str) -> AccountCard:
    """Return the card of one row of ``accounts.parquet`` and its open items."""
    ordered = items.sort_values(
        ["dollars_at_risk", "days_past_due", "invoice_id"],
        ascending=[False, False, True],
        na_position="last",
    )
    # A line "1 more item" would save nothing: then the item itself is listed.
    shown = ITEMS_SHOWN + 1 if len(ordered) == ITEMS_SHOWN + 1 else ITEMS_SHOWN
    hidden = ordered.iloc[shown:]
    segment, collector = plain(_text(row["segment"])), _text(row["collector"])
    traits = [str(row["account_id"]), segment, f"collector {collector}" if collector else ""]
    steps = account_steps(list(row["reasons"]))
    return AccountCard(
        anchor=anchor,
        rank=int(row["rank"]),
        account_id=str(row["account_id"]),
        name=_text(row["name"]) or str(row["account_id"]),
        segment=segment or NONE,
        collector=collector or NONE,
        traits=", ".join(trait for trait in traits if trait),
        balance=_amount(row["open_balance"]),
        collectible=_amount(row["collectible"]),
        p_roll=probability_text(row["p_roll"]),
        at_risk=_amount(row["dollars_at_risk"]),
        priority=_amount(row["priority_value"]),
        action=plain(str(row["action"])),
        why=str(row["why"]),
        hold=_hold(row),
        netted=_netted(row),
        steps=steps,
        explained=any(step.kind not in ("base", "total") for step in steps),
        items=tuple(_item(item) for item in ordered.iloc[:shown].to_dict("records")),
        rest=_sum(f"{len(hidden):,} more items", hidden) if len(hidden) else None,
        total=_sum("All open items", ordered),
    )


def _item(item: Mapping[Hashable, Any]) -> ItemRow:
    days = None if pd.isna(item["days_past_due"]) else int(item["days_past_due"])
    last = item["bucket"] == BUCKETS[-1]
    if last:
        p_roll = f"{probability_text(item['p_open_30'])}{NBSP}stay"
    else:
        p_roll = probability_text(item["p_roll"])
    return ItemRow(
        invoice_id=str(item["invoice_id"]),
        due=NONE if pd.isna(item["due_on"]) else item["due_on"].date().isoformat(),
        days=_days(days),
        balance=_amount(item["open_balance"]),
        collectible=_amount(item["collectible"]),
        p_roll=p_roll,
        at_risk=_amount(item["dollars_at_risk"]),
        reach_last="there" if last else probability_text(item["p_reach_91_plus"]),
    )


def _days(days: int | None) -> str:
    if days is None:
        return "no due date"
    if days > 0:
        return f"{days:,}"
    return "due today" if days == 0 else f"due in{NBSP}{-days:,}"


def _sum(label: str, items: pd.DataFrame) -> ItemSum:
    return ItemSum(
        label=label,
        balance=Amount(cents=cents_of(items["open_balance"])),
        collectible=Amount(cents=cents_of(items["collectible"])),
        at_risk=Amount(cents=cents_of(items["dollars_at_risk"])),
    )


def _hold(row: Mapping[Hashable, Any]) -> str:
    if not row["hold"]:
        return ""
    until = row["hold_until"]
    label = HOLD_LABELS.get(row["hold"], plain(str(row["hold"])))
    return label if pd.isna(until) else f"{label} until {long_date(until.date())}"


def _netted(row: Mapping[Hashable, Any]) -> tuple[tuple[str, Amount], ...]:
    columns = {
        "unapplied_cash": "unapplied cash and credits",
        "disputed": "in open dispute",
        "on_plan": "on a payment plan",
        "promised": "promised",
    }
    parts = [(label, _amount(row[column])) for column, label in columns.items()]
    return tuple((label, amount) for label, amount in parts if amount.cents)


def _amount(value: float) -> Amount:
    return Amount(cents=round(float(value) * 100))


def _text(value: object) -> str:
    """Return a name as text; empty where the ledger has none."""
    return "" if pd.isna(value) else str(value).strip()  # type: ignore[call-overload]
