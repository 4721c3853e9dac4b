"""Write the model of this release that later releases must load and score the same.

Usage: python -m tests.compat.regenerate

Run once for a release, with its version in ``pyproject.toml``, and once for a new format of
bundles. Each has a folder of its own; folders that are there are never written again.
"""

from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from features.build import FeatureFrame
from features.catalogue import MODEL_NAMES
from models.bundle import FORMAT, Bundle, bundle_digest, write_bundle
from models.explain import FAMILY_NAMES, MATRIX_FAMILY, explain
from models.fallback import PAID_ITEMS, Fallback
from models.scorer import CUTS, Curves, survival_curves
from tests.trained import small_config, small_ledger
from training.dataset import Dataset
from training.recipe import train_model

FOLDER = Path(__file__).parent / "models"
ROWS = 60
ROUNDS = 4
KNOWN_K, UNSEEN_K, SEGMENT_K = 0.25, 30.0, 5.0
KEYS = ("invoice_id", "account_id", "days_past_due", "residual")


def sample(data: Dataset) -> Dataset:
    """Return every n-th of the rows, so that all buckets are there."""
    keep = [place % (len(data) // ROWS + 1) == 0 for place in range(len(data))]
    return data.select(pa.array(keep).to_numpy(zero_copy_only=False))


def mixing(bundle: Bundle) -> Bundle:
    """Return the bundle with a fallback that answers in part, as if one segment were new to it."""
    items = {} if bundle.fallback is None else dict(bundle.fallback.segment_items)
    items.pop(min(items, key=lambda name: (items[name], name)))
    fallback = Fallback(
        known_k=KNOWN_K, unseen_k=UNSEEN_K, segment_k=SEGMENT_K, segment_items=items
    )
    mixed = replace(bundle, fallback=fallback)
    return replace(mixed, version=bundle_digest(mixed))


def reasons(bundle: Bundle, frame: FeatureFrame, curves: Curves) -> dict[str, pa.Array]:
    """Return the log-odds of the base, the matrix and every feature that has any, by name."""
    found = explain(bundle, frame, curves)
    named = dict(zip(MODEL_NAMES, found.features.T, strict=True))
    columns = {name: values for name, values in named.items() if values.any()}
    columns |= {"base": found.base, "matrix": found.families[:, FAMILY_NAMES.index(MATRIX_FAMILY)]}
    return {f"reason_{name}": pa.array(values) for name, values in columns.items()}


def main() -> None:
    """Train a small model and keep it with rows and what it says of them."""
    target = FOLDER / f"{version('rollrisk')}-format-{FORMAT}"
    if target.exists():
        raise SystemExit(f"{target} is there already. A release's model is never written again.")
    config = small_config()
    config = replace(config, trees=replace(config.trees, rounds=ROUNDS))
    trained = train_model(small_ledger(), config)
    bundle, rows = mixing(trained.bundle), sample(trained.test)
    curves = survival_curves(bundle, rows.frame, rows.segment)
    write_bundle(bundle, target / "bundle")
    read = dict.fromkeys((*bundle.feature_names, PAID_ITEMS))
    table = pa.table(
        {
            **{name: pa.array(rows.frame.items[name]) for name in KEYS},
            "segment": pa.array(rows.segment.tolist()),
            **{name: rows.frame.column(name) for name in read},
            **{f"expected_{days}": curves.at(days) for days in CUTS},
            "fallback": pa.array(curves.fallback.tolist()),
            **reasons(bundle, rows.frame, curves),
        }
    )
    pq.write_table(table, target / "rows.parquet", compression="zstd")


if __name__ == "__main__":
    main()
