"""A small installation with a trained model and a published snapshot, and servers on it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from features.ledger.read import Ledger, open_ledger
from models.home import Home
from serving.account_ledger import family_members, restrict_ledger
from serving.auth import ROLES, Role, create_key

REPOSITORY = Path(__file__).resolve().parents[2]
MADE_ON = date(2025, 1, 1)
BODY_SECONDS = 5
"""How long a body may take to arrive at the servers of the tests."""
STARTS, TAKEN = 3, "Address already in use"


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """A home, the ledger it was made from and the day that is published."""

    home: Home
    ledger: Path
    as_of: date
    snapshot: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server: its address, where it logs, its process and a key of each role."""

    url: str
    log: Path
    process: "subprocess.Popen[bytes]"
    keys: Mapping[Role, str]

    def post(self, route: str, body: Any, role: Role | None = "manager") -> httpx.Response:  # noqa: ANN401 (any JSON value)
        """Post a JSON value with the key of a role."""
        headers = {} if role is None else {"Authorization": f"Bearer {self.keys[role]}"}
        return httpx.post(self.url + route, json=body, headers=headers, timeout=60)

    def get(self, route: str) -> httpx.Response:
        """Get a page without a key."""
        return httpx.get(self.url + route, timeout=30)


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """150 simulated accounts over two years, trained with the quick recipe, scored, published.

    The model reads peers and has maps, so that every law of the service holds with them.
    """
    from models.registry import load_model
    from serving.simulate import simulate_ledger
    from training.config import read_config
    from training.register import train_and_register

    root = tmp_path_factory.mktemp("installation")
    simulation, _ = simulate_ledger(root / "ledger", accounts=150, months=24, seed=5)
    home = Home(path=root / "home")
    quick = read_config("quick")
    config = replace(
        quick,
        max_rows=4000,
        peers=True,
        trees=replace(quick.trees, rounds=12),
        windows=replace(quick.windows, recalibrate_days=56),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow warns of itself
        train_and_register(open_ledger(root / "ledger"), config, home)
        bundle = load_model(home)
    folder = publish(home, root / "ledger", simulation.known_through, bundle)
    return Installation(
        home=home, ledger=root / "ledger", as_of=simulation.known_through, snapshot=folder
    )


def publish(home: Home, ledger: Path, as_of: date, bundle: Any) -> Path:  # noqa: ANN401 (a Bundle)
    """Score a day with a registered model and publish the snapshot; return its folder."""
    from serving.batch import score_batch
    from serving.policy import read_policy

    scored = score_batch(
        open_ledger(ledger),
        as_of,
        bundle,
        read_policy(),
        home,
        ledger_path=ledger,
        model_reference=bundle.version,
        threads=1,
    )
    return scored.folder


def json_rows(ledger: Ledger) -> dict[str, list[dict[str, Any]]]:
    """Return a ledger in memory as a request sends it: ISO dates, money as text."""

    def plain(value: Any) -> Any:  # noqa: ANN401 (a cell)
        return str(value) if isinstance(value, date | Decimal) else value

    return {
        name: [{key: plain(value) for key, value in row.items()} for row in rows.to_pylist()]
        for name, rows in ledger.rows.items()
    }


def rows_of(installation: Installation, account_id: str) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of an account and its family, ready to send."""
    whole = open_ledger(installation.ledger)
    return json_rows(restrict_ledger(whole, family_members(whole, account_id)))


def environment(home: Home) -> dict[str, str]:
    """Return the environment of a command on ``home``."""
    kept = {name: value for name, value in os.environ.items() if "ROLLRISK" not in name}
    return {
        **kept,
        "ROLLRISK_HOME": str(home.path),
        "ROLLRISK_REFRESH_SECONDS": "0.2",
        "ROLLRISK_BODY_SECONDS": str(BODY_SECONDS),
        "ROLLRISK_REQUESTS_PER_MINUTE": "100000",
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONUNBUFFERED": "1",
    }


def free_port() -> int:
    """Return a loopback port that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def start(home: Home, folder: Path, keys: Mapping[Role, str]) -> Server:
    """Start ``rollrisk serve`` on a free port and wait until it answers at all.

    Another process may take a port between its being found free and its being used, by us or by
    BentoML for its own control; then, and only then, the start is tried again.
    """
    for _ in range(STARTS - 1):
        server = launch(home, folder, keys)
        try:
            wait_for(server, "/livez", 200)
        except AssertionError:
            stop(server)
            if TAKEN not in server.log.read_text():
                raise
        else:
            return server
    server = launch(home, folder, keys)
    wait_for(server, "/livez", 200)
    return server


def launch(home: Home, folder: Path, keys: Mapping[Role, str]) -> Server:
    """Start ``rollrisk serve`` on a free port."""
    port = free_port()
    log = folder / "server.log"
    command = [sys.executable, "-m", "serving.cli", "serve", "--port", str(port)]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command, cwd=folder, env=environment(home), stdout=stream, stderr=subprocess.STDOUT
        )
    return Server(url=f"http://127.0.0.1:{port}", log=log, process=process, keys=keys)


def wait_for(server: Server, route: str, status: int, seconds: float = 60) -> None:
    """Wait until ``route`` answers with ``status``."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            if server.get(route).status_code == status:
                return
        except httpx.TransportError:
            pass  # nothing listens yet
        time.sleep(0.1)
    raise AssertionError(f"{route} did not answer {status}:\n{server.log.read_text()}")


def stop(server: Server) -> None:
    """End a server the way an operator does, and make sure that it is gone."""
    server.process.send_signal(signal.SIGTERM)
    try:
        server.process.wait(20)
    except subprocess.TimeoutExpired:
        server.process.kill()
        server.process.wait(10)


@pytest.fixture(scope="session")
def server(
    installation: Installation, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server on the installation, with a key for each role."""
    keys = {role: create_key(installation.home.keys, role, role, today=MADE_ON) for role in ROLES}
    started = start(installation.home, tmp_path_factory.mktemp("server"), keys)
    wait_for(started, "/readyz", 200)
    yield started
    stop(started)


def error_of(response: httpx.Response, status: int) -> dict[str, Any]:
    """Return the error of a response after checking status and shape."""
    assert response.status_code == status, response.text
    content = json.loads(response.content)
    assert set(content) == {"error"}
    error: dict[str, Any] = content["error"]
    assert set(error) == {"code", "message", "details"}
    assert all(set(detail) == {"where", "rule", "value"} for detail in error["details"])
    assert "Traceback" not in response.text
    return error


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[Any]:
    """The address of a real PostgreSQL, for a superuser."""
    from tests.features.sources.postgres import postgres

    with postgres() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def audit_address(request: pytest.FixtureRequest, tmp_path: Path) -> Any:  # noqa: ANN401 (Path or DatabaseUrl)
    """Where an audit store of a test's own lives: once in a file, once in PostgreSQL."""
    if request.param == "sqlite":
        return tmp_path / "audit.db"
    return new_database(request.getfixturevalue("postgres_url"))


def new_database(url: Any) -> Any:  # noqa: ANN401 (a URL; a DatabaseUrl)
    """Return the address of a new database on a PostgreSQL server."""
    from uuid import uuid4

    from sqlalchemy import NullPool, create_engine, text

    from features.sources.database_url import DatabaseUrl

    name = f"audit_{uuid4().hex[:12]}"
    engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text(f'create database "{name}"'))
    return DatabaseUrl(full=url.set(database=name))
