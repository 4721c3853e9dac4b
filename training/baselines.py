"""The three models that every trained model must beat on the same rows.

The roll-rate matrix (bucket × segment), the smoothed late rate of the account, and a logistic
regression on plain features.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from models.profile import ALL, CELLS, cell_index
from training.dataset import Dataset

Floats = npt.NDArray[np.float64]

PRIOR_ROWS = 20.0
"""Weight of the portfolio's rate in a segment's cell, and of the cell's step in a gap."""

ACCOUNT_PRIOR = 5.0

LOGISTIC_FEATURES: tuple[str, ...] = (
    "days_past_due",
    "age_days",
    "terms_days",
    "item_amount",
    "account_open_items",
    "account_balance",
    "account_oldest_days_past_due",
    "account_past_due_share",
    "account_31_plus_share",
    "paid_items_365",
    "dbt_mean_365",
    "dbt_spread_365",
    "dbt_worst_365",
    "dbt_mean_60",
    "late_share_365",
    "late_30_share_365",
    "days_since_last_payment",
    "own_roll_rate_at_age",
    "item_paid_share",
)
MAX_LOGISTIC_ROWS = 200_000


def roll_matrix(dataset: Dataset) -> dict[str, list[list[float]]]:
    """Return the shrunken rates of every part by matrix row, per segment and overall.

    Returns
    -------
    dict
        Segment (and ``*``) → rates of shape (len(CELLS), parts), see ``models.profile``.
    """
    cells = cell_index(dataset.days_past_due)
    known = (~np.isnan(dataset.targets)).sum(axis=0)
    # A young ledger has no outcome of the later steps yet: half, until it has.
    overall = np.where(known > 0, np.nansum(dataset.targets, axis=0) / np.maximum(known, 1), 0.5)
    base = _rates(dataset.targets, cells, np.tile(overall, (len(CELLS), 1)))
    result = {ALL: base.tolist()}
    for name in sorted(set(dataset.segment) - {""}):
        here = dataset.segment == name
        result[name] = _rates(dataset.targets[here], cells[here], base).tolist()
    return result


def _rates(targets: Floats, cells: npt.NDArray[np.int64], prior: Floats) -> Floats:
    rates = prior.copy()
    for cell in range(len(CELLS)):
        rows = targets[cells == cell]
        known = (~np.isnan(rows)).sum(axis=0)
        hits = np.nansum(rows, axis=0)
        rates[cell] = (hits + PRIOR_ROWS * prior[cell]) / (known + PRIOR_ROWS)
    return rates


def account_rates(train: Dataset, test: Dataset) -> Floats:
    """Return the smoothed step-1 rate of each test row's account, shape (len(test),)."""
    y = train.target("step_1")
    known = ~np.isnan(y)
    base = float(y[known].mean())
    history = pd.DataFrame({"account": train.account[known], "y": y[known]})
    sums = history.groupby("account")["y"].agg(["sum", "size"])
    rate = (sums["sum"] + ACCOUNT_PRIOR * base) / (sums["size"] + ACCOUNT_PRIOR)
    mapped: Floats = pd.Series(test.account).map(rate).fillna(base).to_numpy(dtype=float)
    return mapped


def logistic_rates(train: Dataset, test: Dataset, seed: int) -> Floats:
    """Return the step-1 probabilities of a logistic regression, shape (len(test),)."""
    y = train.target("step_1")
    known = np.flatnonzero(~np.isnan(y))
    if len(known) > MAX_LOGISTIC_ROWS:
        rng = np.random.default_rng(seed)
        known = np.sort(rng.choice(known, MAX_LOGISTIC_ROWS, replace=False))
    model: Pipeline = make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True),
        StandardScaler(),
        LogisticRegression(max_iter=500),
    )
    model.fit(train.frame.matrix(LOGISTIC_FEATURES)[known], y[known])
    probability: Floats = model.predict_proba(test.frame.matrix(LOGISTIC_FEATURES))[:, 1]
    return probability


def matrix_rates(train: Dataset, test: Dataset) -> Floats:
    """Return the roll-rate matrix's step-1 probability of each test row."""
    matrix = roll_matrix(train)
    cells = cell_index(test.days_past_due)
    segments = np.where(np.isin(test.segment, list(matrix)), test.segment, ALL)
    result = np.empty(len(test))
    for name in np.unique(segments.astype(str)):
        here = segments == name
        result[here] = np.asarray(matrix[name])[cells[here], 0]
    return result


def baseline_probabilities(train: Dataset, test: Dataset, seed: int) -> dict[str, Floats]:
    """Return the step-1 probabilities of all three baselines on ``test``."""
    return {
        "roll-rate matrix": matrix_rates(train, test),
        "smoothed account rate": account_rates(train, test),
        "logistic regression": logistic_rates(train, test, seed),
    }
