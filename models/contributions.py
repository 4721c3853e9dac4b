"""What families and features add, at an item, an account or the portfolio, in three units.

Log-odds and probability points of several items are means weighted by what can be collected,
dollars are sums. So at every level base and families add up, in each unit, and the probability
times what can be collected is the dollars at risk.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.catalogue import MODEL_FEATURES, MODEL_NAMES
from models.explain import FAMILY_NAMES, MATRIX_FAMILY, Explanation, feature_cents
from models.reasons import BASE

Floats = npt.NDArray[np.float64]
Cents = npt.NDArray[np.int64]

FAMILY_MEMBERS: dict[str, list[int]] = {
    family: [at for at, feature in enumerate(MODEL_FEATURES) if feature.family == family]
    for family in FAMILY_NAMES
}
"""Places of each family's features in the catalogue; the matrix has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The contributions of n items that belong together.

    Parameters
    ----------
    log_odds : numpy.ndarray of float64, shape (n, n_features)
        By feature of the catalogue.
    pull : numpy.ndarray of float64, shape (n,)
        Log-odds that the roll-rate matrix adds, where it has a part in the answer.
    base, probability_base, scale : numpy.ndarray of float64, shape (n,)
        As in ``models.explain.Explanation``.
    cents : numpy.ndarray of int64, shape (n, n_families + 1)
        Cents at risk by family, base last.
    collectible_cents : numpy.ndarray of int64, shape (n,)
        What can be collected of each item.
    """

    log_odds: Floats
    pull: Floats
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
        Weighted means: what base and families, or base, features and matrix, add up to.
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


def parts_of(explanation: Explanation, cents: Cents, collectible_cents: Cents) -> Parts:
    """Return what explanations of items hold, with their cents."""
    return Parts(
        log_odds=explanation.features,
        pull=explanation.families[:, FAMILY_NAMES.index(MATRIX_FAMILY)],
        base=explanation.base,
        probability_base=explanation.probability_base,
        scale=explanation.scale,
        cents=cents,
        collectible_cents=collectible_cents,
    )


def family_log_odds(parts: Parts) -> dict[str, Floats]:
    """Return the log-odds of each family on every item, by family."""
    found: dict[str, Floats] = {
        family: parts.log_odds[:, members].sum(axis=1) for family, members in FAMILY_MEMBERS.items()
    }
    return found | {MATRIX_FAMILY: parts.pull}


def only(parts: Parts, place: int) -> Parts:
    """Return the parts of one item alone."""
    return chosen(parts, slice(place, place + 1))


def chosen(parts: Parts, here: slice | npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> Parts:
    """Return the parts of some of the items."""
    return Parts(
        log_odds=parts.log_odds[here],
        pull=parts.pull[here],
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
    parts = chosen(parts, np.flatnonzero(parts.cents.any(axis=1)))
    weight = parts.collectible_cents.astype(float)
    weight /= max(weight.sum(), 1.0)
    log_odds, scale = parts.log_odds, parts.scale
    feature_log_odds = weight @ log_odds
    feature_probability = (weight * scale) @ log_odds
    by_feature = feature_cents(log_odds, scale, parts.collectible_cents, parts.cents)
    by_family = parts.cents.sum(axis=0)
    base = Contribution(
        name=BASE,
        log_odds=float(weight @ parts.base),
        probability=float(weight @ parts.probability_base),
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
            log_odds=float(weight @ odds),
            probability=float((weight * scale) @ odds),
            cents=int(cents),
        )
        for (family, odds), cents in zip(family_log_odds(parts).items(), by_family, strict=False)
    )
    return Level(
        collectible_cents=int(parts.collectible_cents.sum()),
        at_risk_cents=int(parts.cents.sum()),
        log_odds=base.log_odds + sum(family.log_odds for family in families),
        probability=base.probability + sum(family.probability for family in families),
        base=base,
        families=families,
        features=features,
    )
