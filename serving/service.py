"""The HTTP service: BentoML endpoints over the served pair.

Endpoints are synchronous and run on threads: scoring rows takes a second of computing, which
must not stand in the way of the probes and of lookups in the snapshot. Each answer is written
to the audit store before it leaves.
"""

import asyncio
import logging
import os

# BentoML asks for it when the server starts, right after this import.
os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")

import bentoml
from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import Response

from serving.audit import audit_of
from serving.audit_schema import AuditError
from serving.console.app import make_console
from serving.console.desk import Desk
from serving.logs import set_up_logs
from serving.making import EXPLAIN, OUTCOMES, SCORE, WORKLIST, Make, Maker
from serving.middleware import Gate, Shortcut
from serving.pauses import Pauses
from serving.policy_text import known_policy
from serving.request_facts import REQUEST
from serving.rows import plan_ahead
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
from serving.surroundings import outer_limit, tracing

THREADS = 4

logger = logging.getLogger("rollrisk.service")

CONSOLE = make_console()
"""The managers' pages; the service gives them their desk when it starts."""


def _settings() -> Settings:
    return read_settings(os.environ)


def _quiet(record: logging.LogRecord) -> bool:
    """Keep refused requests out of the error log: they are answered, and may hold secrets."""
    raised = record.exc_info[1] if record.exc_info else None
    return not isinstance(raised, ValidationError)


SHORTCUT = Shortcut(path=SCORE)
"""Answers requests for few accounts before BentoML's router; the service gives it its answer."""


@bentoml.service(
    name="RollRisk",
    workers=1,
    threads=THREADS,
    traffic={"timeout": outer_limit(os.environ)},
    tracing=tracing(os.environ),
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
        self._audit = audit_of(settings)
        self._store = Store(settings.home)
        self._store.refresh()
        self._store.watch(settings.refresh_seconds)
        policy = known_policy(settings.policy)
        if self._store.ready:
            pair = self._store.pair()
            plan_ahead(pair.manifest.as_of, pair.bundle, policy.policy)
        self._maker = Maker(settings, policy, self._audit, self._store)
        SHORTCUT.give = self._maker.give_at_once
        self._pauses = Pauses()
        self._pauses.start()
        CONSOLE.state.desk = Desk(settings, self._store, self._audit)

    @bentoml.on_shutdown
    def close(self) -> None:
        """Stop watching for snapshots and close the audit store."""
        SHORTCUT.give = None
        self._pauses.stop()
        CONSOLE.state.desk.close()
        self._maker.close()
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

    @bentoml.api(route=SCORE, output_spec=ScoreResponse)
    def score(self, request: ScoreRequest, /) -> Response:
        """Score accounts from the served snapshot, or from ledger rows sent along."""
        return self._scores(SCORE, request)

    @bentoml.api(route=WORKLIST, output_spec=WorklistResponse)
    def worklist(self, request: WorklistRequest, /) -> Response:
        """List the accounts to work first, lane by lane, with why and what to do."""
        return self._scores(WORKLIST, request)

    @bentoml.api(route=EXPLAIN, output_spec=ExplainResponse)
    def explain(self, request: ExplainRequest, /) -> Response:
        """Explain an account: items, families, features beside what is usual, ledger rows."""
        return self._scores(EXPLAIN, request)

    @bentoml.api(route=OUTCOMES, output_spec=OutcomesResponse)
    def outcomes(self, request: OutcomesRequest, /) -> Response:
        """Store what collectors did, decided otherwise, or put off."""
        return self._response(OUTCOMES, lambda facts: self._maker.stored(request, facts))

    def _scores(self, route: str, request: BaseModel) -> Response:
        return self._response(route, lambda facts: self._maker.scores(route, request, facts))

    def _response(self, route: str, make: Make) -> Response:
        sent = self._maker.give(route, make, REQUEST.get())
        return Response(
            sent.body,
            status_code=sent.status,
            headers=dict(sent.headers),
            media_type="application/json",
        )


# The decorator has made the class a bentoml.Service.
RollRisk.mount_asgi_app(CONSOLE, name="console")  # type: ignore[attr-defined]
RollRisk.add_asgi_middleware(  # type: ignore[attr-defined]
    Gate, settings_from=_settings, shortcut=SHORTCUT
)
