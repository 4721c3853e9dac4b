"""Tests of the four windows in time."""

import itertools
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.config import WindowConfig
from training.splits import TooLittleHistoryError, four_windows

FIRST = date(2022, 1, 1)


@given(
    st.integers(200, 1200),
    st.integers(1, 60),
    st.integers(1, 60),
    st.integers(1, 60),
    st.integers(0, 10),
)
def test_windows_follow_each_other_with_the_embargo_between(
    span: int, stop: int, recalibrate: int, test: int, lag: int
) -> None:
    """Every outcome of a window is known before the next one begins; nothing overlaps."""
    config = WindowConfig(stop_days=stop, recalibrate_days=recalibrate, test_days=test)
    last = FIRST + timedelta(days=span)
    if span <= stop + recalibrate + test + 3 * (29 + lag + 1):
        return
    windows = four_windows(FIRST, last, config, lag)
    assert windows.fit[0] == FIRST
    assert windows.test[1] == last
    order = (windows.fit, windows.stop, windows.recalibrate, windows.test)
    for before, after in itertools.pairwise(order):
        assert before[0] <= before[1]
        assert (after[0] - before[1]).days == 30 + lag
    lengths = [(end - start).days + 1 for start, end in order[1:]]
    assert lengths == [stop, recalibrate, test]


def test_a_window_of_no_days_is_left_out_with_its_embargo() -> None:
    """Without stopping and recalibrating everything before the test's embargo is fitted on."""
    config = WindowConfig(stop_days=0, recalibrate_days=0, test_days=28)
    windows = four_windows(FIRST, date(2022, 12, 31), config, 7)
    assert windows.fit == (FIRST, windows.test[0] - timedelta(days=37))
    assert windows.stop[0] > windows.stop[1]
    assert windows.recalibrate[0] > windows.recalibrate[1]


def test_too_short_a_history_is_refused_and_says_what_it_lacks() -> None:
    """The message counts the days there are and the days the windows take."""
    with pytest.raises(TooLittleHistoryError, match=r"99 days.*take 276 days.*longer history"):
        four_windows(FIRST, FIRST + timedelta(days=99), WindowConfig(recalibrate_days=56), 7)
