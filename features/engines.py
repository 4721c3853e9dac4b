"""Run the feature SQL of a ledger for a list of as-of dates, on DuckDB or on Spark.

An engine materialises each stage (see ``features.stages``) once, for all dates together. DuckDB
is part of this process; Spark runs the same files (see ``features.spark``) and gives the same
bytes.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal, get_args

import duckdb
import pyarrow as pa

from features.inputs import Rules, input_tables
from features.ledger.read import Ledger, scan, show_tables
from features.session import Session
from features.stages import FOR_ITEM_STATES
from features.standing import open_standing_session

CLUSTERED_BY = {"histories": "account_no", "peer_items": "as_of, account_no"}
"""Order in which DuckDB stores the stages that others sum up by account.

A sum by account then meets the rows of an account together, which is about a third quicker;
the values do not depend on it. Kept states stand in the accounts' order, and so do the histories
that are made from them.
"""


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
    standing : bool
        Whether DuckDB keeps the plans of its queries for later sessions, which is several times
        quicker for one account. Holds for ledgers in memory alone, on one thread.
    dates_at_once : int
        As-of dates whose payment histories are unrolled together: more are a little quicker
        and need more memory. The values do not depend on it.
    """

    engine: EngineName = "duckdb"
    threads: int | None = None
    memory_limit: str | None = None
    spill_folder: str | None = None
    standing: bool = False
    dates_at_once: int = 4


class DuckDBSession(Session):
    """A DuckDB connection that holds a ledger's stages.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Shows the ledger and the input tables.
    as_of : sequence of date
        Observation dates.
    states : mapping of str to str
        Stages that are kept, with the queries that read them.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        as_of: Sequence[date],
        states: Mapping[str, str],
    ) -> None:
        super().__init__(as_of)
        self._connection = connection
        self._states = states

    def run(self, stages: Sequence[str], progress: Callable[[str], None] | None = None) -> None:
        """Materialise ``stages``, but for those that what is kept was made from."""
        needless = FOR_ITEM_STATES if "item_states" in self._states else ()
        super().run([stage for stage in stages if stage not in needless], progress)

    def arrow(self, sql: str) -> pa.Table:
        """Return the result of a query over the stages as an Arrow table."""
        return self._connection.sql(sql).to_arrow_table()

    def register(self, name: str, table: pa.Table) -> None:
        """Make an Arrow table readable under ``name``."""
        self._connection.execute(f'drop view if exists "{name}"')
        self._connection.register(name, table)

    def write(self, sql: str, path: Path) -> None:
        """Write the result of a query over the stages to a Parquet file."""
        literal = "'" + str(path).replace("'", "''") + "'"
        self._connection.execute(f"copy ({sql}) to {literal} (format parquet, compression lz4_raw)")

    def _make(self, stage: str) -> None:
        if stage in self._states:
            self._connection.execute(f'create temp view "{stage}" as {self._states[stage]}')
            return
        sorted_already = stage == "histories" and "item_states" in self._states
        clustered = stage in CLUSTERED_BY and not sorted_already
        order = f" order by {CLUSTERED_BY[stage]}" if clustered else ""
        self._connection.execute(
            f'create temp table "{stage}" as from ({self.text(stage)}\n){order}'
        )

    def _drop(self, stage: str) -> None:
        self._connection.execute(f'drop table "{stage}"')


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
    if chosen.standing and not others and not ledger.files:
        with open_standing_session(ledger, as_of, inputs) as session:
            yield session
        return
    with _duckdb_session(ledger, as_of, inputs, chosen, others) as session:
        yield session


@contextmanager
def open_duckdb_session(
    ledger: Ledger,
    as_of: Sequence[date],
    rules: Rules | None = None,
    options: EngineOptions | None = None,
    *,
    watched: Sequence[date] = (),
) -> Iterator[DuckDBSession]:
    """Open a session of ``open_session`` that is DuckDB's, whatever engine is asked for."""
    inputs = input_tables(as_of, rules or Rules(), watched)
    with _duckdb_session(ledger, as_of, inputs, options or EngineOptions(), {}) as session:
        yield session


@contextmanager
def _duckdb_session(
    ledger: Ledger,
    as_of: Sequence[date],
    inputs: Mapping[str, pa.Table],
    options: EngineOptions,
    beside: Mapping[str, Ledger],
) -> Iterator[DuckDBSession]:
    config = _config((ledger, *beside.values()), options)
    connection = duckdb.connect(":memory:", config=config)
    try:
        show_tables(connection, ledger)
        for schema, other in beside.items():
            show_tables(connection, other, schema)
        for name, table in inputs.items():
            connection.register(name, table)
        days = inputs["calendar"]["day"]
        states = {
            stage: _states_query(path, days[0].as_py(), days[-1].as_py())
            for stage, path in ledger.states.items()
        }
        yield DuckDBSession(connection, as_of, states)
    finally:
        connection.close()


def _states_query(path: Path, first: date, last: date) -> str:
    """Return the query of the kept states that held on some day from ``first`` to ``last``."""
    return (
        f"select * from {scan(path)} where from_on <= date '{last}' "  # noqa: S608 (a path, dates)
        f"and (until_on is null or until_on > date '{first}')"
    )


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
