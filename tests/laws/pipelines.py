"""What laws are asked of: the pipelines of features and of peers, and the netting of open items."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from itertools import product
from typing import Protocol

import numpy as np

from features.build import FeatureFrame, feature_frame
from features.catalogue import PEER_NAMES
from features.collectible import net_items
from features.engines import EngineOptions, Rules, open_session
from features.ledger.read import Ledger
from features.peers import months_until, with_groups
from models.peers import AGES, ANY, OWN_NAMES, PAYMENTS, TERMS_EDGES, PeerLevels, with_peers


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


def peers_of(
    ledger: Ledger, days: Sequence[date], *, tolerance: float = 1.0, threads: int = 1
) -> FeatureFrame:
    """Return the features that hold an item against its peers, by a model whose levels are fixed.

    No two months, kinds or levels are alike, so that whatever is looked up wrongly shows.
    """
    rules, options = Rules(tolerance=tolerance), EngineOptions(threads=threads)
    with open_session(ledger, days, rules, options) as session:
        frame = feature_frame(ledger, days, names=OWN_NAMES, session=session)
        grouped = with_groups(frame, session, ledger.present)
    scored = with_peers(grouped, _LEVELS)
    return replace(scored, values=scored.matrix(PEER_NAMES), names=PEER_NAMES)


def _levels() -> PeerLevels:
    months = months_until(date(2023, 1, 1), date(2024, 12, 31))
    segments, regions = ("retail", "public", ""), ("north", "south", "")
    groups = [[ANY, ANY, ANY], *([segment, ANY, ANY] for segment in segments)]
    groups += [[s, r, str(t)] for s, r, t in product(segments, regions, range(len(TERMS_EDGES)))]
    shape = len(months), len(groups), len(PAYMENTS) + len(AGES)
    return PeerLevels(
        months=months,
        groups=groups,
        items=np.ones(shape[:2], int).tolist(),
        values=np.arange(np.prod(shape), dtype=float).reshape(shape).tolist(),
    )


_LEVELS = _levels()
