"""What is beyond its time goes; what is served, and what is not yet old, stays."""

import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from models.home import Home
from models.snapshot import CURRENT
from serving.audit import Audit
from serving.audit_rows import POLICY, ROWS, Kept, Noted
from serving.console.past import CACHE
from serving.prune import LEFTOVER_SECONDS, Retention, prune
from tests.serving.test_audit import GIVEN, KEYED

NOW = datetime(2025, 6, 30, tzinfo=UTC)
KEEP = Retention(snapshots=100, rows=30, audit=365, answers=1)


@pytest.fixture
def audit(audit_address: Any) -> Iterator[Audit]:  # noqa: ANN401 (Path or DatabaseUrl)
    """An empty store."""
    made = Audit(audit_address)
    yield made
    made.close()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Four snapshots of different days, the oldest of which is served; and leftovers."""
    made = Home(path=tmp_path / "home")
    for as_of in ("2024-01-31", "2024-12-31", "2025-03-31", "2025-06-30"):
        folder = made.snapshots / f"{as_of}-m1-abc"
        folder.mkdir(parents=True)
        facts = {"ledger": "l", "ledger_digest": "abc", "as_of": as_of, "model": "1"}
        content = facts | {"format": 1, "model_version": "1", "feature_digest": "f"}
        (folder / "manifest.json").write_text(json.dumps(content))
        kept = made.path / CACHE / f"{folder.name}.json"
        kept.parent.mkdir(exist_ok=True)
        kept.write_text("{}")
    (made.snapshots / "no snapshot").mkdir()
    (made.snapshots / ".half.123").mkdir()
    (made.snapshots / ".new.124").mkdir()
    long_ago = time.time() - LEFTOVER_SECONDS - 1
    os.utime(made.snapshots / ".half.123", (long_ago, long_ago))
    (made.snapshots / CURRENT).write_text("2024-01-31-m1-abc\n")
    return made


def fill(audit: Audit) -> None:
    """Record answers and feedback of now, of two months and of two years ago."""
    for days in (0, 60, 730):
        at = NOW - timedelta(days=days)
        given = replace(GIVEN, request_id=f"r-{days}", at=at)
        kept = [Kept(kind=ROWS, text=str(days)), Kept(kind=POLICY, text=f"policy {days}")]
        keyed = replace(KEYED, idempotency_key=str(days))
        note = Noted(request_id="r", at=at, caller="c", kind="snooze", account_id="A", record={})
        assert audit.record(given, kept=kept, keyed=keyed, notes=[note]) is None


def test_what_is_old_is_deleted_and_what_is_served_stays(audit: Audit, home: Home) -> None:
    """Snapshots, leftovers, rows sent, answers, audit rows and feedback, in both databases."""
    fill(audit)
    found = prune(home, audit, KEEP, now=NOW)
    assert found.snapshots == ("2024-12-31-m1-abc",)
    assert found.leftovers == (".half.123",)
    kept = sorted(path.name[:10] for path in (home.path / CACHE).iterdir())
    assert kept == ["2024-01-31", "2025-03-31", "2025-06-30"]
    counts = {name: found.counts[name] for name in ("rows_sent", "answers", "audit_rows")}
    assert counts == {"rows_sent": 2, "answers": 2, "audit_rows": 1}
    assert found.feedback == 1
    left = sorted(path.name for path in home.snapshots.iterdir())
    assert left == [
        ".new.124",
        "2024-01-31-m1-abc",
        "2025-03-31-m1-abc",
        "2025-06-30-m1-abc",
        CURRENT,
        "no snapshot",
    ]
    assert [len(audit.rows_of_request(f"r-{days}")) for days in (0, 60, 730)] == [1, 1, 0]
    kept = [audit.kept_text(Kept(kind=ROWS, text=text).digest) for text in ("0", "60", "730")]
    assert kept == ["0", None, None]
    assert len(audit.feedback()) == 2
    assert not any(prune(home, audit, KEEP, now=NOW).counts.values())


@pytest.mark.parametrize("audit_address", ["sqlite"], indirect=True)
def test_a_dry_run_tells_the_same_and_deletes_nothing(audit: Audit, home: Home) -> None:
    """Twice in a row, and then for real."""
    fill(audit)
    told = [prune(home, audit, KEEP, now=NOW, dry_run=True) for _ in range(2)]
    assert told[0] == told[1] == prune(home, audit, KEEP, now=NOW)


@pytest.mark.parametrize("audit_address", ["sqlite"], indirect=True)
def test_a_home_without_snapshots_is_fine(audit: Audit, home: Home) -> None:
    """Nothing to delete is no error."""
    shutil.rmtree(home.snapshots)
    assert not any(prune(home, audit, KEEP, now=NOW).counts.values())
