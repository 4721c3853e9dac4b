"""Judge the whole recipe on past dates, beside the baselines, as it would have run then.

At every origin the recipe sees only outcomes that were mature and known; its model is judged
on the as-of dates that follow. Weekly rows repeat items, so intervals resample accounts.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.ageing import LAST, STEP_DAYS, bucket_names
from features.inputs import Rules
from features.ledger.read import Ledger
from models.scorer import survival_curves
from training.ablation import ablate
from training.backtest_figures import column_name, group_figures, step_figures, summarise
from training.backtest_steps import step_predictions
from training.baselines import baseline_probabilities
from training.config import TrainingConfig
from training.dataset import Dataset, as_of_grid, load_dataset
from training.dollars import remaining_figures, remaining_rows
from training.origins import Origin, OriginRows, plan_origins, rows_of_origin
from training.reach import bands_of, curve_points, touched_rows
from training.recipe import MODEL, choose, make_bundle, oldest_as_of, require_both_classes
from training.stability import reason_stability

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """Predictions and figures of all origins.

    Parameters
    ----------
    predictions : pandas.DataFrame
        One row per judged item and date: keys, bucket, ``balance``, ``dollars`` (the same in the
        reporting currency), ``unresolved`` and one ``p_<model>`` per model.
    metrics : dict
        Plain values of ``metrics.json``.
    """

    predictions: pd.DataFrame
    metrics: dict[str, Any]


def run_backtest(
    ledger: Ledger,
    config: TrainingConfig,
    *,
    rules: Rules | None = None,
    draws: int = 400,
    ablation: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Backtest:
    """Run the recipe at every origin and judge it on what followed.

    Parameters
    ----------
    ledger : Ledger
        The whole ledger; each origin sees its own past only.
    config : TrainingConfig
        The recipe and the backtest's dates.
    rules : Rules
        Business rules.
    draws : int
        Resamples of the paired intervals.
    ablation : bool
        Whether to refit without each family of features too.
    progress : callable
        Told what is being done.

    Raises
    ------
    TooLittleHistoryError
        When an origin has too little to learn from.
    """
    tell = progress or (lambda _: None)
    lag = ledger.manifest.maturity_lag_days
    origins = plan_origins(ledger, config)
    newest = origins[-1].last
    oldest = oldest_as_of(ledger, config, origins[0].first)
    dates = as_of_grid(newest, oldest, config.windows.every_days)
    data = load_dataset(ledger, dates, rules=rules, progress=progress)
    inner = replace(config, windows=replace(config.windows, test_days=0))
    parts, bundles, tests, money, touched = [], [], [], [], []
    steps, last_bucket = [], []
    for origin in origins:
        tell(f"origin {origin.cutoff}")
        rows = rows_of_origin(data, origin, inner, lag)
        past, test = rows.past, rows.test
        choices = choose(past, rows.windows, inner, lag, tell)
        bundle = make_bundle(ledger, past, choices, inner, origin.cutoff, rules)
        curves = survival_curves(bundle, test.frame, test.segment)
        probabilities = {
            MODEL: curves.at(STEP_DAYS),
            **baseline_probabilities(past, test, config.seed),
        }
        parts.append(_predictions(origin, test, probabilities))
        steps.append(step_predictions(rows, curves, probabilities, config.seed, lag))
        every = data.between(origin.first, origin.last)
        of_every = survival_curves(bundle, every.frame, every.segment)
        money.append(remaining_rows(bundle, every, of_every))
        last_bucket.append(_last_bucket(rows, every, of_every.at(STEP_DAYS), config))
        touched.append(touched_rows(ledger, bundle, every, ledger.manifest.known_through, rules))
        bundles.append(bundle)
        tests.append(test)
    predictions = pd.concat(parts, ignore_index=True)
    y = predictions["unresolved"].to_numpy(dtype=float)
    require_both_classes(y, (origins[0].first, origins[-1].last))
    tell("intervals")
    metrics = summarise(predictions, seed=config.seed, draws=draws)
    metrics["steps"] = step_figures(
        pd.concat(steps, ignore_index=True), seed=config.seed, draws=draws
    )
    metrics["last_bucket"] = group_figures(
        _stacked(last_bucket), metrics["best_baseline"], seed=config.seed, draws=draws
    )
    metrics["remaining"] = remaining_figures(
        pd.concat(money, ignore_index=True), seed=config.seed, draws=draws
    )
    seen = pd.concat(touched, ignore_index=True)
    metrics["reach"] = [asdict(band) for band in bands_of(seen)]
    metrics["curve"] = [asdict(point) for point in curve_points(seen)]
    tell("stability of reasons")
    metrics["reason_stability"] = reason_stability(bundles, tests, config.seed)
    if ablation:
        own = predictions[f"p_{MODEL}"].to_numpy(dtype=float)
        metrics["ablation"] = ablate(data, origins, inner, lag, own, draws=draws, progress=tell)
    metrics["origins"] = [asdict(origin) for origin in origins]
    metrics["config"] = config.to_json()
    metrics["ledger_digest"] = ledger.digest
    return Backtest(predictions=predictions, metrics=metrics)


def _last_bucket(
    rows: OriginRows, every: Dataset, survival: Floats, config: TrainingConfig
) -> pd.DataFrame:
    """Return predictions for items of the oldest bucket where the judged rows hold none."""
    keep = (every.frame.bucket == LAST) & ~np.isnan(every.target("step_1"))
    if config.backtest.include_last_bucket:
        keep[:] = False
    test = every.select(keep)
    baselines = baseline_probabilities(rows.past, test, config.seed) if len(test) else {}
    return _predictions(rows.origin, test, {MODEL: survival[keep], **baselines})


def _stacked(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Return the tables that hold rows under each other; an empty one where none does."""
    return pd.concat([table for table in tables if len(table)] or tables[:1], ignore_index=True)


def _predictions(origin: Origin, test: Dataset, probabilities: dict[str, Floats]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "origin": pd.Timestamp(origin.cutoff),
            "as_of": test.as_of.to_numpy(),
            "account_id": test.account,
            "invoice_id": test.frame.items["invoice_id"].to_numpy(),
            "currency": test.frame.items["currency"].to_numpy(),
            "segment": test.segment,
            "bucket": bucket_names(test.frame.bucket),
            "days_past_due": test.days_past_due,
            "paid_items_365": test.frame.column("paid_items_365"),
            "balance": test.balance,
            "dollars": test.dollars,
            "unresolved": test.target("step_1"),
            **{f"p_{column_name(name)}": p for name, p in probabilities.items()},
        }
    )


def write_backtest(backtest: Backtest, out: Path) -> None:
    """Write ``metrics.json``, ``predictions.parquet`` and ``report.html`` to ``out``."""
    from training.backtest_report import render_backtest  # noqa: PLC0415 (draws with matplotlib)

    out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(backtest.metrics, indent=1, default=str, allow_nan=False)
    for name, write in (
        ("metrics.json", lambda path: path.write_text(text + "\n", "utf-8")),
        ("predictions.parquet", backtest.predictions.to_parquet),
        ("report.html", lambda path: path.write_text(render_backtest(backtest), "utf-8")),
    ):
        temporary = out / f".{name}"
        write(temporary)
        temporary.replace(out / name)
