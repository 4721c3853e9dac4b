"""The share of the gap between the best baseline and the true probabilities that we close.

Usage: python -m benchmarks.truth [--accounts N] [--months M] [--seed S …] [--config NAME]
[--out FILE]

Simulates a ledger per seed, trains on what was known on a test date, scores the open items of that
date and compares log-losses with those of the true probabilities. Losses are expectations under
the truth, -(q ln p + (1 - q) ln(1 - p)), so that the noise of one realisation plays no part. The
truth knows the hidden state of every payer: no model of the books reaches it. How much of the
rest is unknowable is shown by the same trees given, beside our features, what an account is, and
given what goes on too (``benchmarks.hidden``). Seeds are averaged with the rows as weights.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import logit
from sklearn.linear_model import LogisticRegression

from benchmarks.extended import fit_as_recipe
from benchmarks.features import write
from benchmarks.hidden import ACCOUNT, MOMENT, hidden_state
from benchmarks.measure import command_line, machine
from benchmarks.stacked import STEP_PARTS
from features.ageing import STEP_DAYS
from features.ledger.manifest import Manifest
from features.ledger.read import ledger_from_rows
from features.outcomes import STEPS
from features.sources.simulated import (
    Simulation,
    SimulationConfig,
    simulate,
    true_probabilities,
)
from training.baselines import baseline_probabilities
from training.config import TrainingConfig, read_config
from training.dataset import Dataset, as_of_grid, learnt_at, load_dataset
from training.hazard import RiskSet, fit_parts, risk_set
from training.recipe import MODEL, choose, oldest_as_of
from training.splits import Windows, four_windows

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.bool_]

TEST_DAYS_BEFORE_END = 160
BANDS = ((0, 0, "none"), (1, 9, "1 to 9"), (10, 10**9, "10 or more"))
GIVEN_ACCOUNT = "given what the account is"
GIVEN_ALL = "given what goes on too"
RUNGS = (MODEL, GIVEN_ACCOUNT, GIVEN_ALL)
"""Models that are no baselines."""


def expected_loss(q: Floats, p: Floats) -> float:
    """Return the mean log-loss of ``p`` expected under the true probabilities ``q``."""
    p = np.clip(p, 1e-4, 1 - 1e-4)
    return float(np.mean(-(q * np.log(p) + (1 - q) * np.log1p(-p))))


def true_slope(q: Floats, p: Floats) -> float:
    """Return the slope of the true probabilities on log-odds of ``p``; ideal 1.

    Examples
    --------
    >>> q = np.array([0.1, 0.5, 0.9])
    >>> round(true_slope(q, q), 3)
    1.0
    """
    x = logit(np.clip(p, 1e-6, 1 - 1e-6)).reshape(-1, 1)
    twice, label = np.concatenate([x, x]), np.repeat([1, 0], len(q))
    line = LogisticRegression(C=1e6, max_iter=500)
    line.fit(twice, label, sample_weight=np.concatenate([q, 1 - q]))
    return float(line.coef_[0, 0])


def gap_closed(q: Floats, models: Mapping[str, Floats], rows: Rows) -> dict[str, Any]:
    """Return losses, and the share of the gap that each model but the baselines closes."""
    losses = {name: expected_loss(q[rows], p[rows]) for name, p in models.items()}
    best = min(loss for name, loss in losses.items() if name not in RUNGS)
    truth = expected_loss(q[rows], q[rows])
    return {
        "rows": int(rows.sum()),
        "truth": truth,
        "best_baseline": best,
        "losses": losses,
        "closed": {
            name: (best - losses[name]) / (best - truth) for name in RUNGS if name in losses
        },
        "slope": true_slope(q[rows], models[MODEL][rows]),
    }


def of_seed(simulated: SimulationConfig, config: TrainingConfig, max_rows: int) -> dict[str, Any]:
    """Return the gaps of one simulated ledger: by step, and by length of history."""
    tell(f"seed {simulated.seed}")
    simulation = simulate(simulated)
    ledger = ledger_from_rows(simulation.tables, Manifest(known_through=simulation.known_through))
    lag = ledger.manifest.maturity_lag_days
    day = simulation.known_through - timedelta(days=TEST_DAYS_BEFORE_END)
    newest = day - timedelta(days=STEP_DAYS + lag)
    dates = as_of_grid(newest, oldest_as_of(ledger, config, newest), config.windows.every_days)
    past = load_dataset(ledger, dates, max_rows=max_rows).known_by(day, lag)
    windows = four_windows(dates[0], newest, config.windows, lag)
    test = load_dataset(ledger, [day])
    tell("truth")
    truth = true_probabilities(simulation, [day]).to_pandas()
    truth = truth.set_index("invoice_id").reindex(test.frame.items["invoice_id"])
    paid = truth["paid_invoices"].to_numpy(dtype=float)
    known = ~np.isnan(truth["p_open_30"].to_numpy(dtype=float))
    bands = {name: (paid >= low) & (paid <= high) for low, high, name in BANDS}
    curves = our_curves(past, test, windows, config, lag)
    steps = {}
    for step in range(STEPS):
        tell(f"step {step + 1}")
        learnt = learnt_at(past, STEP_DAYS * (step + 1), day, lag)
        models = {MODEL: curves[:, step], **baseline_probabilities(learnt, test, config.seed)}
        if step == 0:
            models |= informed(simulation, past, test, windows, config, lag, day)
        q = truth[f"p_open_{STEP_DAYS * (step + 1)}"].to_numpy(dtype=float)
        # The later steps of an item are judged whether or not it stands in the next bucket first.
        rows = known & test.exposed if step == 0 else known
        steps[f"{STEP_DAYS * (step + 1)}"] = {
            "all": gap_closed(q, models, rows),
            **{
                name: gap_closed(q, models, rows & here)
                for name, here in bands.items()
                if (rows & here).any()
            },
        }
    return {
        "seed": simulated.seed,
        "training_rows": len(past),
        "test_day": str(day),
        "without_truth": int((~known).sum()),
        "steps": steps,
    }


def our_curves(
    past: Dataset, test: Dataset, windows: Windows, config: TrainingConfig, lag: int
) -> Floats:
    """Return P(unresolved) of the test rows after each step, as the recipe gives it; (n, 4)."""
    choices = choose(past, windows, config, lag, lambda _: None, parts=STEP_PARTS)
    parts = fit_parts(past, config, choices.rounds, choices.calibrators, parts=STEP_PARTS)
    values = test.frame.matrix(config.feature_names)
    columns = []
    for name in STEP_PARTS:
        margin: Any = parts[name].booster.predict(values, raw_score=True, num_threads=1)
        columns.append(parts[name].calibrator.probability(np.asarray(margin, dtype=float)))
    return np.cumprod(np.column_stack(columns), axis=1)


def informed(
    simulation: Simulation,
    past: Dataset,
    test: Dataset,
    windows: Windows,
    config: TrainingConfig,
    lag: int,
    day: date,
) -> dict[str, Floats]:
    """Return the first step's probabilities of the same trees given hidden columns too."""
    tell("hidden state")
    dates = [stamp.date() for stamp in past.as_of.drop_duplicates()]
    state = hidden_state(simulation, [*dates, day])
    learnt, judged = _aligned(state, past), _aligned(state, test)
    fit = past.between(*windows.fit).known_by(windows.stop[0], lag)
    stop = past.between(*windows.stop)
    found = {}
    for name, columns in ((GIVEN_ACCOUNT, ACCOUNT), (GIVEN_ALL, (*ACCOUNT, *MOMENT))):
        tell(name)
        places = [state.columns.get_loc(column) for column in columns]

        def rows(data: Dataset, places: list[Any] = places) -> RiskSet:
            own = risk_set(data, "step_1", config)
            known = ~np.isnan(data.target("step_1"))
            more = _aligned(state, data)[known]
            inputs = np.hstack([data.frame.matrix(config.feature_names)[known], more[:, places]])
            return replace(own, values=inputs)

        names = [*config.feature_names, *(f"hidden_{column}" for column in columns)]
        _, _, model = fit_as_recipe(rows(fit), rows(stop), rows(past), names, config)
        values = test.frame.matrix(config.feature_names)
        p: Any = model.predict(np.column_stack([values, judged[:, places]]), num_threads=1)
        found[name] = np.asarray(p, dtype=float)
    if np.isnan(learnt[:, 0]).mean() > 0.01:
        raise SystemExit("More than 1 % of the rows have no hidden state: the ids do not match.")
    return found


def _aligned(state: pd.DataFrame, data: Dataset) -> Floats:
    keys = pd.MultiIndex.from_frame(data.frame.items[["as_of", "invoice_id"]])
    return state.reindex(keys).to_numpy(dtype=float)


def over_seeds(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the gaps over all seeds, losses weighed by rows, and the range of what is closed."""
    found: dict[str, Any] = {}
    for step in runs[0]["steps"]:
        found[step] = {}
        for band in runs[0]["steps"][step]:
            parts = [run["steps"][step][band] for run in runs if band in run["steps"][step]]
            rows = np.array([part["rows"] for part in parts], dtype=float)

            def mean(values: Sequence[float], rows: Floats = rows) -> float:
                return float(np.average(values, weights=rows))

            best = mean([part["best_baseline"] for part in parts])
            truth = mean([part["truth"] for part in parts])
            losses = {
                name: mean([part["losses"][name] for part in parts]) for name in parts[0]["losses"]
            }
            own = [part["closed"][MODEL] for part in parts]
            found[step][band] = {
                "rows": int(rows.sum()),
                "truth": truth,
                "best_baseline": best,
                "losses": losses,
                "closed": {
                    name: (best - losses[name]) / (best - truth) for name in parts[0]["closed"]
                },
                "closed_by_seed": [min(own), max(own)],
                "slope": [part["slope"] for part in parts],
            }
    return found


def tell(words: str) -> None:
    """Say what is being done on the error stream."""
    print(words, file=sys.stderr, flush=True)


def main() -> None:
    """Run the comparison and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--accounts", type=int, default=20_000)
    parser.add_argument("--months", type=int, default=36)
    parser.add_argument("--seed", type=int, nargs="+", default=[11])
    parser.add_argument("--config", default=None)
    parser.add_argument("--max-rows", type=int, default=400_000)
    parser.add_argument("--out", type=Path, help="JSON file")
    asked = parser.parse_args()
    config = read_config(asked.config)
    config = replace(config, windows=replace(config.windows, test_days=0))
    runs = [
        of_seed(
            SimulationConfig(accounts=asked.accounts, months=asked.months, seed=seed),
            config,
            asked.max_rows,
        )
        for seed in asked.seed
    ]
    result = {
        "command": command_line("benchmarks.truth"),
        "machine": machine(),
        "accounts": asked.accounts,
        "months": asked.months,
        "config": config.to_json(),
        "seeds": runs,
        "over_seeds": over_seeds(runs),
    }
    if asked.out is None:
        print(json.dumps(result, indent=1, default=str))
    else:
        write(asked.out, result)


if __name__ == "__main__":
    main()
