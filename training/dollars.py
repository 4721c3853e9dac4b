"""Backtest of the money that is left: what 30 days leave of open balances.

An item that is still open may have been paid in part, so its balance times P(still open) says too
much. ``expected_remaining_30`` takes the share that is usually left besides (see
``models.profile``); for exposed items it is ``balance_expected_to_roll``. Here both are set
beside what was left, on every open item whose outcome is known: a written-off balance counts
in full, since it was never paid.
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.bundle import Bundle
from models.profile import CELLS, cell_index
from models.scorer import Curves
from training.dataset import Dataset
from training.resampling import Figure, Resamples, resample

Floats = npt.NDArray[np.float64]

EXPECTED, NAIVE = "expected", "naive"
WAYS: dict[str, str] = {
    EXPECTED: "balance × probability × share left",
    NAIVE: "balance × probability",
}
"""Ways to expect what is left, ours first."""

MIN_ROWS = 50
"""Fewer rows have figures and no interval."""


def remaining_rows(bundle: Bundle, rows: Dataset, curves: Curves) -> pd.DataFrame:
    """Return what was expected to be left of each item, and what was.

    Parameters
    ----------
    bundle : Bundle
        The model that scored.
    rows : Dataset
        n open items, exposed or not.
    curves : Curves
        Their scores.

    Returns
    -------
    pandas.DataFrame
        One row per item with a known outcome: ``as_of``, ``account_id``, ``currency``, ``cell``
        (row of the roll-rate matrix), ``balance``, ``expected``, ``naive`` and ``realised`` in
        document currency.
    """
    days = rows.days_past_due
    naive = rows.balance * curves.at(30)
    left = rows.outcomes["remaining_30"].to_numpy(dtype=float)
    lost = rows.outcomes["outcome_30"].to_numpy(dtype=object) == "written_off"
    unresolved = rows.target("step_1")
    table = pd.DataFrame(
        {
            "as_of": rows.as_of.to_numpy(),
            "account_id": rows.account,
            "currency": rows.frame.items["currency"].to_numpy(dtype=object),
            "cell": np.array(CELLS, dtype=object)[cell_index(days)],
            "balance": rows.balance,
            EXPECTED: naive * bundle.profile.share_left(days),
            NAIVE: naive,
            "realised": unresolved * np.where(lost, rows.balance, left),
        }
    )
    return table[~np.isnan(unresolved)].reset_index(drop=True)


def remaining_figures(rows: pd.DataFrame, *, seed: int, draws: int) -> dict[str, Any]:
    """Return the figures of ``remaining_rows`` by currency, as plain values.

    Each currency has ``overall``, ``by_bucket`` and ``by_month``. The first two hold the sums of
    ``balance``, ``expected``, ``naive`` and ``realised``; by way, ``ratio`` (expected ÷ realised),
    ``share_error`` (mean squared error of the share that is left, weighted by balance) and
    ``month_error`` (Σ |expected − realised| over months and buckets ÷ Σ realised); and
    ``ahead``, both errors of ours less those of the naive way, with intervals over accounts.
    """
    found = {}
    for currency in sorted(set(rows["currency"])):
        own = rows[rows["currency"] == currency]
        own = own.assign(month=own["as_of"].dt.strftime("%Y-%m"))
        groups = {name: own[own["cell"] == name] for name in CELLS}
        found[str(currency)] = {
            "overall": _figures(own, seed, draws),
            "by_bucket": {
                name: _figures(part, seed, draws) for name, part in groups.items() if len(part)
            },
            "by_month": _by_month(own),
        }
    return found


def _figures(rows: pd.DataFrame, seed: int, draws: int) -> dict[str, Any]:
    names = ("balance", EXPECTED, NAIVE, "realised")
    sums = {name: round(float(rows[name].sum()), 2) for name in names}
    figures: dict[str, Any] = {
        "rows": len(rows),
        "accounts": int(rows["account_id"].nunique()),
        **sums,
    }
    if len(rows) < MIN_ROWS or not sums["realised"]:
        return figures
    samples = resample(rows["account_id"].to_numpy(dtype=object), seed, draws)
    for name, of in (
        ("ratio", ratio_of),
        ("share_error", share_error_of),
        ("month_error", month_error_of),
    ):
        figures[name] = {way: _interval(samples, of(rows, way)) for way in WAYS}
    figures["ahead"] = {
        name: asdict(samples.intervals(of(rows, EXPECTED), {NAIVE: of(rows, NAIVE)})[NAIVE])
        for name, of in (("share_error", share_error_of), ("month_error", month_error_of))
    }
    return figures


def _interval(samples: Resamples, figure: Figure) -> dict[str, float]:
    found = samples.intervals(figure, {"nothing": lambda _: 0.0})["nothing"]
    return {"value": found.difference, "low": found.low, "high": found.high}


def ratio_of(rows: pd.DataFrame, way: str) -> Figure:
    """Return expected ÷ realised money as a function of the weights of rows."""
    expected, realised = _arrays(rows, way, "realised")
    return _guarded(
        lambda weight: float(weight @ expected), lambda weight: float(weight @ realised)
    )


def share_error_of(rows: pd.DataFrame, way: str) -> Figure:
    """Return the mean squared error of the share left, weighted by balance, as a function.

    Examples
    --------
    >>> rows = pd.DataFrame({"balance": [100.0], "realised": [50.0], "expected": [80.0]})
    >>> round(share_error_of(rows, "expected")(np.ones(1)), 4)
    0.09
    """
    expected, realised, balance = _arrays(rows, way, "realised", "balance")
    loss = (expected - realised) ** 2 / np.where(balance > 0, balance, 1.0)
    return _guarded(lambda weight: float(weight @ loss), lambda weight: float(weight @ balance))


def month_error_of(rows: pd.DataFrame, way: str) -> Figure:
    """Return Σ |expected − realised| over months and buckets ÷ Σ realised, as a function."""
    expected, realised = _arrays(rows, way, "realised")
    group = rows.groupby(["month", "cell"]).ngroup().to_numpy()
    return _guarded(
        lambda weight: float(np.abs(np.bincount(group, weight * (expected - realised))).sum()),
        lambda weight: float(weight @ realised),
    )


def _guarded(above: Callable[[Floats], float], below: Callable[[Floats], float]) -> Figure:
    def figure(weight: Floats) -> float:
        total = below(weight)
        return above(weight) / total if total else float("nan")

    return figure


def _arrays(rows: pd.DataFrame, *names: str) -> tuple[Floats, ...]:
    return tuple(rows[name].to_numpy(dtype=float) for name in names)


def _by_month(rows: pd.DataFrame) -> list[dict[str, Any]]:
    sums = rows.groupby(["month", "cell"])[["balance", EXPECTED, NAIVE, "realised"]].sum().round(2)
    order = {name: place for place, name in enumerate(CELLS)}
    records = sums.reset_index().to_dict("records")
    records.sort(key=lambda row: (row["month"], order[row["cell"]]))
    return [{str(key): value for key, value in record.items()} for record in records]
