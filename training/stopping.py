"""Where each part of a model stops: on the newest weeks whose outcomes were final.

The first step is decided 30 days after an as-of date, the fourth 120 days. In the weeks on which
the first step stops, the later ones have few outcomes or none, and what they have is decided
while a model is already being judged. So each part has weeks of its own.
"""

from dataclasses import replace
from datetime import date, timedelta

from features.ageing import STEP_DAYS
from training.dataset import Dataset, horizon_of
from training.splits import Windows


def windows_of(part: str, windows: Windows) -> Windows:
    """Return the windows of a part: earlier by the days that it is decided after the first step.

    Where it may begin to learn and where the model is judged stays.

    Examples
    --------
    >>> day = date(2024, 1, 1)
    >>> windows = Windows(fit=(day, day), stop=(day, day), recalibrate=(day, day), test=(day, day))
    >>> [str(windows_of(part, windows).stop[0]) for part in ("cut_7", "step_1", "step_2")]
    ['2024-01-01', '2024-01-01', '2023-12-02']
    """
    back = timedelta(days=horizon_of(part) - STEP_DAYS)

    def earlier(window: tuple[date, date]) -> tuple[date, date]:
        return window[0] - back, window[1] - back

    stop, recalibrate = earlier(windows.stop), earlier(windows.recalibrate)
    return replace(windows, stop=stop, recalibrate=recalibrate)


def known_before_stop(fit: Dataset, part: str, windows: Windows, maturity_lag_days: int) -> Dataset:
    """Return the rows of the fit window as they were known when the part's stopping weeks began.

    Outcomes that were not final then are blanked; all are kept where there is no window to stop on.
    """
    first, last = windows_of(part, windows).stop
    return fit.known_by(first, maturity_lag_days) if first <= last else fit
