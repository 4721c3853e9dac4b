"""Tests of the maps from margin to probability."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calibrator import Calibrator

slopes = st.floats(0, 5)
intercepts = st.floats(-5, 5)
calibrators = st.one_of(
    st.just(Calibrator()),
    st.builds(lambda a, c: Calibrator(kind="logistic", a=a, c=c), slopes, intercepts),
    st.builds(lambda a, b, c: Calibrator(kind="beta", a=a, b=b, c=c), slopes, slopes, intercepts),
)
MARGINS = np.linspace(-30, 30, 601)


@given(calibrators)
def test_a_higher_margin_never_gives_a_lower_probability(calibrator: Calibrator) -> None:
    """Every map rises, stays in [0, 1] and keeps the ranking."""
    p = calibrator.probability(MARGINS)
    assert ((p >= 0) & (p <= 1)).all()
    assert (np.diff(p) >= -1e-15).all()


@given(calibrators)
def test_the_slope_is_the_derivative_of_the_probability(calibrator: Calibrator) -> None:
    """Central differences of the probability give the slope."""
    margin, h = np.linspace(-8, 8, 81), 1e-5
    difference = calibrator.probability(margin + h) - calibrator.probability(margin - h)
    np.testing.assert_allclose(calibrator.slope(margin), difference / (2 * h), atol=2e-9)


def test_a_beta_map_with_unit_slopes_is_the_identity() -> None:
    """A = b = 1 and c = 0 leave the probability as it was."""
    np.testing.assert_allclose(
        Calibrator(kind="beta").probability(MARGINS), Calibrator().probability(MARGINS), rtol=1e-12
    )


def test_the_beta_map_follows_its_published_formula() -> None:
    """1 / (1 + 1 / (e^c · p^a / (1−p)^b)), Kull et al. (2017)."""
    p = np.array([0.1, 0.5, 0.9])
    a, b, c = 0.7, 1.4, -0.2
    expected = 1 / (1 + 1 / (np.exp(c) * p**a / (1 - p) ** b))
    got = Calibrator(kind="beta", a=a, b=b, c=c).probability(np.log(p / (1 - p)))
    np.testing.assert_allclose(got, expected, rtol=1e-12)


@pytest.mark.parametrize("wrong", [{"a": -0.1}, {"b": -1e-9}])
def test_falling_maps_are_refused(wrong: dict[str, float]) -> None:
    """A negative slope would turn the ranking round."""
    with pytest.raises(ValueError, match="falling map would turn the ranking round"):
        Calibrator(kind="beta", **wrong)


def test_unknown_kinds_are_refused() -> None:
    """Isotonic maps are not offered."""
    with pytest.raises(ValueError, match="kind must be one of"):
        Calibrator(kind="isotonic")  # type: ignore[arg-type]


@given(calibrators)
def test_the_json_rebuilds_the_same_map(calibrator: Calibrator) -> None:
    """A calibrator is its numbers."""
    assert Calibrator(**calibrator.to_json()) == calibrator
