"""The rules of the gate on the cuts beside the 30 days, and on the oldest bucket.

Each cut adds a part to the model. The part is compared with the champion's on the items that it
speaks of, so that a good first step hides no bad later one; the survival is held to what came.
"""

import numpy as np
import numpy.typing as npt

from features.ageing import BUCKETS, LAST, STEP_DAYS
from features.outcomes import HORIZONS
from models.bundle import PARTS
from models.scorer import CUTS
from training.gate_figures import (
    CALIBRATION_BOUNDS,
    DRAWS,
    Rule,
    below,
    calibrated,
    difference,
    enough,
    no_worse,
)
from training.gate_horizons import PART_OF, HorizonRows
from training.gate_rows import CHALLENGER, CHAMPION, DIRECT, JudgedRows
from training.monitor_outcomes import outcome_figures

Floats = npt.NDArray[np.float64]

LATER_MARGIN = 0.05
"""How much of the champion's loss the upper end of a part's difference may reach.

Measured on 300 accounts: 0.00 to 0.05 for another seed, other rounds or less history, 0.06 to
0.71 for a part in another's place. On 3,000 accounts at most 0.01 for another seed."""

EARLY_BOUNDS = (0.50, 2.00)
"""Realised ÷ expected items paid within the first days, which hang on pay runs and holidays.

Measured: 1.46 [1.24, 1.66] after 7 days for an honest model on three dates of 300 accounts."""

SAME_RATE, RATE_GAP = 0.02, 0.15
"""Mean absolute difference of a part's rates from the refits' that is none, and that is too much.

Measured: 0.02 to 0.04 on 3,000 accounts and 0.03 to 0.09 on 300 for an honest model, at most 0.62
of the distance to the nearest other part; 0.06 to 0.39 for a part in another's place, at least
1.4 times the distance to the part that it is."""

WORDS: dict[str, str] = {
    "step_1": "the first 30 days",
    "step_2": "days 30 to 60",
    "step_3": "days 60 to 90",
    "step_4": "days 90 to 120",
    "cut_14": "payments within 14 days",
    "cut_7": "payments within 7 days",
}
"""What each part of the model speaks of."""


def judge_later(rows: JudgedRows, rng: np.random.Generator, unjudged: list[str]) -> list[Rule]:
    """Return the rules on the other cuts and on the oldest bucket.

    Parameters
    ----------
    rows : JudgedRows
        From ``gather_rows``.
    rng : numpy.random.Generator
        Source of the resampling.
    unjudged : list of str
        Takes the names of rules that could not be judged for want of outcomes.
    """
    rules: list[Rule] = []
    for days in HORIZONS:
        # The first days of refits hang on holidays; they are held to the registered model below.
        if days in rows.horizons and (days > STEP_DAYS or rows.how == DIRECT):
            rules += _at_horizon(days, rows.horizons[days], rng, unjudged)
    if len(rows.oldest.y):
        name = f"realised over expected items in {BUCKETS[LAST]}"
        rules += _came(name, rows.oldest, STEP_DAYS, rng, unjudged)
    if rows.registered is not None:
        rules += same_parts(rows.registered, rows.curves[CHALLENGER])
    return rules


def _at_horizon(
    days: int, found: HorizonRows, rng: np.random.Generator, unjudged: list[str]
) -> list[Rule]:
    if CHAMPION in found.curves:
        rules = _part_no_worse(PART_OF[days], found, rng, unjudged)
    else:
        rules = _below_matrix(days, found, rng, unjudged)
        if days > STEP_DAYS:
            rules += _part_calibrated(PART_OF[days], found, rng, unjudged)
    paid = f"items paid within {days} days"
    name = f"realised over expected {paid if days < STEP_DAYS else f'items at {days} days'}"
    return rules + _came(name, found, days, rng, unjudged)


def _part_no_worse(
    part: str, found: HorizonRows, rng: np.random.Generator, unjudged: list[str]
) -> list[Rule]:
    name = f"log-loss of {WORDS[part]} no worse than the champion's"
    there = ~np.isnan(found.target)
    y = found.target[there]
    if not enough(y):
        unjudged.append(name)
        return []
    one, other = (_rate(found, part, model)[there] for model in (CHALLENGER, CHAMPION))
    apart = difference(y, one, other, np.ones(len(y)), found.family[there], rng)
    return [no_worse(name, apart, LATER_MARGIN)]


def _part_calibrated(
    part: str, found: HorizonRows, rng: np.random.Generator, unjudged: list[str]
) -> list[Rule]:
    there = ~np.isnan(found.target)
    y, p = found.target[there], _rate(found, part, CHALLENGER)[there]
    name = f"realised over expected items of {WORDS[part]}"
    return _calibrated(name, y, p, found.balance[there], found.family[there], rng, unjudged)


def _rate(found: HorizonRows, part: str, model: str) -> Floats:
    return part_rates(found.curves[model])[:, PARTS.index(part)]


def _below_matrix(
    days: int, found: HorizonRows, rng: np.random.Generator, unjudged: list[str]
) -> list[Rule]:
    name = f"log-loss at {days} days below the roll-rate matrix's"
    learnt = ~np.isnan(found.matrix)
    y = found.y[learnt]
    if not enough(y):
        unjudged.append(name)
        return []
    p = _survival(found, days)[learnt]
    apart = difference(y, p, found.matrix[learnt], np.ones(len(y)), found.family[learnt], rng)
    return [below(name, apart)]


def _came(
    name: str, found: HorizonRows, days: int, rng: np.random.Generator, unjudged: list[str]
) -> list[Rule]:
    """Hold expected items to realised ones: those paid in the first days, later those open."""
    y, p, bounds = found.y, _survival(found, days), CALIBRATION_BOUNDS
    if days < STEP_DAYS:
        y, p, bounds = 1 - y, 1 - p, EARLY_BOUNDS
    return _calibrated(name, y, p, found.balance, found.family, rng, unjudged, bounds)


def _calibrated(
    name: str,
    y: Floats,
    p: Floats,
    balance: Floats,
    family: npt.NDArray[np.object_],
    rng: np.random.Generator,
    unjudged: list[str],
    bounds: tuple[float, float] = CALIBRATION_BOUNDS,
) -> list[Rule]:
    if not enough(y):
        unjudged.append(name)
        return []
    found = outcome_figures(y, p, balance, family, rng, draws=DRAWS).items
    return [calibrated(name, found, bounds)]


def _survival(found: HorizonRows, days: int) -> Floats:
    return found.curves[CHALLENGER][:, CUTS.index(days)]


def part_rates(survival: Floats) -> Floats:
    """Return the rates of the model's parts that make a curve, in the order of ``PARTS``.

    Parameters
    ----------
    survival : numpy.ndarray, shape (n, 6)
        Survival at ``CUTS``.

    Returns
    -------
    numpy.ndarray, shape (n, 6)
        0 where a part has nothing to speak of.

    Examples
    --------
    >>> part_rates(np.array([[0.9, 0.8, 0.5, 0.4, 0.2, 0.2]])).round(2).tolist()
    [[0.5, 0.8, 0.5, 1.0, 0.4, 0.5]]
    """
    by_7, by_14, *steps = survival.T
    above = [*steps, 1 - by_14, 1 - by_7]
    under = at_risk(survival).T
    return np.column_stack(
        [
            np.divide(one, other, out=np.zeros(len(one)), where=other > 0)
            for one, other in zip(above, under, strict=True)
        ]
    )


def at_risk(survival: Floats) -> Floats:
    """Return the probability that each part has something to speak of, shape (n, 6)."""
    _, by_14, *steps = survival.T
    return np.column_stack([np.ones(len(survival)), *steps[:-1], 1 - steps[0], 1 - by_14])


def same_parts(registered: Floats, refitted: Floats) -> list[Rule]:
    """Hold each part of the registered model to the same part of refits of its recipe.

    A part may stand no farther from it than from any other part.

    Parameters
    ----------
    registered, refitted : numpy.ndarray, shape (n, 6)
        Survival of the same rows at ``CUTS``.
    """
    own, theirs, weight = part_rates(registered), part_rates(refitted), at_risk(refitted)
    rules = []
    for place, part in enumerate(PARTS):
        if not weight[:, place].any():
            continue
        apart = np.average(np.abs(own[:, [place]] - theirs), axis=0, weights=weight[:, place])
        bound = float(np.clip(np.delete(apart, place).min(), SAME_RATE, RATE_GAP))
        rules.append(
            Rule(
                name=f"the registered model is what its recipe makes, {WORDS[part]}",
                value=float(apart[place]),
                bound=f"rates at most {bound:.3f} from the refits', and nearest to this part",
                holds=bool(apart[place] <= bound),
            )
        )
    return rules
