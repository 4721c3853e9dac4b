"""Tests of expected against realised figures, worked by hand."""

import numpy as np
import pytest

from training.monitor_outcomes import Estimate, outcome_figures, without_nan

FAMILY = np.array(["A", "A", "B", "C", "D", "E"], dtype=object)
Y = np.array([1.0, 0.0, 1.0, 0.0, 0.0, 0.0])
P = np.array([0.5, 0.5, 0.25, 0.25, 0.25, 0.25])
BALANCE = np.array([100.0, 300.0, 50.0, 10.0, 10.0, 30.0])


def test_ratios_are_realised_over_expected() -> None:
    """2 items of 2 expected; 150 dollars of 225 expected."""
    found = outcome_figures(Y, P, BALANCE, FAMILY, np.random.default_rng(1))
    assert (found.rows, found.accounts, found.unresolved, found.expected) == (6, 5, 2, 2.0)
    assert found.items.value == 1.0
    assert found.dollars.value == pytest.approx(150 / 225)
    assert found.items.low <= found.items.value <= found.items.high


def test_capture_is_of_accounts_ranked_by_expected_dollars() -> None:
    """One of five accounts is 20 %: A, expected 200, holds 100 of the 150 that stayed open."""
    found = outcome_figures(Y, P, BALANCE, FAMILY, np.random.default_rng(1))
    assert found.capture["20%"].value == pytest.approx(100 / 150)
    assert found.capture["5%"].value == 0.0


def test_intervals_take_whole_families() -> None:
    """A hundred items of one family are one draw: the interval stays as wide as with one item."""
    rng = np.random.default_rng
    few = outcome_figures(Y, P, BALANCE, FAMILY, rng(2))
    many = outcome_figures(
        np.repeat(Y, 100),
        np.repeat(P, 100),
        np.repeat(BALANCE, 100),
        np.repeat(FAMILY, 100),
        rng(2),
    )
    assert (many.items.low, many.items.high) == pytest.approx((few.items.low, few.items.high))


def test_nothing_unresolved_is_no_capture() -> None:
    """A figure that cannot be had is missing, and None in JSON."""
    found = outcome_figures(np.zeros(6), P, BALANCE, FAMILY, np.random.default_rng(1))
    assert without_nan(found.to_json())["capture"]["20%"]["value"] is None
    assert found.items.value == 0.0


@pytest.mark.parametrize(
    ("low", "high", "outside"),
    [(0.5, 0.79, True), (1.26, 2.0, True), (0.5, 0.81, False), (0.9, 3.0, False)],
)
def test_only_a_whole_interval_is_outside(low: float, high: float, outside: bool) -> None:  # noqa: FBT001
    """An interval that touches the bounds proves nothing."""
    assert Estimate(value=1.0, low=low, high=high).outside(0.80, 1.25) is outside
