"""From a request to the bytes of its answer, for the service and for a replay alike.

All that an answer depends on is in ``Ground``: the served pair, the policy, the feedback and
the day. The same ground and the same request give the same bytes.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from pydantic import BaseModel

from serving import answers
from serving.answers import Answer, Watch, unwatched
from serving.audit_rows import digest_of
from serving.feedback import Feedback
from serving.paging import list_digest, one_page
from serving.policy_text import KnownPolicy
from serving.schemas import ExplainRequest, ScoreRequest, WorklistRequest
from serving.settings import Settings
from serving.store import ServedPair

REQUESTS: Mapping[str, type[BaseModel]] = {
    "/v1/score": ScoreRequest,
    "/v1/worklist": WorklistRequest,
    "/v1/explain": ExplainRequest,
}
"""What each route that gives scores out is asked with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What an answer is made from, besides the request.

    Parameters
    ----------
    pair : ServedPair
        Snapshot and model.
    policy : KnownPolicy
        The collections policy.
    settings : Settings
        Limits.
    feedback : sequence of Feedback
        What collectors had told, oldest first.
    feedback_seen : int
        Id of the newest of it.
    on : date
        The day of the answer; snoozes stand or fall by it.
    watch : callable
        Told the name of each stage when it begins.
    """

    pair: ServedPair
    policy: KnownPolicy
    settings: Settings
    feedback: Sequence[Feedback] = ()
    feedback_seen: int = 0
    on: date
    watch: Watch = unwatched


def answer(request: BaseModel, ground: Ground) -> Answer:
    """Return the answer to a request of ``REQUESTS``; ApiError when there is none."""
    policy = ground.policy.policy
    match request:
        case ScoreRequest():
            return answers.score(ground.pair, request, policy, ground.settings, watch=ground.watch)
        case WorklistRequest():
            whole = answers.worklist(
                ground.pair, request, policy, feedback=ground.feedback, on=ground.on
            )
            return _page(whole, request, ground)
        case ExplainRequest():
            snapshots = ground.settings.home.snapshots
            return answers.explain(ground.pair, request, policy, snapshots)
    raise TypeError(f"{type(request).__name__} is no request for scores.")


def _page(whole: Answer, request: WorklistRequest, ground: Ground) -> Answer:
    asked = request.model_dump_json(exclude={"cursor", "page_size"})
    digest = list_digest(
        ground.pair.name,
        ground.pair.manifest.model_version,
        ground.on.isoformat(),
        digest_of(ground.policy.text.encode()),
        str(ground.feedback_seen),
        asked,
    )
    body = one_page(whole.body, digest=digest, cursor=request.cursor, page_size=request.page_size)
    listed = dict.fromkeys(str(entry["account_id"]) for entry in body["accounts"])
    return replace(whole, body=body, account_ids=tuple(listed))


def encode(request_id: str, body: Mapping[str, Any]) -> bytes:
    """Return the bytes that leave."""
    content = {"request_id": request_id, **body}
    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
