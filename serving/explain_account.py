"""Why an account scores as it does: families, features, what is usual, and the ledger rows.

Each feature is shown beside the account's own norm (the median over its open items at the
twelve month-ends before the as-of date, through the same feature SQL) and beside the median
of its segment, which is part of the model's profile. The evidence names the newest rows that
each family was computed from, and those that name the explained invoice. On request it is said
why the account moved since the last scoring, and what would change it.
"""

import math
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.build import feature_frame
from features.catalogue import FAMILIES, MODEL_FEATURES, MODEL_NAMES, Feature, feature_digest
from features.engines import EngineOptions
from features.ledger.manifest import LedgerError
from features.ledger.read import Ledger, open_ledger
from features.ledger.tables import TABLES, Table
from models.contributions import only, sum_up
from models.explain import FAMILY_NAMES
from models.profile import ALL
from models.reasons import BASE, BASE_SENTENCE, predicate
from serving.account_ledger import family_members, restrict_ledger, rows_naming, rows_of_account
from serving.account_moved import previous_snapshot, read_past_score, why_it_moved
from serving.account_score import stored_parts
from serving.account_what_if import Scenario, what_if
from serving.explain_answer import (
    item_parts,
    money,
    moved_plain,
    part_plain,
    total_plain,
    what_if_plain,
)
from serving.policy import Policy
from serving.store import ServedPair

NORM_MONTHS = 12
EVIDENCE_ROWS = 10
"""Newest rows named per table."""

FAMILY_TABLES: dict[str, tuple[str, ...]] = {
    "item_age": ("invoices", "due_date_changes"),
    "document": ("invoices", "due_date_changes"),
    "part_payments": ("applications",),
    "account_ageing": ("invoices", "applications"),
    "payment_timing": ("applications",),
    "payment_rhythm": ("applications", "receipts"),
    "own_history": ("invoices", "applications"),
    "exposure": ("invoices", "account_changes"),
    "returns": ("receipt_returns",),
    "disputes": ("disputes",),
    "promises": ("promises", "installments"),
    "credits": ("credits", "receipts"),
    "relationship": ("invoices", "account_changes"),
    "family": ("account_changes",),
    "peers": (),
    "calendar": (),
    "matrix": ("invoices",),
}
"""Ledger tables behind each family; peers stand in the model's profile, the calendar nowhere."""


def month_ends(as_of: date, count: int = NORM_MONTHS) -> list[date]:
    """Return the last days of the ``count`` months before the month of ``as_of``.

    A month-end that is ``as_of`` itself does not count: a norm is what was usual before.

    Examples
    --------
    >>> [str(day) for day in month_ends(date(2024, 3, 31), 2)]
    ['2024-01-31', '2024-02-29']
    """
    days = []
    first = as_of.replace(day=1)
    for _ in range(count):
        end = first - timedelta(days=1)
        days.append(end)
        first = end.replace(day=1)
    return days[::-1]


def own_norms(ledger: Ledger, account_id: str, as_of: date) -> dict[str, float]:
    """Return the median of each feature over the open items at the month-ends before ``as_of``.

    Parameters
    ----------
    ledger : Ledger
        Rows of the account and of its family.
    account_id : str
        Whose norms.
    as_of : date
        Month-ends before it count.

    Returns
    -------
    dict of str to float
        By feature; features that the account never had a value of are left out.
    """
    options = EngineOptions(threads=1, standing=True, dates_at_once=NORM_MONTHS)
    frame = feature_frame(ledger, month_ends(as_of), options=options)
    frame = frame.select((frame.items["account_id"] == account_id).to_numpy())
    known = ((name, frame.column(name)) for name in frame.names)
    kept = ((name, values[~np.isnan(values)]) for name, values in known)
    return {name: float(np.median(values)) for name, values in kept if len(values)}


def recent_rows(ledger: Ledger, as_of: date) -> dict[str, list[str]]:
    """Return the ids of the newest rows of each table that the books showed on ``as_of``.

    Ids of tables with several key columns are joined by a colon.
    """
    found = {}
    for name, rows in ledger.rows.items():
        table = TABLES[name]
        if table.clock is not None:
            found[name] = _newest(table, rows, as_of)
    return found


def _newest(table: Table, rows: pa.Table, as_of: date) -> list[str]:
    visible_on = pc.max_element_wise(rows[str(table.clock)], rows["known_on"])
    shown = rows.append_column("visible_on", visible_on)
    shown = shown.filter(pc.less_equal(shown["visible_on"], pa.scalar(as_of)))
    order = [("visible_on", "descending"), *((name, "descending") for name in table.key)]
    newest = shown.sort_by(order).select(list(table.key)).to_pylist()
    ids = (":".join(str(value) for value in row.values()) for row in newest)
    return list(dict.fromkeys(ids))[:EVIDENCE_ROWS]


@lru_cache(maxsize=2)
def _open(folder: str, digest: str) -> Ledger:
    """Open a ledger once per snapshot: its digest reads every file."""
    del digest
    return open_ledger(Path(folder))


@dataclass(frozen=True, slots=True, kw_only=True)
class Further:
    """What is asked for beside the explanation itself.

    Parameters
    ----------
    policy : Policy
        Under which accounts are scored again; changes no dollar at risk.
    snapshots : Path or None
        Folder of the published scorings, to say why the account moved; None to leave it out.
    scenarios : tuple of Scenario
        What could happen.
    """

    policy: Policy
    snapshots: Path | None = None
    scenarios: tuple[Scenario, ...] = ()


def explain_account(
    pair: ServedPair,
    account_id: str,
    invoice_id: str | None,
    further: Further | None = None,
    *,
    read_ledger: bool = True,
    each_item: bool = True,
) -> dict[str, Any]:
    """Return the explanation of an account, without the fields that every answer has.

    Parameters
    ----------
    pair : ServedPair
        Snapshot and model; must hold the account.
    account_id : str
        Whose.
    invoice_id : str or None
        The open item whose features are shown; None for the one with most dollars at risk.
    further : Further or None
        What else is asked for.
    read_ledger, each_item : bool
        Whether own norms and ledger rows are read, and every item is explained on its own. Each
        takes seconds, of a large ledger or of many hundred items.

    Raises
    ------
    KeyError
        When ``invoice_id`` is no open item of the account.
    ScenarioError
        When the account's books do not allow a scenario.
    """
    start, end = pair.table.item_rows[account_id]
    ids = pair.table.items["invoice_id"][start:end].tolist()
    at_risk = pair.table.items["dollars_at_risk"][start:end]
    collectible = pair.table.items["collectible"][start:end]
    if invoice_id is None:
        leading = int(np.lexsort((collectible, at_risk))[-1])
    elif invoice_id in ids:
        leading = ids.index(invoice_id)
    else:
        raise KeyError(invoice_id)
    accounts = pair.table.account(account_id, len(FAMILIES))
    items = [item for entry in accounts for item in entry.pop("items")]
    parts, invoices = stored_parts(pair, account_id)
    for item in items if each_item else ():
        own = parts[item["currency"]]
        place = invoices[item["currency"]].index(item["invoice_id"])
        item.update(item_parts(sum_up(only(own, place)), own, place))
    currency = pair.table.items["currency"][start + leading]
    place = invoices[currency].index(ids[leading])
    explained = sum_up(only(parts[currency], place))
    levels = {name: sum_up(own) for name, own in parts.items()}
    notes: list[str] = []
    ledger = _ledger_of(pair, notes) if read_ledger else None
    norms, rows, named = _from_ledger(pair, ledger, account_id, ids[leading], notes)
    values = pair.evidence_of(account_id).slice(leading, 1).to_pylist()[0]
    by_segment = pair.bundle.profile.medians
    segment = accounts[0]["segment"] if accounts[0]["segment"] in by_segment else ALL
    medians = dict(zip(MODEL_NAMES, by_segment[segment], strict=True))
    features = [
        _feature(feature, values, norms.get(feature.name), medians.get(feature.name))
        | {"probability": part.probability, "dollars": money(part.cents)}
        | {"account": {name: part_plain(levels[name].features[at]) for name in levels}}
        for at, (feature, part) in enumerate(zip(MODEL_FEATURES, explained.features, strict=True))
        if f"value_{feature.name}" in values
    ]
    families = [_family(name, accounts, features, rows, named) for name in FAMILY_NAMES]
    for at, family in enumerate(families):
        family["account"] = {name: part_plain(levels[name].families[at]) for name in levels}
    return {
        "accounts": accounts,
        "items": items,
        "explained_invoice_id": ids[leading],
        "families": families,
        "base": {
            "sentence": BASE_SENTENCE,
            "dollars": _dollars(accounts, BASE),
            "account": {name: part_plain(level.base) for name, level in levels.items()},
        },
        "totals": {name: total_plain(level) for name, level in levels.items()},
        **_further(pair, ledger, account_id, further, notes),
        "notes": notes,
    }


def _further(
    pair: ServedPair,
    ledger: Ledger | None,
    account_id: str,
    further: Further | None,
    notes: list[str],
) -> dict[str, Any]:
    """Return why the account moved and what would change it, where that is asked for."""
    moved: list[dict[str, Any]] = []
    answers: list[dict[str, Any]] = []
    if further is None or not (further.snapshots or further.scenarios):
        return {"moved": moved, "what_if": answers}
    if ledger is None or pair.bundle.feature_digest != feature_digest():
        notes.append("The account cannot be scored again here, so no comparison is shown.")
        return {"moved": moved, "what_if": answers}
    family = restrict_ledger(ledger, family_members(ledger, account_id))
    if further.snapshots is not None:
        before = previous_snapshot(further.snapshots, pair.name)
        if before is None:
            notes.append("No earlier scoring is at hand to compare with.")
        else:
            past = read_past_score(before, account_id)
            steps = why_it_moved(past, pair, family, account_id, further.policy)
            moved = [moved_plain(entry) for entry in steps]
    found = (
        what_if(
            family,
            account_id,
            pair.manifest.as_of,
            pair.bundle,
            further.policy,
            further.scenarios,
        )
        if further.scenarios
        else []
    )
    return {"moved": moved, "what_if": [what_if_plain(answer) for answer in found]}


def _ledger_of(pair: ServedPair, notes: list[str]) -> Ledger | None:
    """Return the snapshot's ledger; None, with a note, when it cannot be read here."""
    try:
        ledger = _open(pair.manifest.ledger, pair.manifest.ledger_digest)
    except LedgerError:
        notes.append(
            "The ledger of this snapshot cannot be read here: own norms and ledger rows are "
            "missing. Make its folder available and ask again."
        )
        return None
    if ledger.digest != pair.manifest.ledger_digest:
        notes.append(
            "The ledger has changed since this snapshot; norms and rows are those the books "
            "show today for the days before the as-of date."
        )
    return ledger


Rows = dict[str, list[str]]
"""Ids of ledger rows by table."""


def _from_ledger(
    pair: ServedPair,
    ledger: Ledger | None,
    account_id: str,
    invoice_id: str,
    notes: list[str],
) -> tuple[dict[str, float], Rows, Rows]:
    """Return norms, the account's newest rows and those that name the invoice."""
    if ledger is None:
        return {}, {}, {}
    as_of = pair.manifest.as_of
    family = restrict_ledger(ledger, family_members(ledger, account_id))
    own = rows_of_account(family, account_id)
    rows = recent_rows(own, as_of)
    named = recent_rows(rows_naming(own, invoice_id), as_of)
    if pair.bundle.feature_digest != feature_digest():
        notes.append(
            "The model reads other features than this version computes, so own norms are "
            "missing. Train again with `rollrisk train` and score."
        )
        return {}, rows, named
    return own_norms(family, account_id, as_of), rows, named


def _feature(
    feature: Feature, values: dict[str, Any], norm: float | None, median: float | None
) -> dict[str, Any]:
    value = _known(values[f"value_{feature.name}"])
    return {
        "name": feature.name,
        "family": feature.family,
        "grain": "item" if feature.grain == "item" else "account",
        "unit": feature.unit,
        "sentence": "" if value is None else predicate(feature, value),
        "value": value,
        "own_norm": _known(norm),
        "segment_median": _known(median),
        "log_odds": values[f"log_odds_{feature.name}"],
    }


def _known(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else value


def _family(
    family: str,
    accounts: list[dict[str, Any]],
    features: list[dict[str, Any]],
    rows: Rows,
    named: Rows,
) -> dict[str, Any]:
    sentences = [
        reason["sentence"]
        for entry in accounts
        for reason in entry["reasons"]
        if reason["family"] == family
    ]
    return {
        "family": family,
        "title": FAMILIES[family],
        "sentence": sentences[0] if sentences else "",
        "dollars": _dollars(accounts, family),
        "features": [feature for feature in features if feature["family"] == family],
        "evidence": {name: rows[name] for name in FAMILY_TABLES[family] if name in rows},
        "invoice_evidence": {
            name: named[name] for name in FAMILY_TABLES[family] if named.get(name)
        },
    }


def _dollars(accounts: list[dict[str, Any]], family: str) -> dict[str, str]:
    """Return what a family adds, by currency: amounts are never added across currencies."""
    return {
        entry["currency"]: next(
            (r["dollars"] for r in entry["reasons"] if r["family"] == family), "0.00"
        )
        for entry in accounts
    }
