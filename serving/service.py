"""The HTTP service: BentoML endpoints over the served pair.

Endpoints are synchronous and run on threads: scoring rows takes a second of computing, which
must not stand in the way of the probes and of lookups in the snapshot. Each answer is written
to the audit store before it leaves.
"""

import hashlib
import json
import logging
import os
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime

# BentoML asks for it when the server starts, right after this import.
os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")

import bentoml
from pydantic import ValidationError
from starlette.responses import Response

from serving import answers
from serving.answers import Answer
from serving.audit import Audit, Given
from serving.console.app import make_console
from serving.console.desk import Desk
from serving.errors import ApiError, error_body
from serving.middleware import REQUEST, Gate
from serving.policy import read_policy
from serving.schemas import (
    ExplainRequest,
    ExplainResponse,
    ScoreRequest,
    ScoreResponse,
    WorklistRequest,
    WorklistResponse,
)
from serving.settings import Settings, read_settings
from serving.store import ServedPair, Store

THREADS = 4
TIMEOUT_SECONDS = 300

CONSOLE = make_console()
"""The managers' pages; the service gives them their desk when it starts."""


def _settings() -> Settings:
    return read_settings(os.environ)


def _quiet(record: logging.LogRecord) -> bool:
    """Keep refused requests out of the error log: they are answered, and may hold secrets."""
    raised = record.exc_info[1] if record.exc_info else None
    return not isinstance(raised, ValidationError)


@bentoml.service(
    name="RollRisk",
    workers=1,
    threads=THREADS,
    traffic={"timeout": TIMEOUT_SECONDS},
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
        logging.getLogger("bentoml._internal.server.http_app").addFilter(_quiet)
        self._settings = settings
        self._policy = read_policy(settings.policy)
        self._audit = Audit(settings.home.audit)
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
        """Answer ``/readyz``: a snapshot and its model are loaded."""
        return self._store.ready

    @bentoml.api(route="/v1/score", output_spec=ScoreResponse)
    def score(self, request: ScoreRequest, /) -> Response:
        """Score accounts from the served snapshot, or from ledger rows sent along."""
        return self._answer(
            "/v1/score",
            lambda pair: answers.score(pair, request, self._policy, self._settings),
        )

    @bentoml.api(route="/v1/worklist", output_spec=WorklistResponse)
    def worklist(self, request: WorklistRequest, /) -> Response:
        """List the accounts to work first, lane by lane, with why and what to do."""
        return self._answer(
            "/v1/worklist", lambda pair: answers.worklist(pair, request, self._policy)
        )

    @bentoml.api(route="/v1/explain", output_spec=ExplainResponse)
    def explain(self, request: ExplainRequest, /) -> Response:
        """Explain an account: items, families, features beside what is usual, ledger rows."""
        return self._answer("/v1/explain", lambda pair: answers.explain(pair, request))

    def _answer(self, route: str, make: Callable[[ServedPair], Answer]) -> Response:
        """Make an answer from the pair of this moment, record it, and return it."""
        facts = REQUEST.get()
        try:
            pair = self._store.pair()
            answer = make(pair)
            content = {"request_id": facts.request_id, **answer.body}
            body = json.dumps(
                content, ensure_ascii=False, allow_nan=False, separators=(",", ":")
            ).encode()
            self._audit.record(
                Given(
                    request_id=facts.request_id,
                    at=datetime.now(UTC),
                    caller=facts.caller,
                    route=route,
                    model_version=pair.manifest.model_version,
                    feature_digest=pair.manifest.feature_digest,
                    as_of=answer.as_of,
                    snapshot=answer.snapshot,
                    account_ids=answer.account_ids,
                    response_sha256=hashlib.sha256(body).hexdigest(),
                )
            )
        except ApiError as error:
            return _refusal(error)
        except sqlite3.Error:
            logging.getLogger("rollrisk.service").exception("The audit store failed.")
            return _refusal(
                ApiError(
                    503,
                    "audit_unavailable",
                    "The answer could not be recorded, so it is not given. Try again later.",
                )
            )
        return Response(body, media_type="application/json")


def _refusal(error: ApiError) -> Response:
    body = error_body(error.code, error.message, error.details)
    return Response(body, status_code=error.status, media_type="application/json")


# The decorator has made the class a bentoml.Service.
RollRisk.mount_asgi_app(CONSOLE, name="console")  # type: ignore[attr-defined]
RollRisk.add_asgi_middleware(Gate, settings_from=_settings)  # type: ignore[attr-defined]
