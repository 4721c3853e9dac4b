"""Whether reasons stay the same when the model is refitted.

An account manager who hears another reason each month for the same account stops listening. The
items that an origin judges are explained by its model and by the model of the origin before;
the top reason is the family that adds most, the age of the invoice apart, as reasons are shown.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from models.bundle import Bundle
from models.explain import FAMILY_NAMES, explain
from models.reasons import AGE_FAMILY
from models.scorer import survival_curves
from training.dataset import Dataset

EXPLAINED_ROWS = 2000
"""Rows explained per pair of models; more change the share by less than a point."""


def top_families(bundle: Bundle, rows: Dataset) -> npt.NDArray[np.int64]:
    """Return the place in ``FAMILY_NAMES`` of each row's strongest raising family."""
    curves = survival_curves(bundle, rows.frame, rows.segment)
    families = explain(bundle, rows.frame, curves).families.copy()
    families[:, FAMILY_NAMES.index(AGE_FAMILY)] = -np.inf
    return np.asarray(families.argmax(axis=1), dtype=np.int64)


def reason_stability(
    bundles: Sequence[Bundle], tests: Sequence[Dataset], seed: int
) -> dict[str, Any] | None:
    """Return how often two models of successive origins give the same top reason.

    Parameters
    ----------
    bundles, tests : sequence
        The model of each origin and the rows it judges, oldest first.
    seed : int
        Of the sample of rows.

    Returns
    -------
    dict or None
        ``rows``, ``agreement`` and, by family that led before, its ``rows`` and
        ``agreement``; None with fewer than two origins.
    """
    if len(bundles) < 2:
        return None
    rng = np.random.default_rng(seed)
    before, after = [], []
    for older, newer, test in zip(bundles[:-1], bundles[1:], tests[1:], strict=True):
        size = min(EXPLAINED_ROWS, len(test))
        keep = np.zeros(len(test), dtype=bool)
        keep[rng.choice(len(test), size, replace=False)] = True
        rows = test.select(keep)
        before.append(top_families(older, rows))
        after.append(top_families(newer, rows))
    old, new = np.concatenate(before), np.concatenate(after)
    same = old == new
    return {
        "rows": len(old),
        "agreement": float(same.mean()),
        "by_family": {
            FAMILY_NAMES[place]: {
                "rows": int((old == place).sum()),
                "agreement": float(same[old == place].mean()),
            }
            for place in np.unique(old).tolist()
        },
    }
