"""How much of what rolls is on the list, when only some accounts can be called.

On every as-of date the accounts are ranked by a rule; the best 5, 10 and 20 % are called. What is
captured is the share of the dollars still unresolved 30 days on that these accounts owed.
Ranks and sums stay within one currency; shares of several currencies are averaged by their
number of accounts.
"""

from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from training.recipe import MODEL
from training.resampling import Figure, resample

Floats = npt.NDArray[np.float64]

SHARES: tuple[float, ...] = (0.05, 0.10, 0.20)
EXPECTED = "expected dollars"
RULES: tuple[str, ...] = (
    EXPECTED,
    "oldest first",
    "largest first",
    "largest past due first",
    "risk first",
)
"""Ways to rank accounts: ours first, then what collectors do without a model, and the riskiest."""


def account_days(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return one row per as-of date, currency and account, with the score of each rule.

    Parameters
    ----------
    predictions : pandas.DataFrame
        Judged items, as in ``predictions.parquet``.
    """
    p, balance = predictions[f"p_{MODEL}"], predictions["balance"]
    keys = ["as_of", "currency", "account_id"]
    rows = predictions[keys].assign(
        rolled=balance * predictions["unresolved"],
        balance=balance,
        expected=balance * p,
        past_due=balance.where(predictions["days_past_due"] > 0, 0.0),
        oldest=predictions["days_past_due"].fillna(-np.inf),
    )
    found = rows.groupby(keys, sort=True, as_index=False).agg(
        {"rolled": "sum", "balance": "sum", "expected": "sum", "past_due": "sum", "oldest": "max"}
    )
    scores = {
        EXPECTED: found["expected"],
        "oldest first": found["oldest"],
        "largest first": found["balance"],
        "largest past due first": found["past_due"],
        "risk first": found["expected"] / found["balance"],
    }
    return found[[*keys, "rolled"]].assign(**scores)


def capture(predictions: pd.DataFrame, *, seed: int, draws: int) -> list[dict[str, Any]]:
    """Return what every rule captures at each of ``SHARES``, and how far ours is ahead.

    Returns
    -------
    list of dict
        ``share`` of accounts, ``captured`` by rule, and ``ahead``: ours minus each other
        rule, with intervals over accounts.
    """
    days = account_days(predictions)
    samples = resample(days["account_id"].to_numpy(dtype=object), seed, draws)
    ones = np.ones(len(days))
    found = []
    for share in SHARES:
        figures = {rule: captured_by(days, rule, share) for rule in RULES}
        others = {rule: figures[rule] for rule in RULES if rule != EXPECTED}
        ahead = samples.intervals(figures[EXPECTED], others)
        found.append(
            {
                "share": share,
                "captured": {rule: figure(ones) for rule, figure in figures.items()},
                "ahead": {rule: asdict(gap) for rule, gap in ahead.items()},
            }
        )
    return found


def captured_by(days: pd.DataFrame, rule: str, share: float) -> Figure:
    """Return the captured share of rolled dollars as a function of the weights of rows.

    Parameters
    ----------
    days : pandas.DataFrame
        As ``account_days`` returns.
    rule : str
        Column to rank by.
    share : float
        Share of the accounts of a day that are called.
    """
    day = days.groupby(["as_of", "currency"]).ngroup().to_numpy()
    currency = days["currency"].astype(str).factorize()[0]
    order = np.lexsort((np.arange(len(days)), -days[rule].to_numpy(dtype=float), day))
    day, currency = day[order], currency[order]
    rolled = days["rolled"].to_numpy(dtype=float)[order]
    starts = np.flatnonzero(np.diff(day, prepend=-1))

    def figure(weight: Floats) -> float:
        drawn = weight[order]
        running = np.cumsum(drawn)
        before = np.r_[0.0, running][starts]
        total = np.add.reduceat(drawn, starts)
        called = running - before[day] <= share * total[day] + 1e-9
        hits = np.bincount(currency, weights=drawn * rolled * called)
        every = np.bincount(currency, weights=drawn * rolled)
        accounts = np.bincount(currency, weights=drawn)
        known = every > 0
        if not known.any():
            return float("nan")
        return float(np.average(hits[known] / every[known], weights=accounts[known]))

    return figure
