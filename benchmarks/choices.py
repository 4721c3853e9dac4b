"""The choices of the recipe, each set beside what could be done instead, at the same origins.

Usage: python -m benchmarks.choices LEDGER [--config NAME] [--until DAY] [--origins N] [--days D]
[--share S] [--only CHOICE …] [--holding FILE] [--words TEXT] [--out FILE]

Every variant learns the same outcomes as the recipe at each origin and is judged on the same
rows. Figures are the variant's less the recipe's, with intervals over accounts: log-loss above 0
says that the recipe is better. Choose on one ledger and early origins (``--until``), and confirm
on another ledger and later ones. --holding reads the features whose sign held from the file of
the choosing run; without it they are found on the newest rows that the first origin learnt from.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.linear_model import LogisticRegression

from benchmarks.changes import changes, steps_compared
from benchmarks.features import write
from benchmarks.measure import command_line, machine
from benchmarks.signs import effects
from benchmarks.stacked import STEP_PARTS, one_model, per_step
from benchmarks.variants import DISTANCE, MONTH_ENDS, Recalibration, Variant, all_variants
from features.ageing import BUCKETS, STEP_DAYS
from features.catalogue import MODEL_FEATURES
from features.ledger.read import Ledger, open_ledger
from features.outcomes import STEPS
from models.calibrator import Calibrator
from models.peers import with_peers
from training.calibrate import choose_calibrator, fit_calibrator
from training.config import TrainingConfig, read_config
from training.dataset import Dataset, as_of_grid, load_dataset
from training.hazard import Rounds, fit_part, in_bins, risk_set, search_part
from training.metrics import headline
from training.origins import Origin, OriginRows, judged_rows
from training.recipe import oldest_as_of
from training.splits import four_windows

Floats = npt.NDArray[np.float64]

EXPLAINED = 1000
SIGN_ROWS = 1500
PART = "step_1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """The first step of a variant at one origin, before its map is chosen.

    Parameters
    ----------
    margin : numpy.ndarray, shape (n,)
        Log-odds of the judged rows.
    fresh, y : numpy.ndarray
        Log-odds and outcomes of the rows that the map is chosen on, by trees that did not
        learn them.
    half, older : numpy.ndarray of bool
        In which half of the accounts, and of the dates, those rows are.
    rounds, rows : int
        Trees, and rows they were fitted on.
    microseconds : float
        Processor time of the reasons of one item.
    """

    margin: Floats
    fresh: Floats
    y: Floats
    half: npt.NDArray[np.bool_]
    older: npt.NDArray[np.bool_]
    rounds: int
    rows: int
    microseconds: float

    def probability(self, kind: Recalibration) -> Floats:
        """Return the probabilities of the judged rows under one kind of map."""
        if kind == "none" or not len(self.y):
            map_ = Calibrator()
        elif kind == "chosen":
            map_ = choose_calibrator(self.fresh, self.y, self.half)
        elif kind == "in time":
            map_ = choose_calibrator(self.fresh, self.y, self.older)
        elif kind == "slope":
            line = LogisticRegression(C=1e6, fit_intercept=False)
            slope = line.fit(self.fresh.reshape(-1, 1), self.y).coef_[0, 0]
            map_ = Calibrator(kind="logistic", a=max(float(slope), 0.0))
        else:
            map_ = fit_calibrator(kind, self.fresh, self.y)
        return map_.probability(self.margin)


def origins_until(last: date, count: int, days: int) -> list[Origin]:
    """Return ``count`` origins that judge ``days`` each, the newest up to ``last``."""
    found = []
    for back in range(count, 0, -1):
        first = last - timedelta(days=back * days - 1)
        end = first + timedelta(days=days - 1)
        found.append(Origin(cutoff=first, train_until=None, first=first, last=end))
    return found


def as_of_dates(oldest: date, last: date, config: TrainingConfig) -> list[date]:
    """Return every date that some variant learns from: weekly ones and month ends."""
    weekly = as_of_grid(last, oldest, min(7, config.windows.every_days))
    ends = pd.date_range(oldest, last, freq="ME")
    return sorted({*weekly, *(end.date() for end in ends)})


def on_grid(data: Dataset, newest: date, every_days: int) -> Dataset:
    """Return the rows of the dates ``every_days`` apart, counted back from ``newest``."""
    days = data.as_of
    if every_days == MONTH_ENDS:
        return data.select(days.dt.is_month_end.to_numpy())
    back = (pd.Timestamp(newest) - days).dt.days.to_numpy()
    return data.select(back % every_days == 0)


def thinned(data: Dataset, share: float) -> Dataset:
    """Return about ``share`` of the invoices, by a hash of their ids."""
    hashes = pd.util.hash_array(data.frame.items["invoice_id"].to_numpy(dtype=object))
    return data.select(hashes / 2**64 < share)


def rows_for(
    data: Dataset,
    test: Dataset,
    origin: Origin,
    variant: Variant,
    last: date,
    lag: int,
    share: float,
) -> OriginRows:
    """Return what a variant learns from at an origin, with the rows that judge all of them."""
    config = variant.config
    learnt = thinned(on_grid(data, last, variant.every_days), share)
    past = learnt.known_by(origin.cutoff, lag)
    past = past.select(~np.isnan(past.target(PART)))
    newest = past.as_of.max().date()
    if variant.history_days:
        past = past.between(newest - timedelta(days=variant.history_days), None)
    windows = four_windows(past.as_of.min().date(), newest, config.windows, lag)
    return OriginRows(origin=origin, past=past, windows=windows, test=test)


def fitted(rows: OriginRows, config: TrainingConfig, lag: int, seeds: int = 1) -> Fit:
    """Fit the first step of a variant as the recipe does: rounds, map, then all of the past."""
    past, windows = rows.past, rows.windows
    others = [replace(config, seed=config.seed + number) for number in range(seeds)]
    fresh = past.between(*windows.recalibrate)
    fresh_margin = np.empty(0)
    rounds = Rounds(found=config.trees.rounds)
    if not rounds.found:
        fit = risk_set(past.between(*windows.fit).known_by(windows.stop[0], lag), PART, config)
        stop = risk_set(past.between(*windows.stop), PART, config)
        rounds, booster = search_part(in_bins(fit, config.feature_names), stop, PART, config)
        if len(fresh):
            fresh_margin = margins(booster, fresh.frame.matrix(config.feature_names), rounds.found)
    learnt = in_bins(risk_set(past, PART, config), config.feature_names).construct()
    trees = rounds.on(int(learnt.num_data()), config.trees.max_rounds)
    models = [
        lightgbm.Booster(model_str=fit_part(learnt, PART, other, rounds=trees)) for other in others
    ]
    levels = past.peers.until(f"{rows.origin.cutoff:%Y-%m}")
    values = with_peers(rows.test.frame, levels).matrix(config.feature_names)
    started = time.process_time()
    for model in models:
        model.predict(values[:EXPLAINED], pred_contrib=True, num_threads=1)
    spent = (time.process_time() - started) / min(EXPLAINED, len(values))
    return Fit(
        margin=np.mean([margins(model, values, trees) for model in models], axis=0),
        fresh=fresh_margin,
        y=fresh.target(PART) if len(fresh_margin) else np.empty(0),
        half=pd.util.hash_array(fresh.account) % 2 == 0,
        older=(fresh.as_of <= fresh.as_of.median()).to_numpy(),
        rounds=trees,
        rows=int(learnt.num_data()),
        microseconds=1e6 * spent,
    )


def margins(booster: lightgbm.Booster, values: Floats, rounds: int) -> Floats:
    """Return the log-odds of some rows after ``rounds`` trees."""
    raw: Any = booster.predict(values, raw_score=True, num_iteration=rounds, num_threads=1)
    return np.asarray(raw, dtype=float)


def judge_choices(
    data: Dataset,
    origins: Sequence[Origin],
    config: TrainingConfig,
    lag: int,
    *,
    share: float,
    holding: Sequence[str] | None,
    only: Sequence[str] = (),
) -> dict[str, Any]:
    """Return what every variant is worth against the recipe, over all origins.

    With ``only``, those choices alone are tried, and neither signs nor steps are looked at.
    """
    last = origins[-1].last
    falling = tuple(
        feature.name for feature in MODEL_FEATURES if feature.direction == "lower is riskier"
    )
    base = Variant(choice="", name="", config=config, every_days=config.windows.every_days)
    grid = on_grid(data, last, config.windows.every_days)
    tests = [judged_rows(grid.between(origin.first, origin.last), config) for origin in origins]
    first = rows_for(data, tests[0], origins[0], base, last, lag, share)
    signs: list[dict[str, Any]] = []
    if holding is None and not only:
        tell("signs of features")
        signs = signs_of(first, config)
        holding = [entry["feature"] for entry in signs if entry["holds"]]
    variants = [
        variant
        for variant in all_variants(config, holding or (), falling)
        if not only or variant.choice in only
    ]
    guesses: dict[tuple[str, str], list[Floats]] = {}
    facts: dict[tuple[str, str], list[Fit]] = {}
    steps: dict[str, list[Floats]] = {"per_step": [], "one_model": []}
    for origin, test in zip(origins, tests, strict=True):
        own_rows = rows_for(data, test, origin, base, last, lag, share)
        own = fitted(own_rows, config, lag)
        for variant in (base, *variants):
            key = (variant.choice, variant.name)
            started = time.monotonic()
            fit = own
            if variant.recalibration == "chosen" and variant != base:
                learnt = rows_for(data, test, origin, variant, last, lag, share)
                fit = fitted(learnt, variant.config, lag, variant.seeds)
            guesses.setdefault(key, []).append(fit.probability(variant.recalibration))
            facts.setdefault(key, []).append(fit)
            tell(f"{origin.cutoff} {key}: {fit.rounds} trees, {time.monotonic() - started:.0f} s")
        if config.windows.stop_days and not only:
            steps["per_step"].append(per_step(own_rows, config, lag))
            steps["one_model"].append(one_model(own_rows, config, lag))
            tell(f"{origin.cutoff} steps")
    y = np.concatenate([test.target(PART) for test in tests])
    dollars = np.concatenate([test.dollars for test in tests])
    account = np.concatenate([test.account for test in tests])
    whole = {key: np.concatenate(parts) for key, parts in guesses.items()}
    own_p = whole.pop(("", ""))
    names = {"\n".join(key): p for key, p in whole.items()}
    gaps = changes(y, own_p, names, (dollars, account), config.seed)
    return {
        "rows": len(y),
        "accounts": len(np.unique(account.astype(str))),
        "origins": [asdict(origin) for origin in origins],
        "recipe": headline(y, own_p, dollars) | cost(facts["", ""]),
        "choices": [
            {"choice": variant.choice, "name": variant.name}
            | gaps[f"{variant.choice}\n{variant.name}"]
            | line(y, whole[variant.choice, variant.name], dollars)
            | cost(facts[variant.choice, variant.name])
            for variant in variants
        ],
        "signs": signs,
        "holding": list(holding or ()),
        "steps": steps_compared(steps, tests, config.seed) if steps["per_step"] else [],
    }


def line(y: Floats, p: Floats, dollars: Floats) -> dict[str, float]:
    """Return how probabilities stand to outcomes: slope, and expected dollars ÷ realised."""
    found = headline(y, p, dollars)
    return {name: found[name] for name in ("slope", "expected_over_realised", "captured_dollars")}


def cost(fits: Sequence[Fit]) -> dict[str, float]:
    """Return the middle number of trees and rows, and the price of an item's reasons."""
    return {
        "trees": float(np.median([fit.rounds for fit in fits])),
        "learnt_rows": float(np.median([fit.rows for fit in fits])),
        "reasons_microseconds": float(np.median([fit.microseconds for fit in fits])),
    }


def signs_of(rows: OriginRows, config: TrainingConfig) -> list[dict[str, Any]]:
    """Return how directed features move unconstrained models of every step in each bucket."""
    free = replace(config, trees=replace(config.trees, rising=(), falling=()))
    parts = STEP_PARTS if config.windows.stop_days else (PART,)
    boosters = {}
    for part in parts:
        learnt = in_bins(risk_set(rows.past, part, free), free.feature_names)
        text = fit_part(learnt, part, free, rounds=free.trees.rounds or 150)
        boosters[part] = lightgbm.Booster(model_str=text)
    rng = np.random.default_rng(config.seed)
    keep = np.zeros(len(rows.past), dtype=bool)
    for place in range(len(BUCKETS)):
        here = np.flatnonzero(rows.past.frame.bucket == place)
        keep[rng.choice(here, min(SIGN_ROWS, len(here)), replace=False)] = True
    return effects(boosters, rows.past.select(keep), free)


def loaded(
    ledger: Ledger, config: TrainingConfig, origins: Sequence[Origin], only: Sequence[str]
) -> Dataset:
    """Return the rows of every date that some variant learns from or is judged on."""
    oldest, last = oldest_as_of(ledger, config, origins[0].first), origins[-1].last
    dates = as_of_grid(last, oldest, config.windows.every_days)
    if not only or DISTANCE in only:
        dates = as_of_dates(oldest, last, config)
    return load_dataset(ledger, dates, progress=tell)


def tell(words: str) -> None:
    """Say what is being done on the error stream."""
    print(words, file=sys.stderr, flush=True)


def origin_arguments(doc: str) -> argparse.ArgumentParser:
    """Return a parser of what every comparison at rolling origins asks."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("ledger", type=Path)
    parser.add_argument("--config", help="TOML file or shipped name")
    parser.add_argument("--until", type=date.fromisoformat, help="newest as-of date judged")
    parser.add_argument("--origins", type=int, default=3)
    parser.add_argument("--days", type=int, default=56, help="days judged at each origin")
    parser.add_argument("--share", type=float, default=1.0, help="share of invoices learnt from")
    parser.add_argument("--words", default="", help="what the ledger is, for the page")
    parser.add_argument("--out", type=Path, help="JSON file")
    return parser


def asked_origins(asked: argparse.Namespace, ledger: Ledger) -> list[Origin]:
    """Return the origins that the command line asks for, all with outcomes of four steps."""
    mature = ledger.manifest.known_through - timedelta(
        days=STEPS * STEP_DAYS + ledger.manifest.maturity_lag_days
    )
    return origins_until(min(asked.until or mature, mature), asked.origins, asked.days)


def parsed() -> argparse.Namespace:
    """Read the command line."""
    parser = origin_arguments(__doc__)
    parser.add_argument("--only", nargs="+", default=(), help="names of the choices to try")
    parser.add_argument("--holding", type=Path, help="JSON file of the choosing run")
    return parser.parse_args()


def main() -> None:
    """Run every variant and write JSON."""
    asked = parsed()
    config = read_config(asked.config)
    config = replace(config, windows=replace(config.windows, test_days=0))
    ledger = open_ledger(asked.ledger)
    lag = ledger.manifest.maturity_lag_days
    origins = asked_origins(asked, ledger)
    holding = json.loads(asked.holding.read_text("utf-8"))["holding"] if asked.holding else None
    data = loaded(ledger, config, origins, asked.only)
    result = {
        "ledger": asked.words or asked.ledger.name,
        "command": command_line("benchmarks.choices"),
        "machine": machine() | {"lightgbm": version("lightgbm")},
        "config": config.to_json(),
        "share": asked.share,
        **judge_choices(
            data, origins, config, lag, share=asked.share, holding=holding, only=asked.only
        ),
    }
    if asked.out is None:
        print(json.dumps(result, indent=1, default=str))
    else:
        write(asked.out, result)


if __name__ == "__main__":
    main()
