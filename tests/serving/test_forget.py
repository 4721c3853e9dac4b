"""After an erasure nothing this software wrote names the account, and all others are as before."""

import json
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from models.home import Home
from models.snapshot import CURRENT
from serving.audit import Audit
from serving.audit_rows import KeyedAnswer, Noted
from serving.audit_schema import ERASURES, FEEDBACK, SCORES
from serving.console.notes import Note, notes_file, open_notes
from serving.console.past import CACHE
from serving.forget import forget
from serving.replay import replay
from serving.store import Store, load_snapshot
from tests.serving.conftest import Installation
from tests.serving.test_replay import AT, given_out, requests

GONE, OTHER = "A-000003", "A-000005"


@pytest.fixture
def copied(installation: Installation, tmp_path: Path) -> Home:
    """A home of its own with the published snapshot."""
    name = installation.snapshot.name
    shutil.copytree(installation.snapshot, tmp_path / "home" / "snapshots" / name)
    (tmp_path / "home" / "snapshots" / CURRENT).write_text(f"{name}\n")
    return Home(path=tmp_path / "home")


@pytest.fixture
def audit(audit_address: Any) -> Iterator[Audit]:  # noqa: ANN401 (Path or DatabaseUrl)
    """An empty store."""
    made = Audit(audit_address)
    yield made
    made.close()


def fill(audit: Audit, home: Home, installation: Installation, *, rows: bool = False) -> None:
    """Give answers about both accounts, with rows sent, an idempotency key and feedback."""
    if rows:
        given_out(audit, home, *requests(installation)["rows"])
    given_out(audit, home, "/v1/score", {"account_ids": [OTHER, GONE]}, request_id="both")
    given_out(audit, home, "/v1/score", {"account_ids": [OTHER]}, request_id="other")
    for account_id in (GONE, OTHER):
        note = Noted(
            request_id="f", at=AT, caller="c", kind="outcome", account_id=account_id, record={}
        )
        keyed = KeyedAnswer(
            caller="c",
            idempotency_key=account_id,
            route="/v1/score",
            request_sha256="0",
            account_ids=(account_id,),
            body=account_id.encode(),
        )
        audit.record(None, keyed=keyed, notes=[note])


def test_the_account_is_gone_and_answers_about_others_are_replayed(
    installation: Installation, audit: Audit, copied: Home
) -> None:
    """In both databases: counts, what is left, what is served, what can be made again."""
    fill(audit, copied, installation, rows=True)
    store = Store(copied)
    assert store.refresh()
    found = forget(copied, audit, GONE, by="kim", now=AT)
    assert (found.audit_rows, found.rows_sent, found.answers, found.feedback) == (2, 1, 1, 1)
    assert found.snapshots == (installation.snapshot.name,)
    ledger = found.remains[str(installation.ledger.resolve())]
    assert ledger["accounts"] == 1
    assert ledger["invoices"] > 0
    assert store.refresh(), "the service takes the snapshot up as it is now"
    assert GONE not in store.pair().table
    assert OTHER in store.pair().table
    store.close()
    _nowhere(audit, copied)
    assert [entry.verdict for entry in replay(audit, copied, "other")] == ["reproduced"]
    (both,) = replay(audit, copied, "both")
    assert (both.verdict, both.reasons) == ("gone", ("What was asked was erased on 2025-01-02.",))
    again = forget(copied, audit, GONE, by="kim", now=AT)
    assert (again.audit_rows, again.feedback, again.snapshots) == (0, 0, ())


def _nowhere(audit: Audit, home: Home) -> None:
    """Check every file of the home and every row of the store."""
    (folder,) = (path for path in home.snapshots.iterdir() if path.is_dir())
    for path in folder.glob("*.parquet"):
        ids = set(pd.read_parquet(path)["account_id"])
        assert GONE not in ids
        assert OTHER in ids
    for path in (folder / "worklist.csv", folder / "portfolio.json", folder / "manifest.json"):
        assert GONE not in path.read_text()
    assert load_snapshot(folder).name == folder.name
    with audit.read() as connection:
        for table in (SCORES, FEEDBACK, ERASURES):
            rows = connection.execute(sa.select(table)).mappings().all()
            assert GONE not in json.dumps([dict(row) for row in rows], default=str)
        erasures = connection.execute(sa.select(ERASURES)).mappings().all()
    assert erasures[0]["by"] == "kim"
    database = home.path.parent / "audit.db"
    if database.is_file():
        audit.close()
        kept = b"".join(path.read_bytes() for path in database.parent.glob("audit.db*"))
        assert GONE.encode() not in kept, "what is erased is overwritten"


@pytest.mark.parametrize("audit_address", ["sqlite"], indirect=True)
def test_what_reviewers_wrote_and_the_console_kept_is_gone(audit: Audit, copied: Home) -> None:
    """Notes and sign-offs lose whom and what they were about, in the file too; others stay."""
    written = "Promised to pay, said the owner of it."
    make = partial(Note, at=AT, author="ann", snapshot="s", model_version="1", request_id="r")
    notes = open_notes(copied)
    for about, text in ((GONE, written), (OTHER, "Nothing to add.")):
        notes.add(make(kind="note", about=about, text=text))
        notes.add(make(kind="signed", about=about, text=text))
    named = "A segment of that name."
    notes.add(make(kind="overlay", about=GONE, text=named, currency="USD", amount_cents=1))
    kept = copied.path / CACHE / "2025-01-01-m1.json"
    kept.parent.mkdir()
    kept.write_text(json.dumps({"examples": [GONE]}))
    told = forget(copied, audit, GONE, by="kim", now=AT, dry_run=True)
    assert (told.notes, told.kept_pages) == (2, 1)
    assert kept.is_file()
    assert len(notes.of_account(GONE)) == 2
    assert forget(copied, audit, GONE, by="kim", now=AT) == told
    assert not notes.of_account(GONE)
    assert [note.text for note in notes.of_account(OTHER)] == ["Nothing to add."] * 2
    assert [note.text for note in notes.overlays("USD")] == [named]
    notes.close()
    assert written.encode() not in notes_file(copied).read_bytes(), "overwritten, not just freed"
    assert not kept.exists()
    again = forget(copied, audit, GONE, by="kim", now=AT)
    assert (again.notes, again.kept_pages) == (0, 0)


@pytest.mark.parametrize("audit_address", ["sqlite"], indirect=True)
def test_a_dry_run_tells_what_would_be_erased(
    installation: Installation, audit: Audit, copied: Home
) -> None:
    """And erases nothing; an account that is nowhere is told as such."""
    fill(audit, copied, installation)
    told = forget(copied, audit, GONE, by="kim", now=AT, dry_run=True)
    assert told == forget(copied, audit, GONE, by="kim", now=AT)
    assert forget(copied, audit, "nobody", by="kim", now=AT).nothing


@pytest.mark.parametrize("audit_address", ["sqlite"], indirect=True)
@pytest.mark.parametrize("account_id", ['%"_', "A-00000_", "/", "\\", "Ä\x00"])
def test_an_id_is_compared_as_it_is(
    audit: Audit, copied: Home, installation: Installation, account_id: str
) -> None:
    """Signs that searches know are letters like any other."""
    fill(audit, copied, installation)
    assert forget(copied, audit, account_id, by="kim", now=AT).nothing
