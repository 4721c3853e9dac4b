"""The portfolio page: how the book stands, where it is heading, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pandas as pd

from features.ageing import BUCKETS, UNDATED
from features.key_figures import PastFigures
from models.fallback import by_matrix_alone
from serving.console.forecast import HORIZONS, Expected, expected_ageing
from serving.console.past import Past
from serving.console.past_forecasts import PastForecasts, past_forecasts
from serving.console.served import GROUPS, Served
from serving.console.trends import Rolls, Trend, pooled_rolls, ratio, trend_of
from serving.reports.drivers import Step, portfolio_steps
from serving.reports.scores import cents_of
from serving.reports.wording import Amount

LARGEST = 8
"""Rows of a table by group; the rest is summed in one line."""

_SUMMED = (
    "open_balance",
    "collectible",
    "dollars_expected_to_roll",
    "dollars_expected_to_stay",
    "dollars_at_risk",
)
_COLUMNS = (
    *_SUMMED,
    "balance_expected_to_roll",
    "owner",
    "bucket",
    *GROUPS,
    "days_past_due",
    "fallback",
    *(f"p_open_{days}" for days in HORIZONS),
)

PERIODS = (3, 6, 12)
"""Steps that a roll-rate matrix may pool."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeCell:
    """A bucket's balance on a day; ``low`` and ``high`` bound it in 95 of 100 cases."""

    bucket: str
    balance: Amount
    low: Amount
    high: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeColumn:
    """The ageing of today's items on a day: ``days`` ahead, 0 for now.

    ``resolved`` is what is expected to be paid, credited or extended by then.
    """

    days: int
    cells: tuple[AgeCell, ...]
    open: Amount
    resolved: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRow:
    """What is expected of a group of items within 30 days.

    ``share`` is of everything at risk, ``rate`` of the group's collectible.
    """

    name: str
    accounts: int
    items: int
    balance: Amount
    collectible: Amount
    to_roll: Amount
    to_stay: Amount
    at_risk: Amount
    share: float
    rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The rows of one way to group, the most at risk first; the rest in one row."""

    by: str
    rows: tuple[GroupRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFigures:
    """Today's key figures; NaN where there is no denominator.

    ``effectiveness``, ``promises_kept`` and ``unapplied`` come from the books of the last year
    and are None until these have been read.
    """

    receivables: Amount
    past_due: Amount
    past_due_share: float
    collectible: Amount
    at_risk: Amount
    at_risk_share: float
    to_roll: Amount
    to_stay: Amount
    balance_to_roll: Amount
    sales_90: Amount
    dso: float | None
    best_possible_dso: float | None
    add: float | None
    effectiveness: float | None
    promises_due: int | None
    promises_kept: float | None
    promises_kept_amount: float | None
    unapplied: Amount | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioView:
    """The page of one currency.

    Parameters
    ----------
    forecasts : PastForecasts or None
        What earlier scorings expected and what came of it.
    waiting : bool
        Whether the past is still being computed.
    trouble : str
        Empty, or why there is no past.
    """

    currency: str
    currencies: tuple[str, ...]
    accounts: int
    items: int
    held_accounts: int
    figures: KeyFigures
    ageing: tuple[AgeColumn, ...]
    groups: tuple[Group, ...]
    drivers: tuple[Step, ...]
    explains: bool
    rolls: Rolls | None
    trend: Trend | None
    forecasts: PastForecasts | None
    waiting: bool
    trouble: str


def portfolio_view(
    served: Served, past: Past | None, currency: str, *, steps: int = PERIODS[-1]
) -> PortfolioView:
    """Return the page of ``currency``.

    Parameters
    ----------
    served : Served
        The scoring.
    past : Past or None
        What the books say about the year before; None while it is being computed.
    currency : str
        One of the scoring's.
    steps : int
        Steps that the roll-rate matrix pools.
    """
    view = book_view(served, currency)
    return view if past is None else with_past(view, past, served.pair.manifest.as_of, steps)


def book_view(served: Served, currency: str) -> PortfolioView:
    """Return the page of ``currency`` as far as the scoring alone tells it."""
    items, accounts = served.items_of(currency, _COLUMNS), served.accounts_of(currency)
    part = served.portfolio["currencies"][currency]
    profile = served.pair.bundle.profile
    return PortfolioView(
        currency=currency,
        currencies=served.currencies,
        accounts=len(accounts),
        items=len(items),
        held_accounts=int((accounts["hold"] != "").sum()),
        figures=_figures(items, part["key_figures"]),
        ageing=tuple(
            _age_column(days, expected_ageing(items, profile, days), items)
            for days in (0, *HORIZONS)
        ),
        groups=tuple(group_rows(items, name) for name in ("bucket", *GROUPS)),
        drivers=portfolio_steps(part["drivers"]),
        explains=not by_matrix_alone(items["fallback"]).all(),
        rolls=None,
        trend=None,
        forecasts=None,
        waiting=True,
        trouble="",
    )


def with_past(view: PortfolioView, past: Past, as_of: date, steps: int) -> PortfolioView:
    """Return a page with what the books say about the year before."""
    newest = _newest(past, view.currency, as_of)
    return replace(
        view,
        figures=view.figures if newest is None else _with_newest(view.figures, newest),
        rolls=pooled_rolls(past, view.currency, steps),
        trend=trend_of(past, view.currency),
        forecasts=None if past.trouble else past_forecasts(past.record, view.currency),
        waiting=False,
        trouble=past.trouble,
    )


def _newest(past: Past, currency: str, as_of: date) -> PastFigures | None:
    found = [f for f in past.figures if f.currency == currency and f.as_of == as_of]
    return found[0] if found else None


def _figures(items: pd.DataFrame, figures: dict[str, float | None]) -> KeyFigures:
    late = items["days_past_due"].to_numpy(dtype=float) > 0
    receivables = Amount(cents=cents_of(items["open_balance"]))
    past_due = Amount(cents=cents_of(items["open_balance"][late]))
    collectible = Amount(cents=cents_of(items["collectible"]))
    at_risk = Amount(cents=cents_of(items["dollars_at_risk"]))
    return KeyFigures(
        receivables=receivables,
        past_due=past_due,
        past_due_share=ratio(past_due.cents, receivables.cents),
        collectible=collectible,
        at_risk=at_risk,
        at_risk_share=ratio(at_risk.cents, collectible.cents),
        to_roll=Amount(cents=cents_of(items["dollars_expected_to_roll"])),
        to_stay=Amount(cents=cents_of(items["dollars_expected_to_stay"])),
        balance_to_roll=Amount(cents=cents_of(items["balance_expected_to_roll"])),
        sales_90=_amount(figures["sales_90"] or 0.0),
        dso=figures["dso_days"],
        best_possible_dso=figures["best_possible_dso_days"],
        add=figures["average_days_delinquent"],
        effectiveness=None,
        promises_due=None,
        promises_kept=None,
        promises_kept_amount=None,
        unapplied=None,
    )


def _with_newest(figures: KeyFigures, newest: PastFigures) -> KeyFigures:
    return replace(
        figures,
        effectiveness=newest.effectiveness,
        promises_due=newest.promises_due,
        promises_kept=ratio(newest.promises_kept, newest.promises_due),
        promises_kept_amount=ratio(newest.promised_kept, newest.promised),
        unapplied=_amount(newest.unapplied),
    )


def _amount(value: float) -> Amount:
    return Amount(cents=round(value * 100))


def _age_column(days: int, cells: Sequence[Expected], items: pd.DataFrame) -> AgeColumn:
    still = sum(round(cell.balance * 100) for cell in cells)
    return AgeColumn(
        days=days,
        cells=tuple(
            AgeCell(
                bucket=cell.bucket,
                balance=_amount(cell.balance),
                low=_amount(cell.low),
                high=_amount(cell.high),
            )
            for cell in cells
        ),
        open=Amount(cents=still),
        resolved=Amount(cents=cents_of(items["open_balance"]) - still),
    )


def group_rows(items: pd.DataFrame, by: str, *, largest: int = LARGEST) -> Group:
    """Return what is expected of each group of items, the most at risk first.

    Buckets stay in their order and none is folded into the rest.
    """
    grouped = items.groupby(by, observed=True)
    sums = (grouped[list(_SUMMED)].sum() * 100).round().astype("int64")
    sums["items"] = grouped.size()
    sums["accounts"] = grouped["owner"].nunique()
    sums.index = sums.index.astype(str)
    whole = int(sums["dollars_at_risk"].sum())
    if by == "bucket":
        by_name = sums.to_dict("index")
        order = [name for name in (*BUCKETS, UNDATED) if name in sums.index]
        return Group(by=by, rows=tuple(_group_row(name, by_name[name], whole) for name in order))
    # The index settles ties, so that the same book gives the same page.
    sums = sums.sort_index().sort_values("dollars_at_risk", ascending=False, kind="stable")
    keep = largest + 1 if len(sums) == largest + 1 else largest
    rows = [
        _group_row(str(name), row, whole) for name, row in sums.iloc[:keep].to_dict("index").items()
    ]
    if len(sums) > keep:
        rest = sums.iloc[keep:]
        rows.append(_group_row(f"{len(rest)} others", rest.sum().to_dict(), whole))
    return Group(by=by, rows=tuple(rows))


def _group_row(name: str, row: Mapping[Any, Any], whole: int) -> GroupRow:
    at_risk, collectible = int(row["dollars_at_risk"]), int(row["collectible"])
    return GroupRow(
        name=name,
        accounts=int(row["accounts"]),
        items=int(row["items"]),
        balance=Amount(cents=int(row["open_balance"])),
        collectible=Amount(cents=collectible),
        to_roll=Amount(cents=int(row["dollars_expected_to_roll"])),
        to_stay=Amount(cents=int(row["dollars_expected_to_stay"])),
        at_risk=Amount(cents=at_risk),
        share=ratio(at_risk, whole),
        rate=ratio(at_risk, collectible),
    )
