"""What the audit store is told of an answer that gives scores out."""

import json
from datetime import datetime
from functools import cache
from importlib.metadata import version

from pydantic import BaseModel

from serving.answering import Ground
from serving.answers import Answer
from serving.audit_rows import POLICY, ROWS, Given, Kept, digest_of
from serving.schemas import ScoreRequest


@cache
def software() -> str:
    """Return the release that runs."""
    return version("rollrisk")


def given_of(
    request: BaseModel,
    found: Answer,
    ground: Ground,
    *,
    request_id: str,
    caller: str,
    route: str,
    at: datetime,
    body: bytes,
) -> Given:
    """Return the row of an answer, with what it is made again from."""
    rows = _rows(request)
    return Given(
        request_id=request_id,
        at=at,
        caller=caller,
        route=route,
        model_version=ground.pair.manifest.model_version,
        feature_digest=ground.pair.manifest.feature_digest,
        as_of=found.as_of,
        snapshot=found.snapshot,
        account_ids=found.account_ids,
        response_sha256=digest_of(body),
        request=request.model_dump_json(exclude={"ledger"}),
        served=ground.pair.name,
        policy_digest=_kept_policy(ground.policy.text).digest,
        rows_digest=None if rows is None else rows.digest,
        software=software(),
        feedback_seen=ground.feedback_seen,
    )


def kept_of(request: BaseModel, ground: Ground) -> tuple[Kept, ...]:
    """Return the contents that the answer was made from."""
    rows = _rows(request)
    policy = _kept_policy(ground.policy.text)
    return (policy,) if rows is None else (policy, rows)


@cache
def _kept_policy(text: str) -> Kept:
    return Kept(kind=POLICY, text=text)


def _rows(request: BaseModel) -> Kept | None:
    """Return the ledger rows of a request as they were sent, None without any."""
    if not isinstance(request, ScoreRequest) or request.ledger is None:
        return None
    ids = {
        row["account_id"]
        for table in request.ledger.values()
        for row in table
        if isinstance(row.get("account_id"), str)
    }
    return Kept(kind=ROWS, text=json.dumps(request.ledger), account_ids=tuple(sorted(ids)))
