"""Tests of the figures: against scikit-learn and by hand; intervals that know when to hold 0."""

import numpy as np
import numpy.typing as npt
import pytest
from scipy.special import expit
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from training.metrics import (
    calibration_line,
    captured_dollars,
    clipped_log_loss,
    compare,
    headline,
    paired_intervals,
)

Floats = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def sample() -> tuple[Floats, Floats, Floats]:
    """Outcomes that follow their probabilities, with skewed dollars."""
    rng = np.random.default_rng(9)
    margin = rng.normal(-1, 1.5, 4000)
    y = (rng.random(4000) < expit(margin)).astype(float)
    return y, expit(margin), rng.lognormal(7, 1.5, 4000)


def test_figures_are_those_of_scikit_learn(sample: tuple[Floats, Floats, Floats]) -> None:
    """AUC, average precision, Brier score and log-loss by another implementation."""
    y, p, dollars = sample
    figures = headline(y, p, dollars)
    assert figures["roc_auc"] == pytest.approx(roc_auc_score(y, p))
    assert figures["average_precision"] == pytest.approx(average_precision_score(y, p))
    assert figures["brier"] == pytest.approx(brier_score_loss(y, p))
    assert figures["log_loss"] == pytest.approx(log_loss(y, np.clip(p, 1e-4, 1 - 1e-4)))
    assert figures["expected_over_realised"] == pytest.approx((p @ dollars) / (y @ dollars))
    assert (figures["rows"], figures["positives"]) == (4000, y.sum())


def test_the_capture_by_hand() -> None:
    """Of ten rows the two with most expected dollars carry 50 of 80 rolled dollars."""
    dollars = np.array([100.0, 50, 10, 10, 10, 1, 1, 1, 1, 1])
    p = np.array([0.5, 0.5, 0.9, 0.9, 0.9, 0.1, 0.1, 0.1, 0.1, 0.1])
    y = np.array([0.0, 1, 1, 1, 1, 0, 0, 0, 0, 0])
    assert captured_dollars(y, p, dollars) == pytest.approx(50 / 80)
    assert captured_dollars(y, p, dollars, share=0.5) == pytest.approx(1.0)


def test_the_log_loss_of_a_certain_mistake_is_bounded() -> None:
    """Probabilities are kept 0.0001 from 0 and 1."""
    loss = clipped_log_loss(np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    assert loss == pytest.approx(-np.log(1e-4))


def test_calibrated_probabilities_have_slope_one_and_intercept_zero(
    sample: tuple[Floats, Floats, Floats],
) -> None:
    """Doubled margins have half the slope, shifted ones the intercept."""
    y, p, _ = sample
    margin = np.log(p / (1 - p))
    slope, intercept = calibration_line(y, p)
    assert slope == pytest.approx(1, abs=0.12)
    assert intercept == pytest.approx(0, abs=0.12)
    assert calibration_line(y, expit(2 * margin))[0] == pytest.approx(slope / 2, rel=1e-3)
    assert calibration_line(y, expit(margin + 1))[1] == pytest.approx(intercept - slope, rel=1e-2)


def test_one_class_leaves_what_needs_both_missing() -> None:
    """No AUC without positives, no ratio without realised dollars, but a Brier score."""
    figures = headline(np.zeros(3), np.array([0.1, 0.2, 0.3]), np.ones(3))
    for name in ("roc_auc", "average_precision", "slope", "expected_over_realised"):
        assert np.isnan(figures[name])
    assert figures["brier"] == pytest.approx((0.01 + 0.04 + 0.09) / 3)


def test_no_rows_have_no_figures() -> None:
    """Zero rows are counted, everything else is missing."""
    figures = headline(np.empty(0), np.empty(0), np.empty(0))
    assert figures["rows"] == 0
    assert np.isnan(figures["brier"])


def test_models_are_compared_on_the_same_rows(sample: tuple[Floats, Floats, Floats]) -> None:
    """One entry per model, each as alone."""
    y, p, dollars = sample
    both = compare(y, {"one": p, "half": np.full(len(y), 0.5)}, dollars)
    assert both["one"] == headline(y, p, dollars)
    assert both["half"]["roc_auc"] == pytest.approx(0.5)


def accounts(count: int, each: int) -> npt.NDArray[np.object_]:
    """Return account ids of ``each`` rows."""
    return np.repeat([f"A{number:03d}" for number in range(count)], each).astype(object)


def test_equal_models_have_intervals_of_nothing_but_zero(
    sample: tuple[Floats, Floats, Floats],
) -> None:
    """The comparison is paired: a model against itself differs by exactly 0 in every draw."""
    y, p, dollars = sample
    rng = np.random.default_rng(1)
    rows = paired_intervals(y, (p, p.copy()), dollars, accounts(100, 40), rng, draws=20)
    for interval in rows.values():
        assert (interval.difference, interval.low, interval.high) == (0, 0, 0)


def test_models_of_equal_worth_have_intervals_that_hold_zero(
    sample: tuple[Floats, Floats, Floats],
) -> None:
    """Two noisy copies of the truth differ by chance only."""
    y, p, dollars = sample
    rng = np.random.default_rng(2)
    margin = np.log(p / (1 - p))
    noisy = [expit(margin + rng.normal(0, 0.5, len(y))) for _ in range(2)]
    rows = paired_intervals(
        y, (noisy[0], noisy[1]), dollars, accounts(400, 10), np.random.default_rng(3), draws=120
    )
    for name in ("roc_auc", "average_precision", "brier", "log_loss"):
        assert rows[name].low < 0 < rows[name].high, name


def test_a_better_model_has_intervals_without_zero(
    sample: tuple[Floats, Floats, Floats],
) -> None:
    """The truth against half of it: better in every figure."""
    y, p, dollars = sample
    worse = np.full(len(y), y.mean())
    rows = paired_intervals(
        y, (p, worse), dollars, accounts(400, 10), np.random.default_rng(3), draws=80
    )
    assert rows["roc_auc"].low > 0.2
    assert rows["brier"].high < 0
    assert rows["log_loss"].high < 0


def test_the_difference_is_that_of_the_headline_figures() -> None:
    """Also where probabilities are certain: both ways of computing clip alike."""
    rng = np.random.default_rng(4)
    y = (rng.random(300) < 0.4).astype(float)
    certain = np.where(rng.random(300) < 0.8, y, 1 - y)
    other = np.full(300, 0.4)
    dollars = rng.lognormal(5, 1, 300)
    rows = paired_intervals(y, (certain, other), dollars, accounts(30, 10), rng, draws=20)
    one, two = headline(y, certain, dollars), headline(y, other, dollars)
    for name, interval in rows.items():
        assert interval.difference == pytest.approx(one[name] - two[name], abs=1e-12), name


def test_rows_of_one_account_are_no_evidence_of_their_own() -> None:
    """Ten copies of every row leave intervals over accounts as wide as they were."""
    rng = np.random.default_rng(6)
    margin = rng.normal(0, 1, 200)
    y = (rng.random(200) < expit(margin)).astype(float)
    account = accounts(200, 1)
    p, other, dollars = expit(margin), np.full(200, 0.5), np.ones(200)
    once = paired_intervals(y, (p, other), dollars, account, np.random.default_rng(7), draws=60)
    ten = paired_intervals(
        np.repeat(y, 10),
        (np.repeat(p, 10), np.repeat(other, 10)),
        np.ones(2000),
        np.repeat(account, 10),
        np.random.default_rng(7),
        draws=60,
    )
    assert ten["brier"].low == pytest.approx(once["brier"].low)
    assert ten["brier"].high == pytest.approx(once["brier"].high)
