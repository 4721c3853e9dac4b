"""What the service is measured against, each as a process of its own.

``python -m benchmarks.serving_rivals HOME PORT`` serves a bare Starlette application with two
routes: ``/v1/score`` calls the service's own function with the same audit commit, and
``/empty`` does nothing. No key is asked for, nothing is logged or counted.
"""

import argparse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import uvicorn
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from models.home import Home
from serving.audit import Audit
from serving.budget import Budget
from serving.making import SCORE, Maker
from serving.policy_text import known_policy
from serving.request_facts import RequestFacts
from serving.settings import Settings
from serving.store import Store

NOBODY = "bare"


class Asked(BaseModel):
    """What the empty route is asked."""

    account_ids: list[str]


def bare_app(home: Home) -> Starlette:
    """Return the application without anything around it."""
    settings = Settings(home=home)
    store = Store(home)
    store.refresh()
    audit = Audit(home.audit)
    maker = Maker(settings, known_policy(None), audit, store)

    async def score(request: Request) -> Response:
        facts = RequestFacts(
            request_id=uuid4().hex,
            caller=NOBODY,
            role=None,
            idempotency_key="",
            body=await request.body(),
            budget=Budget(settings.time_budget_seconds),
        )
        sent = await maker.give_at_once(facts)
        if sent is None:
            raise SystemExit("The bare application answers small requests only.")
        return Response(sent.body, status_code=sent.status, media_type="application/json")

    async def empty(request: Request) -> Response:
        asked = Asked.model_validate_json(await request.body())
        return JSONResponse({"accounts": len(asked.account_ids)})

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        maker.close()
        store.close()
        audit.close()

    routes = [Route(SCORE, score, methods=["POST"]), Route("/empty", empty, methods=["POST"])]
    return Starlette(routes=routes, lifespan=lifespan)


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("port", type=int)
    asked = parser.parse_args()
    app = bare_app(Home(path=asked.home))
    uvicorn.run(app, host="127.0.0.1", port=asked.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
