"""Why an account's dollars at risk moved since the last scoring: news, ageing, another model.

The way from the old figure to the new one is walked in steps, each through the real pipeline:

1. ``restated``: the last day's books as they are shown today, under the model of then.
2. ``model``: the same books and day under today's model.
3. ``ageing``: the same books, looked at from today's day: nothing happened but time.
4. ``new_data``: all that the books have shown since.

Each step is the difference of two scorings, so the steps add up to the whole move, for the
account, for every family and for every invoice. Another order of steps would share out the
same move in another way; this one asks first what today's model would have said.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.catalogue import feature_digest
from features.ledger.read import Ledger
from models.bundle import Bundle
from models.snapshot import SnapshotManifest, read_snapshot_manifest, read_snapshot_model
from serving.account_ledger import rows_of_account
from serving.account_score import (
    NAMES,
    NOTHING,
    AccountScore,
    make_score,
    score_account,
    stored_score,
)
from serving.known_ledger import known_by, news
from serving.policy import Policy
from serving.store import ServedPair

STEPS: dict[str, str] = {
    "restated": "The books of that day are shown otherwise today",
    "model": "Another model scores",
    "ageing": "Time passed and nothing else",
    "new_data": "What the books have shown since",
}
"""Steps in order, and what each says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the way.

    Parameters
    ----------
    name : str
        Key of ``STEPS``.
    sentence : str
        The same in words.
    cents : int
        What it adds to the dollars at risk.
    families, items : mapping of str to int
        The same by family (and ``base``) and by invoice; those it does not move are left out.
    """

    name: str
    sentence: str
    cents: int
    families: Mapping[str, int]
    items: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """Why the dollars at risk of an account moved, in one currency.

    Parameters
    ----------
    currency : str
        Amounts are never added across currencies.
    since, until : datetime.date
        Days of the two scorings.
    model_before, model_after : str
        Versions that scored.
    before, after : int
        Cents at risk; the steps sum to the difference.
    steps : tuple of Step
        In the order of ``STEPS``; ``model`` only where the model changed and can be told from
        restated books.
    news : mapping of str to list of str
        Ids of the rows that the books have shown since, by table.
    """

    currency: str
    since: date
    until: date
    model_before: str
    model_after: str
    before: int
    after: int
    steps: tuple[Step, ...]
    news: Mapping[str, list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PastScore:
    """What an earlier published scoring said of an account.

    Parameters
    ----------
    manifest : SnapshotManifest
        What was scored with what.
    bundle : Bundle
        The model of then.
    scores : mapping of str to AccountScore
        By currency; none where nothing was open.
    """

    manifest: SnapshotManifest
    bundle: Bundle
    scores: Mapping[str, AccountScore]


def read_past_score(folder: Path, account_id: str) -> PastScore:
    """Read what a snapshot says of one account, without loading the others."""
    mine = [("account_id", "=", account_id)]
    columns = ["invoice_id", "currency", "open_balance", "collectible"]
    items = pq.read_table(folder / "items.parquet", columns=columns, filters=mine)
    cents = [f"cents_{name}" for name in NAMES]
    evidence = pq.read_table(
        folder / "evidence.parquet", columns=["invoice_id", *cents], filters=mine
    )
    items, evidence = items.sort_by("invoice_id"), evidence.sort_by("invoice_id")
    by_family = np.column_stack([evidence[name].to_numpy() for name in cents])
    scores = {}
    for currency in sorted(set(items["currency"].to_pylist())):
        own = np.flatnonzero(items["currency"].to_numpy() == currency)
        scores[currency] = make_score(
            items["invoice_id"].take(own).to_pylist(),
            by_family[own],
            owed=float(pc.sum(items["open_balance"].take(own)).as_py()),
            asked=float(pc.sum(items["collectible"].take(own)).as_py()),
        )
    return PastScore(
        manifest=read_snapshot_manifest(folder), bundle=read_snapshot_model(folder), scores=scores
    )


def why_it_moved(
    previous: PastScore,
    pair: ServedPair,
    ledger: Ledger,
    account_id: str,
    policy: Policy,
) -> list[Moved]:
    """Return why an account moved between two published scorings, one entry a currency.

    Parameters
    ----------
    previous : PastScore
        The scoring before.
    pair : ServedPair
        The one that is served.
    ledger : Ledger
        Rows of the account and of its family, in memory, as they are shown today.
    account_id : str
        Whose.
    policy : Policy
        Changes no dollar at risk.
    """
    since, until = previous.manifest.as_of, pair.manifest.as_of
    then = known_by(ledger, since)

    def scored(bundle: Bundle, day: date) -> dict[str, AccountScore]:
        return score_account(then, account_id, day, bundle, policy)

    same_model = previous.bundle.version == pair.bundle.version
    readable = previous.bundle.feature_digest == feature_digest()
    way: list[tuple[str, Mapping[str, AccountScore]]] = [("", previous.scores)]
    today_then = scored(pair.bundle, since)
    if same_model or readable:
        way.append(("restated", today_then if same_model else scored(previous.bundle, since)))
    if not same_model:
        way.append(("model", today_then))
    way.append(("ageing", scored(pair.bundle, until) if until != since else today_then))
    way.append(("new_data", stored_score(pair, account_id)))
    shown = news(rows_of_account(ledger, account_id), since, until)
    currencies = sorted({currency for _, found in way for currency in found})
    return [
        _moved(currency, previous.manifest, pair.manifest, way, shown) for currency in currencies
    ]


def _moved(
    currency: str,
    before: SnapshotManifest,
    after: SnapshotManifest,
    way: list[tuple[str, Mapping[str, AccountScore]]],
    shown: Mapping[str, list[str]],
) -> Moved:
    scores = [found.get(currency, NOTHING) for _, found in way]
    steps = [
        _step(name, scores[place], scores[place + 1]) for place, (name, _) in enumerate(way[1:])
    ]
    return Moved(
        currency=currency,
        since=before.as_of,
        until=after.as_of,
        model_before=before.model_version,
        model_after=after.model_version,
        before=scores[0].cents,
        after=scores[-1].cents,
        steps=tuple(steps),
        news=shown,
    )


def _step(name: str, before: AccountScore, after: AccountScore) -> Step:
    families = {key: after.families[key] - before.families[key] for key in NAMES}
    every = sorted({*before.items, *after.items})
    items = {key: after.items.get(key, 0) - before.items.get(key, 0) for key in every}
    cents = after.cents - before.cents
    return Step(
        name=name,
        sentence=f"{STEPS[name]}: {cents / 100:+,.2f}",
        cents=cents,
        families={key: moved for key, moved in families.items() if moved},
        items={key: moved for key, moved in items.items() if moved},
    )


def previous_snapshot(snapshots: Path, name: str) -> Path | None:
    """Return the scoring published before the one called ``name``; None when there is none.

    The newest earlier day counts, and of several scorings of that day the last one.
    """
    current = read_snapshot_manifest(snapshots / name).as_of
    found = []
    for path in snapshots.glob("[!.]*/manifest.json"):
        try:
            as_of = read_snapshot_manifest(path.parent).as_of
        except (OSError, ValueError, KeyError, TypeError):
            continue  # of another format: it cannot be compared with
        if as_of < current:
            found.append((as_of, path.stat().st_mtime_ns, path.parent))
    return max(found)[2] if found else None
