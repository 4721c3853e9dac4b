"""Judge the whole recipe on past dates, beside the baselines, as it would have run then.

At every origin the recipe sees only outcomes that were mature and known; its model is judged
on the as-of dates that follow. Weekly rows repeat items, so intervals resample accounts.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.ageing import BUCKETS, LAST, STEP_DAYS, bucket_names
from features.inputs import Rules
from features.ledger.read import Ledger
from models.scorer import survival_curves
from training.baselines import baseline_probabilities
from training.config import TrainingConfig
from training.dataset import Dataset, as_of_grid, load_dataset
from training.metrics import compare, headline, paired_intervals
from training.recipe import (
    MODEL,
    choose,
    make_bundle,
    oldest_as_of,
    require_both_classes,
    require_enough,
)
from training.splits import TooLittleHistoryError, four_windows

Floats = npt.NDArray[np.float64]

LARGEST_LEFT_OUT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """One cut-off of a backtest.

    Parameters
    ----------
    cutoff : date
        The day on which the model would have been trained; later knowledge is unused.
    train_until : date or None
        Last as-of date that may be trained on; None for all that are mature at the cut-off.
    first, last : date
        As-of dates that are judged.
    """

    cutoff: date
    train_until: date | None
    first: date
    last: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """Predictions and figures of all origins.

    Parameters
    ----------
    predictions : pandas.DataFrame
        One row per judged item and date: keys, bucket, balance, ``unresolved`` and one
        ``p_<model>`` per model.
    metrics : dict
        Plain values of ``metrics.json``.
    """

    predictions: pd.DataFrame
    metrics: dict[str, Any]


def plan_origins(ledger: Ledger, config: TrainingConfig) -> list[Origin]:
    """Return the origins that the configuration asks for, oldest first."""
    lag = ledger.manifest.maturity_lag_days
    wanted = config.backtest
    mature = ledger.manifest.known_through - timedelta(days=STEP_DAYS + lag)
    if wanted.train_until is not None:
        if wanted.test_from is None:
            raise TooLittleHistoryError("backtest.train_until needs backtest.test_from beside it.")
        return [
            Origin(
                cutoff=wanted.train_until + timedelta(days=STEP_DAYS + lag),
                train_until=wanted.train_until,
                first=wanted.test_from,
                last=min(wanted.test_until or mature, mature),
            )
        ]
    origins = []
    for back in range(wanted.origins, 0, -1):
        first = mature - timedelta(days=back * wanted.test_days - 1)
        last = first + timedelta(days=wanted.test_days - 1)
        origins.append(Origin(cutoff=first, train_until=None, first=first, last=last))
    return origins


def run_backtest(
    ledger: Ledger,
    config: TrainingConfig,
    *,
    rules: Rules | None = None,
    draws: int = 400,
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
    parts = []
    for origin in origins:
        tell(f"origin {origin.cutoff}")
        past = data.between(None, origin.train_until).known_by(origin.cutoff, lag)
        past = past.select(~np.isnan(past.target("step_1")))
        require_enough(past, origin.cutoff)
        first, last = past.as_of.min().date(), past.as_of.max().date()
        windows = four_windows(first, last, inner.windows, lag)
        choices = choose(past, windows, inner, lag, tell)
        bundle = make_bundle(ledger, past, choices, inner, origin.cutoff, rules)
        test = judged_rows(data.between(origin.first, origin.last), config)
        if not len(test):
            raise TooLittleHistoryError(
                f"No item can be judged on the as-of dates from {origin.first} to {origin.last}. "
                "Make backtest.test_days at least as long as windows.every_days."
            )
        curves = survival_curves(bundle, test.frame, test.segment)
        probabilities = {
            MODEL: curves.at(STEP_DAYS),
            **baseline_probabilities(past, test, config.seed),
        }
        parts.append(_predictions(origin, test, probabilities))
    predictions = pd.concat(parts, ignore_index=True)
    y = predictions["unresolved"].to_numpy(dtype=float)
    require_both_classes(y, (origins[0].first, origins[-1].last))
    tell("intervals")
    metrics = summarise(predictions, seed=config.seed, draws=draws)
    metrics["origins"] = [asdict(origin) for origin in origins]
    metrics["config"] = config.to_json()
    metrics["ledger_digest"] = ledger.digest
    return Backtest(predictions=predictions, metrics=metrics)


def judged_rows(data: Dataset, config: TrainingConfig) -> Dataset:
    """Return the rows of the headline figures: exposed items with a known outcome."""
    keep = data.exposed
    if config.backtest.include_last_bucket:
        keep = keep | (data.frame.bucket == LAST)
    return data.select(keep & ~np.isnan(data.target("step_1")))


def _predictions(origin: Origin, test: Dataset, probabilities: dict[str, Floats]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "origin": pd.Timestamp(origin.cutoff),
            "as_of": test.as_of.to_numpy(),
            "account_id": test.account,
            "invoice_id": test.frame.items["invoice_id"].to_numpy(),
            "segment": test.segment,
            "bucket": bucket_names(test.frame.bucket),
            "paid_items_365": test.frame.column("paid_items_365"),
            "balance": test.balance,
            "unresolved": test.target("step_1"),
            **{f"p_{column_name(name)}": p for name, p in probabilities.items()},
        }
    )


def column_name(model: str) -> str:
    """Return a model's name as a column name.

    Examples
    --------
    >>> column_name("roll-rate matrix")
    'roll_rate_matrix'
    """
    return model.replace("-", "_").replace(" ", "_")


def model_names(predictions: pd.DataFrame) -> list[str]:
    """Return the column names of the models in a predictions table, without ``p_``."""
    return [name[2:] for name in predictions.columns if name.startswith("p_")]


def summarise(predictions: pd.DataFrame, *, seed: int, draws: int) -> dict[str, Any]:
    """Return all figures of a predictions table as plain values.

    ``overall`` and ``past_due`` hold the headline figures of every model, ``by_bucket`` those
    within each bucket, ``without_largest`` leaves out the accounts with most unresolved rows,
    and ``against`` gives paired differences with intervals over accounts.
    """
    past_due = predictions["bucket"] != BUCKETS[0]
    unresolved = predictions.groupby("account_id")["unresolved"].sum()
    largest = unresolved.sort_values(ascending=False).index[:LARGEST_LEFT_OUT]
    rest = ~predictions["account_id"].isin(largest)
    rng = np.random.default_rng(seed)
    y, dollars, account, p = _arrays(predictions)
    baselines = [name for name in p if name != MODEL]
    return {
        "rows": len(predictions),
        "accounts": int(predictions["account_id"].nunique()),
        "accounts_with_unresolved": int((unresolved > 0).sum()),
        "overall": _figures(predictions),
        "past_due": _figures(predictions[past_due]),
        "by_bucket": {
            bucket: _figures(predictions[predictions["bucket"] == bucket])
            for bucket in BUCKETS
            if (predictions["bucket"] == bucket).any()
        },
        "without_largest": {"accounts": list(largest), "figures": _figures(predictions[rest])},
        "against": {
            name: {
                figure: asdict(interval)
                for figure, interval in paired_intervals(
                    y, (p[MODEL], p[name]), dollars, account, rng, draws=draws
                ).items()
            }
            for name in baselines
        },
        "dollars_by_month": _dollars_by_month(predictions),
    }


def _arrays(
    rows: pd.DataFrame,
) -> tuple[Floats, Floats, npt.NDArray[np.object_], dict[str, Floats]]:
    return (
        rows["unresolved"].to_numpy(dtype=float),
        rows["balance"].to_numpy(dtype=float),
        rows["account_id"].to_numpy(dtype=object),
        {name: rows[f"p_{name}"].to_numpy(dtype=float) for name in model_names(rows)},
    )


def _figures(rows: pd.DataFrame) -> dict[str, dict[str, float | None]]:
    y, dollars, _, p = _arrays(rows)
    if len(np.unique(y)) == 2:
        figures = compare(y, p, dollars)
    else:
        figures = {name: headline(y, values, dollars) for name, values in p.items()}
    return {
        name: {key: None if np.isnan(value) else value for key, value in row.items()}
        for name, row in figures.items()
    }


def _dollars_by_month(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return expected and realised unresolved dollars by month of the as-of date and bucket."""
    table = rows.assign(
        month=rows["as_of"].dt.strftime("%Y-%m"),
        expected=rows["balance"] * rows[f"p_{MODEL}"],
        realised=rows["balance"] * rows["unresolved"],
    )
    sums = table.groupby(["month", "bucket"], sort=True)[["expected", "realised"]].sum()
    records = sums.round(2).reset_index().to_dict("records")
    return [{str(key): value for key, value in record.items()} for record in records]


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
