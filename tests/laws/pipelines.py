"""What laws are asked of: the pipeline of features, and the netting of open items."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Protocol

import numpy as np

from features.build import FeatureFrame, feature_frame
from features.collectible import net_items
from features.engines import EngineOptions, Rules, open_session
from features.ledger.read import Ledger


class Pipeline(Protocol):
    """Answers for each open item of a ledger on some days."""

    def __call__(
        self, ledger: Ledger, days: Sequence[date], *, tolerance: float = 1.0, threads: int = 1
    ) -> FeatureFrame:
        """Return the values of ``ledger`` on ``days``."""
        ...


def features_of(
    ledger: Ledger, days: Sequence[date], *, tolerance: float = 1.0, threads: int = 1
) -> FeatureFrame:
    """Return the features; an answer given lately is given again, since many laws ask for it."""
    key = (ledger.digest, ledger.present, tuple(days), tolerance, threads)
    if key not in _LATELY:
        while len(_LATELY) >= 4:
            del _LATELY[next(iter(_LATELY))]
        rules, options = Rules(tolerance=tolerance), EngineOptions(threads=threads)
        _LATELY[key] = feature_frame(ledger, days, rules=rules, options=options)
    return _LATELY[key]


_LATELY: dict[object, FeatureFrame] = {}


def netting_of(
    ledger: Ledger, days: Sequence[date], *, tolerance: float = 1.0, threads: int = 1
) -> FeatureFrame:
    """Return what is taken off each open item, in the columns of a feature frame."""
    rules, options = Rules(tolerance=tolerance), EngineOptions(threads=threads)
    with open_session(ledger, days, rules, options) as session:
        frame = feature_frame(ledger, days, session=session)
        net = net_items(session)
    parts = {**net.parts, "collectible": net.collectible_cents}
    values = np.column_stack([cents / 100 for cents in parts.values()])
    return replace(frame, values=values, names=tuple(parts))
