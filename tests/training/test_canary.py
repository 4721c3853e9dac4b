"""A canary for leaks: an outcome hidden among the features must be heard."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
from sklearn.metrics import roc_auc_score

from features.build import FeatureFrame
from models.bundle import make_part
from models.calibrator import Calibrator
from tests.trained import small_ledger
from training.config import TrainingConfig, TreeConfig
from training.dataset import Dataset, load_dataset
from training.hazard import fit_part, risk_set, risk_set_in, shared_bins

CONFIG = TrainingConfig(
    trees=TreeConfig(num_leaves=8, learning_rate=0.1, feature_fraction=1.0, min_data_in_leaf=20)
)


def auc_out_of_time(data: Dataset, split: date) -> float:
    """Fit step 1 on the dates before ``split`` and rank those after it."""
    fit, test = data.between(None, split), data.between(split + timedelta(days=31), None)
    text = fit_part(
        risk_set_in(shared_bins(fit, CONFIG), fit, "step_1", CONFIG), "step_1", CONFIG, rounds=40
    )
    rows = risk_set(test, "step_1", CONFIG)
    p = np.asarray(make_part(text, Calibrator()).booster.predict(rows.values))
    return float(roc_auc_score(rows.y, p))


def test_the_canary_sings() -> None:
    """With the outcome planted in a feature's column the ranking is perfect; without it not."""
    dates = [date(2024, 1, 31) + timedelta(days=30 * month) for month in range(9)]
    honest = load_dataset(small_ledger(), dates)
    values = honest.frame.values.copy()
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 0.05, len(honest))
    values[:, honest.frame.names.index("invoices_365")] = honest.target("step_1") + noise
    frame = FeatureFrame(
        items=honest.frame.items,
        values=values,
        names=honest.frame.names,
        digest=honest.frame.digest,
    )
    split = date(2024, 6, 15)
    assert auc_out_of_time(replace(honest, frame=frame), split) > 0.99
    assert 0.6 < auc_out_of_time(honest, split) < 0.97
