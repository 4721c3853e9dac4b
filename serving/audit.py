"""The audit store: who was told which scores, when, from what.

One row per answer, committed before the answer leaves. The row names the model, the features,
the as-of date and the snapshot, so that the same answer can be made again; of the answer it
keeps the digest.
"""

import json
import os
import sqlite3
import threading
from dataclasses import astuple, dataclass, fields
from datetime import date, datetime
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One answer that gave scores out.

    Parameters
    ----------
    request_id : str
        Names the answer; it is also in the answer.
    at : datetime
        When, with its zone.
    caller : str
        Name of the key.
    route : str
        Path that was asked.
    model_version, feature_digest : str
        What scored.
    as_of : date
        Observation date.
    snapshot : str
        Name of the snapshot; for rows sent, ``rows-`` and the digest of the rows.
    account_ids : tuple of str
        Accounts in the answer, in its order.
    response_sha256 : str
        Digest of the body, hexadecimal.
    """

    request_id: str
    at: datetime
    caller: str
    route: str
    model_version: str
    feature_digest: str
    as_of: date
    snapshot: str
    account_ids: tuple[str, ...]
    response_sha256: str


_COLUMNS = tuple(entry.name for entry in fields(Given))


class Audit:
    """An open audit store; usable from several threads.

    Parameters
    ----------
    path : Path
        SQLite file, made with mode 0600 when it is not there.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, check_same_thread=False, timeout=10)
        with self._lock, self._connection:
            self._connection.execute("pragma journal_mode = wal")
            self._connection.execute("pragma synchronous = full")
            columns = ", ".join(f"{name} text not null" for name in _COLUMNS)
            self._connection.execute(
                f"create table if not exists scores (id integer primary key, {columns})"
            )
            self._connection.execute(
                "create index if not exists scores_request_id on scores (request_id)"
            )

    def record(self, given: Given) -> None:
        """Commit one row; when this returns, the row is on disk."""
        values = [_text(value) for value in astuple(given)]
        marks = ", ".join("?" for _ in _COLUMNS)
        with self._lock, self._connection:
            self._connection.execute(
                f"insert into scores ({', '.join(_COLUMNS)}) values ({marks})",  # noqa: S608 (own names)
                values,
            )

    def close(self) -> None:
        """Close the store."""
        with self._lock:
            self._connection.close()


def _text(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return json.dumps(value)
    return str(value)
