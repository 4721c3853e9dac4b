"""Run the feature SQL of a ledger for a list of as-of dates, on DuckDB.

The ``.sql`` files under ``features/sql`` are the only definition of a feature. Each is one
``select`` over the ledger views (see ``features.ledger.read``), the input tables

``as_of_dates(as_of)``
    The observation dates asked for.
``settings(tolerance_cents, promise_grace_days)``
    One row of business rules.
``usual_curve(day, hazard, total)``
    When business customers usually pay, for accounts with little history.

and the results of the stages before it. The engine materialises each stage once, for all
dates together.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import Any

import duckdb
import pyarrow as pa

from features.ledger.read import Ledger, show_tables
from features.usual_curve import usual_curve

ITEM_STAGES = ("item_states", "documents", "open_items", "open_accounts")
"""Stages that answer what is open, how much and how old."""

FEATURE_STAGES = (
    "settlements",
    "promise_states",
    "unapplied",
    "plan_states",
    "document",
    "ageing",
    "payment_behaviour",
    "regularity",
    "peer_items",
    "own_history",
    "life_table",
    "exposure",
    "returns",
    "item_returns",
    "disputing",
    "promise_keeping",
    "plans",
    "credit_use",
    "terms_of_trade",
    "calendar",
)
"""Stages that describe payment behaviour, in order of their needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Business rules that every query shares.

    Parameters
    ----------
    tolerance : float
        An item is open when its balance exceeds this amount of document currency.
    promise_grace_days : int
        Days after the promised date within which cash still keeps the promise.
    """

    tolerance: float = 1.0
    promise_grace_days: int = 3

    @property
    def tolerance_cents(self) -> int:
        """The tolerance in cents."""
        return round(self.tolerance * 100)


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """How DuckDB may use the machine.

    Parameters
    ----------
    threads : int or None
        Worker threads; None for all cores.
    memory_limit : str or None
        For example ``"2GB"``; None for DuckDB's own limit.
    spill_folder : str or None
        Folder for work that does not fit into memory.
    """

    threads: int | None = None
    memory_limit: str | None = None
    spill_folder: str | None = None


@cache
def query_text(name: str) -> str:
    """Return the text of ``features/sql/<name>.sql``."""
    return resources.files("features.sql").joinpath(f"{name}.sql").read_text("utf-8")


class Session:
    """A DuckDB connection that holds a ledger's stages for some as-of dates."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._done: set[str] = set()

    def run(self, stages: Sequence[str], progress: Callable[[str], None] | None = None) -> None:
        """Materialise ``stages`` that have not run yet; report each name to ``progress``."""
        for stage in stages:
            if stage in self._done:
                continue
            if progress is not None:
                progress(stage)
            self._connection.execute(f'create temp table "{stage}" as {query_text(stage)}')
            self._done.add(stage)

    def arrow(self, sql: str) -> pa.Table:
        """Return the result of a query over the stages as an Arrow table."""
        return self._connection.sql(sql).to_arrow_table()

    def register(self, name: str, table: pa.Table) -> None:
        """Make an Arrow table readable under ``name``."""
        self._connection.execute(f'drop view if exists "{name}"')
        self._connection.register(name, table)


@contextmanager
def open_session(
    ledger: Ledger,
    as_of: Sequence[date],
    rules: Rules | None = None,
    options: EngineOptions | None = None,
    *,
    beside: Mapping[str, Ledger] | None = None,
) -> Iterator[Session]:
    """Open a session on ``ledger`` for the dates in ``as_of``.

    Parameters
    ----------
    ledger : Ledger
        From ``open_ledger`` or ``ledger_from_rows``.
    as_of : sequence of date
        Observation dates; repeated dates count once.
    rules, options : Rules, EngineOptions
        Defaults apply when None.
    beside : mapping of str to Ledger
        Further ledgers, whose tables are shown in a schema of the given name.

    Raises
    ------
    ValueError
        When ``as_of`` is empty.
    """
    if not as_of:
        raise ValueError("as_of must name at least one date, got none.")
    rules = rules or Rules()
    others = dict(beside or {})
    config = _config((ledger, *others.values()), options or EngineOptions())
    connection = duckdb.connect(":memory:", config=config)
    try:
        show_tables(connection, ledger)
        for schema, other in others.items():
            show_tables(connection, other, schema)
        dates = pa.table({"as_of": pa.array(sorted(set(as_of)), pa.date32())})
        connection.register("as_of_rows", dates)
        connection.execute("create temp table as_of_dates as select as_of from as_of_rows")
        connection.execute(
            "create temp table settings as select cast(? as bigint) as tolerance_cents, "
            "cast(? as integer) as promise_grace_days",
            [rules.tolerance_cents, rules.promise_grace_days],
        )
        connection.register("usual_curve", usual_curve())
        yield Session(connection)
    finally:
        connection.close()


def _config(ledgers: Sequence[Ledger], options: EngineOptions) -> dict[str, Any]:
    config: dict[str, Any] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "enable_external_access": any(ledger.files for ledger in ledgers),
        "threads": options.threads or os.cpu_count() or 1,
    }
    if options.memory_limit is not None:
        config["memory_limit"] = options.memory_limit
    if options.spill_folder is not None:
        config["temp_directory"] = options.spill_folder
    return config
