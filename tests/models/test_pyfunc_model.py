"""Tests of the model as MLflow serves it: the numbers of a scoring, in pandas and in Spark."""

import warnings
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from features.build import FeatureFrame, feature_frame
from features.catalogue import NAMES
from features.engines import EngineError, EngineOptions
from features.java import find_java
from models.bundle import Bundle
from models.home import Home
from models.registry import connect, register_bundle
from models.scorer import CUTS, needed_names, survival_curves
from serving.policy import read_policy
from serving.scoring import score_ledger
from tests.trained import Installation

URI = "models:/roll-risk/1"
ANSWERS = [f"p_open_{days}" for days in CUTS]


@pytest.fixture(scope="module")
def day(installation: Installation) -> date:
    """A day to score."""
    return installation.ledger.manifest.known_through - timedelta(days=20)


@pytest.fixture(scope="module")
def scored(installation: Installation, day: date) -> pd.DataFrame:
    """What ``rollrisk score`` says, residuals and mixtures included."""
    bundle = installation.trained.bundle
    items = score_ledger(installation.ledger, day, bundle, read_policy()).items
    kinds = items["fallback"].str.partition(":")[0].str.partition(" ")
    assert {"", "matrix"} == set(kinds[0])
    return items.set_index("invoice_id")


@pytest.fixture(scope="module")
def rows(installation: Installation, day: date) -> pd.DataFrame:
    """The columns of ``rollrisk features``, with each account's segment."""
    frame = feature_frame(installation.ledger, [day])
    values = pd.DataFrame(frame.values, columns=list(frame.names))
    table = pd.concat([frame.items.drop(columns="days_past_due"), values], axis=1)
    accounts = pd.read_parquet(installation.ledger_path / "accounts.parquet")
    segments = accounts.set_index("account_id")["segment"]
    return table.assign(segment=table["account_id"].map(segments))


def test_pyfunc_scores_what_rollrisk_scores(
    installation: Installation, rows: pd.DataFrame, scored: pd.DataFrame
) -> None:
    """The same doubles at every cut, straight from the columns of ``rollrisk features``."""
    connect(installation.home)
    import mlflow

    answer = mlflow.pyfunc.load_model(URI).predict(rows)
    expected = scored.loc[rows["invoice_id"], ANSWERS]
    assert answer.to_numpy().tolist() == expected.to_numpy().tolist()


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    """A local Spark."""
    pytest.importorskip("pyspark")
    from features.spark import local_spark

    try:
        find_java()
    except EngineError as error:
        pytest.skip(str(error))
    little = {"spark.sql.shuffle.partitions": "2", "spark.sql.adaptive.enabled": "false"}
    with local_spark(EngineOptions(threads=2), little) as session:
        yield session


@pytest.mark.filterwarnings("ignore")  # of libraries that MLflow and Spark start
def test_a_spark_function_scores_what_rollrisk_scores(
    installation: Installation,
    rows: pd.DataFrame,
    scored: pd.DataFrame,
    spark: Any,  # noqa: ANN401 (pyspark is optional)
    tmp_path: Path,
) -> None:
    """``mlflow.pyfunc.spark_udf`` on a Parquet file gives the same doubles, row by row."""
    connect(installation.home)
    import mlflow

    few = rows.iloc[::5].assign(as_of=lambda kept: kept["as_of"].astype("datetime64[us]"))
    few.to_parquet(tmp_path / "rows.parquet")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        score = mlflow.pyfunc.spark_udf(
            spark, URI, env_manager="local", result_type=", ".join(f"{n} double" for n in ANSWERS)
        )
        table = spark.read.parquet(str(tmp_path / "rows.parquet"))
        given = [name for name in score_inputs(installation.trained.bundle) if name in few]
        from pyspark.sql.functions import struct

        answer = table.select("invoice_id", score(struct(*given)).alias("p")).select(
            "invoice_id", "p.*"
        )
        found = answer.toPandas().set_index("invoice_id")
    assert len(found) == len(few)
    expected = scored.loc[found.index, ANSWERS]
    assert found[ANSWERS].to_numpy().tolist() == expected.to_numpy().tolist()


def score_inputs(bundle: Bundle) -> list[str]:
    """Return the columns that the model takes."""
    return [*needed_names(bundle), "as_of", "segment", "region", "residual"]


def test_levels_of_peers_are_the_models_own(
    mixed_bundle: Bundle, frame: FeatureFrame, tmp_path: Path
) -> None:
    """A model that reads them takes month, segment and region, and no level from outside."""
    home = Home(path=tmp_path / "home")
    client = connect(home)
    import mlflow

    place = client.create_experiment("test", artifact_location=home.artifacts.resolve().as_uri())
    run = client.create_run(place).info.run_id
    register_bundle(home, mixed_bundle, run)
    model = mlflow.pyfunc.load_model(URI)
    groups = frame.items[["as_of", "segment", "region", "residual"]]
    rows = pd.concat([pd.DataFrame(frame.matrix(NAMES), columns=list(NAMES)), groups], axis=1)
    expected = survival_curves(mixed_bundle, frame, frame.items["segment"].to_numpy(dtype=object))
    answer = model.predict(rows)
    assert answer.to_numpy().tolist() == expected.survival.tolist()
    taken = model.metadata.get_input_schema().input_names()
    assert not [name for name in taken if name.startswith("peer_")]
    assert taken[-4:] == ["as_of", "segment", "region", "residual"]
