"""The tables of the audit store, and how a database gets them.

SQLite by default, PostgreSQL by address; the layout is brought up to date with the migrations
in ``serving/migrations`` when a store is first used. Rows are text as people read it: instants
in UTC as ISO text, which sorts by time, and lists as JSON.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.pool import ConnectionPoolEntry

from features.sources.database_url import DatabaseUrl

HEAD = "0002"
"""Layout that this release reads and writes."""

READING = "rollrisk_reading"
_MIGRATING = 0x726F6C6C
"""Advisory lock of PostgreSQL under which one process migrates and the others wait."""

_PRAGMAS = (
    "busy_timeout = 10000",
    "journal_mode = wal",
    "synchronous = full",  # what is committed is on disk
    "secure_delete = on",  # what is erased is overwritten
)

METADATA = sa.MetaData()
_COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text(*names: str) -> Iterator[sa.Column[str]]:
    for name in names:
        yield sa.Column(name, sa.Text(), nullable=False)


SCORES = sa.Table(
    "scores",
    METADATA,
    sa.Column("id", _COUNTER, sa.Identity(), primary_key=True),
    *_text("request_id", "at", "caller", "route", "model_version", "feature_digest", "as_of"),
    *_text("snapshot", "account_ids", "response_sha256"),
    sa.Column("request", sa.Text()),
    sa.Column("served", sa.Text()),
    sa.Column("policy_digest", sa.Text()),
    sa.Column("rows_digest", sa.Text()),
    sa.Column("software", sa.Text()),
    sa.Column("erased_at", sa.Text()),
    sa.Column("feedback_seen", sa.BigInteger()),
    sa.Index("scores_request_id", "request_id"),
    sa.Index("scores_at", "at"),
)
"""Every answer that gave scores out, and what it is made again from."""

KEPT = sa.Table(
    "kept",
    METADATA,
    sa.Column("digest", sa.Text(), primary_key=True),
    *_text("kind", "used_at", "account_ids"),
    sa.Column("content", sa.LargeBinary(), nullable=False),
)
"""Rows sent and policies, compressed, once per content."""

ANSWERS = sa.Table(
    "answers",
    METADATA,
    sa.Column("caller", sa.Text(), primary_key=True),
    sa.Column("idempotency_key", sa.Text(), primary_key=True),
    *_text("at", "route", "request_sha256", "account_ids"),
    sa.Column("body", sa.LargeBinary(), nullable=False),
)
"""Answers that an idempotency key gives again."""

FEEDBACK = sa.Table(
    "feedback",
    METADATA,
    sa.Column("id", _COUNTER, sa.Identity(), primary_key=True),
    *_text("request_id", "at", "caller", "kind", "account_id", "record"),
    sa.Column("erased_at", sa.Text()),
    sa.Index("feedback_account_id", "account_id"),
)
"""What collectors did and decided; never read by a feature."""

ERASURES = sa.Table(
    "erasures",
    METADATA,
    sa.Column("id", _COUNTER, sa.Identity(), primary_key=True),
    *_text("at", "by", "found"),
)
"""That something was erased, when and by whom; not whose it was."""


class AuditError(RuntimeError):
    """A store that cannot be used; the message names the next step."""


def make_engine(address: Path | DatabaseUrl) -> sa.Engine:
    """Return an engine for a SQLite file, made with mode 0600, or for a database.

    Statements are never logged with their values: these name accounts.
    """
    if isinstance(address, DatabaseUrl):
        engine = sa.create_engine(
            address.full, pool_pre_ping=True, hide_parameters=True, pool_size=8, pool_timeout=10
        )
    else:
        address.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(address, os.O_RDWR | os.O_CREAT, 0o600))
        url = sa.URL.create("sqlite", database=str(address))
        engine = sa.create_engine(url, hide_parameters=True)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: Any, record: ConnectionPoolEntry) -> None:  # noqa: ANN401 (the driver's)
    del record
    connection.isolation_level = None  # transactions are begun by `_begin_sqlite`
    for pragma in _PRAGMAS:
        connection.execute(f"pragma {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    # A writer takes the lock at once: taken later, it may find that it waits in vain.
    reading = connection.get_execution_options().get(READING, False)
    connection.exec_driver_sql("begin" if reading else "begin immediate")


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Open a transaction that only reads; on SQLite it waits for no writer."""
    with engine.connect().execution_options(**{READING: True}) as connection, connection.begin():
        yield connection


def migrate(engine: sa.Engine) -> None:
    """Bring the layout up to date, in one transaction; processes that race wait for the first.

    Raises
    ------
    AuditError
        When a later release wrote the store.
    """
    with reading(engine) as connection:
        if _layout(connection) == HEAD:
            return
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATING)))
        found = _layout(connection)
        if found != HEAD:
            _upgrade(connection, found)


def _layout(connection: sa.Connection) -> str | None:
    """Return the layout's version; None for an empty store and for one of the first release."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    version = sa.table("alembic_version", sa.column("version_num", sa.Text()))
    found: str | None = connection.scalar(sa.select(version.c.version_num))
    return found


def _upgrade(connection: sa.Connection, found: str | None) -> None:
    from alembic import command  # noqa: PLC0415 (a store is migrated once)
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    try:
        if found is not None:
            ScriptDirectory.from_config(config).get_revision(found)
    except CommandError as error:
        raise AuditError(
            f"The audit store has layout {found}, which this release does not know; it knows "
            f"up to {HEAD}. Use the release that wrote it, or a newer one."
        ) from error
    command.upgrade(config, "head")
