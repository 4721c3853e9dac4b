"""Tests of the reference values of a training portfolio."""

import numpy as np
import pytest

from models.profile import ALL, CELLS, Profile, cell_index


def test_cells_are_the_buckets_with_current_split_by_whether_it_can_roll() -> None:
    """Due in 30 days exactly cannot roll; due in 29 can; undated items have the last row."""
    days = [-31, -30, -29, 0, 1, 30, 31, 60, 61, 90, 91, 9999, float("nan")]
    names = [CELLS[index] for index in cell_index(days)]
    assert names == [
        *["not due in 30 days"] * 2,
        *["due in 30 days"] * 2,
        *["1-30"] * 2,
        *["31-60"] * 2,
        *["61-90"] * 2,
        *["91+"] * 2,
        "undated",
    ]


def test_unknown_segments_are_answered_by_the_whole_portfolio(profile: Profile) -> None:
    """Rates come from the segment's matrix row, else from ``*``."""
    segment = np.array(["smb", "unheard of", ""], dtype=object)
    rates = profile.rates(segment, np.array([10.0, 10.0, np.nan]))
    assert rates[0].tolist() == profile.matrix["smb"][2]
    assert rates[1].tolist() == profile.matrix[ALL][2]
    assert rates[2].tolist() == profile.matrix[ALL][6]


def test_the_cumulative_hazard_is_flat_beyond_both_ends_and_linear_between_days(
    profile: Profile,
) -> None:
    """Nothing is known beyond the curve, so nothing happens there."""
    segment = np.full(4, "smb", dtype=object)
    days = np.array([-5000.0, -120.0, 365.0, 5000.0])
    got = profile.cumulative_hazard(segment, days)
    curve = profile.curves["smb"]
    assert got.tolist() == [curve[0], curve[0], curve[-1], curve[-1]]
    half = profile.cumulative_hazard(segment[:1], np.array([10.5]))[0]
    assert half == pytest.approx((curve[130] + curve[131]) / 2)


def test_the_cumulative_hazard_never_falls(profile: Profile) -> None:
    """Segments with and without a curve of their own."""
    days = np.arange(-200.0, 500.0)
    for name in ("smb", "enterprise"):
        values = profile.cumulative_hazard(np.full(len(days), name, dtype=object), days)
        assert (np.diff(values) >= 0).all()


def test_the_json_rebuilds_the_profile(profile: Profile) -> None:
    """A profile is plain values."""
    assert Profile.from_json(profile.to_json()) == profile
