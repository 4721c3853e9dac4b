"""The audit store keeps every row it has said it has."""

import sqlite3
import stat
import threading
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from serving.audit import Audit, Given

GIVEN = Given(
    request_id="r-1",
    at=datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC),
    caller="erp",
    route="/v1/score",
    model_version="3",
    feature_digest="abc",
    as_of=date(2024, 12, 31),
    snapshot="2024-12-31-m3-abc",
    account_ids=("A-1", "A-2"),
    response_sha256="0" * 64,
)


def rows(path: Path) -> list[tuple[object, ...]]:
    """Return the rows that another process would see."""
    with sqlite3.connect(path) as connection:
        found = connection.execute(
            "select request_id, at, caller, as_of, account_ids from scores order by id"
        ).fetchall()
    connection.close()
    return found


def test_a_recorded_row_is_committed_before_record_returns(tmp_path: Path) -> None:
    """Another connection sees it at once, dates as ISO text and accounts as JSON."""
    audit = Audit(tmp_path / "audit.db")
    audit.record(GIVEN)
    assert rows(tmp_path / "audit.db") == [
        ("r-1", "2025-01-02T03:04:05+00:00", "erp", "2024-12-31", '["A-1", "A-2"]')
    ]
    audit.close()


def test_threads_share_a_store_and_a_store_is_reopened(tmp_path: Path) -> None:
    """No row is lost between threads or starts."""
    path = tmp_path / "audit.db"
    for _ in range(2):
        audit = Audit(path)
        threads = [
            threading.Thread(target=audit.record, args=(replace(GIVEN, request_id=str(n)),))
            for n in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        audit.close()
    assert len(rows(path)) == 16


def test_only_the_owner_reads_the_store(tmp_path: Path) -> None:
    """It names accounts: mode 0600."""
    audit = Audit(tmp_path / "audit.db")
    assert stat.S_IMODE((tmp_path / "audit.db").stat().st_mode) == 0o600
    audit.close()


def test_a_store_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    """A closed store raises; it never drops a row in silence."""
    audit = Audit(tmp_path / "audit.db")
    audit.close()
    with pytest.raises(sqlite3.ProgrammingError):
        audit.record(GIVEN)
