"""The gate lets in who may come in, with a body of bearable size, and shapes every error."""

import asyncio
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from models.home import Home
from serving.auth import create_key
from serving.middleware import Gate
from serving.reply import Message, Send
from serving.request_facts import REQUEST
from serving.settings import Settings

LIMIT = 100
JSON = {"content-type": "application/json"}


class Inner:
    """An application that answers as it is told and remembers what reached it."""

    def __init__(
        self, status: int = 200, body: bytes = b"{}", kind: str = "application/json"
    ) -> None:
        self.status, self.body, self.kind = status, body, kind
        self.received = b""
        self.caller = self.request_id = ""

    async def __call__(self, scope: Any, receive: Any, send: Send) -> None:  # noqa: ANN401 (ASGI)
        """Answer one request."""
        del scope
        self.received = (await receive())["body"]
        facts = REQUEST.get()
        self.caller, self.request_id = facts.caller, facts.request_id
        headers = [(b"content-type", self.kind.encode()), (b"server", b"secret/1.0")]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


def ask(
    gate: Gate,
    path: str,
    *,
    headers: Mapping[str, str] | None = None,
    chunks: tuple[bytes, ...] = (b"{}",),
    client: str = "127.0.0.1",
    method: str = "POST",
) -> tuple[int, dict[str, str], bytes]:
    """Send one request through the gate; return status, headers and body."""
    waiting = list(chunks)
    sent: list[Message] = []

    async def receive() -> Message:
        chunk = waiting.pop(0)
        return {"type": "http.request", "body": chunk, "more_body": bool(waiting)}

    async def send(message: Message) -> None:
        sent.append(message)

    raw = [(name.encode(), value.encode()) for name, value in (headers or JSON).items()]
    scope = {
        "type": "http",
        "path": path,
        "method": method,
        "headers": raw,
        "client": (client, 50_000),
    }
    asyncio.run(gate(scope, receive, send))
    found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], found, b"".join(part.get("body", b"") for part in sent[1:])


@pytest.fixture
def key(tmp_path: Path) -> str:
    """A scorer's key in a new home."""
    return create_key(tmp_path / "keys.json", "erp", "scorer", today=date(2025, 1, 1))


def gate_of(tmp_path: Path, inner: Inner) -> Gate:
    """Return a gate in front of ``inner``."""
    settings = Settings(home=Home(path=tmp_path), max_body_bytes=LIMIT)
    return Gate(inner, settings_from=lambda: settings)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "X-API-Key"])
def test_both_ways_of_sending_a_key_open(tmp_path: Path, key: str, scheme: str) -> None:
    """The caller's name and a request id reach what is behind the gate."""
    inner = Inner()
    sent = {"x-api-key": key} if scheme == "X-API-Key" else {"authorization": f"{scheme} {key}"}
    status, headers, _ = ask(gate_of(tmp_path, inner), "/v1/score", headers={**sent, **JSON})
    assert status == 200
    assert inner.caller == "erp"
    assert headers["x-request-id"] == inner.request_id


@pytest.mark.parametrize(
    "headers",
    [{}, {"authorization": "Bearer"}, {"authorization": "Basic eDp5"}, {"x-api-key": "rr_no"}],
)
def test_without_a_known_key_nothing_gets_through(
    tmp_path: Path, key: str, headers: dict[str, str]
) -> None:
    """401 before a byte of the body is looked at."""
    inner = Inner()
    status, found, body = ask(
        gate_of(tmp_path, inner), "/v1/score", headers=headers, chunks=(b"x" * 1000,)
    )
    assert (status, found["www-authenticate"]) == (401, "Bearer")
    assert json.loads(body)["error"]["code"] == "unauthenticated"
    assert inner.request_id == ""
    assert key not in body.decode()


def test_metrics_need_a_key_beyond_loopback(tmp_path: Path, key: str) -> None:
    """Open to the machine itself, by IPv6 too; closed to others; open with any key."""
    gate = gate_of(tmp_path, Inner())
    for client in ("127.0.0.1", "127.8.8.8", "::1"):
        assert ask(gate, "/metrics", client=client, method="GET")[0] == 200
    for client in ("10.0.0.5", "unknown"):
        assert ask(gate, "/metrics", client=client, method="GET")[0] == 401
    opened = ask(gate, "/metrics", client="10.0.0.5", method="GET", headers={"x-api-key": key})
    assert opened[0] == 200


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/docs", "/"])
def test_probes_and_pages_are_open_and_bear_security_headers(tmp_path: Path, path: str) -> None:
    """Nothing says which server it is."""
    inner = Inner(kind="text/html")
    status, headers, _ = ask(gate_of(tmp_path, inner), path, method="GET")
    assert status == 200
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "server" not in headers


@pytest.mark.parametrize(
    "chunks",
    [(b"x" * (LIMIT + 1),), (b"x" * LIMIT, b"x"), tuple(b"x" * LIMIT for _ in range(50))],
)
def test_a_body_beyond_the_limit_is_refused_whatever_it_declares(
    tmp_path: Path, key: str, chunks: tuple[bytes, ...]
) -> None:
    """413 for one chunk, for many, and for one that never ends."""
    inner = Inner()
    status, _, body = ask(
        gate_of(tmp_path, inner), "/v1/score", headers={"x-api-key": key}, chunks=chunks
    )
    assert status == 413
    assert json.loads(body)["error"]["details"][0]["rule"] == f"at most {LIMIT} bytes"
    assert inner.received == b""


def test_a_body_of_the_limit_arrives_whole(tmp_path: Path, key: str) -> None:
    """In as many chunks as it came."""
    inner = Inner()
    chunks = (b"a" * 60, b"b" * 40)
    headers = {"x-api-key": key, "content-length": "100"}
    assert ask(gate_of(tmp_path, inner), "/v1/score", headers=headers, chunks=chunks)[0] == 200
    assert inner.received == b"".join(chunks)


def test_a_body_that_dawdles_is_given_up(tmp_path: Path, key: str) -> None:
    """408 after the time of the setting, however few bytes came."""
    inner = Inner()
    settings = Settings(home=Home(path=tmp_path), body_seconds=0.05)
    sent: list[Message] = []

    async def receive() -> Message:
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"x-api-key", key.encode()), (b"content-type", b"application/json")]
    scope = {"type": "http", "path": "/v1/score", "method": "POST", "headers": headers}
    asyncio.run(Gate(inner, settings_from=lambda: settings)(scope, receive, send))
    assert sent[0]["status"] == 408
    assert json.loads(sent[1]["body"])["error"]["code"] == "slow_body"
    assert inner.received == b""


@pytest.mark.parametrize("claimed", [False, True])
def test_whoever_claims_first_speaks(tmp_path: Path, key: str, *, claimed: bool) -> None:
    """Time is up: 503 at once, unless the answer is being recorded, which is then waited for."""
    ended: list[bool] = []

    async def slow(scope: Any, receive: Any, send: Send) -> None:  # noqa: ANN401 (ASGI)
        del scope, receive
        if claimed:
            assert REQUEST.get().budget.claim()
        await asyncio.sleep(0.2)
        ended.append(REQUEST.get().budget.claim())
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    settings = Settings(home=Home(path=tmp_path), time_budget_seconds=0.05)
    gate = Gate(slow, settings_from=lambda: settings)

    async def both() -> tuple[list[Message], float]:
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": b"{}", "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        headers = [(b"x-api-key", key.encode())]
        scope = {"type": "http", "path": "/v1/score", "method": "POST", "headers": headers}
        started = asyncio.get_running_loop().time()
        await gate(scope, receive, send)
        seconds = asyncio.get_running_loop().time() - started
        await asyncio.sleep(0.3)
        return sent, seconds

    sent, seconds = asyncio.run(both())
    assert [message.get("status") for message in sent] == [200 if claimed else 503, None]
    assert ended == [False], "what comes after the clock, or after the claim, is not recorded"
    if not claimed:
        assert seconds < 0.18
        assert json.loads(sent[1]["body"])["error"]["code"] == "time_budget"


def test_a_caller_beyond_its_rate_is_told_how_long_to_wait(tmp_path: Path, key: str) -> None:
    """429 before the body is read; probes and other callers go on."""
    inner = Inner()
    other = create_key(tmp_path / "keys.json", "crm", "scorer", today=date(2025, 1, 1))
    settings = Settings(home=Home(path=tmp_path), requests_per_minute=3)
    gate = Gate(inner, settings_from=lambda: settings)
    statuses = [ask(gate, "/v1/score", headers={"x-api-key": key, **JSON})[0] for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    _, headers, body = ask(gate, "/v1/score", headers={"x-api-key": key, **JSON})
    assert 1 <= int(headers["retry-after"]) <= 20
    assert json.loads(body)["error"]["code"] == "busy"
    assert ask(gate, "/v1/score", headers={"x-api-key": other, **JSON})[0] == 200
    assert ask(gate, "/livez", method="GET")[0] == 200


@pytest.mark.parametrize("sent", ["", "a b", "ä", "x" * 201, "a\nb"])
def test_an_idempotency_key_is_plain_text(tmp_path: Path, key: str, sent: str) -> None:
    """400 for what would not be the same text everywhere."""
    headers = {"x-api-key": key, "idempotency-key": sent, **JSON}
    status, _, body = ask(gate_of(tmp_path, Inner()), "/v1/score", headers=headers)
    assert status == 400
    assert json.loads(body)["error"]["details"][0]["where"] == "header Idempotency-Key"


def test_a_request_id_is_kept_when_it_is_harmless(tmp_path: Path) -> None:
    """Callers may name their request; what could forge a log line is replaced."""
    gate = gate_of(tmp_path, Inner())
    good = ask(gate, "/livez", headers={"x-request-id": "batch-7.row_12"}, method="GET")
    assert good[1]["x-request-id"] == "batch-7.row_12"
    bad = ask(gate, "/livez", headers={"x-request-id": "a\nb" * 5}, method="GET")
    assert len(bad[1]["x-request-id"]) == 32


@pytest.mark.parametrize("status", [400, 404, 405, 418, 500, 503])
@pytest.mark.parametrize("body", [b"", b"Not Found", b'{"error": "x"}', b'[{"error": "x"}]'])
def test_every_error_gets_the_one_shape(tmp_path: Path, status: int, body: bytes) -> None:
    """Whatever wrote it, and none of its text."""
    inner = Inner(status=status, body=body, kind="text/plain")
    found, headers, answer = ask(gate_of(tmp_path, inner), "/nowhere")
    assert found == status
    assert headers["content-type"] == "application/json"
    assert headers["content-length"] == str(len(answer))
    assert set(json.loads(answer)["error"]) == {"code", "message", "details"}


def test_an_error_in_the_one_shape_passes_unchanged(tmp_path: Path) -> None:
    """What the service said is not said again in other words."""
    body = b'{"error": {"code": "unknown_account", "message": "m", "details": []}}'
    inner = Inner(status=404, body=body)
    assert ask(gate_of(tmp_path, inner), "/nowhere")[2] == body


def test_malformed_requests_show_short_values_and_no_secrets(tmp_path: Path) -> None:
    """The place, the rule, and what stood there unless it is a secret or an unknown key."""
    errors = [
        {"type": "int_type", "loc": ["capacity"], "msg": "an int"},
        {"type": "string_type", "loc": ["ids", 0], "msg": "text"},
        {"type": "extra_forbidden", "loc": ["password"], "msg": "extra"},
    ]
    inner = Inner(status=400, body=json.dumps({"error": "3", "detail": errors}).encode())
    sent = {"capacity": "all", "ids": [4111111111111111], "password": "hunter2"}
    _, _, body = ask(gate_of(tmp_path, inner), "/x", chunks=(json.dumps(sent).encode(),))
    details = json.loads(body)["error"]["details"]
    assert [(detail["where"], detail["value"]) for detail in details] == [
        ("capacity", "all"),
        ("ids.0", "[redacted: card number]"),
        ("password", None),
    ]
