"""Business days and everything that depends on the calendar alone.

Events happen on business days (Monday to Friday), counted by an index; dates are whole days
since 1970-01-01. The tables reach beyond the ledger's end, as true probabilities look ahead.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from features.sources.simulated.config import SimulationConfig
from features.sources.simulated.payers import Floats

Ints = npt.NDArray[np.int32]

LOOKAHEAD_DAYS = 260
WEEKLY, FORTNIGHTLY, MONTHLY = 1, 6, 16
RHYTHMS = MONTHLY + 4
SEGMENTS = ("enterprise", "mid_market", "small_business", "public_sector")
SHOCK_DEPTH = (0.25, 0.35, 0.50, 0.10)


def epoch_day(day: date) -> int:
    """Return whole days since 1970-01-01.

    Examples
    --------
    >>> epoch_day(date(1970, 1, 31))
    30
    """
    return day.toordinal() - date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What the calendar does to payments on one business day.

    Parameters
    ----------
    number : int
        Days since 1970-01-01.
    rhythm : ndarray of shape (RHYTHMS,)
        Multiplier by payment rhythm: 0 on the days a cycle payer does not pay.
    season, season_delay : ndarray of shape (13,)
        Multiplier and days of delay by season class; class 0 has no season.
    economy : ndarray of shape (len(SEGMENTS),)
        Multiplier by segment; below 1 during the shock.
    """

    number: int
    rhythm: Floats
    season: Floats
    season_delay: Floats
    economy: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class BusinessCalendar:
    """The business days of a simulation and their effects.

    Parameters
    ----------
    days : ndarray of int32
        Business days, as days since 1970-01-01, reaching beyond the end.
    length : int
        How many of them lie within the ledger.
    last : int
        Last day of the ledger, days since 1970-01-01.
    months : ndarray of int32
        Months since the first one, per business day.
    rhythm, season, season_delay, economy : ndarray of shape (classes, days)
        See :class:`Day`.
    """

    days: Ints
    length: int
    last: int
    months: Ints
    rhythm: Floats
    season: Floats
    season_delay: Floats
    economy: Floats

    def day(self, index: int) -> Day:
        """Return the effects of the business day with this index."""
        return Day(
            number=int(self.days[index]),
            rhythm=self.rhythm[:, index],
            season=self.season[:, index],
            season_delay=self.season_delay[:, index],
            economy=self.economy[:, index],
        )

    def last_before_end_of(self, day: date) -> int:
        """Return the index of the newest business day that is not after ``day``; -1 if none."""
        return int(np.searchsorted(self.days, epoch_day(day), side="right")) - 1


def business_calendar(config: SimulationConfig) -> BusinessCalendar:
    """Return the calendar of a simulation.

    Examples
    --------
    >>> calendar = business_calendar(SimulationConfig(accounts=1, months=1, seed=0))
    >>> calendar.length
    22
    """
    first, last = epoch_day(config.start), epoch_day(config.known_through)
    every = np.arange(first, last + 1 + LOOKAHEAD_DAYS, dtype=np.int32)
    days = every[(every + 3) % 7 < 5]
    stamps = days.astype("datetime64[D]")
    months = stamps.astype("datetime64[M]").astype(np.int32)
    season, season_delay = _seasons(months % 12)
    return BusinessCalendar(
        days=days,
        length=int(np.searchsorted(days, last, side="right")),
        last=last,
        months=months - months[0],
        rhythm=_rhythms(days, months),
        season=season,
        season_delay=season_delay,
        economy=_economy(days, first, last),
    )


def _rhythms(days: Ints, months: Ints) -> Floats:
    weekday = (days + 3) % 7
    monthday = (days - months.astype("datetime64[M]").astype("datetime64[D]").astype(int)) + 1
    to_end = _rank_in_month(months[::-1])[::-1]
    from_start = _rank_in_month(months)
    year_end = ((months % 12 == 11) & (monthday >= 20)) | ((months % 12 == 0) & (monthday <= 4))
    before = (months % 12 == 11) & (monthday >= 8) & (monthday < 20)

    rhythm = np.zeros((RHYTHMS, len(days)), dtype=np.float32)
    rhythm[0] = np.array([0.95, 1.05, 1.0, 1.0, 1.05], dtype=np.float32)[weekday]
    rhythm[0] *= np.where(to_end < 3, 1.35, 1.0) * np.where(from_start < 3, 0.8, 1.0)
    for day in range(5):
        rhythm[WEEKLY + day] = weekday == day
        for parity in range(2):
            fortnight = (days + 3) // 7 % 2 == parity
            rhythm[FORTNIGHTLY + 2 * day + parity] = (weekday == day) & fortnight
    fifteenth = (monthday >= 15) & (monthday - _gap(days) < 15)
    tenth = (monthday >= 10) & (monthday - _gap(days) < 10)
    twentieth = (monthday >= 20) & (monthday - _gap(days) < 20)
    rhythm[MONTHLY] = to_end == 0
    rhythm[MONTHLY + 1] = fifteenth | (to_end == 0)
    rhythm[MONTHLY + 2] = tenth
    rhythm[MONTHLY + 3] = twentieth
    return (
        rhythm
        * np.where(year_end, np.float32(0.6), np.float32(1.0))
        * np.where(before, np.float32(1.15), np.float32(1.0))
    )


def _gap(days: Ints) -> Ints:
    """Days since the business day before: 3 on Mondays, else 1."""
    return np.where((days + 3) % 7 == 0, 3, 1).astype(np.int32)


def _rank_in_month(months: Ints) -> Ints:
    """0 for the first business day of its month in the given order, then 1, 2 and so on."""
    starts = np.flatnonzero(np.r_[True, months[1:] != months[:-1]])
    lengths = np.diff(np.r_[starts, len(months)])
    return (np.arange(len(months)) - np.repeat(starts, lengths)).astype(np.int32)


def _seasons(month: Ints) -> tuple[Floats, Floats]:
    """Four lean months a year, starting in month ``class - 1``; class 0 has none."""
    season = np.ones((13, len(month)), dtype=np.float32)
    delay = np.zeros((13, len(month)), dtype=np.float32)
    for first in range(12):
        lean = (month - first) % 12 < 4
        season[first + 1, lean] = 0.4
        delay[first + 1, lean] = 15.0
    return season, delay


def _economy(days: Ints, first: int, last: int) -> Floats:
    """One shock: sets in at half the span, lasts a twelfth of it, fades over another twelfth."""
    span = last - first + 1
    onset, full, over = first + span * 0.5, first + span * 7 / 12, first + span * 8 / 12
    depth = np.interp(days, [onset - 1, onset, full, over], [0.0, 1.0, 1.0, 0.0])
    return (1.0 - np.outer(SHOCK_DEPTH, depth)).astype(np.float32)
