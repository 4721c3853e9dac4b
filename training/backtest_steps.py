"""The judged rows of a backtest at every step, beside baselines learnt for that step."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.ageing import STEP_DAYS
from features.outcomes import STEPS, unresolved
from models.scorer import Curves
from training.backtest_figures import column_name
from training.baselines import baseline_probabilities
from training.dataset import learnt_at
from training.origins import OriginRows
from training.recipe import MODEL

Floats = npt.NDArray[np.float64]

STEP_HORIZONS: tuple[int, ...] = tuple(STEP_DAYS * step for step in range(1, STEPS + 1))


def step_predictions(
    rows: OriginRows, curves: Curves, first: Mapping[str, Floats], seed: int, lag: int
) -> pd.DataFrame:
    """Return one row per judged item and step whose outcome is known.

    A step of which the origin did not know outcomes of both kinds has no rows: no baseline could
    be learnt.

    Parameters
    ----------
    rows : OriginRows
        What the origin learnt from and what it judges.
    curves : Curves
        The model's curves of the judged rows.
    first : mapping of str to numpy.ndarray
        What every model says of the first step.
    seed : int
        Of the baselines.
    lag : int
        Days after a horizon before its outcome is final.

    Returns
    -------
    pandas.DataFrame
        ``days``, ``as_of``, ``account_id``, ``invoice_id``, ``dollars``, ``unresolved`` and one
        ``p_<model>`` per model.
    """
    test = rows.test
    parts = []
    for days in STEP_HORIZONS:
        y = unresolved(test.outcomes[f"outcome_{days}"])
        learnt = learnt_at(rows.past, days, rows.origin.cutoff, lag)
        known = learnt.target("step_1")
        if np.isnan(y).all() or len(np.unique(known[~np.isnan(known)])) < 2:
            continue
        p = first
        if days != STEP_DAYS:
            p = {MODEL: curves.at(days), **baseline_probabilities(learnt, test, seed)}
        table = pd.DataFrame(
            {
                "days": days,
                "as_of": test.as_of.to_numpy(),
                "account_id": test.account,
                "invoice_id": test.frame.items["invoice_id"].to_numpy(),
                "dollars": test.dollars,
                "unresolved": y,
                **{f"p_{column_name(name)}": values for name, values in p.items()},
            }
        )
        parts.append(table[~np.isnan(y)])
    return pd.concat(parts, ignore_index=True)
