"""The share of the gap between the best baseline and the true probabilities that we close.

Usage: python -m benchmarks.truth [--accounts N] [--months M] [--seed S] [--config NAME]

Simulates a ledger, trains on what was known on a test date, scores the open items of that
date and compares log-losses with those of the true probabilities. The truth knows the hidden
state of every payer: it is a ceiling that no model reaches. Losses are expectations under the
truth, -(q ln p + (1 - q) ln(1 - p)), so that the noise of one realisation plays no part.
"""

import argparse
import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
import numpy.typing as npt

from features.ledger.manifest import Manifest
from features.ledger.read import ledger_from_rows
from features.sources.simulated import SimulationConfig, simulate, true_probabilities
from models.scorer import survival_curves
from training.baselines import baseline_probabilities
from training.config import read_config
from training.dataset import as_of_grid, load_dataset
from training.recipe import MODEL, choose, make_bundle, oldest_as_of
from training.splits import four_windows

Floats = npt.NDArray[np.float64]

TEST_DAYS_BEFORE_END = 160
BANDS = ((0, 0, "none"), (1, 9, "1 to 9"), (10, 10**9, "10 or more"))


def expected_loss(q: Floats, p: Floats) -> float:
    """Return the mean log-loss of ``p`` expected under the true probabilities ``q``."""
    p = np.clip(p, 1e-4, 1 - 1e-4)
    return float(np.mean(-(q * np.log(p) + (1 - q) * np.log1p(-p))))


def gap_closed(
    q: Floats, models: dict[str, Floats], rows: npt.NDArray[np.bool_]
) -> dict[str, float]:
    """Return losses and the closed share of the gap on ``rows``."""
    losses = {name: expected_loss(q[rows], p[rows]) for name, p in models.items()}
    best = min(loss for name, loss in losses.items() if name != MODEL)
    truth = expected_loss(q[rows], q[rows])
    return {
        "rows": int(rows.sum()),
        "truth": truth,
        **losses,
        "gap_closed": (best - losses[MODEL]) / (best - truth),
    }


def main() -> None:
    """Run the comparison and print it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--accounts", type=int, default=20_000)
    parser.add_argument("--months", type=int, default=36)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--config", default=None)
    parser.add_argument("--max-rows", type=int, default=400_000)
    arguments = parser.parse_args()
    simulation = simulate(
        SimulationConfig(accounts=arguments.accounts, months=arguments.months, seed=arguments.seed)
    )
    ledger = ledger_from_rows(simulation.tables, Manifest(known_through=simulation.known_through))
    config = read_config(arguments.config)
    config = replace(config, windows=replace(config.windows, test_days=0))
    lag = ledger.manifest.maturity_lag_days
    day = simulation.known_through - timedelta(days=TEST_DAYS_BEFORE_END)
    newest = day - timedelta(days=30 + lag)
    dates = as_of_grid(newest, oldest_as_of(ledger, config, newest), config.windows.every_days)
    past = load_dataset(ledger, dates, max_rows=arguments.max_rows).known_by(day, lag)
    windows = four_windows(dates[0], newest, config.windows, lag)
    choices = choose(past, windows, config, lag, lambda _: None)
    bundle = make_bundle(ledger, past, choices, config, day, None)

    test = load_dataset(ledger, [day])
    truth = true_probabilities(simulation, [day]).to_pandas()
    truth = truth.set_index("invoice_id").reindex(test.frame.items["invoice_id"])
    q = truth["p_open_30"].to_numpy(dtype=float)
    curves = survival_curves(bundle, test.frame, test.segment)
    models = {MODEL: curves.at(30), **baseline_probabilities(past, test, config.seed)}
    known = ~np.isnan(q)
    exposed = test.exposed & known
    paid = truth["paid_invoices"].to_numpy(dtype=float)
    result = {
        "accounts": arguments.accounts,
        "training_rows": len(past),
        "rounds": choices.rounds,
        "without_truth": int((~known).sum()),
        "exposed": gap_closed(q, models, exposed),
        "all_items": gap_closed(q, models, known),
        "by_paid_invoices": {
            name: gap_closed(q, models, exposed & (paid >= low) & (paid <= high))
            for low, high, name in BANDS
            if (exposed & (paid >= low) & (paid <= high)).any()
        },
    }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
