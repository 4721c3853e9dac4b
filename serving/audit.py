"""The audit store: who was told which scores, when, from what.

One row per answer, committed before the answer leaves. The row names the model, the features,
the as-of date, the snapshot and the request, so that the same answer can be made again; of the
answer it keeps the digest. Rows that were sent are kept once, compressed, by their digest.
"""

import json
import threading
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from features.sources.database_url import DatabaseUrl
from serving.audit_rows import (
    POLICY,
    Given,
    Kept,
    KeyedAnswer,
    Noted,
    given_row,
    instant,
    note_row,
    noted,
)
from serving.audit_schema import (
    ANSWERS,
    FEEDBACK,
    KEPT,
    SCORES,
    AuditError,
    make_engine,
    migrate,
    reading,
)
from serving.group_commit import GroupCommit
from serving.settings import Settings

__all__ = ["Audit", "Given", "audit_of", "open_audit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """What one answer brings to the store."""

    given: Given | None
    kept: Sequence[Kept]
    keyed: KeyedAnswer | None
    notes: Sequence[Noted]


class Audit:
    """An audit store; usable from several threads and processes.

    Parameters
    ----------
    address : Path or DatabaseUrl
        SQLite file, made with mode 0600 when it is not there, or a database. Its layout is
        brought up to date on the first use, not here: a database that is away for a moment
        stops no service from starting.
    idempotency : timedelta
        How long an idempotency key gives the first answer again.
    """

    def __init__(
        self, address: Path | DatabaseUrl, *, idempotency: timedelta = timedelta(hours=24)
    ) -> None:
        self._engine = make_engine(address)
        self._idempotency = idempotency
        self._migrated = False
        self._stored_policies: set[str] = set()
        self._lock = threading.Lock()
        self._recording = GroupCommit(
            self._record_all, shared=(sa.exc.OperationalError, AuditError)
        )

    def check(self) -> None:
        """Make sure that the store answers and has its layout; SQLAlchemyError when it is away."""
        with self.read() as connection:
            connection.execute(sa.select(1))

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Open a transaction that only reads."""
        self._migrate()
        with reading(self._engine) as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Open a transaction; what it wrote is on disk when it ends without an error."""
        self._migrate()
        with self._engine.begin() as connection:
            yield connection

    def _migrate(self) -> None:
        if self._migrated:
            return
        with self._lock:
            if not self._migrated:
                migrate(self._engine)
                self._migrated = True

    def record(
        self,
        given: Given | None,
        *,
        kept: Sequence[Kept] = (),
        keyed: KeyedAnswer | None = None,
        notes: Sequence[Noted] = (),
    ) -> KeyedAnswer | None:
        """Commit an answer; when this returns, it is on disk.

        Threads that record at the same time share a transaction.

        Parameters
        ----------
        given : Given or None
            The row; None for an answer that gave no scores out.
        kept : sequence of Kept
            What the answer was made from.
        keyed : KeyedAnswer or None
            The answer under its idempotency key.
        notes : sequence of Noted
            Feedback that came with the request.

        Returns
        -------
        KeyedAnswer or None
            The answer that was stored under the key before, in which case nothing was written;
            None when this one was.
        """
        return self._recording(_Entry(given=given, kept=kept, keyed=keyed, notes=notes))

    def _record_all(self, entries: Sequence[_Entry]) -> list[KeyedAnswer | None]:
        """Commit entries in one transaction; return the earlier answer of each, if it has one."""
        with self.write() as connection:
            earlier = [self._write(connection, entry) for entry in entries]
            rows = [
                given_row(entry.given)
                for entry, found in zip(entries, earlier, strict=True)
                if entry.given is not None and found is None
            ]
            if rows:
                connection.execute(sa.insert(SCORES), rows)
        # Policies are few and stay; rows sent are looked at each time, since they age.
        for entry, found in zip(entries, earlier, strict=True):
            if found is None:
                self._stored_policies |= {kept.digest for kept in entry.kept if kept.kind == POLICY}
        return earlier

    def _write(self, connection: sa.Connection, entry: _Entry) -> KeyedAnswer | None:
        """Write what an entry brings besides its row; the answer that its key has, if any."""
        now = datetime.now(UTC) if entry.given is None else entry.given.at
        keyed = entry.keyed
        if keyed is not None and not self._claim(connection, keyed, now):
            return _stored_answer(connection, keyed.caller, keyed.idempotency_key)
        for content in entry.kept:
            if content.digest not in self._stored_policies:
                _keep(connection, content, now)
        if entry.notes:
            connection.execute(sa.insert(FEEDBACK), [note_row(note) for note in entry.notes])
        return None

    def answer_of(self, caller: str, idempotency_key: str) -> KeyedAnswer | None:
        """Return what a caller was answered under a key, None for a new or expired key."""
        oldest = instant(datetime.now(UTC) - self._idempotency)
        with self.read() as connection:
            return _stored_answer(connection, caller, idempotency_key, oldest)

    def _claim(self, connection: sa.Connection, keyed: KeyedAnswer, now: datetime) -> bool:
        """Store an answer under its key; False when the key holds one already."""
        own = _own_key(keyed.caller, keyed.idempotency_key)
        oldest = instant(now - self._idempotency)
        connection.execute(sa.delete(ANSWERS).where(*own, ANSWERS.c.at < oldest))
        row = {
            "caller": keyed.caller,
            "idempotency_key": keyed.idempotency_key,
            "at": instant(now),
            "route": keyed.route,
            "request_sha256": keyed.request_sha256,
            "account_ids": json.dumps(keyed.account_ids),
            "body": zlib.compress(keyed.body),
        }
        return _insert_new(connection, ANSWERS, row)

    def kept_text(self, digest: str) -> str | None:
        """Return kept content, None when it is gone."""
        with self.read() as connection:
            content = connection.scalar(sa.select(KEPT.c.content).where(KEPT.c.digest == digest))
        return None if content is None else zlib.decompress(content).decode()

    def rows_of_request(self, request_id: str) -> list[sa.RowMapping]:
        """Return the rows of a request id, oldest first; a caller may use an id again."""
        query = sa.select(SCORES).where(SCORES.c.request_id == request_id).order_by(SCORES.c.id)
        with self.read() as connection:
            return list(connection.execute(query).mappings())

    def feedback(self, *, through: int | None = None) -> list[Noted]:
        """Return what is noted and not erased, oldest first, up to the id ``through``."""
        query = sa.select(FEEDBACK).where(FEEDBACK.c.erased_at.is_(None)).order_by(FEEDBACK.c.id)
        if through is not None:
            query = query.where(FEEDBACK.c.id <= through)
        with self.read() as connection:
            return [noted(row) for row in connection.execute(query).mappings()]

    def feedback_state(self) -> tuple[int, str]:
        """Return the id of the newest feedback, 0 without any, and when some was erased last."""
        newest = sa.select(sa.func.max(FEEDBACK.c.id), sa.func.max(FEEDBACK.c.erased_at))
        with self.read() as connection:
            found, erased_at = connection.execute(newest).one()
        return int(found or 0), str(erased_at or "")

    def settle(self) -> None:
        """Leave nothing of deleted rows in SQLite's log; PostgreSQL vacuums by itself."""
        if self._engine.dialect.name == "sqlite":
            with self._engine.connect() as connection:
                driver = connection.connection.driver_connection
                driver.execute("pragma wal_checkpoint(truncate)")  # type: ignore[union-attr]

    def close(self) -> None:
        """Close the store's connections."""
        self._engine.dispose()


def audit_of(settings: Settings) -> Audit:
    """Return the audit store that the settings name."""
    return Audit(
        settings.audit_url or settings.home.audit,
        idempotency=timedelta(hours=settings.idempotency_hours),
    )


@contextmanager
def open_audit(settings: Settings) -> Iterator[Audit]:
    """Open the audit store that the settings name, and close it afterwards."""
    audit = audit_of(settings)
    try:
        yield audit
    finally:
        audit.close()


def _keep(connection: sa.Connection, content: Kept, now: datetime) -> None:
    """Store content once; storing it again tells the retention that it is in use."""
    row = {
        "digest": content.digest,
        "kind": content.kind,
        "used_at": instant(now),
        "account_ids": json.dumps(content.account_ids),
        "content": zlib.compress(content.text.encode()),
    }
    if not _insert_new(connection, KEPT, row):
        same = KEPT.c.digest == content.digest
        connection.execute(sa.update(KEPT).where(same).values(used_at=row["used_at"]))


def _insert_new(connection: sa.Connection, table: sa.Table, row: dict[str, Any]) -> bool:
    """Insert a row; False when there is one with its key, which is left alone."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(table).values(row).on_conflict_do_nothing()
    key = next(iter(table.primary_key))
    return connection.execute(statement.returning(key)).first() is not None


def _own_key(caller: str, idempotency_key: str) -> tuple[sa.ColumnElement[bool], ...]:
    return ANSWERS.c.caller == caller, ANSWERS.c.idempotency_key == idempotency_key


def _stored_answer(
    connection: sa.Connection, caller: str, idempotency_key: str, oldest: str = ""
) -> KeyedAnswer | None:
    own = _own_key(caller, idempotency_key)
    query = sa.select(ANSWERS).where(*own, ANSWERS.c.at >= oldest)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        return None
    return KeyedAnswer(
        caller=caller,
        idempotency_key=idempotency_key,
        route=row["route"],
        request_sha256=row["request_sha256"],
        account_ids=tuple(json.loads(row["account_ids"])),
        body=zlib.decompress(row["body"]),
    )
