"""The law of no future, held on the ledger at hand: cutting it after t changes nothing at t.

The rows cut are those of a sample in memory. What an import keeps beside the ledger knows every
day, so the features made from it are held to the same cut.
"""

from collections.abc import Sequence
from datetime import date

import numpy as np

from features.build import FeatureFrame, feature_frame
from features.catalogue import CATALOGUE
from features.ledger.cutting import cut_ledger
from features.ledger.read import Ledger
from features.ledger.sample import sample_ledger

SAMPLE_ACCOUNTS = 1000

_OF_OTHERS = {feature.name for feature in CATALOGUE if feature.query == "family"}
"""What accounts that are not in the sample have a say in."""


def leaking_features(
    ledger: Ledger, days: Sequence[date], *, accounts: int = SAMPLE_ACCOUNTS
) -> list[str]:
    """Return the features whose value on a day differs once the ledger is cut after that day.

    Parameters
    ----------
    ledger : Ledger
        The ledger a model learns from.
    days : sequence of date
        Days to cut at.
    accounts : int
        Accounts sampled: the law holds for each alone.

    Returns
    -------
    list of str
        Names of features, and ``"open items"`` where a row is there in one ledger only; empty
        when the law holds.
    """
    sample = sample_ledger(ledger, accounts)
    sampled = sample.rows["accounts"]["account_id"].to_pylist()
    found: set[str] = set()
    for day in days:
        then = feature_frame(cut_ledger(sample, day), [day])
        found |= _differences(feature_frame(sample, [day]), then)
        if ledger.states:
            whole = feature_frame(ledger, [day])
            kept = whole.select(whole.items["account_id"].isin(sampled).to_numpy())
            found |= _differences(kept, then) - _OF_OTHERS
    return sorted(found)


def _differences(one: FeatureFrame, other: FeatureFrame) -> set[str]:
    if one.items["invoice_id"].tolist() != other.items["invoice_id"].tolist():
        return {"open items"}
    same = (one.values == other.values) | (np.isnan(one.values) & np.isnan(other.values))
    return {name for name, equal in zip(one.names, same.all(axis=0), strict=True) if not equal}
