"""Paired differences: the figures are scikit-learn's, the intervals those of accounts."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, log_loss

from training.metrics import CLIP
from training.resampling import (
    average_precision_of,
    log_loss_of,
    paired_differences,
    resample,
)

RNG = np.random.default_rng(3)
ROWS = 400
Y = (RNG.random(ROWS) < 0.3).astype(float)
P = np.round(np.clip(0.3 + 0.3 * (Y - 0.3) + RNG.normal(0, 0.2, ROWS), 0.01, 0.99), 2)
ACCOUNT = np.array([f"A{number}" for number in RNG.integers(0, 40, ROWS)], dtype=object)


@pytest.mark.parametrize("weight", [np.ones(ROWS), RNG.integers(0, 4, ROWS).astype(float)])
def test_weighted_figures_are_those_of_scikit_learn(weight: np.ndarray) -> None:
    """Ties in the probability share a threshold; rows of weight 0 count nowhere."""
    expected = average_precision_score(Y, P, sample_weight=weight)
    assert average_precision_of(Y, P)(weight) == pytest.approx(expected)
    clipped = np.clip(P, CLIP, 1 - CLIP)
    assert log_loss_of(Y, P)(weight) == pytest.approx(log_loss(Y, clipped, sample_weight=weight))


def test_a_model_does_not_differ_from_itself_and_differs_from_noise() -> None:
    """Nothing at all beside itself; better than noise in every resample."""
    noise = RNG.permutation(P)
    gaps = paired_differences(Y, P, {"self": P, "noise": noise}, ACCOUNT, seed=1, draws=60)
    for gap in gaps["self"].values():
        assert (gap.difference, gap.low, gap.high) == (0.0, 0.0, 0.0)
    assert gaps["noise"]["log_loss"].high < 0
    assert gaps["noise"]["average_precision"].low > 0


def test_whole_accounts_are_drawn() -> None:
    """Every resample has as many accounts as there are, and all rows of one count alike."""
    samples = resample(ACCOUNT, 5, 20)
    accounts = len(set(ACCOUNT))
    assert samples.counts.shape == (20, accounts)
    assert (samples.counts.sum(axis=1) == accounts).all()
    for name in set(ACCOUNT):
        assert len(set(samples.account[name == ACCOUNT])) == 1


def test_without_a_positive_row_nothing_can_be_told() -> None:
    """Average precision is missing, its interval too; the log-loss is not."""
    gaps = paired_differences(np.zeros(ROWS), P, {"x": P / 2}, ACCOUNT, seed=1, draws=10)["x"]
    assert np.isnan(gaps["average_precision"].low)
    assert gaps["log_loss"].low > 0
