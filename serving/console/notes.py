"""What managers write down: reviewers' notes, sign-offs, and overlays on the allowance.

Rows are added and never changed: a sign-off is withdrawn by a later row. Each says who wrote it,
when, and which model and snapshot were on the page.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from models.home import Home

Kind = Literal["note", "signed", "reopened", "overlay", "overlay_ended"]

ABOUT_ACCOUNTS: tuple[Kind, ...] = ("note", "signed", "reopened")
ERASED = "[erased]"

_METADATA = sa.MetaData()
_NOTES = sa.Table(
    "console_notes",
    _METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("at", sa.String(40), nullable=False),
    sa.Column("author", sa.String(200), nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("about", sa.String(200), nullable=False, index=True),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("amount_cents", sa.BigInteger, nullable=False),
    sa.Column("title", sa.String(200), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("snapshot", sa.String(200), nullable=False),
    sa.Column("model_version", sa.String(100), nullable=False),
    sa.Column("request_id", sa.String(64), nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One row.

    Parameters
    ----------
    at : datetime
        When, with its zone.
    author : str
        Name of the key.
    kind : str
        ``note``, ``signed`` or ``reopened`` of an account; ``overlay`` or ``overlay_ended``.
    about : str
        The account; of an overlay its segment, empty for the whole portfolio; of an ended
        overlay the number of its row.
    currency, amount_cents : str, int
        Of an overlay; empty and 0 otherwise.
    title, text : str
        Name of an overlay, and what was written.
    snapshot, model_version, request_id : str
        What was on the page, and the request that wrote.
    number : int
        Number of the row, given by the store.
    """

    at: datetime
    author: str
    kind: Kind
    about: str
    text: str
    snapshot: str
    model_version: str
    request_id: str
    currency: str = ""
    amount_cents: int = 0
    title: str = ""
    number: int = 0


class Notes:
    """An open store of notes, usable from several threads.

    Parameters
    ----------
    url : str
        Database address as SQLAlchemy reads it.
    """

    def __init__(self, url: str) -> None:
        self._engine = sa.create_engine(url)
        _METADATA.create_all(self._engine)

    def add(self, note: Note) -> None:
        """Commit one row."""
        with self._begin() as connection:
            connection.execute(
                _NOTES.insert().values(
                    at=note.at.astimezone(UTC).isoformat(timespec="seconds"),
                    author=note.author,
                    kind=note.kind,
                    about=note.about,
                    currency=note.currency,
                    amount_cents=note.amount_cents,
                    title=note.title,
                    text=note.text,
                    snapshot=note.snapshot,
                    model_version=note.model_version,
                    request_id=note.request_id,
                )
            )

    def of_account(self, account_id: str) -> tuple[Note, ...]:
        """Return what was written about an account, newest first."""
        return self._read(_written_about(account_id))

    def overlays(self, currency: str) -> tuple[Note, ...]:
        """Return the overlays in force, newest first."""
        ended = {note.about for note in self._read(_NOTES.c.kind == "overlay_ended")}
        found = self._read((_NOTES.c.kind == "overlay") & (_NOTES.c.currency == currency))
        return tuple(note for note in found if str(note.number) not in ended)

    def about(self, account_id: str) -> int:
        """Count the rows about an account."""
        with self._begin() as connection:
            query = sa.select(sa.func.count()).where(_written_about(account_id))
            return int(connection.scalar(query) or 0)

    def erase(self, account_id: str) -> None:
        """Take out whom and what the rows about an account were about; who wrote when stays."""
        with self._begin() as connection:
            connection.exec_driver_sql("pragma secure_delete = on")  # overwritten, not just freed
            connection.execute(
                sa.update(_NOTES).where(_written_about(account_id)).values(about=ERASED, text="")
            )
        with self._engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("vacuum")

    def close(self) -> None:
        """Close the store."""
        self._engine.dispose()

    def _read(self, condition: sa.ColumnElement[bool]) -> tuple[Note, ...]:
        query = sa.select(_NOTES).where(condition).order_by(_NOTES.c.id.desc())
        with self._begin() as connection:
            rows = connection.execute(query).mappings().all()
        return tuple(
            Note(
                number=row["id"],
                at=datetime.fromisoformat(row["at"]),
                **{name: row[name] for name in row if name not in ("id", "at")},
            )
            for row in rows
        )

    @contextmanager
    def _begin(self) -> Iterator[Connection]:
        with self._engine.begin() as connection:
            yield connection


def _written_about(account_id: str) -> sa.ColumnElement[bool]:
    return _NOTES.c.kind.in_(ABOUT_ACCOUNTS) & (_NOTES.c.about == account_id)


def notes_file(home: Home) -> Path:
    """Return the file of an installation's notes, there or not."""
    return home.path / "console.db"


def open_notes(home: Home) -> Notes:
    """Return the notes of an installation."""
    home.path.mkdir(parents=True, exist_ok=True)
    return Notes(f"sqlite:///{notes_file(home)}")
