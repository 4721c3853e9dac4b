"""The training recipe: find rounds and calibrators in past windows, then refit on everything.

1. Fit on the first window, stop early on the second: the number of rounds.
2. Where the configuration keeps a third, recalibrate on it if Brier score and log-loss improve.
   Choose there, else on the second, how much history an account needs before the matrix has no
   part in its answers.
3. Refit on all rows mature at the start of the fourth window and judge on it, beside the
   baselines.
4. Refit on all mature rows: the model that is registered. The newest weeks matter most.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.ageing import STEP_DAYS
from features.inputs import Rules
from features.ledger.read import Ledger
from models.bundle import PARTS, Bundle, bundle_digest
from models.calibrator import Calibrator
from models.scorer import survival_curves
from training.baselines import baseline_probabilities
from training.calibrate import choose_calibrator
from training.config import ConfigError, TrainingConfig
from training.dataset import Dataset, as_of_grid, load_dataset
from training.fallback import UNJUDGED, FallbackChoice, choose_fallback, make_fallback
from training.hazard import (
    DEFAULT_ROUNDS,
    Rounds,
    fit_parts,
    is_trainable,
    risk_set,
    risk_set_in,
    search_part,
    shared_bins,
    side_by_side,
)
from training.history import first_posting
from training.metrics import compare
from training.profile import build_profile
from training.reach import reach_bands, reach_bounds
from training.splits import TooLittleHistoryError, Windows, four_windows
from training.stopping import known_before_stop, windows_of

Floats = npt.NDArray[np.float64]
Progress = Callable[[str], None]

MODEL = "rollrisk"
"""Name of the trained model in tables beside the baselines."""

MIN_ROWS_OF_EACH_CLASS = 200
MIN_LAST_BUCKETS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What the past windows decided: rounds and calibrator of each part, and the fallback."""

    rounds: dict[str, Rounds]
    calibrators: dict[str, Calibrator]
    fallback: FallbackChoice = UNJUDGED


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A trained model with its evidence.

    Parameters
    ----------
    bundle : Bundle
        Refitted on all mature rows.
    metrics : dict
        Headline figures of the model and the baselines on exposed rows of the test window.
    windows : Windows
        The four windows.
    choices : Choices
        Rounds and calibrators.
    test : Dataset
        The rows that were judged.
    probabilities : dict
        Step-1 probabilities on them, by model name.
    """

    bundle: Bundle
    metrics: dict[str, dict[str, float]]
    windows: Windows
    choices: Choices
    test: Dataset
    probabilities: dict[str, Floats]

    @property
    def beats_baselines(self) -> bool:
        """Whether the model's log-loss and Brier score are below those of every baseline."""
        own = self.metrics[MODEL]
        others = [row for name, row in self.metrics.items() if name != MODEL]
        return all(own[key] < min(row[key] for row in others) for key in ("log_loss", "brier"))


def train_model(
    ledger: Ledger,
    config: TrainingConfig,
    *,
    until: date | None = None,
    rules: Rules | None = None,
    progress: Progress | None = None,
) -> Trained:
    """Train, evaluate and refit.

    Parameters
    ----------
    ledger : Ledger
        What to learn from.
    config : TrainingConfig
        How.
    until : date
        Pretend that the books end on this day; default the ledger's last known day.
    rules : Rules
        Business rules.
    progress : callable
        Told what is being done.

    Raises
    ------
    TooLittleHistoryError
        When the ledger is too short or has too few outcomes; says what is missing.
    ConfigError
        When the configuration leaves no window to judge the model on.
    """
    if not config.windows.test_days:
        raise ConfigError(
            "Key 'windows.test_days' must be above 0 to train: a model is judged on a window of "
            "its own before it is registered. `rollrisk backtest` needs none."
        )
    tell = progress or (lambda _: None)
    lag = ledger.manifest.maturity_lag_days
    cutoff = min(until or ledger.manifest.known_through, ledger.manifest.known_through)
    newest = cutoff - timedelta(days=STEP_DAYS + lag)
    oldest = oldest_as_of(ledger, config, newest)
    history = None
    try:
        windows = four_windows(oldest, newest, config.windows, lag)
    except TooLittleHistoryError as error:
        history = error
    dates = as_of_grid(newest, oldest, config.windows.every_days)
    data = load_dataset(ledger, dates, rules=rules, max_rows=config.max_rows, progress=progress)
    data = data.known_by(cutoff, lag)
    require_enough(data, cutoff, history)

    choices = choose(data, windows, config, lag, tell)
    tell("evaluate")
    before_test = data.known_by(windows.test[0], lag)
    evaluated = make_bundle(ledger, before_test, choices, config, windows.test[0], rules)
    judged = data.between(*windows.test)
    bands = reach_bands(ledger, evaluated, judged, cutoff, rules)
    test = judged.select(judged.exposed & ~np.isnan(judged.target("step_1")))
    require_both_classes(test.target("step_1"), windows.test)
    probabilities = {
        MODEL: survival_curves(evaluated, test.frame, test.segment).at(STEP_DAYS),
        **baseline_probabilities(before_test, test, config.seed),
    }
    metrics = compare(test.target("step_1"), probabilities, test.dollars)

    tell("refit")
    facts = {
        "trained_until": cutoff,
        "as_of_dates": [str(day) for day in dates],
        "rows": len(data),
        "windows": {
            name: [str(first), str(last)]
            for name, (first, last) in ((name, getattr(windows, name)) for name in _WINDOWS)
            if first <= last
        },
        "fallback": asdict(choices.fallback),
        "metrics": metrics,
        "reach": [asdict(band) for band in bands],
        "config": config.to_json(),
        "ledger_digest": ledger.digest,
        "point_in_time_unproven": list(ledger.manifest.defaulted_clocks),
    }
    bounds = reach_bounds(bands)
    bundle = make_bundle(ledger, data, choices, config, cutoff, rules, bounds=bounds, facts=facts)
    return Trained(
        bundle=bundle,
        metrics=metrics,
        windows=windows,
        choices=choices,
        test=test,
        probabilities=probabilities,
    )


_WINDOWS = ("fit", "stop", "recalibrate", "test")


def oldest_as_of(ledger: Ledger, config: TrainingConfig, newest: date) -> date:
    """Return the earliest as-of date that the configuration and the ledger allow."""
    warm = first_posting(ledger) + timedelta(days=config.windows.warm_up_days)
    oldest = max(warm, newest - timedelta(days=config.windows.history_days))
    return max(oldest, config.first_as_of) if config.first_as_of else oldest


def require_enough(
    data: Dataset, known_on: date, history: TooLittleHistoryError | None = None
) -> None:
    """Refuse a dataset that no model can learn from, and say all that is missing.

    Parameters
    ----------
    data : Dataset
        What could be learnt from.
    known_on : date
        When.
    history : TooLittleHistoryError or None
        Why the windows do not fit into the history; None where they do.
    """
    y = data.target("step_1")
    known = ~np.isnan(y)
    positives, negatives = int(np.nansum(y)), int(np.nansum(1 - y))
    outer = int((known & (data.days_past_due > 60)).sum())
    missing = [] if history is None else [str(history).removesuffix(".")]
    if positives < MIN_ROWS_OF_EACH_CLASS:
        missing.append(f"{positives} unresolved rows, {MIN_ROWS_OF_EACH_CLASS} are needed")
    if negatives < MIN_ROWS_OF_EACH_CLASS:
        missing.append(f"{negatives} resolved rows, {MIN_ROWS_OF_EACH_CLASS} are needed")
    if outer < MIN_LAST_BUCKETS:
        missing.append(f"{outer} rows more than 60 days past due, {MIN_LAST_BUCKETS} are needed")
    if missing:
        raise TooLittleHistoryError(
            f"The ledger, as known on {known_on}, is too small to train on: "
            f"{'; '.join(missing)}. Scoring answers from the roll-rate matrix until then."
        )


def require_both_classes(y: Floats, days: tuple[date, date]) -> None:
    """Refuse outcomes of a test window on which nothing can be judged."""
    if len(np.unique(y)) < 2:
        raise TooLittleHistoryError(
            f"The as-of dates from {days[0]} to {days[1]} hold {len(y)} exposed rows with "
            f"{int(y.sum())} unresolved: nothing to judge a model on. Give a longer history, or "
            "longer test_days in the configuration."
        )


def choose(
    data: Dataset,
    windows: Windows,
    config: TrainingConfig,
    lag: int,
    tell: Progress,
    *,
    parts: Sequence[str] = PARTS,
) -> Choices:
    """Find rounds and calibrators of the parts, and the fallback, in the windows before the test.

    A part decided later than the first step has its windows earlier by as many days
    (``windows_of``), so that no outcome of the test window has a say in it. Where nothing is left
    to fit on or to stop on, it keeps the default rounds and no calibrator. The fallback is chosen
    with all parts, not with some of them. With fixed rounds and no window to recalibrate on there
    is nothing to choose.
    """
    if config.trees.rounds and not config.windows.recalibrate_days:
        fixed = Rounds(found=config.trees.rounds)
        return Choices(rounds=dict.fromkeys(parts, fixed), calibrators={})
    recalibrates = config.windows.recalibrate_days > 0
    fit = data.between(*windows.fit)
    bins = shared_bins(fit, config)
    learnt = {}
    for part in parts:
        rows = known_before_stop(fit, part, windows, lag)
        if is_trainable(rows.target(part)):
            learnt[part] = risk_set_in(bins, rows, part, config)

    def search(part: str) -> tuple[Rounds, Calibrator, Floats]:
        tell(f"search {part}")
        if part not in learnt:
            return Rounds(found=DEFAULT_ROUNDS), Calibrator(), np.empty(0)
        own = windows_of(part, windows)
        stop = data.between(*own.stop)
        rounds, booster = search_part(learnt[part], risk_set(stop, part, config), part, config)
        fresh = data.between(*own.recalibrate) if recalibrates else stop
        known = ~np.isnan(fresh.target(part))
        if not known.any():
            return rounds, Calibrator(), np.empty(0)
        out_of_fold: Any = booster.predict(
            fresh.frame.matrix(config.feature_names)[known],
            raw_score=True,
            num_iteration=rounds.found,
            num_threads=1,
        )
        half = pd.util.hash_array(fresh.account[known]) % 2 == 0
        margin = np.asarray(out_of_fold, dtype=float)
        if not recalibrates:
            return rounds, Calibrator(), margin
        return rounds, choose_calibrator(margin, fresh.target(part)[known], half), margin

    def rows_of(part: str) -> int:
        return int(learnt[part].num_data()) if part in learnt else 0

    found = dict(zip(parts, side_by_side(search, parts, rows_of), strict=True))
    rounds = {part: rounds for part, (rounds, _, _) in found.items()}
    fallback = UNJUDGED
    if set(parts) == set(PARTS):
        tell("search fallback")
        _, calibrator, margin = found["step_1"]
        p = calibrator.probability(margin)
        fresh = data.between(*(windows.recalibrate if recalibrates else windows.stop))
        known = known_before_stop(fit, "step_1", windows, lag)
        fallback = choose_fallback(known, fresh, p, config, rounds["step_1"].found, bins)
    return Choices(
        rounds=rounds,
        calibrators={part: calibrator for part, (_, calibrator, _) in found.items()},
        fallback=fallback,
    )


def make_bundle(
    ledger: Ledger,
    data: Dataset,
    choices: Choices,
    config: TrainingConfig,
    cutoff: date,
    rules: Rules | None,
    *,
    bounds: dict[str, list[int]] | None = None,
    facts: dict[str, Any] | None = None,
) -> Bundle:
    """Fit every part on all known rows of ``data`` and add the portfolio's profile."""
    parts = fit_parts(data, config, choices.rounds, choices.calibrators)
    trees = {name: part.booster.current_iteration() for name, part in parts.items()}
    bundle = Bundle(
        parts=parts,
        feature_names=config.feature_names,
        feature_digest=data.frame.digest,
        profile=build_profile(ledger, data, cutoff, rules=rules, reach_bounds=bounds),
        fallback=make_fallback(choices.fallback, data),
        facts={"rounds": trees, **(facts or {})},
    )
    return replace(bundle, version=bundle_digest(bundle))
