"""What families and features add, at an item, an account or the portfolio, in three units.

Log-odds and probability points of several items are means weighted by what can be collected,
dollars are sums. So at every level base and families add up, in each unit, and the probability
times what can be collected is the dollars at risk.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.catalogue import MODEL_FEATURES, MODEL_NAMES
from models.explain import FAMILY_NAMES, feature_cents
from models.reasons import BASE

Floats = npt.NDArray[np.float64]
Cents = npt.NDArray[np.int64]

FAMILY_MEMBERS: dict[str, list[int]] = {
    family: [at for at, feature in enumerate(MODEL_FEATURES) if feature.family == family]
    for family in FAMILY_NAMES
}
"""Places of each family's features in the catalogue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The contributions of n items that belong together.

    Parameters
    ----------
    log_odds : numpy.ndarray of float64, shape (n, n_features)
        By feature of the catalogue.
    base, probability_base, scale : numpy.ndarray of float64, shape (n,)
        As in ``models.explain.Explanation``.
    cents : numpy.ndarray of int64, shape (n, n_families + 1)
        Cents at risk by family, base last.
    collectible_cents : numpy.ndarray of int64, shape (n,)
        What can be collected of each item.
    """

    log_odds: Floats
    base: Floats
    probability_base: Floats
    scale: Floats
    cents: Cents
    collectible_cents: Cents


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """What a family, a feature or the base adds.

    Parameters
    ----------
    name : str
        Family, feature, or ``base``.
    log_odds, probability : float
        Means over the items at risk, weighted by what can be collected.
    cents : int
        The sum over the items.
    """

    name: str
    log_odds: float
    probability: float
    cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """All contributions at one level.

    Parameters
    ----------
    collectible_cents, at_risk_cents : int
        Of the items that have dollars at risk.
    log_odds, probability : float
        Weighted means: what base and families, or base and features, add up to.
    base : Contribution
        What an average item would carry.
    families, features : tuple of Contribution
        In the order of ``FAMILY_NAMES`` and of the catalogue.
    """

    collectible_cents: int
    at_risk_cents: int
    log_odds: float
    probability: float
    base: Contribution
    families: tuple[Contribution, ...]
    features: tuple[Contribution, ...]


def only(parts: Parts, place: int) -> Parts:
    """Return the parts of one item alone."""
    here = slice(place, place + 1)
    return Parts(
        log_odds=parts.log_odds[here],
        base=parts.base[here],
        probability_base=parts.probability_base[here],
        scale=parts.scale[here],
        cents=parts.cents[here],
        collectible_cents=parts.collectible_cents[here],
    )


def sum_up(parts: Parts) -> Level:
    """Return the contributions of the items together; those with nothing at risk do not count.

    Without any item at risk every number is 0.
    """
    rows = np.flatnonzero(parts.cents.any(axis=1))
    weight = parts.collectible_cents[rows].astype(float)
    weight /= max(weight.sum(), 1.0)
    log_odds = parts.log_odds[rows]
    scale = parts.scale[rows]
    feature_log_odds = weight @ log_odds
    feature_probability = (weight * scale) @ log_odds
    by_feature = feature_cents(log_odds, scale, parts.collectible_cents[rows], parts.cents[rows])
    by_family = parts.cents[rows].sum(axis=0)
    base = Contribution(
        name=BASE,
        log_odds=float(weight @ parts.base[rows]),
        probability=float(weight @ parts.probability_base[rows]),
        cents=int(by_family[-1]),
    )
    features = tuple(
        Contribution(name=name, log_odds=float(odds), probability=float(points), cents=int(cents))
        for name, odds, points, cents in zip(
            MODEL_NAMES,
            feature_log_odds,
            feature_probability,
            by_feature.sum(axis=0),
            strict=True,
        )
    )
    families = tuple(
        Contribution(
            name=family,
            log_odds=sum(features[at].log_odds for at in FAMILY_MEMBERS[family]),
            probability=sum(features[at].probability for at in FAMILY_MEMBERS[family]),
            cents=int(cents),
        )
        for family, cents in zip(FAMILY_NAMES, by_family, strict=False)
    )
    return Level(
        collectible_cents=int(parts.collectible_cents[rows].sum()),
        at_risk_cents=int(parts.cents[rows].sum()),
        log_odds=base.log_odds + sum(family.log_odds for family in families),
        probability=base.probability + sum(family.probability for family in families),
        base=base,
        families=families,
        features=features,
    )
