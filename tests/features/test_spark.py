"""Both engines give the same bytes, on a simulated ledger and on the most awkward of rows."""

import hashlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from click.testing import CliRunner
from pyspark.sql import SparkSession

from features.build import FeatureFrame, feature_frame
from features.engines import EngineError, EngineOptions, open_session
from features.java import find_java
from features.ledger.manifest import Manifest
from features.ledger.read import Ledger
from features.ledger.tables import TABLES
from features.outcomes import outcome_frame
from features.spark import SETTINGS, java_memory, local_spark
from serving.cli import main
from tests.conftest import make_ledger
from tests.features.awkward import awkward_books

pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # py4j's own sockets

SPARK = EngineOptions(engine="spark")
DATES = [date(2024, 2, 15), date(2023, 9, 30)]

# little data: what plans and compiles for much of it only takes time
_LITTLE = {
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.constraintPropagation.enabled": "false",
}
_INTERPRETED = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}
_QUICK_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


@pytest.fixture(scope="module")
def spark() -> Iterator[SparkSession]:
    """A local Spark for all tests of this module."""
    try:
        find_java()
    except EngineError as error:
        pytest.skip(str(error))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_SUBMIT_OPTS", _QUICK_JAVA)
        with local_spark(EngineOptions(threads=2), _LITTLE) as session:
            yield session


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What one engine says of a ledger."""

    features: FeatureFrame
    outcomes: pd.DataFrame


@pytest.fixture(scope="module")
def full_ledger(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """Two Parquet batches: a simulated ledger with every table, then the awkward rows.

    Columns of the second that hold nothing have Parquet's null type, as exporters write them.
    """
    from features.sources.simulated import SimulationConfig, simulate

    simulation = simulate(SimulationConfig(accounts=60, months=20, seed=5))
    # what Spark would take for patterns and escapes in a path
    folder = tmp_path_factory.mktemp("ledger") / "a [b] {c} 100%25 *"
    folder.mkdir()
    files: dict[str, tuple[Path, ...]] = {}
    awkward = awkward_books().ledger().rows
    for name, table in simulation.tables.items():
        files[name] = (folder / f"{name}-0.parquet",)
        pa.parquet.write_table(table, files[name][0])
    for name, table in awkward.items():
        path = folder / f"{name}-1.parquet"
        pa.parquet.write_table(_without_types_of_nothing(table), path)
        files[name] = (*files.get(name, ()), path)
    return Ledger(
        manifest=Manifest(known_through=simulation.known_through), files=files, digest="full"
    )


def _without_types_of_nothing(table: pa.Table) -> pa.Table:
    for place, column in enumerate(table.columns):
        if table.num_rows and column.null_count == table.num_rows:
            table = table.set_column(place, table.column_names[place], pa.nulls(table.num_rows))
    return table


def _ask(ledger: Ledger, dates: list[date], options: EngineOptions) -> Answers:
    with open_session(ledger, dates, options=options) as session:
        return Answers(
            features=feature_frame(ledger, dates, session=session),
            outcomes=outcome_frame(ledger, dates, session=session),
        )


@pytest.fixture(scope="module")
def both(spark: SparkSession, full_ledger: Ledger) -> tuple[Answers, Answers]:  # noqa: ARG001
    """What DuckDB and Spark say of the full ledger."""
    latest = full_ledger.manifest.known_through
    dates = [*DATES, latest]
    return _ask(full_ledger, dates, EngineOptions()), _ask(full_ledger, dates, SPARK)


def _differences(left: FeatureFrame, right: FeatureFrame) -> list[str]:
    """Return the features whose bytes differ: checksums, and the first row that differs."""
    found = []
    for name in left.names:
        mine, theirs = left.column(name), right.column(name)
        if mine.tobytes() != theirs.tobytes():
            rows = np.flatnonzero(mine.view(np.uint64) != theirs.view(np.uint64))
            row = rows[0]
            found.append(
                f"{name}: {_checksum(mine)} on DuckDB, {_checksum(theirs)} on Spark; {len(rows)} "
                f"rows, {left.items['invoice_id'][row]!r}: {mine[row]!r}, {theirs[row]!r}"
            )
    return found


def _checksum(values: np.ndarray) -> str:
    return hashlib.sha256(values.tobytes()).hexdigest()[:12]


def test_the_rows_are_the_same_and_in_the_same_order(both: tuple[Answers, Answers]) -> None:
    duckdb, spark = both
    pd.testing.assert_frame_equal(duckdb.features.items, spark.features.items)


def test_every_feature_has_the_same_bytes(both: tuple[Answers, Answers]) -> None:
    duckdb, spark = both
    assert _differences(duckdb.features, spark.features) == []


def test_the_comparison_sees_every_feature_with_a_value(both: tuple[Answers, Answers]) -> None:
    features = both[0].features
    assert [name for name in features.names if np.isnan(features.column(name)).all()] == []


def test_outcomes_are_the_same(both: tuple[Answers, Answers]) -> None:
    duckdb, spark = both
    pd.testing.assert_frame_equal(duckdb.outcomes, spark.outcomes, check_exact=True)
    assert set(duckdb.outcomes["outcome_30"]) >= {"open", "paid", "unknown"}


@pytest.mark.usefixtures("both")
def test_a_session_leaves_nothing_behind_in_a_spark_that_was_there(spark: SparkSession) -> None:
    assert spark.sparkContext._jsc.getPersistentRDDs().size() == 0  # noqa: SLF001
    assert spark.catalog.listTables() == []
    assert not spark.sparkContext._jsc.sc().isStopped()  # noqa: SLF001


@pytest.mark.usefixtures("spark")
def test_the_command_writes_the_same_file_from_csv_with_tables_absent_and_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in _INTERPRETED.items():  # quicker, and Spark's other way to run a query
        monkeypatch.setitem(SETTINGS, name, value)
    rows = awkward_books(required_only=True).has("disputes").rows
    ledger = make_ledger(rows)
    folder = tmp_path / "ledger"
    folder.mkdir()
    (folder / "ledger.json").write_text(ledger.manifest.to_json())
    for name, table in ledger.rows.items():
        pa.csv.write_csv(table, folder / f"{name}.csv")
    for engine in ("duckdb", "spark"):
        out = tmp_path / f"{engine}.parquet"
        asked = ["--as-of", "2024-02-15", "--engine", engine, "--out", str(out)]
        result = CliRunner().invoke(main, ["features", str(folder), *asked])
        assert result.exit_code == 0, result.output
    assert (tmp_path / "duckdb.parquet").read_bytes() == (tmp_path / "spark.parquet").read_bytes()
    assert {"disputes"} == set(ledger.rows) - {n for n, t in TABLES.items() if t.required}


def test_ledgers_are_not_compared_on_spark() -> None:
    ledger = awkward_books(required_only=True).ledger()
    with (
        pytest.raises(EngineError, match="engine must be 'duckdb'"),
        open_session(ledger, DATES, options=SPARK, beside={"older": ledger}),
    ):
        pass


def test_a_missing_extra_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "features.spark", raising=False)
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    ledger = awkward_books(required_only=True).ledger()
    with (
        pytest.raises(EngineError, match=r"pip install 'rollrisk\[spark\]'"),
        open_session(ledger, DATES, options=SPARK),
    ):
        pass


def test_a_memory_limit_that_java_cannot_read_is_refused() -> None:
    with pytest.raises(EngineError, match="got '80%'"):
        java_memory("80%")
