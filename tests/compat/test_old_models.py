"""Models of earlier releases load, and score the same to the bit."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.build import FeatureFrame
from features.catalogue import MODEL_NAMES
from models.bundle import FORMATS, Bundle, read_bundle
from models.explain import FAMILY_NAMES, MATRIX_FAMILY, explain
from models.scorer import CUTS, needed_names, survival_curves

RELEASES = sorted(
    (path for path in (Path(__file__).parent / "models").iterdir() if path.is_dir()),
    key=lambda path: path.name,
)
EXPLAINED = [path for path in RELEASES if "format" in path.name]
"""Models kept since bundles of format 2; the one before left no reasons."""


def frame_of(bundle: Bundle, rows: pd.DataFrame) -> FeatureFrame:
    """Return the kept rows as a frame of the features that the model reads."""
    names = tuple(dict.fromkeys((*bundle.feature_names, *needed_names(bundle))))
    return FeatureFrame(
        items=rows[["invoice_id", "account_id", "days_past_due", "residual"]],
        values=rows[list(names)].to_numpy(dtype=np.float64),
        names=names,
        digest=bundle.feature_digest,
    )


def test_every_format_left_a_model() -> None:
    """Bundles of each format that was ever written are kept."""
    kept = {
        json.loads((one / "bundle/bundle.json").read_text("utf-8"))["format"] for one in RELEASES
    }
    assert kept == set(FORMATS)


@pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.name)
def test_a_model_of_a_release_scores_as_it_did(release: Path) -> None:
    """Every probability at every cut is the same double."""
    bundle = read_bundle(release / "bundle")
    rows = pd.read_parquet(release / "rows.parquet")
    frame = frame_of(bundle, rows)
    curves = survival_curves(bundle, frame, rows["segment"].to_numpy(dtype=object))
    for days in CUTS:
        assert (curves.at(days) == rows[f"expected_{days}"].to_numpy()).all(), days
    said = rows["fallback"] if "fallback" in rows else np.full(len(rows), "")
    assert (curves.fallback == said).all()
    assert curves.at(30).std() > 0


@pytest.mark.parametrize("release", EXPLAINED, ids=lambda path: path.name)
def test_a_model_of_a_release_gives_the_reasons_it_gave(release: Path) -> None:
    """Base, matrix and every feature's log-odds are the same doubles; others have none."""
    bundle = read_bundle(release / "bundle")
    rows = pd.read_parquet(release / "rows.parquet")
    frame = frame_of(bundle, rows)
    curves = survival_curves(bundle, frame, rows["segment"].to_numpy(dtype=object))
    found = explain(bundle, frame, curves)
    matrix = found.families[:, FAMILY_NAMES.index(MATRIX_FAMILY)]
    named = dict(zip(MODEL_NAMES, found.features.T, strict=True))
    named |= {"base": found.base, "matrix": matrix}
    for name, values in named.items():
        kept = rows.get(f"reason_{name}", np.zeros(len(rows)))
        assert (values == np.asarray(kept)).all(), name
    mixed = rows["fallback"].str.startswith("matrix ").to_numpy()
    assert 0 < mixed.sum() < len(rows)
    assert (matrix[mixed] != 0).all()
    assert (matrix[~mixed] == 0).all()


@pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.name)
def test_a_model_of_other_features_is_still_refused(release: Path) -> None:
    """What loads is scored only on the features that it was trained on."""
    bundle = read_bundle(release / "bundle")
    rows = pd.read_parquet(release / "rows.parquet").head(2)
    other = FeatureFrame(
        items=rows[["days_past_due", "residual"]],
        values=rows[list(bundle.feature_names)].to_numpy(dtype=np.float64),
        names=bundle.feature_names,
        digest="0" * 16,
    )
    with pytest.raises(ValueError, match="Train again"):
        survival_curves(bundle, other, rows["segment"].to_numpy(dtype=object))
