"""The account page: who it is, what is open, why it is at risk, and how it got there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from features.catalogue import FAMILIES, MODEL_FEATURES
from features.ledger.manifest import LedgerError
from models.reasons import BASE, OTHER, Reason, format_value
from models.scorer import CUTS
from serving.console.history import History, account_history
from serving.console.notes import Note
from serving.console.served import Served
from serving.explain_account import explain_account
from serving.reports.drivers import Step, account_steps
from serving.reports.wording import Amount

FEATURES_SHOWN = 12
_FEATURES = {feature.name: feature for feature in MODEL_FEATURES}

Points = tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One open item, its chance of staying open, and what is usual in its segment.

    Parameters
    ----------
    open_after, usual_after : tuple of (int, float)
        Days ahead and P(unresolved): of the item, and of the roll-rate matrix.
    usual_roll : float
        The matrix's P(unresolved) after 30 days.
    netted : tuple of (str, Amount)
        What makes the collectible smaller than the balance.
    """

    invoice_id: str
    bucket: str
    due_on: str | None
    days_past_due: int | None
    balance: Amount
    collectible: Amount
    exposed: bool
    p_roll: float | None
    p_open_30: float
    usual_roll: float
    p_reach_91_plus: float | None
    at_risk: Amount
    netted: tuple[tuple[str, Amount], ...]
    open_after: Points
    usual_after: Points
    fallback: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureRow:
    """A feature beside what is usual for the account and for its segment, as texts."""

    name: str
    family: str
    about: str
    value: str
    own_norm: str
    segment_median: str
    log_odds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyRow:
    """A family of facts: what it adds, the sentence, and the ledger rows behind it."""

    family: str
    title: str
    sentence: str
    amount: Amount
    evidence: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """The page of an account in one currency.

    Parameters
    ----------
    facts : tuple of (str, str)
        Who it is.
    buckets : tuple of (str, Amount)
        Open balance by bucket.
    netted : tuple of (str, Amount)
        What makes the collectible smaller than the balance.
    steps : tuple of Step
        From an average invoice to the amount at risk.
    explained_invoice : str
        The item whose facts stand in ``features``.
    history : History or None
        The account's year; None where the ledger cannot be read, or is being read.
    waiting : bool
        Whether the account's rows are still being read: its year, its own norms and the ids of
        evidence are missing, everything else is there.
    remarks : tuple of str
        What could not be shown, and why.
    notes : tuple of Note
        What reviewers wrote, newest first.
    signed : Note or None
        The sign-off in force.
    """

    account_id: str
    name: str
    currency: str
    currencies: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    lane: str
    rank: int
    hold: str
    hold_until: str | None
    action: str
    why: str
    balance: Amount
    collectible: Amount
    at_risk: Amount
    to_roll: Amount
    to_stay: Amount
    priority: Amount | None
    p_roll: float | None
    oldest_days_past_due: int | None
    buckets: tuple[tuple[str, Amount], ...]
    netted: tuple[tuple[str, Amount], ...]
    steps: tuple[Step, ...]
    explained: bool
    families: tuple[FamilyRow, ...]
    items: tuple[Item, ...]
    explained_invoice: str
    features: tuple[FeatureRow, ...]
    history: History | None
    waiting: bool
    remarks: tuple[str, ...]
    notes: tuple[Note, ...]
    signed: Note | None


def account_view(
    served: Served,
    account_id: str,
    *,
    currency: str | None = None,
    invoice_id: str | None = None,
    read_ledger: bool = True,
) -> AccountView:
    """Return the page of an account; KeyError when it or the invoice has nothing open.

    Without ``read_ledger`` it is made of the scoring alone, in the time that a page may take.
    """
    pair = served.pair
    if account_id not in pair.table:
        raise KeyError(account_id)
    content = explain_account(
        pair, account_id, invoice_id, read_ledger=read_ledger, each_item=False
    )
    by_currency: dict[str, dict[str, Any]] = {
        entry["currency"]: entry for entry in content["accounts"]
    }
    currencies = tuple(
        sorted(by_currency, key=lambda name: (-float(by_currency[name]["open_balance"]), name))
    )
    chosen = currency if currency is not None and currency in by_currency else currencies[0]
    entry = by_currency[chosen]
    remarks = list(content["notes"])
    try:
        history = account_history(pair, account_id, chosen) if read_ledger else None
    except LedgerError:
        history = None  # explain_account has said why
    row = _row(served, account_id, chosen)
    reasons = _reasons(entry["reasons"])
    steps = account_steps(reasons)
    return AccountView(
        account_id=account_id,
        name=entry["name"] or account_id,
        currency=chosen,
        currencies=currencies,
        facts=_facts(entry),
        lane=entry["lane"],
        rank=int(pair.table.accounts["rank"][row]),
        hold=entry["hold"],
        hold_until=entry["hold_until"],
        action=entry["action"],
        why=entry["why"],
        balance=money(entry["open_balance"]),
        collectible=money(entry["collectible"]),
        at_risk=money(entry["dollars_at_risk"]),
        to_roll=money(entry["dollars_expected_to_roll"]),
        to_stay=money(entry["dollars_expected_to_stay"]),
        priority=None if entry["priority_value"] is None else money(entry["priority_value"]),
        p_roll=entry["p_roll"],
        oldest_days_past_due=entry["oldest_days_past_due"],
        buckets=_buckets(entry),
        netted=_netted(entry, ("unapplied_cash", "disputed", "on_plan", "promised")),
        steps=steps,
        explained=any(step.kind not in ("base", "total") for step in steps),
        families=_families(content["families"], chosen),
        items=_items(served, [i for i in content["items"] if i["currency"] == chosen], entry),
        explained_invoice=content["explained_invoice_id"],
        features=_features(content["families"]),
        history=history,
        waiting=not read_ledger,
        remarks=tuple(remarks),
        notes=(),
        signed=None,
    )


def with_notes(view: AccountView, notes: tuple[Note, ...]) -> AccountView:
    """Return the page with what reviewers wrote, newest first."""
    return replace(view, notes=notes, signed=_signed(notes))


def money(text: str) -> Amount:
    """Return money that an answer gives as text.

    Examples
    --------
    >>> money("-12.50").cents
    -1250
    """
    return Amount(cents=round(float(text) * 100))


def _row(served: Served, account_id: str, currency: str) -> int:
    start, end = served.pair.table.account_rows[account_id]
    held = served.pair.table.accounts["currency"][start:end].tolist()
    return int(start + held.index(currency))


def _reasons(reasons: Sequence[Mapping[str, Any]]) -> list[Reason]:
    return [
        Reason(family=r["family"], sentence=r["sentence"], dollars=float(r["dollars"]))
        for r in reasons
        if r["family"] != OTHER or float(r["dollars"])
    ]


def _facts(entry: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    natural = {True: "Natural person", False: "Company"}.get(entry["is_natural_person"], "Unknown")
    return (
        ("Account id", entry["account_id"]),
        ("Segment", entry["segment"] or ""),
        ("Region", entry["region"] or ""),
        ("Collector", entry["collector"] or ""),
        ("Kind", natural),
    )


def _buckets(entry: Mapping[str, Any]) -> tuple[tuple[str, Amount], ...]:
    columns = {
        "current": "open_current",
        "1-30": "open_1_30",
        "31-60": "open_31_60",
        "61-90": "open_61_90",
        "91+": "open_91_plus",
        "undated": "undated",
    }
    return tuple((name, money(entry[column])) for name, column in columns.items())


def _netted(entry: Mapping[str, Any], columns: Sequence[str]) -> tuple[tuple[str, Amount], ...]:
    words = {
        "unapplied_cash": "unapplied cash and credits",
        "unapplied": "unapplied cash and credits",
        "disputed": "in open dispute",
        "on_plan": "on a payment plan",
        "planned": "on a payment plan",
        "promised": "promised",
    }
    parts = [(words[column], money(entry[column])) for column in columns]
    return tuple((label, amount) for label, amount in parts if amount.cents)


def _items(
    served: Served, items: Sequence[Mapping[str, Any]], entry: Mapping[str, Any]
) -> tuple[Item, ...]:
    profile = served.pair.bundle.profile
    days = np.array(
        [np.nan if i["days_past_due"] is None else i["days_past_due"] for i in items], dtype=float
    )
    segment = np.full(len(items), entry["segment"] or "", dtype=object)
    rates = profile.rates(segment, days)
    made = [
        Item(
            invoice_id=item["invoice_id"],
            bucket=item["bucket"],
            due_on=item["due_on"],
            days_past_due=item["days_past_due"],
            balance=money(item["open_balance"]),
            collectible=money(item["collectible"]),
            exposed=item["exposed"],
            p_roll=item["p_roll"],
            p_open_30=item["p_open_30"],
            usual_roll=float(rates[at, 0]),
            p_reach_91_plus=item["p_reach_91_plus"],
            at_risk=money(item["dollars_at_risk"]),
            netted=_netted(item, ("unapplied", "disputed", "planned", "promised")),
            open_after=tuple((cut, item[f"p_open_{cut}"]) for cut in CUTS),
            usual_after=usual_points(rates[at]),
            fallback=item["fallback"],
        )
        for at, item in enumerate(items)
    ]
    made.sort(key=lambda item: (-item.at_risk.cents, -(item.days_past_due or 0), item.invoice_id))
    return tuple(made)


def usual_points(rates: np.ndarray[Any, np.dtype[np.float64]]) -> Points:
    """Return the roll-rate matrix's survival at the model's cuts.

    Parameters
    ----------
    rates : numpy.ndarray of float64, shape (6,)
        A row of the profile's matrix: P(unresolved) of the four steps, each given the one
        before, then the shares of a step's payments that come by 14 and, of these, by 7 days.

    Examples
    --------
    >>> usual_points(np.array([0.5, 0.5, 1.0, 1.0, 0.8, 0.5]))
    ((7, 0.8), (14, 0.6), (30, 0.5), (60, 0.25), (90, 0.25), (120, 0.25))
    """
    first = float(rates[0])
    by_14 = 1 - (1 - first) * float(rates[4])
    by_7 = 1 - (1 - first) * float(rates[4]) * float(rates[5])
    later = [first * float(np.prod(rates[1 : step + 1])) for step in range(1, 4)]
    survival = (by_7, by_14, first, *later)
    return tuple(zip(CUTS, (round(share, 12) for share in survival), strict=True))


def _families(families: Sequence[Mapping[str, Any]], currency: str) -> tuple[FamilyRow, ...]:
    rows = [
        FamilyRow(
            family=family["family"],
            title=family["title"],
            sentence=family["sentence"],
            amount=money(family["dollars"].get(currency, "0.00")),
            evidence=tuple((name, tuple(ids)) for name, ids in family["evidence"].items() if ids),
        )
        for family in families
        if family["family"] != BASE
    ]
    rows.sort(key=lambda row: (-abs(row.amount.cents), row.family))
    return tuple(rows)


def _features(families: Sequence[Mapping[str, Any]]) -> tuple[FeatureRow, ...]:
    """Return the facts that move the explained invoice's score most, the strongest first."""
    found = [feature for family in families for feature in family["features"]]
    known = [feature for feature in found if feature["value"] is not None]
    known.sort(key=lambda feature: (-abs(feature["log_odds"]), feature["name"]))
    return tuple(
        FeatureRow(
            name=feature["name"],
            family=FAMILIES[feature["family"]],
            about=f"{_subject(feature['name'])} {feature['sentence']}",
            value=_shown(feature["name"], feature["value"]),
            own_norm=_shown(feature["name"], feature["own_norm"]),
            segment_median=_shown(feature["name"], feature["segment_median"]),
            log_odds=feature["log_odds"],
        )
        for feature in known[:FEATURES_SHOWN]
    )


def _subject(name: str) -> str:
    return "The invoice" if _FEATURES[name].about == "invoice" else "The account"


def _shown(name: str, value: float | None) -> str:
    if value is None:
        return ""
    feature = _FEATURES[name]
    if feature.unit == "flag":
        return {0.0: "no", 1.0: "yes"}.get(value, f"{value:.1f}")
    return format_value(feature, value)


def _signed(notes: Sequence[Note]) -> Note | None:
    """Return the newest sign-off unless it was withdrawn since."""
    newest = next((note for note in notes if note.kind in ("signed", "reopened")), None)
    return newest if newest is not None and newest.kind == "signed" else None
