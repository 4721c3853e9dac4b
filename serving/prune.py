"""Retention: what is older than its time is deleted, and what is served never is."""

import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from models.home import Home
from models.snapshot import FORMATS, NoSnapshotError, current_snapshot, read_snapshot_manifest
from serving.audit import Audit
from serving.audit_rows import ROWS, instant
from serving.audit_schema import ANSWERS, FEEDBACK, KEPT, SCORES
from serving.console.past import CACHE

LEFTOVER_SECONDS = 24 * 3600
"""Temporary folders older than this were left behind by a process that was stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How many days each thing is kept.

    Parameters
    ----------
    snapshots : int
        By as-of day. Answers from a snapshot that is gone cannot be replayed.
    rows : int
        Ledger rows sent, since an answer last used them. Without them the answer cannot be
        replayed.
    audit : int
        Who was told which scores, and what collectors told.
    answers : float
        Answers under idempotency keys.
    """

    snapshots: int = 400
    rows: int = 90
    audit: int = 2557
    answers: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What was deleted, or would be: names of snapshots, counts of rows."""

    snapshots: tuple[str, ...]
    leftovers: tuple[str, ...]
    rows_sent: int
    answers: int
    audit_rows: int
    feedback: int

    @property
    def counts(self) -> dict[str, int]:
        """How many of each."""
        return {
            name: value if isinstance(value, int) else len(value)
            for name, value in asdict(self).items()
        }


def prune(
    home: Home, audit: Audit, keep: Retention, *, now: datetime, dry_run: bool = False
) -> Pruned:
    """Delete what is beyond its time.

    Parameters
    ----------
    home : Home
        Whose snapshots; the published one stays, however old.
    audit : Audit
        Whose rows.
    keep : Retention
        How long.
    now : datetime
        With its zone.
    dry_run : bool
        Say what would be deleted, and delete nothing.
    """
    old = tuple(_old_snapshots(home, now.date() - timedelta(days=keep.snapshots)))
    left = tuple(_leftovers(home.snapshots))
    counts = _prune_rows(audit, keep, now, dry_run=dry_run)
    if not dry_run:
        for folder in (*old, *left):
            _delete(folder)
            (home.path / CACHE / f"{folder.name}.json").unlink(missing_ok=True)
    return Pruned(
        snapshots=tuple(folder.name for folder in old),
        leftovers=tuple(folder.name for folder in left),
        **counts,
    )


def _old_snapshots(home: Home, oldest: date) -> Iterator[Path]:
    """Yield the snapshots of days before ``oldest`` that are not served; broken ones stay."""
    try:
        served = current_snapshot(home)
    except NoSnapshotError:
        served = None
    for folder in sorted(home.snapshots.glob("[!.]*/")):
        if folder == served:
            continue
        try:
            as_of = read_snapshot_manifest(folder, formats=FORMATS).as_of
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if as_of < oldest:
            yield folder


def _leftovers(snapshots: Path) -> Iterator[Path]:
    """Yield temporary files and folders that nobody will finish."""
    for path in sorted(snapshots.glob(".*")):
        if time.time() - path.stat().st_mtime > LEFTOVER_SECONDS:
            yield path


def _delete(path: Path) -> None:
    """Take a snapshot out of sight in one step, then delete it."""
    if path.is_file():
        path.unlink()
        return
    gone = path.with_name(f".{path.name.lstrip('.')}.deleted.{os.getpid()}")
    path.rename(gone)
    shutil.rmtree(gone)


def _prune_rows(audit: Audit, keep: Retention, now: datetime, *, dry_run: bool) -> dict[str, int]:
    def before(days: float) -> str:
        return instant(now - timedelta(days=days))

    beyond = {
        "rows_sent": (KEPT, sa.and_(KEPT.c.kind == ROWS, KEPT.c.used_at < before(keep.rows))),
        "answers": (ANSWERS, ANSWERS.c.at < before(keep.answers)),
        "audit_rows": (SCORES, SCORES.c.at < before(keep.audit)),
        "feedback": (FEEDBACK, FEEDBACK.c.at < before(keep.audit)),
    }
    counts = {}
    with audit.write() as connection:
        for name, (table, condition) in beyond.items():
            query = sa.select(sa.func.count()).select_from(table).where(condition)
            counts[name] = int(connection.scalar(query) or 0)
            if not dry_run:
                connection.execute(sa.delete(table).where(condition))
    return counts
