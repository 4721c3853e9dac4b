"""Cut-offs of a backtest: what a model would have been trained on, and what judges it."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from features.ageing import LAST, STEP_DAYS
from features.ledger.read import Ledger
from training.config import TrainingConfig
from training.dataset import Dataset
from training.recipe import require_enough
from training.splits import TooLittleHistoryError, Windows, four_windows


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """One cut-off of a backtest.

    Parameters
    ----------
    cutoff : date
        The day on which the model would have been trained; later knowledge is unused.
    train_until : date or None
        Last as-of date that may be trained on; None for all that are mature at the cut-off.
    first, last : date
        As-of dates that are judged.
    """

    cutoff: date
    train_until: date | None
    first: date
    last: date


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginRows:
    """The rows of one origin: its past with the windows to choose in, and the rows it judges."""

    origin: Origin
    past: Dataset
    windows: Windows
    test: Dataset


def plan_origins(ledger: Ledger, config: TrainingConfig) -> list[Origin]:
    """Return the origins that the configuration asks for, oldest first."""
    lag = ledger.manifest.maturity_lag_days
    wanted = config.backtest
    mature = ledger.manifest.known_through - timedelta(days=STEP_DAYS + lag)
    if wanted.train_until is not None:
        if wanted.test_from is None:
            raise TooLittleHistoryError("backtest.train_until needs backtest.test_from beside it.")
        return [
            Origin(
                cutoff=wanted.train_until + timedelta(days=STEP_DAYS + lag),
                train_until=wanted.train_until,
                first=wanted.test_from,
                last=min(wanted.test_until or mature, mature),
            )
        ]
    origins = []
    for back in range(wanted.origins, 0, -1):
        first = mature - timedelta(days=back * wanted.test_days - 1)
        last = first + timedelta(days=wanted.test_days - 1)
        origins.append(Origin(cutoff=first, train_until=None, first=first, last=last))
    return origins


def rows_of_origin(data: Dataset, origin: Origin, config: TrainingConfig, lag: int) -> OriginRows:
    """Return what an origin learns from and what it is judged on.

    Parameters
    ----------
    data : Dataset
        Rows of all dates.
    origin : Origin
        Which cut-off.
    config : TrainingConfig
        The recipe; no window of its own is kept for a test.
    lag : int
        Days after a horizon before its outcome is final.

    Raises
    ------
    TooLittleHistoryError
        When there is too little to learn from, or nothing to judge.
    """
    past = data.between(None, origin.train_until).known_by(origin.cutoff, lag)
    past = past.select(~np.isnan(past.target("step_1")))
    require_enough(past, origin.cutoff)
    first, last = past.as_of.min().date(), past.as_of.max().date()
    test = judged_rows(data.between(origin.first, origin.last), config)
    if not len(test):
        raise TooLittleHistoryError(
            f"No item can be judged on the as-of dates from {origin.first} to {origin.last}. "
            "Make backtest.test_days at least as long as windows.every_days."
        )
    windows = four_windows(first, last, config.windows, lag)
    return OriginRows(origin=origin, past=past, windows=windows, test=test)


def judged_rows(data: Dataset, config: TrainingConfig) -> Dataset:
    """Return the rows of the headline figures: exposed items with a known outcome."""
    keep = data.exposed
    if config.backtest.include_last_bucket:
        keep = keep | (data.frame.bucket == LAST)
    return data.select(keep & ~np.isnan(data.target("step_1")))
