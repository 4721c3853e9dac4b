"""What a model leaves for its monitoring: how values and scores were spread, how well it fitted.

The reference comes from the test window, the newest days with outcomes, and is stored with the
model's facts. Worked and unworked accounts have a reference each: collectors call those who are
late, so the unworked pay better than the whole, and only like is compared with like.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.ageing import BUCKETS, UNDATED, bucket_names
from features.outcomes import unresolved
from models.bundle import Bundle
from models.scorer import CUTS, survival_curves
from training.dataset import Dataset
from training.metrics import clipped_log_loss
from training.monitor_accounts import AccountBook
from training.monitor_drift import account_shares, bin_edges, bin_index
from training.monitor_outcomes import Outcomes, outcome_figures

Floats = npt.NDArray[np.float64]

SCORE = "score"
"""Name of the step-1 probability among the monitored values."""

UNWORKED, WORKED = "unworked", "worked"
GROUPS: tuple[str, ...] = (UNWORKED, WORKED)

HORIZON = 30
EARLY_HORIZONS: tuple[int, ...] = (7, 14)


def group_names(worked: npt.NDArray[np.bool_]) -> npt.NDArray[np.object_]:
    """Return the group of each row.

    Examples
    --------
    >>> group_names(np.array([True, False])).tolist()
    ['worked', 'unworked']
    """
    return np.where(worked, WORKED, UNWORKED).astype(object)


def make_reference(
    bundle: Bundle, test: Dataset, p: Floats, book: AccountBook, seed: int
) -> dict[str, Any]:
    """Return the reference of a model as plain JSON values.

    Parameters
    ----------
    bundle : Bundle
        The model that is registered; answers at the early horizons.
    test : Dataset
        Exposed rows of the test window.
    p : numpy.ndarray, shape (len(test),)
        Step-1 probabilities of them from a model that did not see their outcomes.
    book : AccountBook
        Families and contacts.
    seed : int
        Seed of the intervals.
    """
    values = {name: test.frame.column(name) for name in bundle.feature_names} | {SCORE: p}
    edges = {name: bin_edges(column) for name, column in values.items()}
    group = group_names(book.worked_before(test.account, test.as_of))
    counts: dict[str, dict[str, list[list[float]]]] = {}
    for name in GROUPS:
        here = group == name
        if here.any():
            own = test.select(here)
            counts[name] = {
                key: _by_day(own, bin_index(column[here], edges[key]), len(edges[key]) + 2)
                for key, column in values.items()
            }
    survival = survival_curves(bundle, test.frame, test.segment).survival
    scored = pd.DataFrame(survival, columns=[f"p_open_{days}" for days in CUTS])
    scored["p_open_30"] = p
    rows = pd.concat([test.outcomes, scored], axis=1).assign(
        currency=test.frame.items["currency"], open_balance=test.balance
    )
    rng = np.random.default_rng(seed)
    return {
        "slices": slice_figures(test, p),
        "accounts": {name: int(pd.unique(test.account[group == name]).size) for name in GROUPS},
        "edges": {name: values.tolist() for name, values in edges.items()},
        "counts": counts,
        "outcomes": {
            str(horizon): {
                key: figures.to_json()
                for key, figures in grouped_outcomes(rows, horizon, book, rng, draws=20).items()
            }
            for horizon in (*EARLY_HORIZONS, HORIZON)
        },
    }


def slice_figures(test: Dataset, p: Floats) -> dict[str, list[dict[str, Any]]]:
    """Return expected and realised figures of the test window by segment and by bucket.

    Parameters
    ----------
    test : Dataset
        Exposed rows of the test window, all with a known outcome.
    p : numpy.ndarray, shape (len(test),)
        Step-1 probabilities of them.

    Returns
    -------
    dict
        Under ``segment`` and ``bucket`` one entry for each that has rows: ``name`` (empty for
        accounts without a segment), ``rows``, the shares ``unresolved`` and ``expected``, and
        ``log_loss``.
    """
    y = test.target("step_1")
    bucket = bucket_names(test.frame.bucket)
    segments = sorted({str(name) for name in test.segment})

    def figures(name: str, here: npt.NDArray[np.bool_]) -> dict[str, Any]:
        return {
            "name": name,
            "rows": int(here.sum()),
            "unresolved": float(y[here].mean()),
            "expected": float(p[here].mean()),
            "log_loss": clipped_log_loss(y[here], p[here]),
        }

    return {
        "segment": [figures(name, test.segment == name) for name in segments],
        "bucket": [
            figures(name, bucket == name) for name in (*BUCKETS, UNDATED) if (bucket == name).any()
        ],
    }


def _by_day(rows: Dataset, bins: npt.NDArray[np.int64], size: int) -> list[list[float]]:
    """Return the accounts of each as-of date by bin, rounded to a thousandth."""
    table = pd.DataFrame({"as_of": rows.as_of, "account": rows.account, "bin": bins})
    sums = []
    for _, day in table.groupby("as_of"):
        names, place = np.unique(day["account"].astype(str), return_inverse=True)
        shares = account_shares(place, len(names), day["bin"].to_numpy(), size)
        sums.append([round(value, 3) for value in shares.sum(axis=0).tolist()])
    return sums


def grouped_outcomes(
    rows: pd.DataFrame, horizon: int, book: AccountBook, rng: np.random.Generator, *, draws: int
) -> Mapping[str, Outcomes]:
    """Return the figures of each group and currency, keyed ``"unworked USD"``.

    Parameters
    ----------
    rows : pandas.DataFrame
        Scored items with ``as_of``, ``account_id``, ``currency``, ``open_balance``,
        ``outcome_<horizon>`` and ``p_open_<horizon>``; unknown outcomes are left out.
    horizon : int
        Days after the scoring. At 30 days the figures count what stayed unresolved, at the
        early horizons what was resolved: that is the rarer side, and the one that tells.
    book : AccountBook
        Families and contacts; an account is worked when it was contacted by the horizon.
    rng : numpy.random.Generator
        Source of the resampling.
    draws : int
        Number of resamples.
    """
    y = unresolved(rows[f"outcome_{horizon}"])
    p = rows[f"p_open_{horizon}"].to_numpy(dtype=float)
    if horizon < HORIZON:
        y, p = 1 - y, 1 - p
    keys = group_keys(rows, horizon, book)
    family = book.family(rows["account_id"].to_numpy(dtype=object))
    balance = rows["open_balance"].to_numpy(dtype=float)
    known = ~np.isnan(y) & ~np.isnan(p)
    result = {}
    for key in sorted(set(keys[known])):
        here = known & (keys == key)
        result[key] = outcome_figures(
            y[here], p[here], balance[here], family[here], rng, draws=draws
        )
    return result


def group_keys(rows: pd.DataFrame, horizon: int, book: AccountBook) -> npt.NDArray[np.object_]:
    """Return the group and currency of each row, as ``"unworked USD"``; see ``grouped_outcomes``.

    The unworked come first when they are sorted.
    """
    account = rows["account_id"].to_numpy(dtype=object)
    group = group_names(book.worked_within(account, rows["as_of"], horizon))
    keys: npt.NDArray[np.object_] = group + " " + rows["currency"].to_numpy(dtype=object)
    return keys
