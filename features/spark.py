"""Run the feature SQL on Apache Spark: the same files, the same bytes, many machines.

A Spark session that is there already is used as it is, so a script given to ``spark-submit``
runs on its cluster; otherwise a local Spark is started and stopped again. Views, settings and
stages live in a session of their own beside the caller's. Every stage is computed once and cut
off from the query that made it, since plans that contain the plans before them grow without
bound; what is kept is released at the end.

Ledgers are read from disk: on a cluster, from a folder that all machines mount. Files that have
other types than the contract's (CSV, columns of nothing but nulls) are read by the driver.
"""

import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession

from features.dialect import to_spark
from features.engines import EngineError, EngineOptions
from features.java import find_java, java_home
from features.ledger.arrow import arrow_schema
from features.ledger.read import Ledger, read_stored, stored_query, visible_query
from features.ledger.tables import TABLES, Table
from features.session import Session

SETTINGS: dict[str, str] = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
}
"""What the meaning of the queries depends on."""

_QUIET = """rootLogger.level = error
rootLogger.appenderRef.stderr.ref = stderr
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = %p %c: %m%n%ex
"""


class SparkEngine(Session):
    """A Spark session that holds a ledger's stages for some as-of dates."""

    def __init__(self, spark: SparkSession, as_of: Sequence[date]) -> None:
        super().__init__(as_of)
        self._spark = spark
        self._views: set[str] = set()
        self._kept: dict[str, DataFrame] = {}

    def arrow(self, sql: str) -> pa.Table:
        """Return the result of a query over the stages as an Arrow table."""
        return self._spark.sql(to_spark(sql)).toArrow()

    def register(self, name: str, table: pa.Table) -> None:
        """Make an Arrow table readable under ``name``."""
        self._show(name, self._spark.createDataFrame(table))

    def _make(self, stage: str) -> None:
        rows = self._spark.sql(to_spark(self.text(stage))).localCheckpoint(eager=True)
        self._kept[stage] = rows
        # Named anew, or a stage could not be joined with the table it was made from.
        self._show(stage, rows.toDF(*rows.columns))

    def _drop(self, stage: str) -> None:
        self._spark.catalog.dropTempView(stage)
        self._release(stage)

    def show_tables(self, ledger: Ledger) -> None:
        """Create one view per contract table."""
        for table in TABLES.values():
            stored = f"stored_{table.name}"
            sources = [f'"{name}"' for name in self._show_files(ledger, table)]
            self._show(stored, self._spark.sql(to_spark(stored_query(table, sources))))
            self._show(table.name, self._spark.sql(to_spark(visible_query(table, stored))))

    def close(self) -> None:
        """Drop the views and release what the stages keep in memory and on disk."""
        for view in self._views:
            self._spark.catalog.dropTempView(view)
        for stage in list(self._kept):
            self._release(stage)

    def _release(self, stage: str) -> None:
        plan = self._kept.pop(stage)._jdf.queryExecution().analyzed()  # noqa: SLF001 (no public way)
        plan.rdd().unpersist(False)

    def _show_files(self, ledger: Ledger, table: Table) -> list[str]:
        """Show a table's batches as views and return their names."""
        if table.name in ledger.rows:
            self.register(f"rows_{table.name}", ledger.rows[table.name])
            return [f"rows_{table.name}"]
        names = []
        for batch, path in enumerate(ledger.files.get(table.name, ())):
            names.append(f"rows_{table.name}_{batch}")
            if _has_contract_types(table, path):
                self._show(names[-1], self._spark.read.parquet(_address(path)))
            else:
                self.register(names[-1], read_stored(table, path))
        return names

    def _show(self, name: str, rows: DataFrame) -> None:
        rows.createOrReplaceTempView(name)
        self._views.add(name)


@contextmanager
def open_spark_session(
    ledger: Ledger,
    as_of: Sequence[date],
    inputs: Mapping[str, pa.Table],
    options: EngineOptions,
) -> Iterator[SparkEngine]:
    """Open a session on ``ledger`` in the active Spark session, else in a local Spark.

    Parameters
    ----------
    ledger : Ledger
        From ``open_ledger`` or ``ledger_from_rows``.
    as_of : sequence of date
        Observation dates.
    inputs : mapping of str to pyarrow.Table
        From ``features.inputs.input_tables``.
    options : EngineOptions
        For a local Spark.

    Raises
    ------
    EngineError
        When Spark cannot run here.
    """
    with ExitStack() as stack:
        active = SparkSession.getActiveSession() or stack.enter_context(local_spark(options))
        if not isinstance(active, SparkSession):
            raise EngineError(
                "The active Spark session is a Spark Connect client, which cannot keep stages. "
                "Stop it, or run the command under spark-submit."
            )
        own = active.newSession()
        for name, value in SETTINGS.items():
            own.conf.set(name, value)
        session = SparkEngine(own, as_of)
        stack.callback(session.close)
        session.show_tables(ledger)
        for name, table in inputs.items():
            session.register(name, table)
        yield session


@contextmanager
def local_spark(
    options: EngineOptions | None = None, settings: Mapping[str, str] | None = None
) -> Iterator[SparkSession]:
    """Start a Spark for this process alone, or join the one of ``spark-submit``; stop it after.

    Parameters
    ----------
    options : EngineOptions
        Threads (all cores when None), memory, and the folder for work beyond memory.
    settings : mapping of str to str
        Further Spark settings.

    Raises
    ------
    EngineError
        When no Java fits, or the memory limit cannot be read.
    """
    chosen = options or EngineOptions()
    with TemporaryDirectory(prefix="rollrisk-spark-") as folder:
        scratch = Path(folder)
        builder = SparkSession.builder.appName("rollrisk")
        surroundings = {"PYSPARK_PYTHON": sys.executable, "PYSPARK_DRIVER_PYTHON": sys.executable}
        if "PYSPARK_GATEWAY_PORT" not in os.environ:
            surroundings["JAVA_HOME"] = str(java_home(find_java(), scratch))
            surroundings["SPARK_LOCAL_IP"] = "127.0.0.1"
            builder = builder.config(map=_local_settings(chosen, scratch))
        builder = builder.config(map=dict(settings or {}))
        with _environment(surroundings):
            spark = builder.getOrCreate()
        try:
            yield spark
        finally:
            spark.stop()


def _local_settings(options: EngineOptions, scratch: Path) -> dict[str, str]:
    threads = options.threads or os.cpu_count() or 1
    log = scratch / "log4j2.properties"
    log.write_text(_QUIET, "utf-8")
    settings = {
        "spark.master": f"local[{threads}]",
        "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={log.as_uri()}",
        "spark.log.level": "ERROR",
        "spark.sql.shuffle.partitions": str(2 * threads),
        "spark.sql.warehouse.dir": (scratch / "warehouse").as_uri(),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    if options.memory_limit is not None:
        settings["spark.driver.memory"] = java_memory(options.memory_limit)
    if options.spill_folder is not None:
        settings["spark.local.dir"] = options.spill_folder
    return settings


def java_memory(limit: str) -> str:
    """Return a memory limit as Java reads it.

    Examples
    --------
    >>> java_memory("2GB"), java_memory("512 MiB")
    ('2g', '512m')
    """
    found = re.fullmatch(r"(\d+)\s*([kmgt])(i?b)?", limit.strip().lower())
    if found is None:
        raise EngineError(
            f"The memory limit must be a whole number of KB, MB, GB or TB for Spark, got {limit!r}."
        )
    return found.group(1) + found.group(2)


def _has_contract_types(table: Table, path: Path) -> bool:
    """Tell whether Spark may read a file: it casts what is foreign otherwise than DuckDB."""
    if path.suffix == ".csv":
        return False
    found = pq.read_schema(path)
    return all(
        column.name in found.names and found.field(column.name).type == column.type
        for column in arrow_schema(table)
    )


def _address(path: Path) -> str:
    """Return the address of a file on this disk, with what Spark takes for a pattern escaped."""
    return "file://" + re.sub(r"([\\{}\[\]*?])", r"\\\1", str(path.resolve()))


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
