"""The client: typed answers, asked again where that can help and never otherwise."""

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from serving.client import (
    AsyncClient,
    Client,
    NotAllowedError,
    NotFoundError,
    NotReadyError,
    RefusedError,
    Retries,
    TooOftenError,
    UnreachableError,
)
from serving.examples import EXAMPLES
from serving.schemas import OutcomeRecord, ScoreResponse, WorklistRequest
from tests.serving.conftest import Server

QUICK = Retries(times=2, first_wait=0.001)
ERROR = {"error": {"code": "c", "message": "m", "details": []}}


class Script(BaseHTTPRequestHandler):
    """Answers as a list of statuses says; 0 ends the connection without an answer."""

    statuses: ClassVar[list[int]] = []
    keys: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        """Answer one request."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.keys.append(self.headers["Idempotency-Key"])
        status = self.statuses.pop(0)
        if status == 0:
            self.connection.close()
            return
        content = EXAMPLES["score_response"] if status == 200 else ERROR
        body = json.dumps(content).encode() if status != 502 else b"<html>"
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Retry-After", "7")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:  # noqa: ANN401 (the server's)
        """Say nothing."""


@pytest.fixture
def scripted() -> Iterator[str]:
    """The address of a server that follows ``Script.statuses``."""
    Script.keys.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Script)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def ask(url: str, *, wait_for_it: bool) -> ScoreResponse:
    """Ask for scores with the async or the sync client."""

    async def later() -> ScoreResponse:
        async with AsyncClient(url, key="k", retries=QUICK) as client:
            return await client.score(["A"])

    if wait_for_it:
        return asyncio.run(later())
    with Client(url, key="k", retries=QUICK) as client:
        return client.score(["A"])


@pytest.mark.parametrize("wait_for_it", [False, True])
def test_503_and_lost_connections_are_asked_again_under_one_key(
    scripted: str, *, wait_for_it: bool
) -> None:
    """The third call answers; the service can tell that it was one request."""
    Script.statuses = [503, 0, 200]
    answer = ask(scripted, wait_for_it=wait_for_it)
    assert answer.accounts[0].account_id == "A-000003"
    assert len(Script.keys) == 3
    assert len(set(Script.keys)) == 1


@pytest.mark.parametrize("wait_for_it", [False, True])
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, RefusedError),
        (401, NotAllowedError),
        (404, NotFoundError),
        (413, RefusedError),
        (422, RefusedError),
        (429, TooOftenError),
        (500, RefusedError),
        (502, RefusedError),
    ],
)
def test_all_else_is_raised_at_once(
    scripted: str, status: int, error: type[RefusedError], *, wait_for_it: bool
) -> None:
    """Once asked, with what the service said."""
    Script.statuses = [status, 200]
    with pytest.raises(error) as refused:
        ask(scripted, wait_for_it=wait_for_it)
    assert refused.value.status == status
    assert refused.value.retry_after == 7
    assert Script.statuses == [200]


@pytest.mark.parametrize("wait_for_it", [False, True])
def test_it_gives_up_after_as_many_calls_as_it_is_told(scripted: str, *, wait_for_it: bool) -> None:
    """Three times 503 is a refusal, three times nothing is unreachable."""
    Script.statuses = [503] * 3
    with pytest.raises(NotReadyError, match="503 c: m"):
        ask(scripted, wait_for_it=wait_for_it)
    Script.statuses = [0] * 3
    with pytest.raises(UnreachableError, match="/v1/score could not be reached"):
        ask(scripted, wait_for_it=wait_for_it)
    assert len(Script.keys) == 6


def test_every_call_works_on_the_real_service(server: Server) -> None:
    """Sync and async, with the answers' own types; the worklist in pages is the whole list."""
    whole = WorklistRequest(capacity=10)
    with Client(server.url, key=server.keys["manager"]) as client:
        scored = client.score(["A-000003"], top_reasons=1)
        assert [reason.family for reason in scored.accounts[0].reasons][-2:] == ["other", "base"]
        listed = [account.position for account in client.listed(whole, page_size=4)]
        assert listed == [account.position for account in client.worklist(whole).accounts]
        assert len(listed) == 10
        assert client.explain("A-000003").account_id == "A-000003"
        record = OutcomeRecord(kind="outcome", account_id="A-000003", outcome="reached")
        assert client.outcomes([record]).stored == 1
        with pytest.raises(NotFoundError) as unknown:
            client.score(["nobody"])
        assert unknown.value.details[0].value == "nobody"

    async def all_at_once() -> list[int]:
        async with AsyncClient(server.url, key=server.keys["analyst"]) as later:
            await asyncio.gather(later.score(["A-000003"]), later.explain("A-000003"))
            return [account.position async for account in later.listed(whole, page_size=3)]

    assert asyncio.run(all_at_once()) == listed
