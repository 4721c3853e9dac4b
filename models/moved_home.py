"""A home that was moved to another folder takes its registry along.

MLflow writes the whole address of every artifact into its database, so after a move each one
points at where the home was. Only the home's own SQLite file is mended, and only when nothing
stands at the old place any more: a copy beside its original stays as it is.
"""

import contextlib
import sqlite3
from pathlib import Path
from urllib.parse import unquote, urlparse

from models.home import Home

ADDRESSES: tuple[tuple[str, str], ...] = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
"""Tables and columns of MLflow's database that hold addresses of artifacts."""

_WAIT_SECONDS = 30.0


def follow_move(home: Home) -> str | None:
    """Point the registry at the home's folder of artifacts when the home was moved.

    Parameters
    ----------
    home : Home
        Whose ``mlflow.db``; nothing happens where there is none.

    Returns
    -------
    str or None
        The address that stood there before; None when nothing was changed.
    """
    file, here = home.path / "mlflow.db", home.artifacts.resolve()
    if not file.is_file() or not here.is_dir():
        return None
    with contextlib.closing(sqlite3.connect(file, timeout=_WAIT_SECONDS)) as database:
        old = _recorded(database)
        if old is None or old == here.as_uri() or _folder(old).exists():
            return None
        with database:  # one transaction: all addresses or none
            for table, column in ADDRESSES:
                _replace(database, table, column, old, here.as_uri())
    return old


def _recorded(database: sqlite3.Connection) -> str | None:
    """Return where the newest experiment of the home's own keeps its artifacts."""
    try:
        row = database.execute(
            "select artifact_location from experiments where artifact_location like "
            "'file:///%/artifacts' order by experiment_id desc limit 1"
        ).fetchone()
    except sqlite3.OperationalError:  # the file has no tables yet
        return None
    return None if row is None else str(row[0])


def _folder(address: str) -> Path:
    return Path(unquote(urlparse(address).path))


def _replace(database: sqlite3.Connection, table: str, column: str, old: str, new: str) -> None:
    """Replace the start of every address at or below ``old``."""
    known = {row[1] for row in database.execute(f"pragma table_info({table})")}
    if column not in known:  # a database of another MLflow
        return
    database.execute(
        f"update {table} set {column} = ? || substr({column}, ?) "  # noqa: S608 (from ADDRESSES)
        f"where {column} = ? or substr({column}, 1, ?) = ?",
        (new, len(old) + 1, old, len(old) + 1, f"{old}/"),
    )
