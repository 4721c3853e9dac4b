"""Erase an account from what this software wrote: snapshots, rows sent, answers, notes, audit.

An audit row stays as proof that an answer was given, to whom and when; whom it was about and
what was asked is taken out. So is what reviewers wrote; what the console keeps of the past is
computed again when it is next looked at. Snapshots are written anew without the account, under
their names: the one exception to the rule that a snapshot never changes, so that answers about
all others can still be replayed. The books are not touched; the report says what remains in them.
"""

import csv
import io
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import sqlalchemy as sa

from features.ledger.manifest import LedgerError
from features.ledger.read import open_ledger
from models.home import Home
from models.snapshot import (
    FORMATS,
    ROWS_IN_A_GROUP,
    read_snapshot_manifest,
    write_manifest,
    write_mapped,
)
from serving.account_ledger import restrict_ledger
from serving.audit import Audit
from serving.audit_rows import instant
from serving.audit_schema import ANSWERS, ERASURES, FEEDBACK, KEPT, SCORES
from serving.console.notes import notes_file, open_notes
from serving.console.past import CACHE
from serving.online import online_tables

ERASED = "[erased]"
MARK = "erased.json"
"""File in a snapshot that accounts were erased from: when, and how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """What an erasure found and did, or would do.

    Parameters
    ----------
    audit_rows, rows_sent, answers, feedback : int
        Rows of the audit store.
    notes : int
        Notes and sign-offs in the console.
    kept_pages : int
        Files of the console's cache; they hold sums and examples of all accounts, and go.
    snapshots : tuple of str
        Snapshots that held the account.
    remains : dict of str to dict of str to int
        Rows of the account by ledger and table, which stay.
    """

    audit_rows: int
    rows_sent: int
    answers: int
    feedback: int
    notes: int
    kept_pages: int
    snapshots: tuple[str, ...]
    remains: dict[str, dict[str, int]]

    @property
    def nothing(self) -> bool:
        """Whether the account was nowhere to be found."""
        counts = (self.audit_rows, self.rows_sent, self.answers, self.feedback, self.notes)
        return not (any(counts) or self.snapshots or self.remains)


def forget(
    home: Home, audit: Audit, account_id: str, *, by: str, now: datetime, dry_run: bool = False
) -> Forgotten:
    """Erase an account.

    Parameters
    ----------
    home : Home
        Whose snapshots.
    audit : Audit
        Whose rows.
    account_id : str
        Which account.
    by : str
        Who asked for it; recorded with what was found, not with whom it was about.
    now : datetime
        With its zone.
    dry_run : bool
        Say what would be erased, and erase nothing.
    """
    holding = [folder for folder in _snapshots(home) if _holds(folder, account_id)]
    remains = _remains(home, account_id)
    if not dry_run:
        for folder in holding:
            _write_without(folder, account_id, now)
    written = _erase_notes(home, account_id, dry_run=dry_run)
    with audit.write() as connection:
        counts = _erase_rows(connection, account_id, now, dry_run=dry_run)
        found = Forgotten(
            **counts,
            notes=written,
            kept_pages=len(_kept_pages(home)),
            snapshots=tuple(folder.name for folder in holding),
            remains=remains,
        )
        if not (dry_run or found.nothing):
            told = json.dumps(asdict(found))
            row = {"at": instant(now), "by": by, "found": told}
            connection.execute(sa.insert(ERASURES), row)
    if not dry_run:
        audit.settle()
        if not found.nothing:
            for path in _kept_pages(home):
                path.unlink(missing_ok=True)
    return found


def _erase_notes(home: Home, account_id: str, *, dry_run: bool) -> int:
    if not notes_file(home).is_file():
        return 0
    notes = open_notes(home)
    try:
        count = notes.about(account_id)
        if count and not dry_run:
            notes.erase(account_id)
    finally:
        notes.close()
    return count


def _kept_pages(home: Home) -> list[Path]:
    return sorted((home.path / CACHE).glob("*.json"))


def _erase_rows(
    connection: sa.Connection, account_id: str, now: datetime, *, dry_run: bool
) -> dict[str, int]:
    scores = _rows_about(connection, SCORES, SCORES.c.id, account_id)
    kept = _rows_about(connection, KEPT, KEPT.c.digest, account_id)
    answers = [
        (row.caller, row.idempotency_key)
        for row in connection.execute(sa.select(ANSWERS).where(_names(ANSWERS, account_id)))
        if account_id in json.loads(row.account_ids)
    ]
    own = sa.and_(FEEDBACK.c.account_id == account_id, FEEDBACK.c.erased_at.is_(None))
    notes = int(connection.scalar(sa.select(sa.func.count()).where(own)) or 0)
    if not dry_run:
        erased_at = instant(now)
        for key, ids in scores.items():
            others = [ERASED if each == account_id else each for each in ids]
            gone = {"request": None, "rows_digest": None, "erased_at": erased_at}
            row = sa.update(SCORES).where(SCORES.c.id == key)
            connection.execute(row.values(account_ids=json.dumps(others), **gone))
        for digest in kept:
            connection.execute(sa.delete(KEPT).where(KEPT.c.digest == digest))
        for caller, name in answers:
            same = (ANSWERS.c.caller == caller, ANSWERS.c.idempotency_key == name)
            connection.execute(sa.delete(ANSWERS).where(*same))
        blank = {"account_id": ERASED, "record": "{}", "erased_at": erased_at}
        connection.execute(sa.update(FEEDBACK).where(own).values(**blank))
    return {
        "audit_rows": len(scores),
        "rows_sent": len(kept),
        "answers": len(answers),
        "feedback": notes,
    }


def _names(table: sa.Table, account_id: str) -> sa.ColumnElement[bool]:
    """Return the condition that the JSON list of ``table`` may hold an id."""
    return table.c.account_ids.contains(json.dumps(account_id), autoescape=True)


def _rows_about(
    connection: sa.Connection, table: sa.Table, key: sa.Column[Any], account_id: str
) -> dict[Any, list[str]]:
    """Return the lists of accounts that hold an id, by key of their rows."""
    query = sa.select(key, table.c.account_ids).where(_names(table, account_id))
    lists = {row[0]: json.loads(row[1]) for row in connection.execute(query)}
    return {found: ids for found, ids in lists.items() if account_id in ids}


def _snapshots(home: Home) -> Iterator[Path]:
    return (path.parent for path in sorted(home.snapshots.glob("[!.]*/manifest.json")))


def _holds(folder: Path, account_id: str) -> bool:
    ids = pq.read_table(folder / "accounts.parquet", columns=["account_id"])["account_id"]
    return bool(pc.any(pc.equal(ids, account_id)).as_py())


def _write_without(folder: Path, account_id: str, now: datetime) -> None:
    """Write a snapshot anew without an account and put it in the place of the old one."""
    aside = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(aside, ignore_errors=True)
    shutil.copytree(folder, aside)
    for path in aside.glob("*.parquet"):
        rows = pq.read_table(path)
        if "account_id" in rows.column_names:
            rest = rows.filter(pc.not_equal(rows["account_id"], pa.scalar(account_id)))
            pq.write_table(rest, path, compression="zstd", row_group_size=ROWS_IN_A_GROUP)
    worklist = aside / "worklist.csv"
    worklist.write_text(_csv_without(worklist.read_text("utf-8"), account_id), "utf-8")
    mark = aside / MARK
    before = json.loads(mark.read_text("utf-8"))["accounts"] if mark.is_file() else 0
    mark.write_text(json.dumps({"accounts": before + 1, "newest_at": instant(now)}) + "\n", "utf-8")
    _map_anew(aside)
    (aside / "manifest.json").touch()  # tells the service that there is something new
    old = folder.with_name(f".{folder.name}.old.{os.getpid()}")
    folder.rename(old)
    aside.rename(folder)
    shutil.rmtree(old)


def _map_anew(folder: Path) -> None:
    """Write the mapped tables from the Parquet files, where the snapshot has any."""
    manifest = read_snapshot_manifest(folder, formats=FORMATS)
    if manifest.mapped:
        tables = online_tables(
            pq.read_table(folder / "items.parquet"), pq.read_table(folder / "accounts.parquet")
        )
        write_manifest(folder, replace(manifest, mapped=write_mapped(folder, tables)))


def _csv_without(text: str, account_id: str) -> str:
    rows = list(csv.reader(io.StringIO(text)))
    column = rows[0].index("account_id")
    stream = io.StringIO()
    # An id that a spreadsheet would take for a formula stands behind an apostrophe.
    own = (account_id, f"'{account_id}")
    csv.writer(stream, lineterminator="\n").writerows(row for row in rows if row[column] not in own)
    return stream.getvalue()


def _remains(home: Home, account_id: str) -> dict[str, dict[str, int]]:
    """Return how many rows of the account each ledger holds that was scored here."""
    ledgers = {
        read_snapshot_manifest(folder, formats=FORMATS).ledger for folder in _snapshots(home)
    }
    remains = {}
    for place in sorted(ledgers):
        try:
            own = restrict_ledger(open_ledger(Path(place)), [account_id])
        except LedgerError:
            continue
        counts = {name: rows.num_rows for name, rows in own.rows.items() if rows.num_rows}
        if counts:
            remains[place] = counts
    return remains
