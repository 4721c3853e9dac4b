"""From a request to what leaves: make the answer, commit it, and only then give it out.

Knows no web framework. The service calls it, once through BentoML's routes and, for accounts
of the snapshot, straight from the gate.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import SQLAlchemyError

from serving.answering import Ground, answer, encode
from serving.audit import Audit
from serving.audit_rows import Given, Kept, KeyedAnswer, Noted, digest_of
from serving.audit_schema import AuditError
from serving.errors import ApiError, Detail, error_body
from serving.feedback_notes import FeedbackView, note_of, parse_records
from serving.metrics import AUDIT_FAILURES, AUDIT_LAG, StageWatch, count_answer, served_day, stage
from serving.policy_text import KnownPolicy
from serving.record import given_of, kept_of
from serving.reply import Sent
from serving.request_facts import RequestFacts
from serving.schemas import OutcomesRequest, ScoreRequest, WorklistRequest
from serving.settings import Settings
from serving.store import Store

SCORE, WORKLIST, EXPLAIN, OUTCOMES = "/v1/score", "/v1/worklist", "/v1/explain", "/v1/outcomes"

AT_ONCE_BYTES, AT_ONCE_ACCOUNTS, AT_ONCE_ITEMS = 4096, 10, 100
"""Requests up to this size are answered at once, without a thread: they take less than a
millisecond of computing, and a thread's turn costs about as much."""

COMMITS = 16
"""Answers that may wait for their commit at the same time."""

logger = logging.getLogger("rollrisk.service")


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """An answer, and all that is committed with it."""

    body: bytes
    account_ids: tuple[str, ...]
    given: Given | None = None
    kept: tuple[Kept, ...] = ()
    notes: tuple[Noted, ...] = ()


Make = Callable[[RequestFacts], Made]


class Maker:
    """Makes answers from the served pair and commits each before it leaves.

    Parameters
    ----------
    settings : Settings
        Limits.
    policy : KnownPolicy
        The collections policy.
    audit : Audit
        Where answers are committed.
    store : Store
        The served pair.
    """

    def __init__(self, settings: Settings, policy: KnownPolicy, audit: Audit, store: Store) -> None:
        self._settings = settings
        self._policy = policy
        self._audit = audit
        self._feedback = FeedbackView(audit)
        self._store = store
        # Of their own: a store that hangs keeps no other work from being done.
        self._commits = ThreadPoolExecutor(COMMITS, thread_name_prefix="audit")

    def close(self) -> None:
        """Wait for commits that are under way."""
        self._commits.shutdown()

    def scores(self, route: str, request: BaseModel, facts: RequestFacts) -> Made:
        """Make an answer that gives scores out, from the pair of this moment."""
        at = datetime.now(UTC)
        pair = self._store.pair()
        told, seen = self._feedback.now() if isinstance(request, WorklistRequest) else ((), 0)
        ground = Ground(
            pair=pair,
            policy=self._policy,
            settings=self._settings,
            feedback=told,
            feedback_seen=seen,
            on=at.date(),
            watch=StageWatch(route),
        )
        served_day(pair.manifest.as_of)
        with stage(route, "answer"):
            found = answer(request, ground)
            ground.watch("")
        with stage(route, "encode"):
            body = encode(facts.request_id, found.body)
        count_answer(found.body)
        given = given_of(
            request,
            found,
            ground,
            request_id=facts.request_id,
            caller=facts.caller,
            route=route,
            at=at,
            body=body,
        )
        return Made(
            body=body, account_ids=found.account_ids, given=given, kept=kept_of(request, ground)
        )

    def stored(self, request: OutcomesRequest, facts: RequestFacts) -> Made:
        """Make the answer to feedback, which is committed with it."""
        at = datetime.now(UTC)
        told = parse_records(request.records, caller=facts.caller, role=facts.role, at=at)
        ids = tuple(dict.fromkeys(record.account_id for record in told))
        table = self._store.pair().table if self._store.ready else ()
        body = encode(
            facts.request_id,
            {
                "stored": len(told),
                "at": at.isoformat(),
                "not_listed": [account_id for account_id in ids if account_id not in table],
            },
        )
        notes = tuple(
            note_of(record, request_id=facts.request_id, caller=facts.caller) for record in told
        )
        return Made(body=body, account_ids=ids, notes=notes)

    def give(self, route: str, make: Make, facts: RequestFacts) -> Sent:
        """Make an answer, commit it, and return it; or the one its idempotency key has."""
        asked = digest_of(facts.body)
        try:
            if facts.idempotency_key:
                earlier = self._audit.answer_of(facts.caller, facts.idempotency_key)
                if earlier is not None:
                    return _again(earlier, route, asked)
            made = make(facts)
            if not facts.budget.claim():
                raise facts.budget.error()
            earlier = self._commit(route, made, facts, asked)
        except (ApiError, SQLAlchemyError, AuditError) as error:
            return _refused(error, facts)
        return Sent(body=made.body) if earlier is None else _again(earlier, route, asked)

    async def give_at_once(self, facts: RequestFacts) -> Sent | None:
        """Answer a request for few accounts of the snapshot; None for any other.

        The answer is made where it is asked for, on the event loop; only its commit waits on a
        thread, together with those of other requests.
        """
        request = _small_request(facts)
        if request is None or self._items_of(request) > AT_ONCE_ITEMS:
            return None
        try:
            made = self.scores(SCORE, request, facts)
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._commits, self._commit, SCORE, made, facts, "")
        except (ApiError, SQLAlchemyError, AuditError) as error:
            return _refused(error, facts)
        return Sent(body=made.body)

    def _items_of(self, request: ScoreRequest) -> int:
        """Return how many open items the accounts of a request have."""
        if not self._store.ready:
            return 0
        table = self._store.pair().table
        known = [name for name in request.account_ids if name in table]
        return sum(end - start for start, end in map(table.item_rows.__getitem__, known))

    def _commit(
        self, route: str, made: Made, facts: RequestFacts, asked: str
    ) -> KeyedAnswer | None:
        keyed = None
        if facts.idempotency_key:
            keyed = KeyedAnswer(
                caller=facts.caller,
                idempotency_key=facts.idempotency_key,
                route=route,
                request_sha256=asked,
                account_ids=made.account_ids,
                body=made.body,
            )
        waiting = time.monotonic()
        with stage(route, "audit"):
            earlier = self._audit.record(made.given, kept=made.kept, keyed=keyed, notes=made.notes)
        AUDIT_LAG.set(time.monotonic() - waiting)
        return earlier


def _small_request(facts: RequestFacts) -> ScoreRequest | None:
    """Return a request that is answered at once; one that is malformed is refused elsewhere."""
    body = facts.body
    if facts.idempotency_key or len(body) > AT_ONCE_BYTES or b'"ledger"' in body:
        return None
    try:
        request = ScoreRequest.model_validate_json(body)
    except ValidationError:
        return None
    few = len(request.account_ids) <= AT_ONCE_ACCOUNTS and request.ledger is None
    return request if few else None


def _again(earlier: KeyedAnswer, route: str, asked: str) -> Sent:
    """Return the answer that an idempotency key has, or refuse another request under it."""
    if (earlier.route, earlier.request_sha256) != (route, asked):
        rule = Detail(
            where="header Idempotency-Key",
            rule="one key for one request",
            value=earlier.idempotency_key,
        )
        return _refusal(
            ApiError(
                422,
                "idempotency_mismatch",
                "This Idempotency-Key was used for another request. Use a new one.",
                (rule,),
            )
        )
    return Sent(body=earlier.body, headers=(("Idempotent-Replayed", "true"),))


def _refused(error: Exception, facts: RequestFacts) -> Sent:
    """Return what is answered in the place of an answer that could not be made or recorded."""
    if isinstance(error, ApiError):
        return _refusal(error)
    AUDIT_FAILURES.inc()
    # Its traceback would hold the statement.
    logger.error(
        "The audit store failed: %s.", type(error).__name__, extra={"request_id": facts.request_id}
    )
    return _refusal(
        ApiError(
            503,
            "audit_unavailable",
            "The answer could not be recorded, so it is not given. Try again later.",
        )
    )


def _refusal(error: ApiError) -> Sent:
    return Sent(status=error.status, body=error_body(error.code, error.message, error.details))
