"""Time the training of a model on many rows: searching, and fitting all six parts.

Usage: python -m benchmarks.training LEDGER [--rows 1000000] [--features 90] [--out F.json]

Rows are real features and outcomes of LEDGER at as-of dates a week apart, thinned to as many as
are asked for; computing them is timed apart. A ledger that is too small for that has its rows
repeated, and the result says how often. The first features of the catalogue are read. What is
timed:

* ``search``: rounds, calibrators and the fallback, on the first three windows;
* ``fit``: six parts on every row, which training does twice (to be judged, and to be registered).

Run it on a quiet machine: ``python -m benchmarks.training LEDGER --out
benchmarks/results/training.json``.
"""

import argparse
import json
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.measure import machine
from features.ageing import STEP_DAYS
from features.catalogue import NAMES
from features.ledger.read import open_ledger
from training.config import read_config
from training.dataset import Dataset, as_of_grid, load_dataset
from training.fallback import thinning
from training.hazard import fit_parts
from training.recipe import choose, oldest_as_of
from training.splits import four_windows

EVERY_DAYS = 7


def repeated(data: Dataset, times: int) -> Dataset:
    """Return the rows ``times`` times over, with ids of their own."""
    places = np.tile(np.arange(len(data)), times)
    copy = np.repeat(np.arange(times), len(data)).astype(str)
    items = data.frame.items.iloc[places].reset_index(drop=True)
    items["invoice_id"] = items["invoice_id"].astype(str) + "-" + pd.Series(copy)
    values = data.frame.matrix(data.frame.names)[places]
    return replace(
        data,
        frame=replace(data.frame, items=items, values=values),
        outcomes=data.outcomes.iloc[places].reset_index(drop=True),
        targets=data.targets[places],
        segment=data.segment[places],
        rate=data.rate[places],
    )


def main() -> None:
    """Time the stages and print or write them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ledger", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--features", type=int, default=90)
    parser.add_argument("--config", default=None)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    ledger, config = open_ledger(arguments.ledger), read_config(arguments.config)
    config = replace(
        config,
        max_rows=arguments.rows,
        features=NAMES[: arguments.features],
        windows=replace(config.windows, every_days=EVERY_DAYS),
    )
    lag = ledger.manifest.maturity_lag_days
    newest = ledger.manifest.known_through - timedelta(days=STEP_DAYS + lag)
    oldest = oldest_as_of(ledger, config, newest)
    seconds: dict[str, float] = {}
    started = time.perf_counter()
    dates = as_of_grid(newest, oldest, EVERY_DAYS)
    data = load_dataset(ledger, dates, max_rows=arguments.rows)
    data = data.known_by(ledger.manifest.known_through, lag)
    seconds["features and outcomes"] = time.perf_counter() - started
    real, times = len(data), -(-arguments.rows // len(data))
    if len(data) < 0.95 * arguments.rows:
        data = repeated(data, times)
        data = data.select(thinning(data, arguments.rows, np.ones(len(data), dtype=bool)))

    def tell(stage: str) -> None:
        print(f"{time.perf_counter() - started:7.1f} s  {stage}", flush=True)

    tell(f"{len(data):,} rows × {len(config.feature_names)} features")
    windows = four_windows(oldest, newest, config.windows, lag)
    before = time.perf_counter()
    choices = choose(data, windows, config, lag, tell)
    seconds["search"] = time.perf_counter() - before
    before = time.perf_counter()
    parts = fit_parts(data, config, choices.rounds, choices.calibrators)
    seconds["fit"] = time.perf_counter() - before
    seconds["search and two fits"] = seconds["search"] + 2 * seconds["fit"]
    result = {
        "rows": len(data),
        "real_rows": min(real, len(data)),
        "repeated": 1 if real >= len(data) else times,
        "features": len(config.feature_names),
        "dates": len(dates),
        "config": arguments.config or "default",
        "rounds": {name: part.booster.current_iteration() for name, part in parts.items()},
        "seconds": {name: round(value, 1) for name, value in seconds.items()},
        "machine": machine(),
    }
    print(json.dumps(result, indent=1))
    if arguments.out:
        temporary = arguments.out.with_name(f".{arguments.out.name}")
        temporary.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
        temporary.replace(arguments.out)


if __name__ == "__main__":
    main()
