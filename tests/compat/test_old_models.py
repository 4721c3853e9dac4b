"""Models of earlier releases load, and score the same to the bit."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.build import FeatureFrame
from models.bundle import read_bundle
from models.scorer import CUTS, survival_curves

RELEASES = sorted(
    (path for path in (Path(__file__).parent / "models").iterdir() if path.is_dir()),
    key=lambda path: path.name,
)


def test_every_release_left_a_model() -> None:
    """The folder of models is not empty."""
    assert RELEASES


@pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.name)
def test_a_model_of_a_release_scores_as_it_did(release: Path) -> None:
    """Every probability at every cut is the same double."""
    bundle = read_bundle(release / "bundle")
    rows = pd.read_parquet(release / "rows.parquet")
    frame = FeatureFrame(
        items=rows[["invoice_id", "account_id", "days_past_due", "residual"]],
        values=rows[list(bundle.feature_names)].to_numpy(dtype=np.float64),
        names=bundle.feature_names,
        digest=bundle.feature_digest,
    )
    curves = survival_curves(bundle, frame, rows["segment"].to_numpy(dtype=object))
    for days in CUTS:
        assert (curves.at(days) == rows[f"expected_{days}"].to_numpy()).all(), days
    assert (curves.fallback == "").all()
    assert curves.at(30).std() > 0


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
