"""Spark scores as the batch does: every number of a published snapshot, bit for bit."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from features.build import feature_frame
from features.engines import EngineError, EngineOptions, open_session
from features.java import find_java
from features.ledger.read import open_ledger
from features.peers import with_groups
from features.spark import local_spark
from models.fallback import PAID_ITEMS
from models.snapshot import read_snapshot_model
from serving.on_spark import ACCOUNT_SEGMENT, PROBABILITIES, RowsError, score_on_spark
from tests.serving.conftest import Installation

pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # py4j's own sockets


@pytest.fixture(scope="module")
def spark() -> Iterator[SparkSession]:
    """A local Spark."""
    try:
        find_java()
    except EngineError as error:
        pytest.skip(str(error))
    little = {"spark.sql.shuffle.partitions": "2", "spark.sql.adaptive.enabled": "false"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_SUBMIT_OPTS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
        with local_spark(EngineOptions(threads=2), little) as session:
            yield session


@pytest.fixture(scope="module")
def rows(installation: Installation) -> pa.Table:
    """The feature rows of the published day, with what the ledger says of their accounts."""
    ledger = open_ledger(installation.ledger)
    with open_session(ledger, [installation.as_of], options=EngineOptions(threads=1)) as session:
        frame = feature_frame(ledger, [installation.as_of], session=session)
        frame = with_groups(frame, session, ledger.present)
        accounts = session.arrow("select account_id, segment from accounts").to_pandas()
    segment = accounts.drop_duplicates("account_id").set_index("account_id")["segment"]
    table = frame.to_frame()
    table[ACCOUNT_SEGMENT] = table["account_id"].map(segment)
    table["as_of"] = table["as_of"].dt.date
    table["due_on"] = table["due_on"].dt.date
    return pa.Table.from_pandas(table, preserve_index=False)


def test_every_number_is_the_batchs_to_the_bit(
    spark: SparkSession, rows: pa.Table, installation: Installation
) -> None:
    """Rows on several machines in any order: probabilities, log-odds and words of the snapshot."""
    bundle = read_snapshot_model(installation.snapshot)
    shown = spark.createDataFrame(rows).repartition(3, "invoice_id")
    found = score_on_spark(shown, bundle).toArrow()
    stored = pq.read_table(installation.snapshot / "items.parquet")
    order = [("account_id", "ascending"), ("invoice_id", "ascending")]
    found, stored = found.sort_by(order), stored.sort_by(order)
    assert found.num_rows == stored.num_rows > 100
    for name in ("account_id", "invoice_id", "bucket", "fallback", "model_version", "exposed"):
        assert found[name].to_pylist() == stored[name].to_pylist(), name
    for name in PROBABILITIES:
        ours = found[name].to_numpy(zero_copy_only=False)
        theirs = stored[name].to_numpy(zero_copy_only=False)
        assert np.array_equal(ours, theirs, equal_nan=True), name
    assert not np.isnan(found["p_open_30"].to_numpy(zero_copy_only=False)).any()


def test_a_missing_feature_is_named_before_anything_runs(
    spark: SparkSession, rows: pa.Table, installation: Installation
) -> None:
    """With where to get it."""
    bundle = read_snapshot_model(installation.snapshot)
    fewer = spark.createDataFrame(rows.drop_columns(["age_days", "residual"]))
    with pytest.raises(RowsError, match=r"residual, age_days.*rollrisk features"):
        score_on_spark(fewer, replace(bundle, version="2"))


def test_what_the_matrix_is_mixed_by_is_asked_for_though_no_tree_reads_it(
    spark: SparkSession, rows: pa.Table, installation: Installation
) -> None:
    """A model of few features still weighs the matrix by what the account has paid."""
    bundle = read_snapshot_model(installation.snapshot)
    assert bundle.fallback is not None
    fewer = tuple(name for name in bundle.feature_names if name != PAID_ITEMS)
    without = spark.createDataFrame(rows.drop_columns([PAID_ITEMS]))
    with pytest.raises(RowsError, match=PAID_ITEMS):
        score_on_spark(without, replace(bundle, feature_names=fewer))
