"""Four windows in time: fit, stop early, recalibrate, test, with the embargo between."""

from dataclasses import dataclass
from datetime import date, timedelta

from training.config import WindowConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """As-of dates of the four windows; each pair is first and last day, both inclusive."""

    fit: tuple[date, date]
    stop: tuple[date, date]
    recalibrate: tuple[date, date]
    test: tuple[date, date]


class TooLittleHistoryError(ValueError):
    """A ledger that is too short or too small to train on; the message says what is missing."""


def four_windows(first: date, last: date, config: WindowConfig, maturity_lag_days: int) -> Windows:
    """Cut the mature as-of dates into four windows, from the newest back.

    Parameters
    ----------
    first, last : date
        Oldest and newest as-of date whose first outcome is mature.
    config : WindowConfig
        Lengths and embargo; a window of no days is left out with its embargo.
    maturity_lag_days : int
        Days after a horizon before its outcome is final.

    Raises
    ------
    TooLittleHistoryError
        When nothing is left to fit on.

    Examples
    --------
    >>> config = WindowConfig(recalibrate_days=56)
    >>> w = four_windows(date(2023, 1, 1), date(2024, 12, 31), config, 7)
    >>> str(w.fit[1]), str(w.stop[0]), str(w.test[0])
    ('2024-03-30', '2024-05-06', '2024-11-06')
    """
    gap = timedelta(days=config.embargo(maturity_lag_days))
    end = last
    spans = []
    for length in (config.test_days, config.recalibrate_days, config.stop_days):
        start = end - timedelta(days=length - 1)
        spans.append((start, end))
        end = start - gap if length else end
    if end <= first:
        need = (last - end).days
        raise TooLittleHistoryError(
            f"Outcomes are known for as-of dates from {first} to {last}, "
            f"{(last - first).days} days. Stopping, recalibrating and testing take {need} days "
            "and leave nothing to fit on. Give a longer history, or shorter windows in the "
            "configuration."
        )
    test, recalibrate, stop = spans
    return Windows(fit=(first, end), stop=stop, recalibrate=recalibrate, test=test)
