"""What each route answers: plain values made from the served pair and a request.

No clock, no key and no network here. The service adds the request id, records the answer and
sends it.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd

from features.catalogue import feature_digest
from models.priority import LANES
from serving.account_what_if import Scenario, ScenarioError
from serving.errors import ApiError, Detail
from serving.explain_account import Further, explain_account
from serving.feedback import Feedback, Standing, standing
from serving.policy import Policy, read_policy
from serving.rows import Rows, ledger_of_rows, score_rows
from serving.schemas import ExplainRequest, ScoreRequest, WorklistRequest
from serving.score_table import ScoreTable
from serving.settings import Settings
from serving.store import ServedPair
from serving.worklist_capacity import fill_capacity
from serving.worklist_feedback import FEEDBACK_COLUMNS, with_feedback
from serving.worklist_why import why_ranked

REASONS_IN_WORKLIST = 3

FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2200, 12, 31)
"""Beyond these days the year before and the year after cannot be reckoned with."""


Watch = Callable[[str], None]
"""Told the name of each stage of an answer when it begins."""


def unwatched(_: str) -> None:
    """Look at no stage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer without its request id, and what the audit store must know about it.

    Parameters
    ----------
    body : dict
        Fields of the answer.
    as_of : date
        Observation date.
    snapshot : str
        Name of the snapshot, or ``rows-`` and the digest of the rows sent.
    account_ids : tuple of str
        Accounts in the answer.
    """

    body: dict[str, Any]
    as_of: date
    snapshot: str
    account_ids: tuple[str, ...]


def _head(pair: ServedPair, as_of: date, ledger_digest: str) -> dict[str, Any]:
    return {
        "model_version": pair.manifest.model_version,
        "as_of": as_of.isoformat(),
        "ledger_digest": ledger_digest,
        "feature_digest": pair.manifest.feature_digest,
    }


def score(
    pair: ServedPair,
    request: ScoreRequest,
    policy: Policy,
    settings: Settings,
    *,
    watch: Watch = unwatched,
) -> Answer:
    """Return the scores of accounts, from the snapshot or from rows sent.

    Raises
    ------
    ApiError
        404 for an account or a date that is not at hand, 413 for too much at once, 422 for
        rows that break the contract, 503 when the model reads other features than these.
    """
    asked = tuple(dict.fromkeys(request.account_ids))
    if len(request.account_ids) > settings.max_accounts:
        raise _too_many("account_ids", len(request.account_ids), settings.max_accounts)
    if request.ledger is not None:
        return _score_rows(pair, request, asked, policy, settings, watch)
    manifest = pair.manifest
    if request.as_of is not None and request.as_of != manifest.as_of:
        raise ApiError(
            404,
            "unknown_as_of",
            f"No scoring of {request.as_of} is at hand. At hand: {manifest.as_of}. Score it with "
            "`rollrisk score`, or send the ledger rows.",
            (
                Detail(
                    where="as_of",
                    rule=f"one of {manifest.as_of}",
                    value=request.as_of.isoformat(),
                ),
            ),
        )
    watch("look_up")
    accounts = list(_accounts(pair.table, request, "the served snapshot"))
    return Answer(
        body={**_head(pair, manifest.as_of, manifest.ledger_digest), "accounts": accounts},
        as_of=manifest.as_of,
        snapshot=pair.name,
        account_ids=asked,
    )


def _score_rows(
    pair: ServedPair,
    request: ScoreRequest,
    asked: tuple[str, ...],
    policy: Policy,
    settings: Settings,
    watch: Watch,
) -> Answer:
    tables: Mapping[str, Rows] = request.ledger or {}
    if request.as_of is None:
        raise ApiError(
            400,
            "malformed",
            "With ledger rows, as_of must say for which day they are scored.",
            (Detail(where="as_of", rule="required with ledger"),),
        )
    if not FIRST_DAY <= request.as_of <= LAST_DAY:
        raise ApiError(
            422,
            "ledger_contract",
            f"Rows are scored for days from {FIRST_DAY} to {LAST_DAY}.",
            (
                Detail(
                    where="as_of",
                    rule=f"from {FIRST_DAY} to {LAST_DAY}",
                    value=request.as_of.isoformat(),
                ),
            ),
        )
    rows = sum(len(table) for table in tables.values())
    if rows > settings.max_rows:
        raise _too_many("ledger", rows, settings.max_rows)
    if pair.bundle.feature_digest != feature_digest():
        raise ApiError(
            503,
            "not_ready",
            "The model reads other features than this version computes. Train again with "
            "`rollrisk train` and score; accounts of the snapshot are still answered.",
        )
    watch("validate")
    ledger = ledger_of_rows(tables, request.as_of, present=pair.present)
    table = score_rows(ledger, request.as_of, pair.bundle, policy, watch=watch)
    accounts = list(_accounts(table, request, "the rows sent"))
    return Answer(
        body={**_head(pair, request.as_of, ledger.digest), "accounts": accounts},
        as_of=request.as_of,
        snapshot=f"rows-{ledger.digest}",
        account_ids=asked,
    )


def _accounts(
    table: ScoreTable | None, request: ScoreRequest, source: str
) -> Iterator[dict[str, Any]]:
    """Yield the accounts asked for, each once; ApiError 404 when one is not in the table."""
    unknown = [
        Detail(where=f"account_ids.{position}", rule=f"open items in {source}", value=account_id)
        for position, account_id in enumerate(request.account_ids)
        if table is None or account_id not in table
    ]
    if unknown or table is None:
        raise ApiError(
            404,
            "unknown_account",
            f"{len(unknown)} of {len(request.account_ids)} account(s) have no open items in "
            f"{source}, or are unknown.",
            tuple(unknown),
        )
    for account_id in dict.fromkeys(request.account_ids):
        yield from table.account(account_id, request.top_reasons)


def _too_many(where: str, found: int, limit: int) -> ApiError:
    return ApiError(
        413,
        "too_large",
        f"{where} holds {found}, at most {limit} are allowed. Split the request.",
        (Detail(where=where, rule=f"at most {limit}", value=str(found)),),
    )


def worklist(
    pair: ServedPair,
    request: WorklistRequest,
    policy: Policy,
    *,
    feedback: Sequence[Feedback] = (),
    on: date | None = None,
) -> Answer:
    """Return the accounts to work, lane by lane, with why each ranks and what to do.

    Parameters
    ----------
    pair : ServedPair
        Snapshot and model.
    request : WorklistRequest
        What is asked for.
    policy : Policy
        Shares, collectors and cadence.
    feedback : sequence of Feedback
        What collectors told; it is laid over the published list.
    on : datetime.date
        The day of the look; the day of the scoring when left out.
    """
    manifest = pair.manifest
    day = on or manifest.as_of
    heard = standing(feedback, day)
    ranking = with_feedback(_ranking(pair, heard), heard, policy, day)
    if request.segment is not None:
        ranking = ranking[ranking["segment"] == request.segment]
    if request.collector is not None and not policy.collectors:
        ranking = ranking[ranking["collector"] == request.collector]
    capacity = request.capacity
    if request.collector is not None and policy.collectors:
        capacity = sum(collector.accounts for collector in policy.collectors)
    chosen = fill_capacity(ranking, policy, capacity, on=day, include_held=request.include_held)
    if request.collector is not None and policy.collectors:
        chosen = chosen[chosen["assigned_to"] == request.collector].head(request.capacity)
    entries = pair.table.account_entries([int(row) for row in chosen["row"]], REASONS_IN_WORKLIST)
    laid = chosen.to_dict("records")
    accounts = [
        _listed(pair, position, row, entry, told=row["account_id"] in heard)
        for position, (row, entry) in enumerate(zip(laid, entries, strict=True), start=1)
    ]
    seats = policy.seats(request.capacity)
    lanes = [
        {
            "lane": lane,
            "share": policy.capacity[lane],
            "seats": seats[lane],
            "listed": int((chosen["lane"] == lane).sum()),
            "waiting": int((ranking["lane"] == lane).sum()),
        }
        for lane in LANES
    ]
    head = _head(pair, manifest.as_of, manifest.ledger_digest)
    return Answer(
        body={**head, "capacity": request.capacity, "lanes": lanes, "accounts": accounts},
        as_of=manifest.as_of,
        snapshot=pair.name,
        account_ids=tuple(dict.fromkeys(str(entry["account_id"]) for entry in accounts)),
    )


def _ranking(pair: ServedPair, heard: Mapping[str, Standing]) -> pd.DataFrame:
    """Return the ranked accounts; holds and contacts only of those that feedback speaks of."""
    ranking = pair.ranking.assign(row=pair.ranking.index, holds=None, recent_contacts=None)
    places = [
        row
        for account_id in heard
        if account_id in pair.table
        for row in range(*pair.table.account_rows[account_id])
    ]
    for name in ("holds", "recent_contacts"):
        stored = pd.Series(
            [pair.table.list_of(name, row) for row in places], index=places, dtype=object
        )
        ranking[name] = stored.reindex(ranking.index)
    return ranking


def _listed(
    pair: ServedPair,
    position: int,
    laid: Mapping[Hashable, Any],
    entry: dict[str, Any],
    *,
    told: bool,
) -> dict[str, Any]:
    """Return an account of the list: its stored entry, what was told of it, why it ranks."""
    if told:
        until = laid["hold_until"]
        entry |= {name: laid[name] for name in FEEDBACK_COLUMNS}
        entry["hold_until"] = None if pd.isna(until) else until.date().isoformat()
    ranked = why_ranked(pair.table.raw_items(entry["account_id"], entry["currency"]), entry["lane"])
    return {
        **entry,
        "position": position,
        "rank": int(laid["rank"]),
        "assigned_to": laid["assigned_to"],
        "explored": bool(laid["explored"]),
        "propensity": float(laid["propensity"]),
        "why_ranked": [
            {
                "invoice_id": item.invoice_id,
                "bucket": item.bucket,
                "collectible": f"{item.collectible:.2f}",
                "probability": item.probability,
                "cost": item.cost,
                "value": f"{item.cents / 100:.2f}",
                "sentence": item.sentence,
            }
            for item in ranked
        ],
    }


def explain(
    pair: ServedPair,
    request: ExplainRequest,
    policy: Policy | None = None,
    snapshots: Path | None = None,
) -> Answer:
    """Return why an account scores as it does; ApiError 404 when it has no open items.

    Parameters
    ----------
    pair : ServedPair
        Snapshot and model.
    request : ExplainRequest
        What is asked for.
    policy : Policy
        The shipped one when left out; it changes no dollar at risk.
    snapshots : Path
        Folder of the published scorings, to compare with the last one.
    """
    account_id = request.account_id
    if account_id not in pair.table:
        raise ApiError(
            404,
            "unknown_account",
            "The account has no open items in the served snapshot, or is unknown.",
            (Detail(where="account_id", rule="open items", value=account_id),),
        )
    try:
        content = explain_account(
            pair, account_id, request.invoice_id, _further(request, policy, snapshots)
        )
    except ScenarioError as error:
        raise ApiError(422, "impossible_scenario", str(error)) from None
    except KeyError:
        raise ApiError(
            404,
            "unknown_invoice",
            "The invoice is no open item of the account.",
            (Detail(where="invoice_id", rule="open item", value=request.invoice_id),),
        ) from None
    manifest = pair.manifest
    head = _head(pair, manifest.as_of, manifest.ledger_digest)
    return Answer(
        body={**head, "account_id": account_id, **content},
        as_of=manifest.as_of,
        snapshot=pair.name,
        account_ids=(account_id,),
    )


def _further(request: ExplainRequest, policy: Policy | None, snapshots: Path | None) -> Further:
    return Further(
        policy=policy or read_policy(),
        snapshots=snapshots if request.moved else None,
        scenarios=tuple(
            Scenario(
                kind=asked.kind,
                currency=asked.currency,
                amount=None if asked.amount is None else Decimal(asked.amount),
                invoice_id=asked.invoice_id,
            )
            for asked in request.what_if
        ),
    )
