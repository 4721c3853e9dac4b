"""The rules of the gate on judged rows: each with its value, its bound and whether it holds.

The rules on the 30 days stand here, those on the other cuts in ``gate_later``. Losses and their
paired differences are those of ``gate_figures``.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from features.ageing import BUCKETS, STEP_DAYS, bucket_names
from features.build import FeatureFrame
from models.bundle import Bundle
from models.scorer import CUTS
from training.gate_figures import (
    DRAWS,
    MIN_PART_OUTCOMES,
    Rule,
    below,
    calibrated,
    difference,
    enough,
    losses,
    no_worse,
)
from training.gate_later import judge_later
from training.gate_rows import CHALLENGER, CHAMPION, JudgedRows
from training.monitor_drift import account_shares
from training.monitor_outcomes import outcome_figures

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

__all__ = ["Rule", "difference", "fresh_rule", "judge_rows", "leak_rule"]

DOLLAR_BOUNDS = (0.75, 1.33)
"""Expected over realised rolled dollars on the test window."""

MIN_OUTCOMES, MIN_FAMILIES = 100, 50
"""Outcomes of either kind, and families, below which a ledger cannot tell two models apart."""

ITEM_MARGIN, DOLLAR_MARGIN = 0.02, 0.05
"""How much of the champion's loss the upper end of the difference may reach."""

SEGMENT_MARGIN = 0.05
"""Share of the other's loss by which no segment may be surely worse."""

REFIT_MARGIN = 0.05
"""Share of the refit's loss by which the registered model, which saw the rows, may be worse."""

REASONS_AGREE = 0.80
"""Share of items whose strongest family of reasons is the one of the model compared with."""

OUT_OF_RANGE_SHARE = 0.05
"""Share of accounts whose value of one feature no training row reached."""

MAX_AGE_DAYS = 120
"""Days from the last outcome a model used to the ledger's last known day."""


def judge_rows(
    rows: JudgedRows, challenger: Bundle, rng: np.random.Generator
) -> tuple[list[Rule], list[str]]:
    """Return the rules on judged rows, and which could not be judged for want of outcomes.

    Parameters
    ----------
    rows : JudgedRows
        From ``gather_rows``.
    challenger : Bundle
        The version that asks for promotion.
    rng : numpy.random.Generator
        Source of the resampling.
    """
    enough = _sufficiency(rows)
    rules = [*enough]
    if not all(rule.holds for rule in enough):
        return rules, ["every comparison of models: the judged rows are too few"]
    unjudged: list[str] = []
    rules += _against_champion(rows, rng, unjudged)
    rules += _against_baselines(rows, rng)
    rules += _calibration(rows, rng, unjudged)
    rules += _segments(rows, rng, unjudged)
    if rows.registered is not None:
        rules += _as_its_recipe(rows, rng)
    rules += judge_later(rows, rng, unjudged)
    rules += _reasons(rows, unjudged)
    if not challenger.is_matrix:
        rules.append(_range(rows.newest, challenger))
    return rules, unjudged


def _sufficiency(rows: JudgedRows) -> list[Rule]:
    rarer = float(min(rows.y.sum(), (1 - rows.y).sum()))
    families = float(len(np.unique(rows.family.astype(str))))
    return [
        Rule(
            name="outcomes of the rarer kind",
            value=rarer,
            bound=f"at least {MIN_OUTCOMES}",
            holds=rarer >= MIN_OUTCOMES,
        ),
        Rule(
            name="families of accounts",
            value=families,
            bound=f"at least {MIN_FAMILIES}",
            holds=families >= MIN_FAMILIES,
        ),
    ]


def _against_champion(
    rows: JudgedRows, rng: np.random.Generator, unjudged: list[str]
) -> list[Rule]:
    if CHAMPION not in rows.p:
        return []
    one, other = rows.p[CHALLENGER], rows.p[CHAMPION]
    rules = [
        no_worse(
            "log-loss no worse than the champion's",
            difference(rows.y, one, other, np.ones(len(one)), rows.family, rng),
            ITEM_MARGIN,
        )
    ]
    for currency, here in _currencies(rows):
        name = f"log-loss of a {currency} no worse than the champion's"
        if not enough(rows.y[here]):
            unjudged.append(name)
            continue
        weight = rows.test.balance[here]
        found = difference(rows.y[here], one[here], other[here], weight, rows.family[here], rng)
        rules.append(no_worse(name, found, DOLLAR_MARGIN))
    return rules


def _currencies(rows: JudgedRows) -> list[tuple[str, Mask]]:
    currency = rows.test.frame.items["currency"].to_numpy(dtype=object)
    return [(name, currency == name) for name in sorted(set(currency))]


def _against_baselines(rows: JudgedRows, rng: np.random.Generator) -> list[Rule]:
    rules = []
    for name in rows.p:
        if name in {CHALLENGER, CHAMPION}:
            continue
        weight = np.ones(len(rows.y))
        found = difference(rows.y, rows.p[CHALLENGER], rows.p[name], weight, rows.family, rng)
        rules.append(below(f"log-loss below the {name}'s", found))
    return rules


def _calibration(rows: JudgedRows, rng: np.random.Generator, unjudged: list[str]) -> list[Rule]:
    bucket = bucket_names(rows.test.frame.bucket)
    p = rows.p[CHALLENGER]
    rules = []
    for name in BUCKETS:
        here = bucket == name
        if not here.any():
            continue
        title = f"realised over expected items in {name}"
        if min(p[here].sum(), (1 - p[here]).sum()) < MIN_PART_OUTCOMES:
            unjudged.append(title)
            continue
        found = outcome_figures(
            rows.y[here], p[here], rows.test.balance[here], rows.family[here], rng, draws=DRAWS
        ).items
        rules.append(calibrated(title, found))
    return rules


def _segments(rows: JudgedRows, rng: np.random.Generator, unjudged: list[str]) -> list[Rule]:
    """Compare each segment with the champion, without one with the best baseline overall."""
    models = {name: p for name, p in rows.p.items() if name != CHALLENGER}
    other = CHAMPION if CHAMPION in models else _best(rows.y, models)
    rules = []
    for name in sorted(set(rows.test.segment)):
        here = rows.test.segment == name
        title = f"segment {name or 'without name'} no worse than the {other}"
        if not enough(rows.y[here]):
            unjudged.append(title)
            continue
        rules.append(_not_surely_worse(title, rows, here, rows.p[CHALLENGER], models[other], rng))
    return rules


def _best(y: Floats, models: Mapping[str, Floats]) -> str:
    return min(models, key=lambda name: float(losses(y, models[name]).mean()))


def _not_surely_worse(
    name: str, rows: JudgedRows, here: Mask, one: Floats, other: Floats, rng: np.random.Generator
) -> Rule:
    weight = np.ones(int(here.sum()))
    found = difference(rows.y[here], one[here], other[here], weight, rows.family[here], rng)
    bound = SEGMENT_MARGIN * found.other
    return Rule(
        name=name,
        value=found.low,
        bound=f"lower end at most {bound:+.4f}",
        holds=found.low <= bound,
    )


def _as_its_recipe(rows: JudgedRows, rng: np.random.Generator) -> list[Rule]:
    """Hold the registered model, which saw these rows, to refits which did not."""
    if rows.registered is None:
        return []
    registered = rows.registered[:, CUTS.index(STEP_DAYS)]
    every = np.ones(len(rows.y), dtype=bool)
    parts = [("all items", every)]
    parts += [
        (f"segment {name or 'without name'}", rows.test.segment == name)
        for name in sorted(set(rows.test.segment))
    ]
    rules = []
    for words, here in parts:
        if not enough(rows.y[here]):
            continue
        weight = np.ones(int(here.sum()))
        found = difference(
            rows.y[here],
            registered[here],
            rows.p[CHALLENGER][here],
            weight,
            rows.family[here],
            rng,
        )
        bound = REFIT_MARGIN * found.other
        rules.append(
            Rule(
                name=f"the registered model is what its recipe makes, {words}",
                value=found.value,
                bound=f"at most {bound:+.4f} above the refits that did not see the rows",
                holds=found.value <= bound,
            )
        )
    return rules


def _reasons(rows: JudgedRows, unjudged: list[str]) -> list[Rule]:
    name = "strongest reason is the one of the model compared with"
    if rows.top is None:
        unjudged.append(name)
        return []
    one, other = rows.top
    share = float((one == other).mean())
    return [
        Rule(
            name=name,
            value=share,
            bound=f"on at least {REASONS_AGREE:.0%} of items",
            holds=share >= REASONS_AGREE,
        )
    ]


def _range(newest: FeatureFrame, challenger: Bundle) -> Rule:
    from training.monitor import training_ranges, used_features  # noqa: PLC0415 (reads snapshots)

    as_of = newest.items["as_of"].max().date()
    ranges, used = training_ranges(challenger, as_of), used_features(challenger)
    names, place = np.unique(newest.items["account_id"].astype(str), return_inverse=True)
    worst, where = 0.0, "none"
    for name in sorted(used):
        low, high = ranges[name]
        column = newest.column(name)
        beyond = ((column < low) | (column > high)).astype(np.int64)
        share = float(account_shares(place, len(names), beyond, 2)[:, 1].mean())
        if share > worst:
            worst, where = share, name
    return Rule(
        name=f"accounts with a feature beyond its training range (worst: {where})",
        value=worst,
        bound=f"at most {OUT_OF_RANGE_SHARE:.0%}",
        holds=worst <= OUT_OF_RANGE_SHARE,
    )


def fresh_rule(age_days: int) -> Rule:
    """Return the rule on the age of the newest outcome a model has learnt from.

    Examples
    --------
    >>> fresh_rule(400).holds
    False
    """
    return Rule(
        name="days since the last outcome it learnt from",
        value=float(age_days),
        bound=f"at most {MAX_AGE_DAYS}",
        holds=age_days <= MAX_AGE_DAYS,
    )


def leak_rule(names: Sequence[str]) -> Rule:
    """Return the rule on features that change when the future of the ledger is cut off."""
    shown = ", ".join(names[:3]) + (" …" if len(names) > 3 else "")
    return Rule(
        name="features that know the future" + (f": {shown}" if names else ""),
        value=float(len(names)),
        bound="none",
        holds=not names,
    )
