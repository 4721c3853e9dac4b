"""Score feature rows on Spark: the same numbers as `rollrisk score`, bit for bit, on many machines.

Each machine reads the model's text once and scores its rows batch by batch (``mapInArrow``);
nothing passes through the driver. The rows are those of ``rollrisk features``, which Spark can
compute as well (``--engine spark``), with three columns more where the ledger has them::

    rows = spark.read.parquet("features.parquet").join(accounts, "account_id", "left")
    scores = score_on_spark(rows, read_bundle(Path("model")))

``account_segment`` is the account's segment, for the baseline and the curve between cuts;
``segment`` and ``region`` are those of the row's own day, which only models that read peers need.
Dollars need the ledger's netting and are the batch's: see ``serving.batch``.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyspark.sql import DataFrame

from features.ageing import BUCKETS, bucket_index, bucket_names, is_exposed
from features.build import FeatureFrame
from features.peers import GROUP_COLUMNS
from models.bundle import Bundle, read_bundle, write_bundle
from models.explain import FAMILY_NAMES, explain
from models.scorer import CUTS, needed_names, reach_probabilities, survival_curves
from serving.scoring import reach_column

KEYS = ("as_of", "account_id", "invoice_id")
ACCOUNT_SEGMENT = "account_segment"
PROBABILITIES = (
    "p_roll",
    *(f"p_open_{days}" for days in CUTS),
    *(reach_column(bucket) for bucket in BUCKETS[1:]),
    *(f"shap_{family}" for family in FAMILY_NAMES),
    "base_value",
)
SCHEMA = ", ".join(
    [
        "as_of date, account_id string, invoice_id string, bucket string, exposed boolean",
        *(f"{name} double" for name in PROBABILITIES),
        "fallback string, model_version string, feature_digest string",
    ]
)
"""What comes out, as Spark writes types."""

Files = tuple[tuple[str, str], ...]


class RowsError(ValueError):
    """Rows that cannot be scored; the message names what is missing and the next step."""


def score_on_spark(rows: DataFrame, bundle: Bundle) -> DataFrame:
    """Return the scores of feature rows, computed where the rows are.

    Parameters
    ----------
    rows : pyspark.sql.DataFrame
        Rows of ``rollrisk features``: keys, ``residual`` and every feature that the model's
        answers are made of (see ``models.scorer.needed_names``).
    bundle : Bundle
        The model.

    Returns
    -------
    pyspark.sql.DataFrame
        One row per row with the columns of ``SCHEMA``: probabilities in [0, 1], null where
        there is none, and log-odds by family.

    Raises
    ------
    RowsError
        When a column is missing.
    """
    own = needed_names(bundle)
    needed = list(dict.fromkeys([*KEYS, "residual", *own]))
    if missing := [name for name in needed if name not in rows.columns]:
        raise RowsError(
            f"The rows must have the columns {', '.join(missing)}, which the model needs. Make "
            "them with `rollrisk features`, with the same version of rollrisk."
        )
    optional = [name for name in (*GROUP_COLUMNS, ACCOUNT_SEGMENT) if name in rows.columns]
    return rows.select(*needed, *optional).mapInArrow(_scorer(bundle, own), SCHEMA)


def _scorer(
    bundle: Bundle, names: tuple[str, ...]
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Return what a machine does; the model travels as text, and nothing is unpickled of it."""
    files, version = _texts(bundle), bundle.version

    def scored(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            if batch.num_rows:
                yield score_rows_of(batch, _bundle_of(files, version), names)

    return scored


def score_rows_of(batch: pa.RecordBatch, bundle: Bundle, names: tuple[str, ...]) -> pa.RecordBatch:
    """Return the scores of a batch of feature rows, with the columns of ``SCHEMA``."""
    rows = batch.to_pandas()
    items = pd.DataFrame(
        {
            "as_of": pd.to_datetime(rows["as_of"]),
            "days_past_due": rows["days_past_due"].astype(float),
            "residual": rows["residual"].astype(bool),
        }
    )
    for name in GROUP_COLUMNS:
        items[name] = _text(rows, name)
    segment = _text(rows, ACCOUNT_SEGMENT).to_numpy(dtype=object)
    frame = FeatureFrame(
        items=items,
        values=rows[list(names)].to_numpy(dtype=np.float64),
        names=names,
        digest=bundle.feature_digest,
    )
    curves = survival_curves(bundle, frame, segment)
    explanation = explain(bundle, frame, curves)
    days = items["days_past_due"].to_numpy()
    exposed = is_exposed(days)
    reach = reach_probabilities(bundle, curves, segment, days)
    numbers = [
        np.where(exposed, curves.at(30), np.nan),
        *curves.survival.T,
        *(reach[bucket] for bucket in BUCKETS[1:]),
        *explanation.families.T,
        explanation.base,
    ]
    size = batch.num_rows
    columns: dict[str, Any] = {
        "as_of": batch["as_of"].cast(pa.date32()),
        "account_id": batch["account_id"],
        "invoice_id": batch["invoice_id"],
        "bucket": pa.array(bucket_names(bucket_index(days)), pa.string()),
        "exposed": pa.array(exposed),
        **{
            name: pa.array(values, pa.float64(), from_pandas=True)
            for name, values in zip(PROBABILITIES, numbers, strict=True)
        },
        "fallback": pa.array(curves.fallback, pa.string()),
        "model_version": pa.repeat(bundle.version, size),
        "feature_digest": pa.repeat(bundle.feature_digest, size),
    }
    return pa.RecordBatch.from_pydict(columns)


def _text(rows: pd.DataFrame, name: str) -> "pd.Series[Any]":
    """Return an optional column of text, absent and missing values empty."""
    if name not in rows.columns:
        return pd.Series("", index=rows.index, dtype=object)
    return rows[name].astype(object).where(rows[name].notna(), "")


def _texts(bundle: Bundle) -> Files:
    with TemporaryDirectory() as folder:
        write_bundle(bundle, Path(folder))
        return tuple(
            (path.name, path.read_text("utf-8")) for path in sorted(Path(folder).iterdir())
        )


@lru_cache(maxsize=2)
def _bundle_of(files: Files, version: str) -> Bundle:
    """Return the model that texts write down; read once by each process of a machine."""
    with TemporaryDirectory() as folder:
        for name, text in files:
            (Path(folder) / name).write_text(text, "utf-8")
        return read_bundle(Path(folder), version=version)
