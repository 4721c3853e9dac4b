"""What the report of a scoring says, as one tree of plain values.

All arithmetic stands here and in the modules it calls; charts and the template only place
what they are given. Amounts are never added across currencies: each has a section.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from features.ageing import BUCKETS, UNDATED
from models.fallback import by_matrix_alone
from models.priority import LANES, NO_LANE, PAST_DUE
from serving.reports.cards import AccountCard, account_card
from serving.reports.charts import AgeingBar
from serving.reports.drivers import Step, portfolio_steps
from serving.reports.scores import Scores, cents_of
from serving.reports.tables import (
    BucketRow,
    Figure,
    LaneRow,
    NettingRow,
    bar,
    bucket_label,
    bucket_row,
    figures,
    lane_row,
    netting_rows,
)
from serving.reports.wording import HOLD_GROUPS, Amount, count_text, long_date, plain

_DIGEST_SHOWN = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Everything about one currency.

    Parameters
    ----------
    anchor, currency, size : str
        Name within the page, currency code, numbers of accounts and items.
    balance : Amount
        Open balance.
    rise, fall : Amount
        Sums of the drivers that add to and take from the amount at risk.
    worklist_note : str
        How many accounts stand in the past-due lane and how many are shown.
    """

    anchor: str
    currency: str
    size: str
    balance: Amount
    collectible: Amount
    at_risk: Amount
    figures: tuple[Figure, ...]
    buckets: tuple[BucketRow, ...]
    bucket_total: BucketRow
    bars: tuple[AgeingBar, ...]
    netting: tuple[NettingRow, ...]
    drivers: tuple[Step, ...]
    rise: Amount
    fall: Amount
    lanes: tuple[LaneRow, ...]
    lane_total: LaneRow
    worklist_note: str
    cards: tuple[AccountCard, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportView:
    """The whole report.

    Parameters
    ----------
    facts : tuple of (str, str)
        As-of date, model, ledger and features by name.
    model : str
        What gave the probabilities, in a sentence or two.
    explains : bool
        False for the roll-rate matrix, which has no drivers.
    unproven : str
        Tables whose booking days are not known; empty when all are.
    hold_labels : tuple of str
        Heads of the lane table's hold columns.
    """

    as_of: str
    facts: tuple[tuple[str, str], ...]
    model: str
    explains: bool
    unproven: str
    hold_labels: tuple[str, ...]
    sections: tuple[Section, ...]


def report_view(scores: Scores, *, top: int = 20) -> ReportView:
    """Return the report of a scoring.

    Parameters
    ----------
    scores : Scores
        What ``read_scores`` returned.
    top : int
        Accounts shown per currency, from the head of the past-due lane.

    Raises
    ------
    ValueError
        When ``top`` is negative.
    """
    if top < 0:
        raise ValueError(f"top must be 0 or more accounts, got {top}.")
    manifest = scores.manifest
    currencies = sorted(
        scores.portfolio["currencies"].items(),
        key=lambda pair: (-pair[1]["totals"]["open_balance"], pair[0]),
    )
    fallback = scores.items["fallback"].fillna("")
    modelled = not len(scores.items) or not by_matrix_alone(fallback).all()
    return ReportView(
        as_of=long_date(manifest.as_of),
        facts=(
            ("As of", manifest.as_of.isoformat()),
            ("Model version", manifest.model_version),
            ("Ledger digest", manifest.ledger_digest[:_DIGEST_SHOWN]),
            ("Feature digest", manifest.feature_digest[:_DIGEST_SHOWN]),
        ),
        model=_model(fallback, modelled=bool(modelled)),
        explains=bool(modelled),
        unproven=", ".join(
            plain(name).lower() for name in scores.portfolio["point_in_time_unproven"]
        ),
        hold_labels=tuple(dict.fromkeys(HOLD_GROUPS.values())),
        sections=tuple(
            _section(scores, currency, part, f"c{position}", top)
            for position, (currency, part) in enumerate(currencies, start=1)
        ),
    )


def _model(fallback: pd.Series, *, modelled: bool) -> str:
    if not modelled:
        return (
            "The roll-rate matrix answered: each invoice gets the rate at which past invoices "
            "of its bucket and segment stayed open for another 30 days. It knows nothing of the "
            "single payer, so there are no drivers to show."
        )
    text = (
        "A survival model in 30-day steps (gradient-boosted trees) gives every open invoice "
        "its chance of still being open 30 days on; reasons are its SHAP values, by family, "
        "turned into money."
    )
    alone = by_matrix_alone(fallback)
    every = count_text(len(fallback), "item")
    if in_part := int(((fallback != "") & ~alone).sum()):
        text += (
            f" {in_part:,} of {every} are answered in part by the roll-rate matrix, since their "
            "account or its segment has little history; what it adds is a driver of its own."
        )
    counts = fallback[alone].value_counts()
    for reason, count in counts.items():
        text += (
            f" {count:,} of {every} were left to the roll-rate matrix "
            f"({str(reason).removeprefix('matrix: ')})."
        )
    return text


def _section(
    scores: Scores, currency: str, part: Mapping[str, Any], anchor: str, top: int
) -> Section:
    items = scores.items[scores.items["currency"] == currency]
    accounts = scores.accounts[scores.accounts["currency"] == currency]
    buckets = [
        (name, items[items["bucket"] == name])
        for name in (*BUCKETS, UNDATED)
        if name in BUCKETS or (items["bucket"] == name).any()
    ]
    total = bucket_row("Total", items, items)
    drivers = portfolio_steps(part["drivers"])
    moves = [step.amount.cents for step in drivers if step.kind in ("age", "family")]
    lane = accounts[accounts["lane"] == PAST_DUE].sort_values("rank")
    by_account = dict(list(items.groupby("account_id")))
    return Section(
        anchor=anchor,
        currency=currency,
        size=f"{count_text(len(accounts), 'account')}, {count_text(len(items), 'open item')}",
        balance=total.balance,
        collectible=total.collectible,
        at_risk=Amount(cents=cents_of(items["dollars_at_risk"])),
        figures=figures(items, part["key_figures"]),
        buckets=tuple(bucket_row(bucket_label(name), rows, items) for name, rows in buckets),
        bucket_total=total,
        bars=tuple(bar(bucket_label(name), rows) for name, rows in buckets),
        netting=netting_rows(items),
        drivers=drivers,
        rise=Amount(cents=sum(move for move in moves if move > 0)),
        fall=Amount(cents=-sum(move for move in moves if move < 0)),
        lanes=tuple(
            lane_row(name, accounts[accounts["lane"] == name]) for name in (*LANES, NO_LANE)
        ),
        lane_total=lane_row(None, accounts),
        worklist_note=_worklist_note(len(lane), int((lane["hold"] != "").sum()), top),
        cards=tuple(
            account_card(row, by_account[row["account_id"]], f"{anchor}-{row['rank']}")
            for row in lane.head(top).to_dict("records")
        ),
    )


def _worklist_note(waiting: int, held: int, top: int) -> str:
    if not waiting:
        return "No account is past due in this currency."
    shown = min(top, waiting)
    held_text = f"{held:,} held" if held else "none held"
    return (
        f"{count_text(waiting, 'account')} in the past-due lane, {held_text}. "
        f"The first {shown:,} by priority value are shown."
    )
