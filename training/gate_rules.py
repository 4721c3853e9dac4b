"""The rules of the gate on judged rows: each with its value, its bound and whether it holds.

A loss is log-loss per item, or per unit of money: Σ balance × loss ÷ Σ balance, in each currency
apart. Differences between models are paired, with 95 % intervals that resample families.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.ageing import BUCKETS, bucket_names
from features.build import FeatureFrame
from models.bundle import Bundle
from training.gate_rows import CHALLENGER, CHAMPION, JudgedRows
from training.metrics import CLIP
from training.monitor_drift import account_shares
from training.monitor_outcomes import outcome_figures

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

DOLLAR_BOUNDS = (0.75, 1.33)
"""Expected over realised rolled dollars on the test window."""

MIN_OUTCOMES, MIN_FAMILIES = 100, 50
"""Outcomes of either kind, and families, below which a ledger cannot tell two models apart."""

MIN_PART_OUTCOMES = 30
"""Outcomes of either kind below which a bucket, a segment or a currency is not judged."""

ITEM_MARGIN, DOLLAR_MARGIN = 0.02, 0.05
"""How much of the champion's loss the upper end of the difference may reach."""

SEGMENT_MARGIN = 0.05
"""Share of the other's loss by which no segment may be surely worse."""

REFIT_MARGIN = 0.05
"""Share of the refit's loss by which the registered model, which saw the rows, may be worse."""

CALIBRATION_BOUNDS = (0.80, 1.25)
"""Realised ÷ expected items within a bucket."""

REASONS_AGREE = 0.80
"""Share of items whose strongest family of reasons is the one of the model compared with."""

OUT_OF_RANGE_SHARE = 0.05
"""Share of accounts whose value of one feature no training row reached."""

MAX_AGE_DAYS = 120
"""Days from the last outcome a model used to the ledger's last known day."""

DRAWS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of the gate: its value, its bound in words, and whether it holds."""

    name: str
    value: float
    bound: str
    holds: bool


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
    rules.append(_reasons(rows))
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
        _no_worse(
            "log-loss no worse than the champion's",
            difference(rows.y, one, other, np.ones(len(one)), rows.family, rng),
            ITEM_MARGIN,
        )
    ]
    for currency, here in _currencies(rows):
        name = f"log-loss of a {currency} no worse than the champion's"
        if not _enough(rows.y[here]):
            unjudged.append(name)
            continue
        weight = rows.test.balance[here]
        found = difference(rows.y[here], one[here], other[here], weight, rows.family[here], rng)
        rules.append(_no_worse(name, found, DOLLAR_MARGIN))
    return rules


def _currencies(rows: JudgedRows) -> list[tuple[str, Mask]]:
    currency = rows.test.frame.items["currency"].to_numpy(dtype=object)
    return [(name, currency == name) for name in sorted(set(currency))]


def _no_worse(name: str, found: "Difference", margin: float) -> Rule:
    bound = margin * found.other
    return Rule(
        name=name,
        value=found.high,
        bound=f"upper end at most {bound:+.4f}",
        holds=found.high <= bound,
    )


def _against_baselines(rows: JudgedRows, rng: np.random.Generator) -> list[Rule]:
    rules = []
    for name in rows.p:
        if name in {CHALLENGER, CHAMPION}:
            continue
        weight = np.ones(len(rows.y))
        found = difference(rows.y, rows.p[CHALLENGER], rows.p[name], weight, rows.family, rng)
        rules.append(
            Rule(
                name=f"log-loss below the {name}'s",
                value=found.high,
                bound="upper end below 0",
                holds=found.high < 0,
            )
        )
    return rules


def _calibration(rows: JudgedRows, rng: np.random.Generator, unjudged: list[str]) -> list[Rule]:
    low, high = CALIBRATION_BOUNDS
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
        rules.append(
            Rule(
                name=title,
                value=found.value,
                bound=f"interval [{found.low:.2f}, {found.high:.2f}] meets {low} to {high}",
                holds=not found.outside(low, high),
            )
        )
    return rules


def _segments(rows: JudgedRows, rng: np.random.Generator, unjudged: list[str]) -> list[Rule]:
    """Compare each segment with the champion, without one with the best baseline overall."""
    models = {name: p for name, p in rows.p.items() if name != CHALLENGER}
    other = CHAMPION if CHAMPION in models else _best(rows.y, models)
    rules = []
    for name in sorted(set(rows.test.segment)):
        here = rows.test.segment == name
        title = f"segment {name or 'without name'} no worse than the {other}"
        if not _enough(rows.y[here]):
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
    every = np.ones(len(rows.y), dtype=bool)
    parts = [("all items", every)]
    parts += [
        (f"segment {name or 'without name'}", rows.test.segment == name)
        for name in sorted(set(rows.test.segment))
    ]
    rules = []
    for words, here in parts:
        if not _enough(rows.y[here]):
            continue
        weight = np.ones(int(here.sum()))
        found = difference(
            rows.y[here],
            rows.registered[here],
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


def _reasons(rows: JudgedRows) -> Rule:
    one, other = rows.top
    share = float((one == other).mean())
    return Rule(
        name="strongest reason is the one of the model compared with",
        value=share,
        bound=f"on at least {REASONS_AGREE:.0%} of items",
        holds=share >= REASONS_AGREE,
    )


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Loss of one model minus that of another, its interval, and the other's loss."""

    value: float
    low: float
    high: float
    other: float


def losses(y: Floats, p: Floats) -> Floats:
    """Return the log-loss of each row, probabilities kept away from 0 and 1."""
    return np.asarray(-np.log(np.clip(np.where(y == 1, p, 1 - p), CLIP, 1 - CLIP)))


def difference(
    y: Floats,
    one: Floats,
    other: Floats,
    weight: Floats,
    family: npt.NDArray[np.object_],
    rng: np.random.Generator,
    *,
    draws: int = DRAWS,
) -> Difference:
    """Return the weighted log-loss of ``one`` minus that of ``other`` on the same rows.

    Parameters
    ----------
    y, one, other, weight : numpy.ndarray, shape (n,)
        Outcomes, both probabilities, and what a row counts; n is at least 1.
    family : numpy.ndarray of str, shape (n,)
        Whom rows belong to; families are resampled with replacement.
    rng : numpy.random.Generator
        Source of the resampling.
    draws : int
        Number of resamples.

    Examples
    --------
    >>> y, same = np.array([1.0, 0.0]), np.array([0.5, 0.5])
    >>> family = np.array(["A", "B"], dtype=object)
    >>> difference(y, same, same, np.ones(2), family, np.random.default_rng(1)).value
    0.0
    """
    names, place = np.unique(family.astype(str), return_inverse=True)
    apart, theirs = losses(y, one) - losses(y, other), losses(y, other)
    sums = np.column_stack(
        [
            np.bincount(place, weights=values, minlength=len(names))
            for values in (weight * apart, weight, weight * theirs)
        ]
    )
    even = np.full(len(names), 1 / len(names))
    drawn = np.array([rng.multinomial(len(names), even) @ sums[:, :2] for _ in range(draws)])
    drawn = drawn[drawn[:, 1] > 0]
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], [0.025, 0.975])
    total = sums.sum(axis=0)
    return Difference(
        value=float(total[0] / total[1]),
        low=float(low),
        high=float(high),
        other=float(total[2] / total[1]),
    )


def _enough(y: Floats) -> bool:
    return bool(min(y.sum(), (1 - y).sum()) >= MIN_PART_OUTCOMES)


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
