"""What makes the top reason change when a model is refitted, and what would steady it.

Usage: python -m benchmarks.reasons LEDGER [--config NAME] [--origins N] [--rows N]
[--only NAME …] [--out FILE]

At each origin the first step is fitted as the recipe does, and again with another seed: what
changes between the two is noise of the fit, what changes from origin to origin is that and what
was learnt since. The reason is the family that adds most, the age of the invoice apart, as in
``training.stability``. A row is a *near tie* where the second family adds at least 90 % of what the
first adds, and is *raised* where its probability of staying open is above its bucket's mean:
those are the items whose reasons are read. Variants are set beside the recipe on the same rows.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt
from scipy.special import expit

from benchmarks.choices import thinned
from benchmarks.features import write
from benchmarks.measure import command_line, machine
from features.catalogue import FAMILIES, MODEL_FEATURES
from features.ledger.read import open_ledger
from models.reasons import AGE_FAMILY
from training.config import TrainingConfig, read_config
from training.dataset import Dataset, as_of_grid, load_dataset
from training.hazard import Rounds, fit_part, in_bins, risk_set
from training.metrics import clipped_log_loss
from training.origins import OriginRows, plan_origins, rows_of_origin
from training.recipe import choose, oldest_as_of
from training.search import changed_config

Floats = npt.NDArray[np.float64]

PART = "step_1"
NEAR = 0.9
EXPLAINED = 2000
SEEDS = 5

FAMILY_OF = {feature.name: feature.family for feature in MODEL_FEATURES}
MERGED = {
    "payment_timing": "how the account pays",
    "payment_rhythm": "how the account pays",
    "own_history": "how the account pays",
    "part_payments": "how the account pays",
    "peers": "how the account pays",
}
"""Families that say much of the same under one name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reasons:
    """What the families add on some rows.

    Parameters
    ----------
    families : numpy.ndarray, shape (n, families)
        Log-odds by family, without that of the age.
    p : numpy.ndarray, shape (n,)
        P(unresolved after 30 days), before recalibration.
    """

    families: Floats
    p: Floats

    @property
    def top(self) -> npt.NDArray[np.int64]:
        """Place of the family that adds most."""
        return np.asarray(self.families.argmax(axis=1), dtype=np.int64)

    @property
    def near_tie(self) -> npt.NDArray[np.bool_]:
        """Whether the second family adds nearly as much."""
        second, first = np.sort(self.families, axis=1)[:, -2:].T
        return np.asarray(second >= NEAR * first, dtype=bool)

    def place_of(self, families: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the rank of a family in each row, from 0."""
        chosen = self.families[np.arange(len(families)), families]
        return np.asarray((self.families > chosen[:, None]).sum(axis=1), dtype=np.int64)


def reasons_of(
    models: Sequence[lightgbm.Booster],
    rows: Dataset,
    config: TrainingConfig,
    merged: Mapping[str, str],
) -> Reasons:
    """Return the families' log-odds, averaged over models."""
    values = rows.frame.matrix(config.feature_names)
    shap: Any = np.mean(
        [model.predict(values, pred_contrib=True, num_threads=1) for model in models], axis=0
    )
    names = [merged.get(FAMILY_OF[name], FAMILY_OF[name]) for name in config.feature_names]
    kept = [
        name
        for name in dict.fromkeys(merged.get(family, family) for family in FAMILIES)
        if name != AGE_FAMILY and name in names
    ]
    columns = [shap[:, [place for place, name in enumerate(names) if name == one]] for one in kept]
    families = np.column_stack([column.sum(axis=1) for column in columns])
    return Reasons(families=families, p=expit(shap.sum(axis=1)))


def agreement(first: Reasons, second: Reasons, high: npt.NDArray[np.bool_]) -> dict[str, float]:
    """Return how often two models name the same family first, over all rows and some."""
    same = first.top == second.top
    clear = ~first.near_tie & ~second.near_tie
    among_two = second.place_of(first.top) < 2
    return {
        "rows": float(len(same)),
        "agreement": float(same.mean()),
        "near_ties": float(1 - clear.mean()),
        "agreement_clear": float(same[clear].mean()),
        "first_among_two": float(among_two.mean()),
        "raised": float(high.mean()),
        "agreement_raised": float(same[high].mean()),
        "first_among_two_raised": float(among_two[high].mean()),
    }


def variants(config: TrainingConfig) -> dict[str, tuple[TrainingConfig, int]]:
    """Return what might steady the reasons: a configuration, and over how many seeds."""
    tried = {
        "as configured": {},
        "200 rows in a leaf": {"trees.min_data_in_leaf": 200},
        "every feature in every tree": {"trees.feature_fraction": 1.0},
        "a quarter of the features in a tree": {"trees.feature_fraction": 0.25},
        "half the learning rate": {"trees.learning_rate": config.trees.learning_rate / 2},
        "L2 of 50": {"trees.lambda_l2": 50.0},
        "L2 of 200": {"trees.lambda_l2": 200.0},
        "L2 of 200, twice as quick": {
            "trees.lambda_l2": 200.0,
            "trees.learning_rate": 2 * config.trees.learning_rate,
        },
    }
    found = {name: (changed_config(config, keys), 1) for name, keys in tried.items()}
    return found | {f"mean of {SEEDS} seeds": (config, SEEDS)}


def fitted(
    rows: OriginRows, config: TrainingConfig, rounds: Rounds, seeds: Sequence[int]
) -> list[lightgbm.Booster]:
    """Return the first step fitted on an origin's past, once a seed."""
    learnt = in_bins(risk_set(rows.past, PART, config), config.feature_names).construct()
    trees = rounds.on(int(learnt.num_data()), config.trees.max_rounds)
    return [
        lightgbm.Booster(model_str=fit_part(learnt, PART, replace(config, seed=seed), rounds=trees))
        for seed in seeds
    ]


def judge(
    rows: Sequence[OriginRows], config: TrainingConfig, lag: int, only: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Return the agreement of every variant, or of some, between origins and between seeds."""
    rng = np.random.default_rng(config.seed)
    judged = [_sample(each.test, rng) for each in rows]
    found = []
    for name, (variant, seeds) in variants(config).items():
        if only and name not in only:
            continue
        models, again = [], []
        for place, each in enumerate(rows):
            choices = choose(each.past, each.windows, variant, lag, lambda _: None, parts=(PART,))
            first = [variant.seed + number for number in range(seeds)]
            rounds = choices.rounds[PART]
            models.append(fitted(each, variant, rounds, first))
            if place == len(rows) - 1:
                other = [seed + 1000 for seed in first]
                again = fitted(each, variant, rounds, other)
            tell(f"{name}: origin {each.origin.cutoff}")
        for merged in (
            ({}, MERGED) if name in ("as configured", f"mean of {SEEDS} seeds") else ({},)
        ):
            pairs = [
                (
                    reasons_of(older, sample, variant, merged),
                    reasons_of(newer, sample, variant, merged),
                    sample,
                )
                for older, newer, sample in zip(models[:-1], models[1:], judged[1:], strict=True)
            ]
            last = pairs[-1][1]
            other_seed = reasons_of(again, judged[-1], variant, merged)
            both = [agreement(old, new, _raised(new.p, at)) for old, new, at in pairs]
            y = np.concatenate([at.target(PART) for _, _, at in pairs])
            p = np.concatenate([new.p for _, new, _ in pairs])
            found.append(
                {
                    "name": name + (", payment families under one name" if merged else ""),
                    "between_origins": {
                        key: float(np.mean([pair[key] for pair in both])) for key in both[0]
                    },
                    "between_seeds": agreement(last, other_seed, _raised(last.p, judged[-1])),
                    "log_loss": clipped_log_loss(y, p),
                }
            )
    return found


def _sample(rows: Dataset, rng: np.random.Generator) -> Dataset:
    keep = np.zeros(len(rows), dtype=bool)
    keep[rng.choice(len(rows), min(EXPLAINED, len(rows)), replace=False)] = True
    return rows.select(keep)


def _raised(p: Floats, rows: Dataset) -> npt.NDArray[np.bool_]:
    """Return the rows whose probability is above their bucket's mean."""
    _, place, count = np.unique(rows.frame.bucket, return_inverse=True, return_counts=True)
    return np.asarray(p > (np.bincount(place, weights=p) / count)[place], dtype=bool)


def tell(words: str) -> None:
    """Say what was done on the error stream."""
    print(words, file=sys.stderr, flush=True)


def main() -> None:
    """Run every variant and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ledger", type=Path)
    parser.add_argument("--config", help="TOML file or shipped name")
    parser.add_argument("--origins", type=int, default=3)
    parser.add_argument("--rows", type=int, default=200_000, help="rows learnt from at most")
    parser.add_argument("--only", nargs="+", default=(), help="names of the variants to try")
    parser.add_argument("--words", default="", help="what the ledger is, for the page")
    parser.add_argument("--out", type=Path, help="JSON file")
    asked = parser.parse_args()
    config = read_config(asked.config)
    config = replace(
        config,
        windows=replace(config.windows, test_days=0),
        backtest=replace(config.backtest, origins=asked.origins),
    )
    ledger = open_ledger(asked.ledger)
    lag = ledger.manifest.maturity_lag_days
    origins = plan_origins(ledger, config)
    oldest = oldest_as_of(ledger, config, origins[0].first)
    dates = as_of_grid(origins[-1].last, oldest, config.windows.every_days)
    data = load_dataset(ledger, dates)
    rows = [rows_of_origin(data, origin, config, lag) for origin in origins]
    share = asked.rows / len(rows[-1].past)
    rows = [replace(each, past=thinned(each.past, share)) for each in rows]
    result = {
        "ledger": asked.words or asked.ledger.name,
        "command": command_line("benchmarks.reasons"),
        "machine": machine(),
        "config": config.to_json(),
        "origins": [str(origin.cutoff) for origin in origins],
        "variants": judge(rows, config, lag, asked.only),
    }
    if asked.out is None:
        print(json.dumps(result, indent=1, default=str))
    else:
        write(asked.out, result)


if __name__ == "__main__":
    main()
