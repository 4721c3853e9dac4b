"""The HTTP service: BentoML endpoints over the served pair.

Endpoints are synchronous and run on threads: scoring rows takes a second of computing, which
must not stand in the way of the probes and of lookups in the snapshot. Each answer is written
to the audit store before it leaves.
"""

import asyncio
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

# BentoML asks for it when the server starts, right after this import.
os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")

import bentoml
from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import Response

from serving.answering import Ground, answer, encode
from serving.audit import audit_of
from serving.audit_rows import Given, Kept, KeyedAnswer, Noted, digest_of
from serving.audit_schema import AuditError
from serving.console.app import make_console
from serving.console.desk import Desk
from serving.errors import ApiError, Detail, error_body
from serving.feedback_notes import FeedbackView, note_of, parse_records
from serving.logs import set_up_logs
from serving.metrics import AUDIT_FAILURES, AUDIT_LAG, count_answer, served_day, stage
from serving.middleware import REQUEST, Gate, RequestFacts
from serving.policy_text import known_policy
from serving.record import given_of, kept_of
from serving.schemas import (
    ExplainRequest,
    OutcomesRequest,
    OutcomesResponse,
    ScoreRequest,
    ScoreResponse,
    WorklistRequest,
    WorklistResponse,
)
from serving.schemas_explain import ExplainResponse
from serving.settings import Settings, read_settings
from serving.store import Store

THREADS = 4
TIMEOUT_SECONDS = 3600
"""BentoML's own limit; the time budget of the settings ends a request long before."""

logger = logging.getLogger("rollrisk.service")

CONSOLE = make_console()
"""The managers' pages; the service gives them their desk when it starts."""


def _settings() -> Settings:
    return read_settings(os.environ)


def _quiet(record: logging.LogRecord) -> bool:
    """Keep refused requests out of the error log: they are answered, and may hold secrets."""
    raised = record.exc_info[1] if record.exc_info else None
    return not isinstance(raised, ValidationError)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """An answer, and all that is committed with it."""

    body: bytes
    account_ids: tuple[str, ...]
    given: Given | None = None
    kept: tuple[Kept, ...] = ()
    notes: tuple[Noted, ...] = ()


@bentoml.service(
    name="RollRisk",
    workers=1,
    threads=THREADS,
    traffic={"timeout": TIMEOUT_SECONDS},
    logging={"access": {"enabled": False}},
    envs=[
        {"name": "OMP_NUM_THREADS", "value": "1"},
        {"name": "MLFLOW_DISABLE_TELEMETRY", "value": "true"},
        {"name": "BENTOML_DO_NOT_TRACK", "value": "True"},
    ],
)
class RollRisk:
    """Scores of the published snapshot, on the model that made it."""

    def __init__(self) -> None:
        """Load what is published; without it the routes answer 503 until something is."""
        settings = _settings()
        set_up_logs()
        logging.getLogger("bentoml._internal.server.http_app").addFilter(_quiet)
        self._settings = settings
        self._policy = known_policy(settings.policy)
        self._audit = audit_of(settings)
        self._feedback = FeedbackView(self._audit)
        self._store = Store(settings.home)
        self._store.refresh()
        self._store.watch(settings.refresh_seconds)
        CONSOLE.state.desk = Desk(settings, self._store, self._audit)

    @bentoml.on_shutdown
    def close(self) -> None:
        """Stop watching for snapshots and close the audit store."""
        CONSOLE.state.desk.close()
        self._store.close()
        self._audit.close()

    async def __is_ready__(self) -> bool:
        """Answer ``/readyz``: a snapshot and its model are loaded, and the store answers."""
        if not self._store.ready:
            return False
        try:
            await asyncio.to_thread(self._audit.check)
        except (SQLAlchemyError, AuditError) as error:
            logger.warning("Not ready: the audit store does not answer (%s).", type(error).__name__)
            return False
        return True

    @bentoml.api(route="/v1/score", output_spec=ScoreResponse)
    def score(self, request: ScoreRequest, /) -> Response:
        """Score accounts from the served snapshot, or from ledger rows sent along."""
        return self._answer("/v1/score", lambda facts: self._scores("/v1/score", request, facts))

    @bentoml.api(route="/v1/worklist", output_spec=WorklistResponse)
    def worklist(self, request: WorklistRequest, /) -> Response:
        """List the accounts to work first, lane by lane, with why and what to do."""
        return self._answer(
            "/v1/worklist", lambda facts: self._scores("/v1/worklist", request, facts)
        )

    @bentoml.api(route="/v1/explain", output_spec=ExplainResponse)
    def explain(self, request: ExplainRequest, /) -> Response:
        """Explain an account: items, families, features beside what is usual, ledger rows."""
        return self._answer(
            "/v1/explain", lambda facts: self._scores("/v1/explain", request, facts)
        )

    @bentoml.api(route="/v1/outcomes", output_spec=OutcomesResponse)
    def outcomes(self, request: OutcomesRequest, /) -> Response:
        """Store what collectors did, decided otherwise, or put off."""
        return self._answer("/v1/outcomes", lambda facts: self._stored(request, facts))

    def _scores(self, route: str, request: BaseModel, facts: RequestFacts) -> _Made:
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
        )
        served_day(pair.manifest.as_of)
        with stage(route, "answer"):
            found = answer(request, ground)
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
        return _Made(
            body=body, account_ids=found.account_ids, given=given, kept=kept_of(request, ground)
        )

    def _stored(self, request: OutcomesRequest, facts: RequestFacts) -> _Made:
        """Make the answer to feedback, which is committed with it."""
        at = datetime.now(UTC)
        told = parse_records(request.records, caller=facts.caller, role=facts.role, at=at)
        ids = tuple(dict.fromkeys(record.account_id for record in told))
        known = self._store.pair().table.account_rows if self._store.ready else {}
        body = encode(
            facts.request_id,
            {
                "stored": len(told),
                "at": at.isoformat(),
                "not_listed": [account_id for account_id in ids if account_id not in known],
            },
        )
        notes = tuple(
            note_of(record, request_id=facts.request_id, caller=facts.caller) for record in told
        )
        return _Made(body=body, account_ids=ids, notes=notes)

    def _answer(self, route: str, make: Callable[[RequestFacts], _Made]) -> Response:
        """Make an answer, commit it, and return it; or the one its idempotency key has."""
        facts = REQUEST.get()
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
            if earlier is not None:
                return _again(earlier, route, asked)
        except ApiError as error:
            return _refusal(error)
        except (SQLAlchemyError, AuditError) as error:
            AUDIT_FAILURES.inc()
            logger.error(  # noqa: TRY400 (its traceback would hold the statement)
                "The audit store failed: %s.",
                type(error).__name__,
                extra={"request_id": facts.request_id},
            )
            return _refusal(
                ApiError(
                    503,
                    "audit_unavailable",
                    "The answer could not be recorded, so it is not given. Try again later.",
                )
            )
        return Response(made.body, media_type="application/json")

    def _commit(
        self, route: str, made: _Made, facts: RequestFacts, asked: str
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
        waiting = datetime.now(UTC)
        with stage(route, "audit"):
            earlier = self._audit.record(made.given, kept=made.kept, keyed=keyed, notes=made.notes)
        AUDIT_LAG.set((datetime.now(UTC) - waiting).total_seconds())
        return earlier


def _again(earlier: KeyedAnswer, route: str, asked: str) -> Response:
    """Return the answer that an idempotency key has, or refuse another request under it."""
    if (earlier.route, earlier.request_sha256) != (route, asked):
        return _refusal(
            ApiError(
                422,
                "idempotency_mismatch",
                "This Idempotency-Key was used for another request. Use a new one.",
                (
                    Detail(
                        where="header Idempotency-Key",
                        rule="one key for one request",
                        value=earlier.idempotency_key,
                    ),
                ),
            )
        )
    return Response(
        earlier.body, media_type="application/json", headers={"Idempotent-Replayed": "true"}
    )


def _refusal(error: ApiError) -> Response:
    body = error_body(error.code, error.message, error.details)
    return Response(body, status_code=error.status, media_type="application/json")


# The decorator has made the class a bentoml.Service.
RollRisk.mount_asgi_app(CONSOLE, name="console")  # type: ignore[attr-defined]
RollRisk.add_asgi_middleware(Gate, settings_from=_settings)  # type: ignore[attr-defined]
