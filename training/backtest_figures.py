"""The figures of a backtest, as plain values from its predictions."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.ageing import BUCKETS
from training.capture import capture
from training.metrics import compare, headline, paired_intervals
from training.recipe import MODEL
from training.resampling import paired_differences

Floats = npt.NDArray[np.float64]

LARGEST_LEFT_OUT = 3
MIN_GROUP_ROWS, MIN_GROUP_POSITIVES = 100, 20
"""A group with fewer rows, or fewer of either outcome, has figures and no interval."""

HISTORY: tuple[tuple[str, float, float], ...] = (
    ("no payment yet", 0, 0),
    ("1 to 9 payments", 1, 9),
    ("10 and more", 10, np.inf),
)
"""Bands of the invoices an account paid within a year, with their ends."""

SIZES = ("smallest third", "middle third", "largest third")


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

    ``overall`` and ``past_due`` hold the headline figures of every model, ``by_bucket`` and the
    other groups those within each group, ``without_largest`` leaves out the accounts with most
    unresolved rows; ``against`` and ``against_best`` give paired differences with intervals over
    accounts, the latter within every group, against the baseline that is best overall.
    ``capture`` ranks accounts by the model and by what collectors do without one.
    """
    past_due = predictions["bucket"] != BUCKETS[0]
    unresolved = predictions.groupby("account_id")["unresolved"].sum()
    largest = unresolved.sort_values(ascending=False).index[:LARGEST_LEFT_OUT]
    rest = ~predictions["account_id"].isin(largest)
    rng = np.random.default_rng(seed)
    y, dollars, account, p = _arrays(predictions)
    overall = _figures(predictions)
    best = _best_baseline(overall)
    groups = {name: dict(parts) for name, parts in _groupings(predictions)}
    return {
        "rows": len(predictions),
        "accounts": int(predictions["account_id"].nunique()),
        "accounts_with_unresolved": int((unresolved > 0).sum()),
        "overall": overall,
        "past_due": _figures(predictions[past_due]),
        **{
            grouping: {name: _figures(rows) for name, rows in parts.items()}
            for grouping, parts in groups.items()
        },
        "without_largest": {"accounts": list(largest), "figures": _figures(predictions[rest])},
        "against": {
            name: {
                figure: asdict(interval)
                for figure, interval in paired_intervals(
                    y, (p[MODEL], p[name]), dollars, account, rng, draws=draws
                ).items()
            }
            for name in p
            if name != MODEL
        },
        "best_baseline": best,
        "against_best": {
            grouping: {name: _against(rows, best, seed, draws) for name, rows in parts.items()}
            for grouping, parts in groups.items()
        },
        "capture": capture(predictions, seed=seed, draws=draws),
        "dollars_by_month": _dollars_by_month(predictions),
    }


def _best_baseline(figures: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the baseline with the lowest log-loss."""
    baselines = [name for name in figures if name != MODEL]
    return min(baselines, key=lambda name: figures[name]["log_loss"] or 0.0)


def step_figures(rows: pd.DataFrame, *, seed: int, draws: int) -> dict[str, Any]:
    """Return the figures of every model after each step, by days.

    Parameters
    ----------
    rows : pandas.DataFrame
        From ``step_predictions``, of all origins.
    seed, draws : int
        Resampling.

    Returns
    -------
    dict
        Per step the ``group_figures`` of its rows against the baseline that is best at that step.
    """
    found = {}
    for days, part in rows.groupby("days"):
        best = _best_baseline(_figures(part))
        found[str(days)] = group_figures(part, best, seed=seed, draws=draws)
    return found


def group_figures(rows: pd.DataFrame, best: str, *, seed: int, draws: int) -> dict[str, Any] | None:
    """Return the figures of every model on some rows; None where there is no row.

    Parameters
    ----------
    rows : pandas.DataFrame
        Predictions.
    best : str
        The baseline to compare with.
    seed, draws : int
        Resampling.

    Returns
    -------
    dict
        ``rows``, ``accounts``, ``figures`` by model, ``best_baseline`` and ``against_best``, the
        paired differences with intervals (None where the rows are few).
    """
    if not len(rows):
        return None
    return {
        "rows": len(rows),
        "accounts": int(rows["account_id"].nunique()),
        "figures": _figures(rows),
        "best_baseline": best,
        "against_best": _against(rows, best, seed, draws),
    }


def _groupings(rows: pd.DataFrame) -> Iterator[tuple[str, Iterator[tuple[str, pd.DataFrame]]]]:
    """Yield each way of grouping and its groups that hold rows."""
    yield "by_bucket", _parts(rows, rows["bucket"], BUCKETS)
    named = sorted(set(rows["segment"]) - {""})
    yield "by_segment", _parts(rows, rows["segment"], named)
    yield "by_size", _parts(rows, account_sizes(rows), SIZES)
    paid = rows["paid_items_365"].fillna(0)
    edges = [low for _, low, _ in HISTORY[1:]]
    names = np.array([name for name, _, _ in HISTORY])
    history = pd.Series(names[np.searchsorted(edges, paid, side="right")], index=rows.index)
    yield "by_history", _parts(rows, history, tuple(names))


def _parts(
    rows: pd.DataFrame, group: pd.Series, names: tuple[str, ...] | list[str]
) -> Iterator[tuple[str, pd.DataFrame]]:
    return ((name, rows[group == name]) for name in names if (group == name).any())


def account_sizes(rows: pd.DataFrame) -> pd.Series:
    """Return the third in which each row's account stands by judged balance, within a currency.

    An account's balance is its largest on any as-of date.
    """
    keys = ["currency", "account_id"]
    daily = rows.groupby([*keys, "as_of"])["balance"].sum()
    largest = daily.groupby(level=keys).max()
    rank = largest.groupby(level="currency").rank(pct=True, method="first")
    third = np.ceil(rank * len(SIZES)).astype(int) - 1
    place = third.reindex(pd.MultiIndex.from_frame(rows[keys])).to_numpy(dtype=int)
    return pd.Series(np.array(SIZES)[place], index=rows.index)


def _against(rows: pd.DataFrame, best: str, seed: int, draws: int) -> dict[str, Any] | None:
    """Return the model minus the best baseline in one group; None where it is too small."""
    y, _, account, p = _arrays(rows)
    if len(y) < MIN_GROUP_ROWS or min(y.sum(), (1 - y).sum()) < MIN_GROUP_POSITIVES:
        return None
    gaps = paired_differences(y, p[MODEL], {best: p[best]}, account, seed=seed, draws=draws)
    return {figure: asdict(interval) for figure, interval in gaps[best].items()}


def _arrays(
    rows: pd.DataFrame,
) -> tuple[Floats, Floats, npt.NDArray[np.object_], dict[str, Floats]]:
    return (
        rows["unresolved"].to_numpy(dtype=float),
        rows["dollars"].to_numpy(dtype=float),
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
    """Return expected and realised unresolved dollars by month, bucket and currency."""
    table = rows.assign(
        month=rows["as_of"].dt.strftime("%Y-%m"),
        expected=rows["balance"] * rows[f"p_{MODEL}"],
        realised=rows["balance"] * rows["unresolved"],
    )
    sums = table.groupby(["month", "bucket", "currency"], sort=True)[["expected", "realised"]].sum()
    records = sums.round(2).reset_index().to_dict("records")
    return [{str(key): value for key, value in record.items()} for record in records]
