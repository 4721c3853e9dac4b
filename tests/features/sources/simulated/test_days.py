"""The calendar behind payments."""

from datetime import date

import numpy as np

from features.sources.simulated.config import SimulationConfig
from features.sources.simulated.days import (
    FORTNIGHTLY,
    MONTHLY,
    WEEKLY,
    business_calendar,
    epoch_day,
)

CALENDAR = business_calendar(SimulationConfig(accounts=1, months=24, seed=0))
STAMPS = CALENDAR.days.astype("datetime64[D]")


def test_business_days_are_weekdays_without_gaps() -> None:
    """The calendar holds Monday to Friday and every one of them."""
    assert np.is_busday(STAMPS).all()
    assert len(STAMPS) == np.busday_count(STAMPS[0], STAMPS[-1]) + 1


def test_weekly_payers_pay_on_their_weekday_only() -> None:
    """The Friday rhythm is positive on Fridays and zero on all other days."""
    fridays = (CALENDAR.days + 3) % 7 == 4
    assert ((CALENDAR.rhythm[WEEKLY + 4] > 0) == fridays).all()


def test_two_fortnightly_rhythms_share_one_weekday() -> None:
    """Both fortnightly Wednesdays together are the weekly Wednesday."""
    both = CALENDAR.rhythm[FORTNIGHTLY + 4] + CALENDAR.rhythm[FORTNIGHTLY + 5]
    assert np.allclose(both, CALENDAR.rhythm[WEEKLY + 2])


def test_month_end_payers_pay_once_a_month_on_its_last_business_day() -> None:
    """The month-end rhythm is positive on the last business day of every whole month."""
    months = STAMPS.astype("datetime64[M]")
    paydays = STAMPS[CALENDAR.rhythm[MONTHLY] > 0]
    assert np.datetime64("2023-09-29") in paydays
    assert len(np.unique(paydays.astype("datetime64[M]"))) == len(paydays) == len(np.unique(months))


def test_each_monthly_rhythm_has_its_number_of_pay_days() -> None:
    """Month end, tenth and twentieth come once a month, the half-monthly rhythm twice."""
    within = CALENDAR.months < 24
    paydays = [int((CALENDAR.rhythm[MONTHLY + i, within] > 0).sum()) for i in range(4)]
    assert paydays == [24, 48, 24, 24]


def test_there_is_one_shock_and_it_passes() -> None:
    """The economy falls once, in the middle of the span, and is whole before and after."""
    economy = CALENDAR.economy[2]
    onset = CALENDAR.last_before_end_of(date(2024, 1, 2))
    assert economy[0] == economy[CALENDAR.length - 1] == 1.0
    assert economy[onset] < 0.55
    below = np.flatnonzero(economy < 1.0)
    assert (np.diff(below) == 1).all()


def test_the_last_business_day_is_found_on_a_weekend() -> None:
    """On a Sunday the newest business day is the Friday before; before the start there is none."""
    friday = CALENDAR.last_before_end_of(date(2023, 3, 5))
    assert CALENDAR.days[friday] == epoch_day(date(2023, 3, 3))
    assert CALENDAR.last_before_end_of(date(2023, 1, 1)) == -1
