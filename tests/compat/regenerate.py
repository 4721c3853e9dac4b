"""Write the model of this release that later releases must load and score the same.

Usage: python -m tests.compat.regenerate

Run once for a release, with its version in ``pyproject.toml``; folders of earlier releases are
never written again.
"""

from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from models.bundle import write_bundle
from models.scorer import CUTS, survival_curves
from tests.trained import small_config, small_ledger
from training.dataset import Dataset
from training.recipe import train_model

FOLDER = Path(__file__).parent / "models"
ROWS = 60
KEYS = ("invoice_id", "account_id", "days_past_due", "residual")


def sample(data: Dataset) -> Dataset:
    """Return every n-th of the rows, so that all buckets are there."""
    keep = [place % (len(data) // ROWS + 1) == 0 for place in range(len(data))]
    return data.select(pa.array(keep).to_numpy(zero_copy_only=False))


def main() -> None:
    """Train a small model and keep it with rows and what it says of them."""
    target = FOLDER / version("rollrisk")
    if target.exists():
        raise SystemExit(f"{target} is there already. A release's model is never written again.")
    config = small_config()
    config = replace(config, trees=replace(config.trees, rounds=6))
    trained = train_model(small_ledger(), config)
    rows = sample(trained.test)
    curves = survival_curves(trained.bundle, rows.frame, rows.segment)
    write_bundle(trained.bundle, target / "bundle")
    table = pa.table(
        {
            **{name: pa.array(rows.frame.items[name]) for name in KEYS},
            "segment": pa.array(rows.segment.tolist()),
            **{name: rows.frame.column(name) for name in trained.bundle.feature_names},
            **{f"expected_{days}": curves.at(days) for days in CUTS},
        }
    )
    pq.write_table(table, target / "rows.parquet", compression="zstd")


if __name__ == "__main__":
    main()
