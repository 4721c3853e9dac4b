"""Turn features into the survival curve of each open item.

S(30·k) = s_1 × … × s_k never rises with k. Within the first step
S(14) = 1 − (1 − S(30))·q14 and S(7) = 1 − (1 − S(30))·q14·r7, so S(7) ≥ S(14) ≥ S(30). Where
an account or its segment has little history, the curve of the roll-rate matrix is mixed in.
Between cuts the curve follows the segment's cumulative hazard by days past due.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from features.ageing import BUCKETS, EDGES
from features.build import FeatureFrame
from features.catalogue import NAMES, PEER_NAMES
from models.bundle import PARTS, Bundle
from models.fallback import MATRIX_FALLBACK, PAID_ITEMS, RESIDUAL_FALLBACK
from models.peers import OWN_NAMES, with_peers

Floats = npt.NDArray[np.float64]

CUTS: tuple[int, ...] = (7, 14, 30, 60, 90, 120)


@dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """Survival of each item at the model's cuts.

    Parameters
    ----------
    survival : numpy.ndarray of float64, shape (n, 6)
        P(unresolved) after 7, 14, 30, 60, 90 and 120 days, in [0, 1], falling along a row.
    margin : numpy.ndarray of float64, shape (n,)
        Step-1 log-odds of the trees before calibration; NaN where the matrix answered alone.
    fallback : numpy.ndarray of str, shape (n,)
        Empty, or why the matrix answered, alone or in part.
    """

    survival: Floats
    margin: Floats
    fallback: npt.NDArray[np.object_]

    def at(self, days: int) -> Floats:
        """Return the survival at one of the cuts, shape (n,)."""
        return self.survival[:, CUTS.index(days)]


def model_frame(bundle: Bundle, frame: FeatureFrame) -> FeatureFrame:
    """Return the frame with the levels of peers that the model's profile holds.

    Rows of a month that the model does not know get the newest levels before it.
    """
    return with_peers(frame, bundle.profile.peers)


def needed_names(bundle: Bundle) -> tuple[str, ...]:
    """Return the columns of ``rollrisk features`` that an answer of the model is made of.

    Those that its trees read, those that levels of peers are held against, and the count of paid
    invoices where the matrix may be mixed in.
    """
    needed = {"days_past_due", *bundle.feature_names}
    if not needed.isdisjoint(PEER_NAMES):
        needed.update(OWN_NAMES)
    if bundle.fallback is not None:
        needed.add(PAID_ITEMS)
    return tuple(name for name in NAMES if name in needed)


def model_inputs(bundle: Bundle, frame: FeatureFrame) -> Floats:
    """Return what the model reads of the rows, shape (n, len(feature_names))."""
    if not set(PEER_NAMES).isdisjoint(bundle.feature_names):
        frame = model_frame(bundle, frame)
    return frame.matrix(bundle.feature_names)


def survival_curves(
    bundle: Bundle, frame: FeatureFrame, segment: npt.NDArray[np.object_], *, threads: int = 1
) -> Curves:
    """Score every row of ``frame``.

    Parameters
    ----------
    bundle : Bundle
        The model.
    frame : FeatureFrame
        Rows to score; must come from the feature definitions the bundle was trained on.
    segment : numpy.ndarray of str, shape (n,)
        Segment of each row's account, for the baseline and the curve between cuts.
    threads : int
        LightGBM threads; the result does not depend on it.

    Raises
    ------
    ValueError
        When the features are not those the model was trained on.
    """
    if frame.digest != bundle.feature_digest:
        raise ValueError(
            f"The model reads feature set {bundle.feature_digest}, but this version computes "
            f"{frame.digest}. Train again with `rollrisk train`."
        )
    days_past_due = frame.items["days_past_due"].to_numpy(dtype=float)
    survival = _assemble(bundle.profile.rates(segment, days_past_due))
    margin = np.full(len(survival), np.nan)
    fallback = np.full(len(survival), MATRIX_FALLBACK if bundle.is_matrix else "", dtype=object)
    if not bundle.is_matrix and len(survival):
        modelled = ~frame.items["residual"].to_numpy(dtype=bool)
        fallback[~modelled] = RESIDUAL_FALLBACK
        values = model_inputs(bundle, frame)[modelled]
        margin[modelled], rates = _predict(bundle, values, threads)
        own, usual = _assemble(rates), survival[modelled]
        if bundle.fallback is not None:
            paid, kind = frame.column(PAID_ITEMS)[modelled], segment[modelled]
            share = bundle.fallback.model_share(paid, kind)
            fallback[modelled] = bundle.fallback.reasons(share, paid, kind)
            weight = share[:, None]
            own = np.where(weight < 1.0, weight * own + (1.0 - weight) * usual, own)
        survival[modelled] = own
    return Curves(survival=survival, margin=margin, fallback=fallback)


def _predict(bundle: Bundle, values: Floats, threads: int) -> tuple[Floats, Floats]:
    columns: list[Floats] = []
    first: Floats = np.empty(0)
    for name in PARTS:
        part = bundle.parts[name]
        raw: Any = part.booster.predict(values, raw_score=True, num_threads=threads)
        margin = np.asarray(raw, dtype=np.float64)
        if name == "step_1":
            first = margin
        columns.append(part.calibrator.probability(margin))
    return first, np.column_stack(columns)


def _assemble(rates: Floats) -> Floats:
    """Return the survival at the cuts from conditional rates in the order of ``PARTS``."""
    steps = np.cumprod(rates[:, :4], axis=1)
    resolved = 1.0 - steps[:, 0]
    by_14 = resolved * rates[:, 4]
    by_7 = by_14 * rates[:, 5]
    return np.column_stack([1.0 - by_7, 1.0 - by_14, steps])


def survival_at(
    bundle: Bundle,
    curves: Curves,
    segment: npt.NDArray[np.object_],
    days_past_due: Floats,
    days_ahead: Floats,
) -> Floats:
    """Return P(unresolved) ``days_ahead`` days on; NaN beyond 120 days, 1 at or before 0.

    Between two cuts the log of the survival falls in proportion to the growth of the
    segment's cumulative hazard, or to time where that hazard is flat.
    """
    knots = np.array([0, *CUTS], dtype=float)
    values = np.column_stack([np.ones(len(days_ahead)), curves.survival])
    left = np.clip(np.searchsorted(knots, days_ahead, side="right") - 1, 0, len(knots) - 2)
    start, end = knots[left], knots[left + 1]
    rows = np.arange(len(days_ahead))
    profile = bundle.profile
    before = profile.cumulative_hazard(segment, days_past_due + start)
    after = profile.cumulative_hazard(segment, days_past_due + end)
    here = profile.cumulative_hazard(segment, days_past_due + days_ahead)
    grown = after - before
    with np.errstate(divide="ignore", invalid="ignore"):
        by_hazard = (here - before) / grown
        weight = np.where(grown > 1e-9, by_hazard, (days_ahead - start) / (end - start))
        ratio = np.where(values[rows, left] > 0, values[rows, left + 1] / values[rows, left], 1.0)
    weight = np.clip(weight, 0.0, 1.0)
    survival = values[rows, left] * ratio**weight
    survival = np.where(days_ahead <= 0, 1.0, survival)
    return np.where(np.isnan(days_ahead) | (days_ahead > CUTS[-1]), np.nan, survival)


def reach_probabilities(
    bundle: Bundle,
    curves: Curves,
    segment: npt.NDArray[np.object_],
    days_past_due: Floats,
) -> dict[str, Floats]:
    """Return P(the item ever reaches each past-due bucket's first day), by bucket.

    An item reaches the bucket above edge ``e`` unless it is resolved by ``due_on + e``. Where
    the backtest failed for that many days ahead the value is missing.
    """
    result = {}
    for edge, bucket in zip(EDGES, BUCKETS[1:], strict=True):
        days_ahead = edge - days_past_due
        reach = survival_at(bundle, curves, segment, days_past_due, days_ahead)
        there = bucket_reached(days_past_due, edge)
        low, high = bundle.profile.reach_bounds.get(bucket, [0, CUTS[-1]])
        trusted = there | ((days_ahead >= low) & (days_ahead <= high))
        result[bucket] = np.where(there, 1.0, np.where(trusted, reach, np.nan))
    return result


def bucket_reached(days_past_due: Floats, edge: int) -> npt.NDArray[np.bool_]:
    """Return whether each item stands beyond ``edge`` days past due already."""
    return np.asarray(days_past_due > edge)
