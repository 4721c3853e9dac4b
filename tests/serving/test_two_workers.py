"""Two services on one home race, and one is stopped or killed; nothing told is lost."""

import re
import sqlite3
import threading
import time
from collections.abc import Iterator

import httpx
import psutil
import pytest

from tests.serving.conftest import Installation, Server, rows_of, start, stop, wait_for


@pytest.fixture
def second(
    server: Server, installation: Installation, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """Another service with the home, snapshot and audit store of the shared one."""
    started = start(installation.home, tmp_path_factory.mktemp("second"), server.keys)
    wait_for(started, "/readyz", 200)
    yield started
    stop(started)


def recorded(installation: Installation) -> list[str]:
    """Return the request ids that the store has."""
    with sqlite3.connect(installation.home.audit) as connection:
        ids = [row[0] for row in connection.execute("select request_id from scores")]
    connection.close()
    return ids


def test_workers_that_race_and_fall_lose_nothing(
    server: Server, second: Server, installation: Installation
) -> None:
    """One answer per idempotency key over both; a row for each answer, after kill -9 too."""
    _race_under_one_key(server, second, installation)
    acknowledged: list[str] = []
    ended = threading.Event()

    def ask() -> None:
        headers = {"Authorization": f"Bearer {server.keys['scorer']}"}
        with httpx.Client(base_url=second.url, headers=headers, timeout=60) as client:
            while not ended.is_set():
                try:
                    response = client.post("/v1/score", json={"account_ids": ["A-000003"]})
                except httpx.TransportError:
                    return
                if response.status_code == 200:
                    acknowledged.append(response.json()["request_id"])

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    while len(acknowledged) < 40:
        time.sleep(0.01)
    for child in _family(second):
        child.kill()
    ended.set()
    for thread in threads:
        thread.join()
    given = set(acknowledged)
    assert sorted(given) == sorted(name for name in recorded(installation) if name in given)
    assert server.post("/v1/score", {"account_ids": ["A-000003"]}).status_code == 200


def _wait_until_in_flight(server: Server, route: str) -> None:
    """Wait until the service itself counts a request to ``route`` as in progress."""
    working = re.compile(rf'request_in_progress{{[^}}]*endpoint="{route}"[^}}]*}} 1\.0')
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if working.search(server.get("/metrics").text):
            return
    raise AssertionError(f"No request to {route} was seen in progress.")


def _family(server: Server) -> list["psutil.Process"]:
    """Return the processes of a server, its workers first."""
    process = psutil.Process(server.process.pid)
    return [*process.children(recursive=True), process]


def _race_under_one_key(server: Server, second: Server, installation: Installation) -> None:
    told: list[bytes] = []

    def ask(one: Server) -> None:
        headers = {
            "Authorization": f"Bearer {server.keys['manager']}",
            "Idempotency-Key": "two-workers",
        }
        body = {"capacity": 5}
        response = httpx.post(one.url + "/v1/worklist", json=body, headers=headers, timeout=60)
        told.append(response.content)

    before = len(recorded(installation))
    threads = [threading.Thread(target=ask, args=(one,)) for one in (server, second) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 8
    assert len(set(told)) == 1
    assert len(recorded(installation)) == before + 1


def test_a_stop_lets_the_request_in_flight_end(
    server: Server, second: Server, installation: Installation
) -> None:
    """SIGTERM while rows are scored: the answer still comes, then the service is gone."""
    body = {
        "account_ids": ["A-000003"],
        "as_of": installation.as_of.isoformat(),
        "ledger": rows_of(installation, "A-000003"),
    }
    statuses: list[int] = []
    thread = threading.Thread(
        target=lambda: statuses.append(second.post("/v1/score", body).status_code)
    )
    thread.start()
    _wait_until_in_flight(second, "/v1/score")
    second.process.terminate()
    thread.join()
    assert statuses == [200]
    second.process.wait(30)
    assert server.get("/readyz").status_code == 200
