"""What the machine does to the service: a full disk, a kill, a clock that moves, MLflow gone.

No wrong score, no lost audit row, the right status, and recovery without a restart.
"""

import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import psutil
import pytest

from models.home import Home
from models.snapshot import current_snapshot
from serving.audit import Audit
from serving.audit_rows import Noted
from serving.store import Store, load_pair
from tests.serving.conftest import REPOSITORY, Installation, Server, error_of
from tests.serving.test_audit import GIVEN, KEYED, ids

ASKED = {"account_ids": ["A-000003"]}
LITTLE = 64 * 1024
"""Bytes that a full disk has left."""


def worker(server: Server) -> psutil.Process:
    """Return the process that answers."""
    family = psutil.Process(server.process.pid).children(recursive=True)
    return next(
        process for process in family if "_bentoml_impl.worker.service" in process.cmdline()
    )


@contextmanager
def full_disk(process: psutil.Process, home: Home) -> Iterator[None]:
    """Let a process write no file beyond what the audit store has, and a little: EFBIG."""
    log = home.path / "audit.db-wal"
    limit = max(path.stat().st_size for path in (home.audit, log) if path.is_file()) + LITTLE
    before = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, before)


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="prlimit is Linux's")
def test_on_a_full_disk_no_score_is_given_and_no_row_is_lost(
    server: Server, installation: Installation
) -> None:
    """503 while rows cannot be written, and 200 again once they can be."""
    answers = []
    with full_disk(worker(server), installation.home):
        for _ in range(2000):
            answers.append(server.post("/v1/score", ASKED))
            if answers[-1].status_code != 200:
                break
        error = error_of(answers[-1], 503)
        assert error["code"] == "audit_unavailable"
        assert "dollars" not in answers[-1].text
        assert server.get("/livez").status_code == 200
    after = server.post("/v1/score", ASKED)
    assert after.status_code == 200
    given = [answer.headers["x-request-id"] for answer in (*answers[:-1], after)]
    withheld = answers[-1].headers["x-request-id"]
    with sqlite3.connect(installation.home.audit) as connection:
        found = {row[0] for row in connection.execute("select request_id from scores")}
        assert connection.execute("pragma integrity_check").fetchone()[0] == "ok"
    connection.close()
    assert set(given) <= found
    assert withheld not in found


PUBLISH = """
import resource, sys
from dataclasses import replace
from pathlib import Path
import pyarrow.parquet as pq
from models.home import Home
from models.snapshot import (
    current_snapshot, map_tables, publish_scores, read_snapshot_manifest, read_snapshot_model
)

home, limit = Home(path=Path(sys.argv[1])), int(sys.argv[2])
folder = current_snapshot(home)
manifest, bundle = read_snapshot_manifest(folder), read_snapshot_model(folder)
tables = {
    name: pq.read_table(folder / f"{name}.parquet").to_pandas() for name in ("items", "evidence")
}
mapped = map_tables(folder, manifest)
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
n = 0
while True:
    n += 1
    digest = f"{n:064d}"
    publish_scores(home, replace(manifest, ledger_digest=digest), tables, {}, bundle, mapped)
    print(n, flush=True)
"""


@pytest.fixture
def own_home(installation: Installation, tmp_path: Path) -> Home:
    """A copy of the home's published snapshot."""
    home = Home(path=tmp_path / "home")
    source = current_snapshot(installation.home)
    shutil.copytree(source, home.snapshots / source.name)
    shutil.copy(installation.home.snapshots / "CURRENT", home.snapshots)
    return home


def publishing(home: Home, limit: int = 0) -> "subprocess.Popen[str]":
    """Start a process that publishes one snapshot after the other."""
    return subprocess.Popen(
        [sys.executable, "-c", PUBLISH, str(home.path), str(limit)],
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_kill_while_a_snapshot_is_written_leaves_the_one_before_or_the_new_one(
    own_home: Home,
) -> None:
    """Killed at any moment, what is published is whole, and the next can be published."""
    for wait in (0.0, 0.03, 0.11):
        process = publishing(own_home)
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "1"
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        pair = load_pair(own_home)
        account = next(iter(pair.table.account_rows))
        assert pair.table.account(account, 5)[0]["items"]


def test_a_disk_that_fills_while_a_snapshot_is_written_leaves_nothing_behind(
    own_home: Home,
) -> None:
    """The old snapshot stays the one that is served, and no half of the new one lies about."""
    before = sorted(path.name for path in own_home.snapshots.iterdir())
    told, failed = publishing(own_home, limit=LITTLE).communicate(timeout=60)
    assert told == ""
    assert "OSError" in failed
    assert sorted(path.name for path in own_home.snapshots.iterdir()) == before
    assert load_pair(own_home).name == current_snapshot(own_home).name


def test_without_mlflow_the_service_goes_on_and_takes_up_new_snapshots(
    server: Server, installation: Installation, own_home: Home
) -> None:
    """A snapshot brings its model along: the registry may be away."""
    store, away = installation.home.path / "mlflow.db", installation.home.path / "gone.db"
    store.rename(away)
    try:
        assert server.get("/readyz").status_code == 200
        for route, body in {
            "/v1/score": ASKED,
            "/v1/worklist": {"capacity": 3},
            "/v1/explain": {"account_id": "A-000003"},
        }.items():
            assert server.post(route, body).status_code == 200
    finally:
        away.rename(store)
    alone = Store(own_home)
    assert alone.refresh(), alone.trouble
    assert not (own_home.path / "mlflow.db").exists()
    assert alone.pair().bundle.version == load_pair(installation.home).bundle.version
    alone.close()


class Moved(datetime):
    """The machine's clock, moved."""

    by = timedelta(0)

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Any:  # noqa: ANN401 (a datetime)
        """Return the time that the machine believes it is."""
        return datetime.now(tz) + cls.by


def test_a_clock_that_moves_loses_no_row_and_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows keep the order of their writing; a key gives its answer again until it has expired."""
    monkeypatch.setattr("serving.audit.datetime", Moved)
    audit = Audit(tmp_path / "audit.db")
    now = datetime.now(UTC)
    for name, days in (("today", 0), ("yesterday", -1), ("tomorrow", 1)):
        note = Noted(
            request_id=name,
            at=now + timedelta(days=days),
            caller="kim",
            kind="outcome",
            account_id="A-1",
            record={},
        )
        moved = replace(GIVEN, request_id=name, at=now + timedelta(days=days))
        audit.record(moved, keyed=replace(KEYED, idempotency_key=name), notes=[note])
    assert ids(audit) == ["today", "yesterday", "tomorrow"]
    assert [note.request_id for note in audit.feedback()] == ids(audit)
    for back in (0, -400):
        Moved.by = timedelta(days=back)
        assert audit.answer_of("erp", "today") == replace(KEYED, idempotency_key="today")
        assert audit.answer_of("erp", "tomorrow") is not None
    Moved.by = timedelta(days=3)
    assert audit.answer_of("erp", "tomorrow") is None
    Moved.by = timedelta(0)
    audit.close()
