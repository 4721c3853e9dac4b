"""How many trees the later steps have, by where they stop and on how many rows.

Usage: python -m benchmarks.rounds LEDGER [--config NAME] [--until DAY] [--origins N] [--days D]
[--share S] [--words TEXT] [--out FILE]

The outcome of a step is decided 30 to 120 days after an as-of date. In the newest weeks, where the
first step stops, later ones have few outcomes or none. The rules differ in where each step stops
and in whether a refit on more rows has more trees; all learn the same rows of the past and are
judged on the same rows, of being unresolved after each step; bins are each fit's own. Figures are
the rule's less the recipe's: log-loss above 0 says that the recipe is better.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt

from benchmarks.changes import changes
from benchmarks.choices import asked_origins, loaded, origin_arguments, rows_for, tell
from benchmarks.features import write
from benchmarks.measure import command_line, machine
from benchmarks.stacked import STEP_PARTS, reached
from benchmarks.variants import Variant
from features.ageing import STEP_DAYS
from features.ledger.read import open_ledger
from features.outcomes import STEPS
from training.config import TrainingConfig, read_config
from training.dataset import Dataset
from training.hazard import (
    DEFAULT_ROUNDS,
    Rounds,
    fit_part,
    in_bins,
    is_trainable,
    risk_set,
    search_part,
    side_by_side,
)
from training.metrics import headline
from training.origins import OriginRows, judged_rows
from training.splits import Windows
from training.stopping import windows_of

Floats = npt.NDArray[np.float64]

RECIPE = "own weeks, trees by the root of the rows"
RULES = (
    RECIPE,
    "own weeks, as many trees",
    "own weeks, trees in proportion to rows",
    "the first step's weeks, as many trees",
)


def found(
    part: str, rows: OriginRows, windows: Windows, config: TrainingConfig, lag: int
) -> Rounds:
    """Return the rounds found in some windows; the default where nothing can be learnt."""
    fit = rows.past.between(*windows.fit).known_by(windows.stop[0], lag)
    stop = rows.past.between(*windows.stop)
    if not is_trainable(fit.target(part)):
        return Rounds(found=DEFAULT_ROUNDS)
    learnt = in_bins(risk_set(fit, part, config), config.feature_names)
    return search_part(learnt, risk_set(stop, part, config), part, config)[0]


def trees_of(part: str, rows: OriginRows, config: TrainingConfig, lag: int) -> dict[str, int]:
    """Return the number of trees of a part by rule."""
    shared = found(part, rows, rows.windows, config, lag)
    own = found(part, rows, windows_of(part, rows.windows), config, lag)
    learnt, most = len(risk_set(rows.past, part, config).y), config.trees.max_rounds
    more = learnt / own.rows if own.rows else 1.0
    all_of_it = min(round(own.found * more), most)
    return dict(zip(RULES, (own.on(learnt, most), own.found, all_of_it, shared.found), strict=True))


def curves(rows: OriginRows, config: TrainingConfig, lag: int) -> tuple[Any, dict[str, Floats]]:
    """Return trees by part and rule, and P(unresolved) after each step by rule; (n, 4) each."""
    values = rows.test.frame.matrix(config.feature_names)

    def of(part: str) -> tuple[dict[str, int], dict[str, Floats]]:
        counts = trees_of(part, rows, config, lag)
        learnt = in_bins(risk_set(rows.past, part, config), config.feature_names)
        text = fit_part(learnt, part, config, rounds=max(counts.values()))
        model = lightgbm.Booster(model_str=text)

        def probability(count: int) -> Floats:
            p: Any = model.predict(values, num_iteration=count, num_threads=1)
            return np.asarray(p, dtype=float)

        return counts, {rule: probability(count) for rule, count in counts.items()}

    parts = side_by_side(of, STEP_PARTS)
    trees = {part: counts for part, (counts, _) in zip(STEP_PARTS, parts, strict=True)}
    return trees, {
        rule: np.cumprod(np.column_stack([p[rule] for _, p in parts]), axis=1) for rule in RULES
    }


def judged(
    guesses: Mapping[str, Sequence[Floats]], tests: Sequence[Dataset], seed: int
) -> list[dict[str, Any]]:
    """Return, per step, every rule's figures and what sets it off from the recipe."""
    truth = np.concatenate([reached(test) for test in tests])
    account = np.concatenate([test.account for test in tests])
    dollars = np.concatenate([test.dollars for test in tests])
    p = {rule: np.concatenate(parts) for rule, parts in guesses.items()}
    steps = []
    for step in range(STEPS):
        known = ~np.isnan(truth[:, step])
        y, money = truth[known, step], dollars[known]
        here = {rule: of[known, step] for rule, of in p.items()}
        others = {rule: of for rule, of in here.items() if rule != RECIPE}
        steps.append(
            {
                "days": STEP_DAYS * (step + 1),
                "rows": int(known.sum()),
                "figures": {rule: headline(y, of, money) for rule, of in here.items()},
                "changes": changes(y, here[RECIPE], others, (money, account[known]), seed),
            }
        )
    return steps


def main() -> None:
    """Judge every rule and write JSON."""
    asked = origin_arguments(__doc__).parse_args()
    config = read_config(asked.config)
    config = replace(config, windows=replace(config.windows, test_days=0))
    ledger = open_ledger(asked.ledger)
    lag = ledger.manifest.maturity_lag_days
    origins = asked_origins(asked, ledger)
    data = loaded(ledger, config, origins, ["rounds"])
    base = Variant(choice="", name="", config=config, every_days=config.windows.every_days)
    trees, guesses, tests = [], {rule: [] for rule in RULES}, []
    for origin in origins:
        tests.append(judged_rows(data.between(origin.first, origin.last), config))
        rows = rows_for(data, tests[-1], origin, base, origins[-1].last, lag, asked.share)
        counts, of = curves(rows, config, lag)
        trees.append(counts)
        for rule in RULES:
            guesses[rule].append(of[rule])
        tell(f"{origin.cutoff} {counts}")
    result = {
        "ledger": asked.words or asked.ledger.name,
        "command": command_line("benchmarks.rounds"),
        "machine": machine(),
        "config": config.to_json(),
        "origins": [asdict(origin) for origin in origins],
        "trees": trees,
        "steps": judged(guesses, tests, config.seed),
    }
    if asked.out is None:
        print(json.dumps(result, indent=1, default=str))
    else:
        write(asked.out, result)


if __name__ == "__main__":
    main()
