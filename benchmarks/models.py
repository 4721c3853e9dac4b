"""Our recipe beside the models that others would use, on the same rows and the same features.

Usage: python -m benchmarks.models LEDGER [--config NAME] [--trials N] [--rows N] [--out FILE]

At each origin of the configuration's backtest every model sees the same outcomes and the features
that the configuration names. Each searches the same number of trials inside that past (ours by
``training.search`` on rolling folds, the others by Optuna on the newest weeks), is fitted anew on
all of it, and is judged on what followed. ``rollrisk`` is the recipe as configured, ``rollrisk,
searched`` the same after its search, ``rollrisk, uncalibrated`` the recipe without its map
where it keeps a window for one. Differences are rollrisk less the rival, with intervals over
accounts.
"""

import argparse
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import optuna
import pandas as pd

from benchmarks.choices import thinned
from benchmarks.features import write
from benchmarks.measure import command_line, machine
from benchmarks.rivals import RIVALS, Rival, filled, lesson
from features.ageing import STEP_DAYS
from features.ledger.read import Ledger, open_ledger
from models.calibrator import Calibrator
from training.ablation import fitted_step_1, mixed, step_1_probabilities
from training.baselines import baseline_probabilities
from training.config import TrainingConfig, read_config
from training.dataset import Dataset, as_of_grid, load_dataset
from training.metrics import clipped_log_loss, compare, paired_intervals
from training.origins import OriginRows, plan_origins, rows_of_origin
from training.recipe import MODEL, oldest_as_of
from training.search import rolling_folds, search

Floats = npt.NDArray[np.float64]

LIBRARIES = ("lightgbm", "catboost", "xgboost", "scikit-learn", "hazardous", "optbinning")

JUDGE_DAYS = 56
"""Newest days of the past on which a rival's trials are judged; a third of a short past."""


def compete(ledger: Ledger, config: TrainingConfig, trials: int, max_rows: int) -> dict[str, Any]:
    """Return the figures of all models over all origins, and what each cost to fit."""
    lag = ledger.manifest.maturity_lag_days
    origins = plan_origins(ledger, config)
    oldest = oldest_as_of(ledger, config, origins[0].first)
    dates = as_of_grid(origins[-1].last, oldest, config.windows.every_days)
    data = load_dataset(ledger, dates)
    inner = replace(config, windows=replace(config.windows, test_days=0))
    seconds: dict[str, float] = {}
    parts = []
    for origin in origins:
        rows = rows_of_origin(data, origin, inner, lag)
        past, test = thinned(rows.past, max_rows / len(rows.past)), rows.test
        rows = replace(rows, past=past)
        guesses = ours(rows, inner, lag, trials, seconds)
        guesses |= baseline_probabilities(past, test, config.seed)
        for name, rival in RIVALS.items():
            started = time.process_time()
            guesses[name] = theirs(rival, past, test, lag, trials, config)
            seconds[name] = seconds.get(name, 0.0) + time.process_time() - started
            tell(f"{origin.cutoff} {name}: {seconds[name]:.0f} processor seconds")
        parts.append(
            pd.DataFrame(
                {
                    "account": test.account,
                    "past_due": test.days_past_due > 0,
                    "y": test.target("step_1"),
                    "dollars": test.dollars,
                }
            ).assign(**guesses)
        )
    return figures(pd.concat(parts, ignore_index=True), seconds, config.seed)


def ours(
    rows: OriginRows, config: TrainingConfig, lag: int, trials: int, seconds: dict[str, float]
) -> dict[str, Floats]:
    """Return our probabilities: as configured, without recalibration, and after the search."""
    started = time.process_time()
    part, margin, choices = fitted_step_1(rows, config, lag)
    seconds[MODEL] = seconds.get(MODEL, 0.0) + time.process_time() - started
    folds = rolling_folds(rows.past, rows.past.as_of.max().date(), config, lag)
    found = search(folds, config, trials=trials, parts=("step_1",), progress=tell)
    name = f"{MODEL}, searched"
    searched = step_1_probabilities(rows, found.best, lag)
    seconds[name] = seconds.get(name, 0.0) + time.process_time() - started
    own = mixed(rows, choices, part.calibrator.probability(margin))
    found = {MODEL: own, name: searched}
    if config.windows.recalibrate_days:
        found[f"{MODEL}, uncalibrated"] = Calibrator().probability(margin)
    return found


def theirs(
    rival: Rival, past: Dataset, test: Dataset, lag: int, trials: int, config: TrainingConfig
) -> Floats:
    """Return a rival's probabilities after its search and a fit on all of the past."""
    names = filled(past, config.feature_names)
    newest = past.as_of.max().date()
    span = (newest - past.as_of.min().date()).days
    first = newest - timedelta(days=min(JUDGE_DAYS, span // 3) - 1)
    earlier = lesson(past.between(None, first - timedelta(days=STEP_DAYS + lag)), names)
    judge = lesson(past.between(first, newest), names)

    chosen: Mapping[str, Any] = {}
    if (space := rival.space) is not None:

        def objective(trial: optuna.Trial) -> float:
            predict = rival.fit(earlier, space(trial), config.seed)
            return clipped_log_loss(judge.y, predict(judge.inputs))

        study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=config.seed))
        study.optimize(objective, n_trials=trials)
        chosen = study.best_params
    predict = rival.fit(lesson(past, names), chosen, config.seed)
    return np.asarray(predict(test.frame.matrix(names)), dtype=float)


def figures(rows: pd.DataFrame, seconds: Mapping[str, float], seed: int) -> dict[str, Any]:
    """Return the headline figures of every model, and rollrisk's differences from each."""
    y, dollars = rows["y"].to_numpy(), rows["dollars"].to_numpy()
    account = rows["account"].to_numpy(dtype=object)
    models = {
        str(name): rows[name].to_numpy(dtype=float)
        for name in rows.columns.drop(["account", "past_due", "y", "dollars"])
    }
    late = rows["past_due"].to_numpy(dtype=bool)
    return {
        "rows": len(rows),
        "accounts": int(rows["account"].nunique()),
        "processor_seconds": {name: round(spent, 1) for name, spent in seconds.items()},
        "figures": compare(y, models, dollars),
        "past_due": compare(y[late], {name: p[late] for name, p in models.items()}, dollars[late]),
        "rollrisk_minus": {
            name: {
                figure: asdict(interval)
                for figure, interval in paired_intervals(
                    y, (models[MODEL], p), dollars, account, np.random.default_rng(seed)
                ).items()
            }
            for name, p in models.items()
            if name != MODEL
        },
    }


def table(result: Mapping[str, Any]) -> str:
    """Return the figures as lines of text."""
    lines = [f"{'':<34}{'AUC':>8}{'AP':>8}{'Brier':>8}{'log-loss':>10}  rollrisk minus it"]
    for name, row in result["figures"].items():
        line = (
            f"{name:<34}{row['roc_auc']:>8.4f}{row['average_precision']:>8.4f}"
            f"{row['brier']:>8.4f}{row['log_loss']:>10.4f}"
        )
        if (against := result["rollrisk_minus"].get(name)) is not None:
            loss = against["log_loss"]
            line += f"  {loss['difference']:+.4f} [{loss['low']:+.4f}, {loss['high']:+.4f}]"
        lines.append(line)
    return "\n".join(lines)


def tell(words: str) -> None:
    """Say what was done on the error stream."""
    print(words, file=sys.stderr, flush=True)


def parsed() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ledger", type=Path)
    parser.add_argument("--config", help="TOML file or shipped name")
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--origins", type=int, help="instead of the configuration's")
    parser.add_argument("--rows", type=int, default=200_000, help="rows learnt from at most")
    parser.add_argument("--words", default="", help="what the ledger is, for the page")
    parser.add_argument("--out", type=Path, help="JSON file")
    return parser.parse_args()


def main() -> None:
    """Run the comparison, print a table and write JSON."""
    asked = parsed()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    config = read_config(asked.config)
    if asked.origins is not None:
        config = replace(config, backtest=replace(config.backtest, origins=asked.origins))
    result = {
        "ledger": asked.words or asked.ledger.name,
        "command": command_line("benchmarks.models"),
        "machine": machine() | {name: version(name) for name in LIBRARIES},
        "config": config.to_json(),
        "trials": asked.trials,
        **compete(open_ledger(asked.ledger), config, asked.trials, asked.rows),
    }
    print(table(result))
    if asked.out is not None:
        write(asked.out, result)


if __name__ == "__main__":
    main()
