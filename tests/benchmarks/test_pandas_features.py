"""A second reading of the ledger, written with other tools, must say the same."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from benchmarks.pandas_features import TWENTY, twenty_features
from features.build import feature_frame
from features.ledger.arrow import arrow_schema
from features.ledger.manifest import Batch, BatchFile, Manifest, write_manifest
from features.ledger.read import Ledger, open_ledger
from features.ledger.tables import TABLES
from tests.features.books import Books, day

IDS = ["as_of", "account_id", "invoice_id"]
SHARE = 0.1
"""Share of the rows of which a newer version is written."""


def write(folder: Path, batches: list[dict[str, pa.Table]], known_through: date) -> Path:
    """Write a ledger of Parquet files, one batch after another."""
    listed = []
    for number, tables in enumerate(batches):
        files = []
        for name, rows in tables.items():
            file = f"{name}-{number}.parquet"
            pq.write_table(rows, folder / file)
            files.append(BatchFile(table=name, file=file, sha256="", rows=rows.num_rows))
        listed.append(
            Batch(
                source="test",
                content_sha256=str(number),
                known_through=known_through,
                quarantined=0,
                files=tuple(files),
            )
        )
    write_manifest(folder, Manifest(known_through=known_through, batches=tuple(listed)))
    return folder


def assert_equal(folder: Path, dates: list[date]) -> pd.DataFrame:
    """Hold both readings against each other; return the features."""
    ours = feature_frame(open_ledger(folder), dates)
    theirs = twenty_features(folder, dates).sort_values(IDS, ignore_index=True)
    assert len(theirs) == len(ours.items) > 0
    for name in IDS:
        assert theirs[name].tolist() == ours.items[name].tolist()
    for name in TWENTY:
        expected = ours.column(name)
        np.testing.assert_allclose(theirs[name], expected, rtol=1e-9, atol=0, err_msg=name)
    return theirs


def newer(rows: pa.Table, name: str, rng: np.random.Generator) -> pa.Table:
    """Return later versions of some rows with other dates, amounts and kinds."""
    frame = rows.to_pandas()
    frame = frame[rng.random(len(frame)) < SHARE].reset_index(drop=True)
    moved = "due_on" if name == "due_date_changes" else TABLES[name].clock
    for column, low, high in (("known_on", 0, 90), (moved, -20, 20)):
        days = pd.to_timedelta(rng.integers(low, high, len(frame)), unit="D")
        frame[column] = pd.to_datetime(frame[column]) + days
    if name != "due_date_changes":
        factors = rng.integers(1, 4, len(frame)).tolist()
        frame["amount"] = frame["amount"].astype(object) * pd.Series(factors, dtype=object)
    if name == "receipt_returns":
        frame["kind"] = np.where(rng.random(len(frame)) < 0.5, "refund", frame["kind"])
    return pa.Table.from_pandas(frame, schema=arrow_schema(TABLES[name]), preserve_index=False)


@pytest.mark.parametrize("seed", [1, 2])
def test_pandas_agrees_on_a_ledger_full_of_newer_versions(
    simulated_ledger: Ledger, tmp_path: Path, seed: int
) -> None:
    """Two batches change what was known, some items have no due date; five dates look back."""
    rng = np.random.default_rng(seed)
    first = dict(simulated_ledger.rows)
    invoices = first["invoices"]
    dated = pa.array(rng.random(len(invoices)) >= SHARE)
    due = pc.if_else(dated, invoices["due_on"], None)
    place = invoices.schema.get_field_index("due_on")
    first["invoices"] = invoices.set_column(place, invoices.schema.field(place), due)
    changing = ("invoices", "applications", "receipt_returns", "due_date_changes")
    second = {name: newer(first[name], name, rng) for name in changing}
    third = {name: newer(first[name], name, rng) for name in changing}
    last = simulated_ledger.manifest.known_through
    folder = write(tmp_path, [first, second, third], last)
    dates = [last - timedelta(days=int(back)) for back in rng.integers(0, 500, 5)]
    features = assert_equal(folder, dates)
    assert features["days_past_due"].isna().any()
    assert (features["returns_365"] > 0).any()


def test_pandas_agrees_on_books_without_optional_tables(tmp_path: Path) -> None:
    """No receipts, credits or moved due dates; two currencies paid within a year."""
    books = (
        Books()
        .paid("P", "2024-01-01", "2024-02-01", "2024-02-11")
        .invoice("Q", "2024-01-01", "2024-02-01", 50, currency="EUR")
        .cash("Q", "2024-03-01", 50)
        .invoice("I", "2024-04-01", "2024-05-01", 100)
        .cash("I", "2024-05-03", 40, known="2024-05-20")
    )
    folder = write(tmp_path, [dict(books.ledger().rows)], day("2024-12-31"))
    features = assert_equal(folder, [day("2024-05-10"), day("2024-06-10")])
    assert features["item_balance"].tolist() == [100.0, 60.0]
    assert features["dbt_amount_weighted_365"].isna().all()
    assert features["returns_365"].isna().all()
