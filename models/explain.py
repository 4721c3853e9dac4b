"""Why an item scores as it does: SHAP by family, in log-odds, probability and cents.

Log-odds contributions are LightGBM's own TreeSHAP (``pred_contrib``), summed by family. They
are carried to probability within the calibrated model by the proportional rule

    φ_p = φ_margin · (p − p_base) / (margin − margin_base)

whose limit, where the two margins meet, is the slope of the calibrated curve. What the
roll-rate matrix adds, where it has a part in the answer, is a family of its own, ``matrix``:
the mixed probability less the model's, carried to log-odds by the same rule. Probability
times collectible balance gives dollars; cents are settled by largest remainder at the item,
so that base and families sum to ``dollars_at_risk`` for items, accounts and the portfolio.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import logit

from features.build import FeatureFrame
from features.catalogue import FAMILIES, MODEL_FEATURES, MODEL_NAMES
from models.bundle import Bundle
from models.scorer import Curves, model_inputs

Floats = npt.NDArray[np.float64]
Cents = npt.NDArray[np.int64]

FAMILY_NAMES: tuple[str, ...] = tuple(FAMILIES)
MATRIX_FAMILY = "matrix"
_MATRIX = FAMILY_NAMES.index(MATRIX_FAMILY)
_MEET, _FLAT = 1e-9, 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Contributions to P(unresolved after 30 days) of n items.

    Parameters
    ----------
    features : numpy.ndarray of float64, shape (n, len(MODEL_FEATURES))
        Log-odds by feature of ``MODEL_FEATURES``; 0 for those the model does not read.
    families : numpy.ndarray of float64, shape (n, n_families)
        Log-odds by family, in the order of ``FAMILY_NAMES``.
    base : numpy.ndarray of float64, shape (n,)
        Log-odds of the base; base and features sum to the margin of the trees.
    probability : numpy.ndarray of float64, shape (n, n_families)
        Probability points by family.
    probability_base : numpy.ndarray of float64, shape (n,)
        Probability of the base; with the families it sums to the probability.
    scale : numpy.ndarray of float64, shape (n,)
        Probability points per unit of log-odds: what carries one to the other.
    """

    features: Floats
    families: Floats
    base: Floats
    probability: Floats
    probability_base: Floats
    scale: Floats


def explain(
    bundle: Bundle, frame: FeatureFrame, curves: Curves, *, threads: int = 1
) -> Explanation:
    """Explain the step-1 probability of every row.

    Rows that the matrix answered alone have no contributions: their base is the whole
    probability.

    Parameters
    ----------
    bundle : Bundle
        The model that scored.
    frame : FeatureFrame
        The rows that were scored.
    curves : Curves
        The scores.
    threads : int
        LightGBM threads; the result does not depend on it.
    """
    p = curves.at(30)
    values = model_inputs(bundle, frame)
    features = np.zeros((len(values), len(MODEL_NAMES)))
    base = logit(np.clip(p, 1e-9, 1 - 1e-9))
    p_base = p.copy()
    scale, pull = np.zeros(len(p)), np.zeros(len(p))
    modelled = ~np.isnan(curves.margin)
    if modelled.any():
        part = bundle.parts["step_1"]
        raw: Any = part.booster.predict(values[modelled], pred_contrib=True, num_threads=threads)
        contributions = np.asarray(raw, dtype=np.float64)
        read = np.array([MODEL_NAMES.index(name) for name in bundle.feature_names])
        features[np.ix_(modelled, read)] = contributions[:, :-1]
        base[modelled] = contributions[:, -1]
        p_base[modelled] = part.calibrator.probability(base[modelled])
        p_own = part.calibrator.probability(curves.margin[modelled])
        gap = curves.margin[modelled] - base[modelled]
        slope = part.calibrator.slope(base[modelled])
        rise = p_own - p_base[modelled]
        meets = np.abs(gap) < _MEET
        scale[modelled] = np.where(meets, slope, rise / np.where(meets, 1.0, gap))
        pull[modelled] = p[modelled] - p_own
    families = _by_family(features)
    # A calibrated curve without any slope carries nothing: there the base takes the pull.
    flat = scale < _FLAT
    p_base += np.where(flat, pull, 0.0)
    families[:, _MATRIX] = np.where(flat, 0.0, pull / np.where(flat, 1.0, scale))
    return Explanation(
        features=features,
        families=families,
        base=base,
        probability=families * scale[:, None],
        probability_base=p_base,
        scale=scale,
    )


def _by_family(features: Floats) -> Floats:
    """Return the sums of features by family, shape (n, n_families).

    Added one feature after the other: a matrix product adds in an order that depends on how many
    rows there are, and a row must come out the same alone and among a million.
    """
    families = np.zeros((len(features), len(FAMILY_NAMES)))
    for column, feature in enumerate(MODEL_FEATURES):
        families[:, FAMILY_NAMES.index(feature.family)] += features[:, column]
    return families


def dollar_parts(explanation: Explanation, collectible_cents: Cents, at_risk_cents: Cents) -> Cents:
    """Return each item's cents at risk by family, base last; shape (n, n_families + 1).

    Rows sum to ``at_risk_cents``. Items without dollars at risk have zeros only.
    """
    shares = np.column_stack([explanation.probability, explanation.probability_base])
    exact = shares * collectible_cents[:, None]
    exact[at_risk_cents == 0] = 0.0
    return settle_cents(exact, at_risk_cents)


def settle_cents(exact: Floats, total: Cents) -> Cents:
    """Round the parts of each row to whole cents that sum to the row's total.

    Every part is rounded down; the cents left over go to the largest remainders, ties to the
    first part.

    Examples
    --------
    >>> settle_cents(np.array([[33.4, 33.3, 33.3]]), np.array([100])).tolist()
    [[34, 33, 33]]
    """
    floor = np.floor(exact)
    left = total - floor.sum(axis=1).astype(np.int64)
    size = exact.shape[1]
    whole, rest = np.divmod(left, size)
    order = np.argsort(-(exact - floor), axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.broadcast_to(np.arange(size), exact.shape), axis=1)
    extra = whole[:, None] + (rank < rest[:, None])
    return np.asarray(floor.astype(np.int64) + extra)


def feature_cents(
    log_odds: Floats, scale: Floats, collectible_cents: Cents, family_cents: Cents
) -> Cents:
    """Return each item's cents at risk by feature; shape (n, n_features).

    The features of a family sum to the family's cents, on every item; ``matrix`` has none. What
    a family gained or lost in rounding goes to its largest feature; a feature without a
    contribution gets nothing.

    Parameters
    ----------
    log_odds : numpy.ndarray of float64, shape (n, n_features)
        Contributions by feature of the catalogue.
    scale : numpy.ndarray of float64, shape (n,)
        Probability points per unit of log-odds.
    collectible_cents : numpy.ndarray of int64, shape (n,)
        What can be collected of each item.
    family_cents : numpy.ndarray of int64, shape (n, n_families or more)
        Cents by family, in the order of ``FAMILY_NAMES``.
    """
    result = np.zeros(log_odds.shape, dtype=np.int64)
    dollars = scale * collectible_cents
    for place, family in enumerate(FAMILY_NAMES):
        members = [at for at, feature in enumerate(MODEL_FEATURES) if feature.family == family]
        if not members:
            continue
        exact = log_odds[:, members] * dollars[:, None]
        result[:, members] = spread_cents(exact, family_cents[:, place])
    return result


def spread_cents(exact: Floats, total: Cents) -> Cents:
    """Round the parts of each row to whole cents that sum to the row's total, without sorting.

    The difference to the total goes to the part of largest size; then each part is the growth
    of the rounded running sum, so that no part moves by more than a cent and a part of nothing
    stays nothing.

    Examples
    --------
    >>> spread_cents(np.array([[0.0, 33.4, 66.4, 0.0]]), np.array([100])).tolist()
    [[0, 33, 67, 0]]
    """
    moved = exact.copy()
    largest = np.argmax(np.abs(exact), axis=1)
    rows = np.arange(len(exact))
    moved[rows, largest] += total - exact.sum(axis=1)
    running = np.rint(np.cumsum(moved, axis=1)).astype(np.int64)
    return np.diff(running, axis=1, prepend=0)
