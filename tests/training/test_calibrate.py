"""Tests of choosing a calibrator: it helps a distorted margin and leaves a good one alone."""

import numpy as np
import numpy.typing as npt
import pytest
from scipy.special import expit

from models.calibrator import Calibrator
from training.calibrate import MIN_OF_EACH_CLASS, choose_calibrator
from training.metrics import clipped_log_loss

Floats = npt.NDArray[np.float64]


def draw(count: int, seed: int) -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
    """Return true margins, outcomes and a random half."""
    rng = np.random.default_rng(seed)
    margin = rng.normal(-0.5, 1.5, count)
    y = (rng.random(count) < expit(margin)).astype(float)
    return margin, y, rng.random(count) < 0.5


@pytest.mark.parametrize(("stretch", "shift"), [(2.5, 0.0), (0.4, 0.0), (1.0, 1.5), (2.0, -1.0)])
def test_a_distorted_margin_is_put_right_on_fresh_rows(stretch: float, shift: float) -> None:
    """Both Brier score and log-loss improve where the map never looked."""
    margin, y, half = draw(6000, 1)
    chosen = choose_calibrator(margin * stretch + shift, y, half)
    assert chosen.kind != "identity"
    fresh, outcome, _ = draw(6000, 2)
    distorted = fresh * stretch + shift
    before, after = expit(distorted), chosen.probability(distorted)
    assert clipped_log_loss(outcome, after) < clipped_log_loss(outcome, before)
    assert np.mean((after - outcome) ** 2) < np.mean((before - outcome) ** 2)
    np.testing.assert_allclose(after, expit(fresh), atol=0.06)


def test_what_does_not_help_is_not_kept() -> None:
    """On calibrated margins the candidates mostly lose to the identity, fold by fold."""
    kinds = [choose_calibrator(*draw(400, seed)).kind for seed in range(30)]
    assert kinds.count("identity") > 15


@pytest.mark.parametrize("positives", [0, MIN_OF_EACH_CLASS - 1])
def test_few_outcomes_of_a_class_are_not_fitted_to(positives: int) -> None:
    """A map on a handful of rows would fit noise."""
    y = np.zeros(2000)
    y[:positives] = 1
    margin = np.linspace(5, -5, 2000)
    assert choose_calibrator(margin, y, np.arange(2000) % 2 == 0) == Calibrator()


def test_a_half_with_one_class_is_no_judge() -> None:
    """All positives in one half: nothing can be fitted there, the identity stays."""
    margin, y, _ = draw(2000, 3)
    assert choose_calibrator(3 * margin, y, y == 1) == Calibrator()


def test_a_margin_that_ranks_the_wrong_way_never_gives_a_falling_map() -> None:
    """Slopes are cut at zero; the ranking is not turned round."""
    margin, y, half = draw(4000, 4)
    chosen = choose_calibrator(-margin, y, half)
    assert chosen.a >= 0
    assert chosen.b >= 0
