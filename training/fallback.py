"""Choose how much history an account needs before the model answers without the matrix.

On rows that the trees did not learn from, the mixture of the model and the roll-rate matrix is
judged for several k (see ``models.fallback``). For segments that were learnt from, the model
answers alone unless a k above 0 is surely better: its log-loss is lower on the same rows with an
interval over accounts below 0. For segments that were not, each of the largest is left out of a
refit and judged as if it were new. The choice among k above 0 is then the one with the lowest
log-loss: how segments resemble each other says only so much about one that nobody has seen, so
the matrix keeps a part there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt
import pandas as pd

from models.bundle import make_part
from models.calibrator import Calibrator
from models.fallback import PAID_ITEMS, Fallback, shrinkage
from training.baselines import matrix_rates
from training.config import TrainingConfig
from training.dataset import Dataset
from training.hazard import fit_part, is_trainable, risk_set_in, side_by_side
from training.metrics import Interval
from training.resampling import log_loss_of, resample

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.bool_]

TRIED_K: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0, 8.0)
"""What is tried beside 0, the model alone."""

DEFAULT_UNSEEN_K = 2.0
"""Where no segment can be left out to try."""

SEGMENT_K = 50.0
"""Invoices at which a segment counts half as known: as much as its peers' levels lean on."""

LEFT_OUT = 3
"""Segments that are left out in turn, the largest first."""

LEFT_OUT_ROWS = 50_000
LEFT_OUT_ROUNDS = 100
"""Rows that each of these refits learns from at most, and trees. More move no choice."""

MIN_OUTCOMES = 30
"""Outcomes of either kind that a segment needs to be judged."""

DRAWS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class FallbackChoice:
    """What was chosen, and what it rests on.

    Parameters
    ----------
    known_k, unseen_k : float
        As in ``models.fallback.Fallback``.
    known, unseen : mapping of str to Interval
        By the k that was tried: log-loss of the mixture minus that of the model alone, on the
        same rows; empty where nothing could be judged.
    segments : tuple of str
        Those that were left out in turn.
    """

    known_k: float
    unseen_k: float
    known: Mapping[str, Interval] = field(default_factory=dict)
    unseen: Mapping[str, Interval] = field(default_factory=dict)
    segments: tuple[str, ...] = ()


UNJUDGED = FallbackChoice(known_k=0.0, unseen_k=DEFAULT_UNSEEN_K)
"""Without a window to judge on."""


def choose_fallback(
    fit: Dataset,
    fresh: Dataset,
    p: Floats,
    config: TrainingConfig,
    rounds: int,
    bins: lightgbm.Dataset,
) -> FallbackChoice:
    """Return both k, from rows that the trees did not see.

    Parameters
    ----------
    fit : Dataset
        What the trees of the search learnt from.
    fresh : Dataset
        The window that recalibrates, or the one that stops early where none does.
    p : numpy.ndarray of float64
        The model's step-1 probabilities of the rows of ``fresh`` with a known outcome.
    config : TrainingConfig
        The recipe.
    rounds : int
        Trees of step 1.
    bins : lightgbm.Dataset
        The bins of ``fit``.
    """
    fresh = fresh.select(~np.isnan(fresh.target("step_1")))
    if len(p) != len(fresh) or not _enough(fresh.target("step_1")):
        return UNJUDGED
    known = compare_mixtures(fresh, p, matrix_rates(fit, fresh), TRIED_K, config.seed)
    best = min(known, key=lambda k: known[k].difference)
    left_out = [name for name in _largest(fresh) if _enough(_outcomes(fresh, name))][:LEFT_OUT]
    some = {name: thinning(fit, LEFT_OUT_ROWS, fit.segment != name) for name in left_out}
    learnt = {
        name: risk_set_in(bins, fit, "step_1", config, rows)
        for name, rows in some.items()
        if is_trainable(fit.target("step_1")[rows])
    }
    judged = side_by_side(
        lambda name: as_if_new(learnt[name], fit.select(some[name]), fresh, name, config, rounds),
        list(learnt),
    )
    unseen: dict[float, Interval] = {}
    if judged:
        keep = np.concatenate([rows for rows, _, _ in judged])
        order = np.argsort(keep, kind="stable")
        inside = np.zeros(len(fresh), dtype=bool)
        inside[keep] = True
        own, usual = (np.concatenate([row[at] for row in judged])[order] for at in (1, 2))
        unseen = compare_mixtures(fresh.select(inside), own, usual, TRIED_K, config.seed)
    return FallbackChoice(
        known_k=best if known[best].high < 0 else 0.0,
        unseen_k=min(unseen, key=lambda k: unseen[k].difference) if unseen else DEFAULT_UNSEEN_K,
        known={f"{k:g}": found for k, found in known.items()},
        unseen={f"{k:g}": found for k, found in unseen.items()},
        segments=tuple(left_out),
    )


def compare_mixtures(
    rows: Dataset, own: Floats, usual: Floats, tried: tuple[float, ...], seed: int
) -> dict[float, Interval]:
    """Return log-loss of each mixture minus that of the model alone, with intervals.

    Parameters
    ----------
    rows : Dataset
        n rows with known outcomes.
    own, usual : numpy.ndarray of float64, shape (n,)
        Probabilities of the model and of the matrix.
    tried : tuple of float
        Values of k.
    seed : int
        Of the resampling of accounts.
    """
    y, paid = rows.target("step_1"), np.nan_to_num(rows.frame.column(PAID_ITEMS))
    samples = resample(rows.account, seed, DRAWS)
    found = {}
    for k in tried:
        weight = shrinkage(paid, k)
        mixed = log_loss_of(y, weight * own + (1 - weight) * usual)
        found[k] = samples.intervals(mixed, {"alone": log_loss_of(y, own)})["alone"]
    return found


def as_if_new(
    learnt: lightgbm.Dataset,
    rest: Dataset,
    fresh: Dataset,
    segment: str,
    config: TrainingConfig,
    rounds: int,
) -> tuple[npt.NDArray[np.int64], Floats, Floats]:
    """Return places in ``fresh`` of a segment's rows, and both answers of the ``rest`` on them."""
    places = np.flatnonzero(fresh.segment == segment)
    rows = fresh.select(fresh.segment == segment)
    text = fit_part(learnt, "step_1", config, rounds=min(rounds, LEFT_OUT_ROUNDS))
    part = make_part(text, Calibrator())
    margin: Any = part.booster.predict(
        rows.frame.matrix(config.feature_names), raw_score=True, num_threads=1
    )
    own = part.calibrator.probability(np.asarray(margin, dtype=np.float64))
    return places, own, matrix_rates(rest, rows)


def thinning(rows: Dataset, count: int, among: Rows) -> Rows:
    """Return which of the rows in ``among`` to keep, about ``count``; shape (n,).

    Whole invoices are kept by a hash of their id, so that the sample does not depend on the order
    of rows; all where there are fewer.
    """
    found = int(among.sum())
    if found <= count:
        return among
    ids = rows.frame.items["invoice_id"].to_numpy(dtype=object)
    return among & (pd.util.hash_array(ids) < np.uint64(count / found * (2**64 - 1)))


def _largest(rows: Dataset) -> list[str]:
    names, counts = np.unique(rows.segment[rows.segment != ""].astype(str), return_counts=True)
    return [str(name) for name in names[np.argsort(-counts, kind="stable")]]


def _outcomes(rows: Dataset, segment: str) -> Floats:
    known: Floats = rows.target("step_1")[rows.segment == segment]
    return known


def _enough(y: Floats) -> bool:
    return bool(len(y)) and bool(min(y.sum(), (1 - y).sum()) >= MIN_OUTCOMES)


def make_fallback(choice: FallbackChoice, data: Dataset) -> Fallback:
    """Return the rule of a model that learns from ``data``, with the invoices of each segment."""
    known = ~np.isnan(data.target("step_1"))
    rows = pd.DataFrame(
        {
            "segment": data.segment[known],
            "invoice": data.frame.items["invoice_id"].to_numpy(dtype=object)[known],
        }
    )
    counts = rows.groupby("segment")["invoice"].nunique()
    return Fallback(
        known_k=choice.known_k,
        unseen_k=choice.unseen_k,
        segment_k=SEGMENT_K,
        segment_items={str(name): int(count) for name, count in counts.items()},
    )
