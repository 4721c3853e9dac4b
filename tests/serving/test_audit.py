"""The audit store keeps every row it has said it has, in SQLite and in PostgreSQL alike."""

import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from serving.audit import Audit
from serving.audit_rows import POLICY, ROWS, Given, Kept, KeyedAnswer, Noted
from serving.audit_schema import KEPT, SCORES

AT = datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)
GIVEN = Given(
    request_id="r-1",
    at=AT,
    caller="erp",
    route="/v1/score",
    model_version="3",
    feature_digest="abc",
    as_of=date(2024, 12, 31),
    snapshot="2024-12-31-m3-abc",
    account_ids=("A-1", "Ä\x00\u202e2"),
    response_sha256="0" * 64,
    request='{"account_ids": ["A-1"]}',
)
KEYED = KeyedAnswer(
    caller="erp",
    idempotency_key="k-1",
    route="/v1/score",
    request_sha256="1" * 64,
    account_ids=("A-1",),
    body=b'{"answer": 1}',
)


@pytest.fixture
def audit(audit_address: Any) -> Iterator[Audit]:  # noqa: ANN401 (Path or DatabaseUrl)
    """An empty store."""
    made = Audit(audit_address)
    yield made
    made.close()


def ids(audit: Audit) -> list[str]:
    """Return the request ids of all rows, oldest first."""
    with audit.read() as connection:
        return list(connection.scalars(sa.select(SCORES.c.request_id).order_by(SCORES.c.id)))


def test_a_recorded_row_is_committed_before_record_returns(
    audit: Audit,
    audit_address: Any,  # noqa: ANN401 (Path or DatabaseUrl)
) -> None:
    """Another connection sees it at once, dates as ISO text and accounts as JSON."""
    audit.record(GIVEN)
    other = Audit(audit_address)
    (row,) = other.rows_of_request("r-1")
    other.close()
    assert row["at"] == "2025-01-02T03:04:05+00:00"
    assert (row["caller"], row["as_of"]) == ("erp", "2024-12-31")
    assert tuple(json.loads(row["account_ids"])) == GIVEN.account_ids


def test_threads_and_stores_race_and_lose_nothing(audit_address: Any) -> None:  # noqa: ANN401
    """Two stores on one new address migrate and write at once: every row is there once."""
    stores = [Audit(audit_address) for _ in range(2)]
    failed: list[BaseException] = []

    def write(store: Audit, request_id: str) -> None:
        try:
            store.record(replace(GIVEN, request_id=request_id), kept=[Kept(kind=ROWS, text="x")])
        except sa.exc.SQLAlchemyError as error:
            failed.append(error)

    threads = [
        threading.Thread(target=write, args=(store, f"{position}-{n}"))
        for position, store in enumerate(stores)
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert sorted(ids(stores[0])) == sorted(f"{p}-{n}" for p in range(2) for n in range(8))
    for store in stores:
        store.close()


def test_the_migrations_make_the_tables_that_the_code_names(audit: Audit) -> None:
    """Alembic finds no difference between the migrated store and the code."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from serving.audit_schema import METADATA

    with audit.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_a_store_of_the_first_release_is_migrated_with_its_rows(tmp_path: Path) -> None:
    """What was recorded stays, word for word, and new rows follow."""
    path = tmp_path / "audit.db"
    old = ["r-0", "2024-01-01T00:00:00+00:00", "erp", "/v1/score", "1", "f", "2023-12-31", "s"]
    with sqlite3.connect(path) as connection:
        connection.execute(
            "create table scores (id integer primary key, request_id text not null, at text not "
            "null, caller text not null, route text not null, model_version text not null, "
            "feature_digest text not null, as_of text not null, snapshot text not null, "
            "account_ids text not null, response_sha256 text not null)"
        )
        connection.execute("create index scores_request_id on scores (request_id)")
        connection.execute(
            "insert into scores values (7, ?, ?, ?, ?, ?, ?, ?, ?, '[\"A\"]', 'd')", old
        )
    connection.close()
    audit = Audit(path)
    audit.record(GIVEN)
    assert ids(audit) == ["r-0", "r-1"]
    (row,) = audit.rows_of_request("r-0")
    assert [row["id"], row["at"], row["account_ids"]] == [7, old[1], '["A"]']
    assert row["request"] is None
    audit.close()


def test_a_store_of_a_later_release_is_left_alone(audit: Audit, audit_address: Any) -> None:  # noqa: ANN401
    """The error says which layout was found and what to do."""
    audit.check()
    with audit.write() as connection:
        connection.execute(sa.text("update alembic_version set version_num = '9999'"))
    other = Audit(audit_address)
    with pytest.raises(RuntimeError, match="layout 9999, which this release does not know"):
        other.check()
    other.close()


def test_content_is_kept_once_compressed_and_given_back(audit: Audit) -> None:
    """The same rows sent twice take the place of one; using them again renews their age."""
    rows = Kept(kind=ROWS, text='{"invoices": []}' * 1000, account_ids=("A-1",))
    audit.record(GIVEN, kept=[rows, Kept(kind=POLICY, text="[costs]")])
    audit.record(replace(GIVEN, at=AT + timedelta(days=9)), kept=[rows])
    with audit.read() as connection:
        stored = connection.execute(sa.select(KEPT).order_by(KEPT.c.kind)).mappings().all()
    assert [row["kind"] for row in stored] == [POLICY, ROWS]
    assert stored[1]["used_at"] == "2025-01-11T03:04:05+00:00"
    assert len(stored[1]["content"]) < 200
    assert audit.kept_text(rows.digest) == rows.text
    assert audit.kept_text("unknown") is None


def test_a_key_gives_its_first_answer_until_it_expires(audit: Audit) -> None:
    """The second record writes nothing and returns the first answer; a day later it counts."""
    now = datetime.now(UTC)
    first = replace(GIVEN, at=now - timedelta(hours=23))
    assert audit.record(first, keyed=KEYED) is None
    again = replace(KEYED, body=b"other")
    found = audit.record(replace(first, request_id="r-2"), keyed=again)
    assert found == KEYED
    assert ids(audit) == ["r-1"]
    assert audit.answer_of("erp", "k-1") == KEYED
    assert audit.answer_of("crm", "k-1") is None
    late = replace(first, request_id="r-3", at=now + timedelta(hours=2))
    assert audit.record(late, keyed=again) is None
    assert ids(audit) == ["r-1", "r-3"]


def test_racing_requests_with_one_key_get_one_answer(audit: Audit) -> None:
    """Of eight that arrive at once one is recorded, and all others get its answer."""
    told: list[bytes] = []
    now = datetime.now(UTC)

    def ask(body: bytes) -> None:
        earlier = audit.record(replace(GIVEN, at=now), keyed=replace(KEYED, body=body))
        told.append(body if earlier is None else earlier.body)

    audit.check()
    threads = [threading.Thread(target=ask, args=(str(n).encode(),)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 8
    assert len(set(told)) == 1
    assert ids(audit) == ["r-1"]


def test_notes_come_back_in_the_order_they_were_made(audit: Audit) -> None:
    """With their ids, whole, and no further than asked for."""
    note = Noted(
        request_id="r-1", at=AT, caller="erp", kind="snooze", account_id="A", record={"n": 1}
    )
    assert audit.feedback_state() == (0, "")
    audit.record(None, notes=[note, replace(note, account_id="B")])
    first, second = audit.feedback()
    assert (first, second.account_id) == (replace(note, id=first.id), "B")
    assert audit.feedback_state() == (second.id, "")
    assert audit.feedback(through=first.id) == [first]


def test_only_the_owner_reads_the_file(tmp_path: Path) -> None:
    """It names accounts: mode 0600, and the files beside it too."""
    audit = Audit(tmp_path / "audit.db")
    audit.record(GIVEN)
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}
    audit.close()


def test_a_process_killed_while_writing_loses_no_row_it_had_promised(tmp_path: Path) -> None:
    """After kill -9 the store opens by itself and holds at least what was acknowledged."""
    code = (
        "import sys; from dataclasses import replace; from pathlib import Path; "
        "from serving.audit import Audit; from serving.audit_rows import Kept; "
        "from tests.serving.test_audit import GIVEN\n"
        "audit = Audit(Path(sys.argv[1]))\n"
        "for n in range(1_000_000):\n"
        "    kept = [Kept(kind='rows', text=f'{n}' * 9999)]\n"
        "    audit.record(replace(GIVEN, request_id=str(n)), kept=kept)\n"
        "    print(n, flush=True)\n"
    )
    path, log = tmp_path / "audit.db", tmp_path / "told.txt"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(path)],
            stdout=stream,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        )
        deadline = time.monotonic() + 60
        while len(log.read_bytes().splitlines()) < 20 and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    promised = [line.decode() for line in log.read_bytes().splitlines()]
    assert len(promised) >= 20
    audit = Audit(path)
    found = ids(audit)
    audit.record(replace(GIVEN, request_id="after"))
    with audit.read() as connection:
        kept = connection.scalar(sa.select(sa.func.count()).select_from(KEPT))
        assert connection.scalar(sa.text("pragma integrity_check")) == "ok"
    audit.close()
    assert set(promised) <= set(found)
    assert kept == len(found), "a row and the content it was made from are written together"


def test_a_database_that_goes_away_is_told_and_comes_back_by_itself(
    postgres_url: Any,  # noqa: ANN401 (a URL)
) -> None:
    """Connections cut by the server: nothing is lost in silence, the next write succeeds."""
    from tests.serving.conftest import new_database

    address = new_database(postgres_url)
    audit = Audit(address)
    audit.record(GIVEN)
    admin = sa.create_engine(postgres_url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    cut = "select pg_terminate_backend(pid) from pg_stat_activity where datname = :name"
    name = {"name": address.full.database}
    with admin.connect() as connection:
        connection.execute(sa.text(cut), name)
    audit.record(replace(GIVEN, request_id="r-2"))
    with admin.connect() as connection:
        closed = f'alter database "{address.full.database}" allow_connections'
        connection.execute(sa.text(f"{closed} false"))
        connection.execute(sa.text(cut), name)
        with pytest.raises(sa.exc.SQLAlchemyError):
            audit.record(replace(GIVEN, request_id="lost"))
        connection.execute(sa.text(f"{closed} true"))
    audit.record(replace(GIVEN, request_id="r-3"))
    assert ids(audit) == ["r-1", "r-2", "r-3"]
    audit.close()
