"""Search a few parameters of the recipe inside the training window, with a fixed seed.

The window that a model is judged on is never touched. What remains is cut into rolling folds:
each trains on what was known on a day and is judged on the as-of dates that followed it. A
trial's loss is the log-loss of each step and cut, as a share of what a constant rate would
lose, averaged over parts and folds; so every part of the survival curve weighs the same. The
first trial is the configuration given, so the search never returns a worse one on its folds.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import lightgbm
import numpy as np
import optuna

from features.ageing import STEP_DAYS
from features.ledger.read import Ledger
from models.bundle import PARTS
from training.config import TrainingConfig
from training.dataset import Dataset, as_of_grid, load_dataset
from training.hazard import (
    is_trainable,
    risk_set,
    risk_set_in,
    search_part,
    shared_bins,
    side_by_side,
)
from training.metrics import clipped_log_loss
from training.recipe import oldest_as_of
from training.splits import TooLittleHistoryError, Windows, four_windows
from training.stopping import known_before_stop, windows_of

FOLDS = 3
LONGEST_FOLD_DAYS = 56
"""Folds take half of the as-of dates at most, so a short history has shorter ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """One cut-off inside the training window.

    Parameters
    ----------
    known : Dataset
        Rows with what was known at the cut-off.
    windows : Windows
        Which of them to fit on and, the newest, to stop on.
    judge : Dataset
        The as-of dates after the cut-off.
    lag : int
        Maturity lag in days.
    """

    known: Dataset
    windows: Windows
    judge: Dataset
    lag: int

    @property
    def fit(self) -> Dataset:
        """Rows that the parts learn from; ``learnt`` says which outcomes of them."""
        return self.known.between(*self.windows.fit)

    def learnt(self, part: str, fit: Dataset) -> Dataset:
        """Return the rows of ``fit`` with the outcomes that a part learns from."""
        return known_before_stop(fit, part, self.windows, self.lag)

    def stop(self, part: str) -> Dataset:
        """Return the newest rows with outcomes of a part: they decide its number of trees."""
        return self.known.between(*windows_of(part, self.windows).stop)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One configuration that was tried: what was changed, and its loss (1 is a constant rate)."""

    changed: Mapping[str, Any]
    loss: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What a search found, and everything it tried, the configuration given first."""

    best: TrainingConfig
    trials: tuple[Trial, ...]


def rolling_folds(data: Dataset, last: date, config: TrainingConfig, lag: int) -> list[Fold]:
    """Cut the as-of dates up to ``last`` into folds, oldest first.

    Parameters
    ----------
    data : Dataset
        Rows of the training window.
    last : date
        Newest as-of date that may be judged on.
    config : TrainingConfig
        Its ``windows.stop_days`` and embargo hold within each fold.
    lag : int
        Maturity lag in days.

    Raises
    ------
    TooLittleHistoryError
        When no fold has both outcomes to learn from and to judge on.
    """
    gap = timedelta(days=config.windows.embargo(lag))
    stop_days = timedelta(days=config.windows.stop_days)
    length = min(LONGEST_FOLD_DAYS, (last - data.as_of.min().date()).days // (2 * FOLDS))
    folds = []
    for back in range(FOLDS, 0, -1):
        first = last - timedelta(days=back * length - 1)
        known = data.known_by(first, lag)
        stop_last = first - gap if stop_days else first
        stop_first = stop_last - stop_days + timedelta(days=1)
        judged = (first, first + timedelta(days=length - 1))
        windows = Windows(
            fit=(data.as_of.min().date(), stop_first - gap if stop_days else first),
            stop=(stop_first, stop_last),
            recalibrate=(first, first - timedelta(days=1)),
            test=judged,
        )
        fold = Fold(known=known, windows=windows, judge=data.between(*judged), lag=lag)
        learnt = fold.learnt("step_1", fold.fit)
        if is_trainable(learnt.target("step_1")) and len(fold.judge):
            folds.append(fold)
    if not folds:
        raise TooLittleHistoryError(
            f"The as-of dates up to {last} leave no fold to search on: none of {FOLDS} folds of "
            f"{length} days has outcomes of both kinds before it. Give a longer history."
        )
    return folds


def relative_loss(
    folds: Sequence[Fold], config: TrainingConfig, parts: Sequence[str] = PARTS
) -> float:
    """Return the mean over folds and parts of log-loss ÷ log-loss of the constant rate."""
    shares: list[float] = []
    for fold in folds:
        fit = fold.fit
        bins = shared_bins(fit, config)
        rows = {part: fold.learnt(part, fit) for part in parts}
        learnt = {
            part: risk_set_in(bins, data, part, config)
            for part, data in rows.items()
            if is_trainable(data.target(part)) and is_trainable(fold.judge.target(part))
        }

        def share(
            part: str, fold: Fold = fold, learnt: Mapping[str, lightgbm.Dataset] = learnt
        ) -> float:
            if part not in learnt:
                return np.nan
            rows = (fold.judge, fold.stop(part))
            judged, stop = (risk_set(data, part, config) for data in rows)
            _, booster = search_part(learnt[part], stop, part, config)
            p: Any = booster.predict(judged.values, num_threads=1)
            constant = np.full(len(judged.y), judged.y.mean())
            own = clipped_log_loss(judged.y, np.asarray(p, dtype=float))
            return own / clipped_log_loss(judged.y, constant)

        shares.extend(side_by_side(share, parts))
    return float(np.nanmean(shares))


def suggestion(trial: optuna.Trial) -> dict[str, Any]:
    """Return the values that a trial tries, by the keys of a configuration file."""
    return {
        "decay_days": trial.suggest_categorical("decay_days", [0.0, 180.0, 365.0]),
        "balance_power": trial.suggest_categorical("balance_power", [0.0, 0.25, 0.5]),
        "trees.learning_rate": trial.suggest_float("trees.learning_rate", 0.02, 0.12, log=True),
        "trees.num_leaves": trial.suggest_categorical("trees.num_leaves", [4, 8, 15, 31]),
        "trees.max_depth": trial.suggest_int("trees.max_depth", 3, 6),
        "trees.min_data_in_leaf": trial.suggest_int("trees.min_data_in_leaf", 20, 320, log=True),
        "trees.feature_fraction": trial.suggest_float("trees.feature_fraction", 0.2, 0.9),
        "trees.lambda_l2": trial.suggest_float("trees.lambda_l2", 0.5, 50.0, log=True),
    }


def changed_config(config: TrainingConfig, changed: Mapping[str, Any]) -> TrainingConfig:
    """Return ``config`` with the values of ``changed``; ``trees.x`` names a key of the trees.

    Examples
    --------
    >>> changed = {"trees.num_leaves": 8, "decay_days": 90.0}
    >>> changed_config(TrainingConfig(), changed).trees.num_leaves
    8
    """
    trees = {
        key.removeprefix("trees."): v for key, v in changed.items() if key.startswith("trees.")
    }
    others = {key: value for key, value in changed.items() if not key.startswith("trees.")}
    return replace(config, trees=replace(config.trees, **trees), **others)


def search(
    folds: Sequence[Fold],
    config: TrainingConfig,
    *,
    trials: int,
    parts: Sequence[str] = PARTS,
    progress: Callable[[str], None] | None = None,
) -> Search:
    """Try ``trials`` configurations on the folds, ``config`` itself first.

    Parameters
    ----------
    folds : sequence of Fold
        From ``rolling_folds``.
    config : TrainingConfig
        Where the search starts; its seed is the search's.
    trials : int
        How many are tried, at least 1.
    parts : sequence of str
        Parts of the model whose loss counts.
    progress : callable
        Told after each trial.

    Raises
    ------
    ValueError
        When ``trials`` is below 1.
    """
    if trials < 1:
        raise ValueError(f"trials must be at least 1, got {trials}.")
    tried = [Trial(changed={}, loss=relative_loss(folds, config, parts))]

    def objective(trial: optuna.Trial) -> float:
        changed = suggestion(trial)
        loss = relative_loss(folds, changed_config(config, changed), parts)
        tried.append(Trial(changed=changed, loss=loss))
        if progress is not None:
            best = min(one.loss for one in tried)
            progress(f"trial {len(tried)} of {trials}: {tried[-1].loss:.4f}, best {best:.4f}")
        return tried[-1].loss

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=config.seed))
    study.optimize(objective, n_trials=trials - 1)
    best = min(tried, key=lambda one: one.loss)
    return Search(best=changed_config(config, best.changed), trials=tuple(tried))


def search_ledger(
    ledger: Ledger,
    config: TrainingConfig,
    *,
    trials: int,
    until: date | None = None,
    progress: Callable[[str], None] | None = None,
) -> Search:
    """Search on a ledger as it was known on ``until``, before the window models are judged on.

    Raises
    ------
    TooLittleHistoryError
        When the ledger is too short to leave folds before its test window.
    """
    lag = ledger.manifest.maturity_lag_days
    cutoff = min(until or ledger.manifest.known_through, ledger.manifest.known_through)
    newest = cutoff - timedelta(days=STEP_DAYS + lag)
    oldest = oldest_as_of(ledger, config, newest)
    windows = four_windows(oldest, newest, config.windows, lag)
    last = windows.recalibrate[1]
    dates = as_of_grid(last, oldest, config.windows.every_days)
    data = load_dataset(ledger, dates, max_rows=config.max_rows, progress=progress)
    data = data.known_by(windows.test[0], lag)
    folds = rolling_folds(data, last, config, lag)
    return search(folds, config, trials=trials, progress=progress)
