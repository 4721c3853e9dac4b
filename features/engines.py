"""Run the feature SQL of a ledger for a list of as-of dates, on DuckDB or on Spark.

The ``.sql`` files under ``features/sql`` are the only definition of a feature. Each is one
``select`` over the ledger views (see ``features.ledger.read``), the input tables (see
``features.inputs``) and the results of the stages before it. An engine materialises each
stage once, for all dates together. DuckDB is part of this process; Spark runs the same files
(see ``features.spark``) and gives the same bytes.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import Any, Literal, Protocol, get_args

import duckdb
import pyarrow as pa

from features.inputs import Rules, date_tables, input_tables
from features.ledger.read import Ledger, show_tables

STATE_STAGES = ("credited_sources", "applied", "due_dates", "item_states")
"""Stages that answer what the books showed of each invoice."""

ITEM_STAGES = (
    *STATE_STAGES,
    "open_items",
    "open_accounts",
    "asked_accounts",
)
"""Stages that answer what is open, how much and how old."""

LASTING_STAGES = (*STATE_STAGES, "source_states")
"""Stages that hold every day asked for; the others answer for the dates in hand."""

FEATURE_STAGES = (
    "source_states",
    "histories",
    "promise_states",
    "unapplied",
    "plan_states",
    "known_disputes",
    "dated_terms",
    "document",
    "ageing",
    "past_ageing",
    "payment_behaviour",
    "pay_days",
    "regularity",
    "recent_payments",
    "peer_items",
    "own_history",
    "life_table",
    "own_rolls",
    "billing",
    "item_against_usual",
    "returns",
    "item_returns",
    "disputing",
    "item_disputes",
    "promise_keeping",
    "item_promises",
    "item_plans",
    "credit_use",
    "terms_of_trade",
    "family",
    "due_calendar",
)
"""Stages that describe payment behaviour, in order of their needs."""

CLUSTERED_BY = {"histories": "account_no", "peer_items": "as_of, account_no"}
"""Order in which DuckDB stores the stages that others sum up by account.

A sum by account then meets the rows of an account together, which is about a third quicker;
the values do not depend on it.
"""

PEER_STAGES = ("peer_groups", "peer_levels")
"""Stages that describe all accounts of a kind; a model's profile holds what they say."""


EngineName = Literal["duckdb", "spark"]
ENGINES: tuple[EngineName, ...] = get_args(EngineName)


class EngineError(ValueError):
    """An engine cannot run on this machine, or cannot do what was asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """Which engine runs the queries, and how it may use the machine.

    On Spark the other parameters hold for the local Spark that rollrisk starts; a Spark
    session that is there already keeps its own settings.

    Parameters
    ----------
    engine : {"duckdb", "spark"}
        ``spark`` needs the extra ``rollrisk[spark]`` and Java.
    threads : int or None
        Worker threads; None for all cores.
    memory_limit : str or None
        For example ``"2GB"``; None for the engine's own limit.
    spill_folder : str or None
        Folder for work that does not fit into memory.
    dates_at_once : int
        As-of dates whose payment histories are unrolled together: more are a little quicker
        and need more memory. The values do not depend on it.
    """

    engine: EngineName = "duckdb"
    threads: int | None = None
    memory_limit: str | None = None
    spill_folder: str | None = None
    dates_at_once: int = 12


def needed_stages(queries: Iterable[str]) -> tuple[str, ...]:
    """Return the stages that some queries build on, and the queries, in order.

    Examples
    --------
    >>> needed_stages(["known_disputes"])[-3:]
    ('open_accounts', 'asked_accounts', 'known_disputes')
    """
    every = (*ITEM_STAGES, *FEATURE_STAGES)
    needed = {*queries, "open_items"}
    for stage in reversed(every):
        if stage in needed:
            words = _words(stage)
            needed.update(name for name in every if name in words)
    return tuple(stage for stage in every if stage in needed)


@cache
def _words(stage: str) -> frozenset[str]:
    """Return the words of a query, comments left out."""
    return frozenset(re.findall(r"\w+", re.sub(r"--.*", "", query_text(stage))))


@cache
def query_text(name: str) -> str:
    """Return the text of ``features/sql/<name>.sql``."""
    return resources.files("features.sql").joinpath(f"{name}.sql").read_text("utf-8")


class Session(Protocol):
    """A ledger's stages for some as-of dates, on either engine. Queries are DuckDB's SQL."""

    as_of: tuple[date, ...]

    def turn_to(self, as_of: Sequence[date]) -> None:
        """Let the stages answer for some of the session's dates, until told otherwise.

        What holds for every date is kept; stages that answered for other dates are dropped.
        """

    def run(self, stages: Sequence[str], progress: Callable[[str], None] | None = None) -> None:
        """Materialise ``stages`` that have not run yet; report each name to ``progress``."""

    def arrow(self, sql: str) -> pa.Table:
        """Return the result of a query over the stages as an Arrow table."""

    def register(self, name: str, table: pa.Table) -> None:
        """Make an Arrow table readable under ``name``."""


class DuckDBSession:
    """A DuckDB connection that holds a ledger's stages."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, as_of: Sequence[date]) -> None:
        self._connection = connection
        self._done: set[str] = set()
        self.as_of = tuple(sorted(set(as_of)))

    def turn_to(self, as_of: Sequence[date]) -> None:
        """Let the stages answer for some of the session's dates, until told otherwise."""
        for stage in self._done.difference(LASTING_STAGES):
            self._connection.execute(f'drop table "{stage}"')
        self._done.intersection_update(LASTING_STAGES)
        for name, table in date_tables(as_of).items():
            self.register(name, table)

    def run(self, stages: Sequence[str], progress: Callable[[str], None] | None = None) -> None:
        """Materialise ``stages`` that have not run yet; report each name to ``progress``."""
        for stage in stages:
            if stage in self._done:
                continue
            if progress is not None:
                progress(stage)
            order = f" order by {CLUSTERED_BY[stage]}" if stage in CLUSTERED_BY else ""
            self._connection.execute(
                f'create temp table "{stage}" as from ({query_text(stage)}\n){order}'
            )
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
    watched: Sequence[date] = (),
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
    watched : sequence of date
        Further days on which the states of items are read.
    beside : mapping of str to Ledger
        Further ledgers, whose tables are shown in a schema of the given name.

    Raises
    ------
    ValueError
        When ``as_of`` is empty.
    EngineError
        When Spark is asked for and cannot run here, or with ledgers beside.
    """
    chosen = options or EngineOptions()
    inputs = input_tables(as_of, rules or Rules(), watched)
    if chosen.engine == "spark":
        if beside:
            raise EngineError("Ledgers are compared on DuckDB; engine must be 'duckdb'.")
        with _spark_session(ledger, as_of, inputs, chosen) as session:
            yield session
        return
    others = dict(beside or {})
    config = _config((ledger, *others.values()), chosen)
    connection = duckdb.connect(":memory:", config=config)
    try:
        show_tables(connection, ledger)
        for schema, other in others.items():
            show_tables(connection, other, schema)
        for name, table in inputs.items():
            connection.register(name, table)
        yield DuckDBSession(connection, as_of)
    finally:
        connection.close()


def _spark_session(
    ledger: Ledger,
    as_of: Sequence[date],
    inputs: Mapping[str, pa.Table],
    options: EngineOptions,
) -> AbstractContextManager[Session]:
    try:
        from features.spark import open_spark_session  # noqa: PLC0415 (an extra)
    except ModuleNotFoundError as error:
        raise EngineError(
            f"The engine 'spark' needs {error.name}. Install it with: pip install 'rollrisk[spark]'"
        ) from error
    return open_spark_session(ledger, as_of, inputs, options)


def _config(ledgers: Sequence[Ledger], options: EngineOptions) -> dict[str, Any]:
    config: dict[str, Any] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "preserve_insertion_order": False,
        "enable_external_access": any(ledger.files for ledger in ledgers),
        "threads": options.threads or os.cpu_count() or 1,
    }
    if options.memory_limit is not None:
        config["memory_limit"] = options.memory_limit
    if options.spill_folder is not None:
        config["temp_directory"] = options.spill_folder
    return config
