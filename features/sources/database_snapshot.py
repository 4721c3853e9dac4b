"""A read-only connection in which all tables show one moment."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, NullPool, create_engine, func, select
from sqlalchemy.exc import DBAPIError, NoSuchModuleError, SQLAlchemyError

from features.ledger.sensitive import redact
from features.sources.base import ContractError
from features.sources.database_url import DatabaseUrl

ONE_MOMENT = frozenset({"postgresql", "sqlite"})
"""Databases for which :func:`open_snapshot` promises that the tables agree with one another."""


@contextmanager
def open_snapshot(url: DatabaseUrl, time_zone: str) -> Iterator[Connection]:
    """Open a transaction that reads and cannot write, and end it afterwards.

    On PostgreSQL it is one REPEATABLE READ, READ ONLY transaction in ``time_zone``, on SQLite
    one transaction under ``query_only``; elsewhere the database's own default holds.

    Raises
    ------
    ContractError
        When the driver is missing, or the database refuses the connection or a statement; the
        message shows neither the password nor what looks like a card number.
    """
    try:
        engine = create_engine(url.full, poolclass=NullPool, hide_parameters=True)
    except NoSuchModuleError:
        raise ContractError(
            f"{url.shown}: SQLAlchemy knows no database {url.full.drivername!r}. "
            "Write postgresql:// or sqlite:///, or install the dialect."
        ) from None
    except ModuleNotFoundError as error:
        raise ContractError(
            f"{url.shown}: the driver {error.name!r} is not installed. "
            "For PostgreSQL: pip install 'psycopg[binary]', which is the extra `sql`."
        ) from None
    except (SQLAlchemyError, TypeError) as error:
        raise ContractError(f"{url.shown}: {told(url, error)}") from None
    try:
        _refuse_missing_file(url)
        with engine.connect() as connection:
            _begin(connection, time_zone)
            yield connection
    except SQLAlchemyError as error:
        raise ContractError(f"{url.shown}: {told(url, error)}") from None
    finally:
        engine.dispose()


def _begin(connection: Connection, time_zone: str) -> None:
    backend = connection.dialect.name
    if backend == "postgresql":
        connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        connection.execute(select(func.set_config("TimeZone", time_zone, True)))
    elif backend == "sqlite":
        connection.exec_driver_sql("pragma query_only = on")
        connection.exec_driver_sql("begin")


def _refuse_missing_file(url: DatabaseUrl) -> None:
    """Refuse an SQLite file that is not there; the driver would make an empty one."""
    file = url.full.database
    if url.full.get_backend_name() != "sqlite" or not file or file == ":memory:":
        return
    if not file.startswith("file:") and not Path(file).is_file():
        raise ContractError(f"{url.shown}: there is no such file.")


def told(url: DatabaseUrl, error: Exception) -> str:
    """Return what a driver says, without its statement and without secrets."""
    said = str(error.orig) if isinstance(error, DBAPIError) else str(error)
    lines = [" ".join(line.split()) for line in said.splitlines() if line.strip()]
    kept = [*lines[:1], *(line for line in lines[1:] if line.startswith(("HINT", "DETAIL")))]
    return redact(url.hide(" ".join(kept) or type(error).__name__))
