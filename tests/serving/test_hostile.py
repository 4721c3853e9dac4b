"""Whatever is sent, the service answers in its own words, goes on, and loses no audit row."""

import copy
import json
import re
import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serving.examples import EXAMPLES
from tests.serving.conftest import BODY_SECONDS, Installation, Server, error_of

ROUTES = {
    "/v1/score": "score_rows",
    "/v1/worklist": "worklist",
    "/v1/explain": "explain",
    "/v1/outcomes": "outcomes",
}
REFUSALS = {400, 404, 409, 413, 422}

DIRTY = (
    "'; drop table scores; --",
    '"><script>alert(1)</script>',
    "${jndi:ldap://x}",
    "../../../../etc/passwd",
    "=cmd|'/c calc'!A0",
    "\u202eevil\u2066",
    "e\u0301" * 50,
    "a\x00b",
    "\ufeff",
    "😀" * 40,
    "x" * 5000,
    "",
    " ",
    "\r\nSet-Cookie: a=b",
    "%s%n{0}{{7*7}}",
)


def send(server: Server, route: str, body: bytes) -> httpx.Response:
    """Post bytes as a manager."""
    headers = {
        "Authorization": f"Bearer {server.keys['manager']}",
        "Content-Type": "application/json",
    }
    return httpx.post(server.url + route, content=body, headers=headers, timeout=30)


def bearable(response: httpx.Response) -> None:
    """Check that an answer is an answer, or a refusal in the one shape."""
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-content-type-options"] == "nosniff"
    if response.status_code != 200:
        assert response.status_code in REFUSALS, response.text
        error_of(response, response.status_code)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401
    """Yield the path of everything in a JSON value."""
    yield path
    if isinstance(value, dict | list):
        parts = value.items() if isinstance(value, dict) else enumerate(value)
    else:
        parts = ()
    for name, part in parts:
        yield from places(part, (*path, name))


def at(value: Any, path: tuple[Any, ...]) -> Any:  # noqa: ANN401 (any JSON value)
    """Return what stands at a path."""
    for name in path:
        value = value[name]
    return value


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:  # noqa: ANN401 (any JSON value)
    """Return a copy of a JSON value with something else at a path."""
    if not path:
        return new
    changed = copy.deepcopy(value)
    at(changed, path[:-1])[path[-1]] = new
    return changed


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["0001-01-01", "9999-12-31", "2024-02-30", *DIRTY]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


@st.composite
def mutations(draw: st.DrawFn) -> tuple[str, bytes]:
    """Return a route and a request of it with some parts replaced by anything."""
    route = draw(st.sampled_from(sorted(ROUTES)))
    body = EXAMPLES[ROUTES[route]]
    for _ in range(draw(st.integers(1, 3))):
        body = put(body, draw(st.sampled_from(list(places(body)))), draw(JSON))
    return route, json.dumps(body).encode()


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(request=mutations())
def test_anything_anywhere_is_answered_or_refused(
    server: Server, request: tuple[str, bytes]
) -> None:
    """Never a 500, never a hang, never another shape."""
    bearable(send(server, *request))


@pytest.mark.parametrize("route", ROUTES)
def test_sql_html_and_strange_letters_in_every_string_are_just_text(
    server: Server, installation: Installation, route: str
) -> None:
    """Every string of every request, each dirt at once; the audit store stands."""
    example = EXAMPLES[ROUTES[route]]
    strings = [path for path in places(example) if isinstance(at(example, path), str)]
    for dirt in DIRTY:
        body = example
        for path in strings:
            body = put(body, path, dirt)
        bearable(send(server, route, json.dumps(body).encode()))
    for path in strings:
        bearable(send(server, route, json.dumps(put(example, path, DIRTY[0])).encode()))
    assert send(server, "/v1/worklist", b'{"capacity": 1}').status_code == 200
    with sqlite3.connect(installation.home.audit) as connection:
        assert connection.execute("select count(*) from scores").fetchone()[0] > 0
    connection.close()


def with_rows(**changes: Any) -> bytes:  # noqa: ANN401 (cells)
    """Return a request with rows whose invoice is changed."""
    body = copy.deepcopy(EXAMPLES["score_rows"])
    body["as_of"] = changes.pop("as_of", body["as_of"])
    body["ledger"]["invoices"][0] |= changes
    return json.dumps(body).encode()


@pytest.mark.parametrize(
    "amount",
    [
        float("nan"),
        float("inf"),
        float("-inf"),
        "NaN",
        "Infinity",
        "1e3",
        "-5",
        0,
        10**40,
        "1,5",
        "",
    ],
)
def test_what_is_no_amount_is_refused_with_its_place(server: Server, amount: object) -> None:
    """NaN and infinities, as numbers and as text."""
    error = error_of(send(server, "/v1/score", with_rows(amount=amount)), 422)
    assert error["details"][0]["where"] == "ledger.invoices.0.amount"


def test_an_amount_of_a_million_billions_is_scored_or_refused(server: Server) -> None:
    """10^15: never a figure that a float has eaten the cents of."""
    response = send(server, "/v1/score", with_rows(amount="1000000000000000.01"))
    bearable(response)
    if response.status_code == 200:
        assert response.json()["accounts"][0]["open_balance"] == "999999999999800.01"


@pytest.mark.parametrize(
    "changes",
    [
        {"issued_on": "0001-01-01"},
        {"issued_on": "0001-01-01", "due_on": "9999-12-31", "known_on": "0001-01-01"},
        {"due_on": "9999-12-31"},
        {"known_on": "9999-12-31"},
        {"as_of": "0001-01-01"},
        {"as_of": "9999-12-31"},
        {"as_of": "9999-12-31", "due_on": "0001-01-01", "issued_on": "0001-01-01"},
        {"issued_on": "2024-02-30"},
        {"issued_on": "20240101"},
        {"issued_on": "2024-01-01T00:00:00"},
        {"as_of": "10000-01-01"},
        {"terms_days": 10**9},
    ],
)
def test_the_first_and_the_last_year_break_nothing(server: Server, changes: dict[str, Any]) -> None:
    """Dates at the ends of the calendar are scored or refused."""
    bearable(send(server, "/v1/score", with_rows(**changes)))


def test_ids_given_twice_count_once(server: Server) -> None:
    """In the request and in the rows; the answer is that of one."""
    one = server.post("/v1/score", {"account_ids": ["A-000003"]}).json()["accounts"]
    many = server.post("/v1/score", {"account_ids": ["A-000003"] * 50}).json()["accounts"]
    assert many == one
    body = copy.deepcopy(EXAMPLES["score_rows"])
    (once,) = send(server, "/v1/score", json.dumps(body).encode()).json()["accounts"]
    body["ledger"]["invoices"] *= 2
    twice = send(server, "/v1/score", json.dumps(body).encode())
    if twice.status_code == 200:
        assert twice.json()["accounts"] == [once]
    else:
        error_of(twice, 422)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 1_000_000,
        b'{"account_ids":' * 100_000,
        b'{"account_ids": [' + b"1," * 4_000_000 + b"1]}",
        b"{" + b",".join(b'"k%d":1' % n for n in range(500_000)) + b"}",
        b'{"account_ids": ["A"], "as_of": "2025-03-31", "ledger": {"invoices": ['
        + b"[]," * 3_000_000
        + b"[]]}}",
        b'{"account_ids": ["A"], "as_of": "2025-03-31", "ledger": {'
        + b",".join(b'"t%d":[]' % n for n in range(300_000))
        + b"}}",
        b" " * 9_999_999 + b"1",
        b'"' + b"\\u0000" * 1_500_000 + b'"',
        b"1" * 9_000_000,
    ],
    ids=["deep", "deep keys", "many", "keys", "rows", "tables", "blank", "nul", "digits"],
)
def test_large_bodies_of_nonsense_are_refused_in_bearable_time(server: Server, body: bytes) -> None:
    """The refusal is short, and other callers are answered meanwhile."""
    started = time.monotonic()
    response = send(server, "/v1/score", body)
    assert response.status_code in {400, 413, 422}, response.text[:500]
    assert len(response.content) < 100_000
    assert time.monotonic() - started < 30
    assert server.get("/livez").status_code == 200


def test_a_body_that_comes_too_slowly_is_given_up(server: Server) -> None:
    """408 after the time of the setting, and the connection ends."""
    parts = urlsplit(server.url)
    started = time.monotonic()
    with socket.create_connection((parts.hostname, parts.port), timeout=60) as connection:
        head = (
            f"POST /v1/score HTTP/1.1\r\nHost: x\r\nX-API-Key: {server.keys['scorer']}\r\n"
            "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
        )
        connection.sendall(head.encode() + b'{"account')
        told = ""
        while "slow_body" not in told and (chunk := connection.recv(65536)):
            told += chunk.decode()
    assert told.startswith("HTTP/1.1 408")
    assert "slow_body" in told
    assert BODY_SECONDS * 0.9 < time.monotonic() - started < BODY_SECONDS + 10


@contextmanager
def without_table(installation: Installation) -> Iterator[None]:
    """Take the audit table away for a while."""

    def rename(before: str, after: str) -> None:
        connection = sqlite3.connect(installation.home.audit, timeout=30)
        with connection:
            connection.execute(f"alter table {before} rename to {after}")
        connection.close()

    rename("scores", "away")
    try:
        yield
    finally:
        rename("away", "scores")


def test_without_its_store_the_service_gives_no_scores_and_comes_back_by_itself(
    server: Server, installation: Installation
) -> None:
    """503 with no score in it; then 200 again, without a restart."""
    body = {"account_ids": ["A-000003"]}
    assert server.post("/v1/score", body).status_code == 200
    with without_table(installation):
        response = server.post("/v1/score", body)
        assert error_of(response, 503)["code"] == "audit_unavailable"
        assert "dollars" not in response.text
    assert server.post("/v1/score", body).status_code == 200
    assert "A-000003" not in re.sub(r'"path": "[^"]*"', "", server.log.read_text())
