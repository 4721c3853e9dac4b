"""The other cuts and the oldest bucket: a model with a part in another's place is stopped."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from features.outcomes import unresolved
from models.bundle import PARTS, Bundle
from models.scorer import CUTS, survival_curves
from tests.trained import small_ledger
from tests.training.judged import (
    compared,
    fixed_config,
    honest,
    in_place_of,
    judged,
    model_on,
    shuffled,
)
from training.baselines import matrix_rates
from training.gate_horizons import PART_OF
from training.gate_later import RATE_GAP, SAME_RATE, WORDS, judge_later, part_rates, same_parts
from training.gate_rows import CHALLENGER, CHAMPION, REFITTED, JudgedRows, gather_rows
from training.gate_rules import Rule, judge_rows

MISPLACED = (
    ("step_2", "step_1"),
    ("step_2", "step_3"),
    ("step_3", "step_4"),
    ("step_4", "step_3"),
    ("cut_14", "cut_7"),
    ("cut_7", "cut_14"),
    ("cut_7", "step_2"),
)
REASON = "strongest reason is the one of the model compared with"


@pytest.fixture(scope="module")
def rows() -> JudgedRows:
    """The honest model against itself, on dates after both."""
    return compared(honest(), honest())


def of_today(**facts: object) -> dict[str, object]:
    """Return the facts of a model of the ledger's last day, which no date is new to."""
    dates = [str(judged().past.as_of.max().date())]
    end = small_ledger().manifest.known_through
    return {"trained_until": end, "as_of_dates": dates, **facts}


@pytest.fixture(scope="module")
def today() -> Bundle:
    """An honest model that no date is new to."""
    return model_on(judged().past, **of_today())


@pytest.fixture(scope="module")
def refitted(today: Bundle) -> JudgedRows:
    """Refits of its recipe beside it."""
    return gather_rows(small_ledger(), today, None)


def broken(rows: JudgedRows, challenger: Bundle) -> list[str]:
    """Return the names of the rules that do not hold."""
    rules, _ = judge_rows(rows, challenger, np.random.default_rng(1))
    return [rule.name for rule in rules if not rule.holds]


def later(rows: JudgedRows) -> dict[str, Rule]:
    """Return the rules on the other cuts and the oldest bucket by name."""
    return {rule.name: rule for rule in judge_later(rows, np.random.default_rng(1), [])}


def test_every_cut_and_the_oldest_bucket_are_judged(rows: JudgedRows) -> None:
    """An honest model keeps each rule; none is left out for want of outcomes."""
    unjudged: list[str] = []
    rules = judge_later(rows, np.random.default_rng(1), unjudged)
    assert all(rule.holds for rule in rules)
    assert not unjudged
    names = {rule.name for rule in rules}
    for part in set(PARTS) - {"step_1"}:
        assert f"log-loss of {WORDS[part]} no worse than the champion's" in names
    for words in ("paid within 7 days", "paid within 14 days", "at 60 days", "at 120 days"):
        assert f"realised over expected items {words}" in names
    assert "realised over expected items in 91+" in names


@pytest.mark.parametrize(("part", "other"), MISPLACED)
def test_a_part_in_anothers_place_loses_to_the_champion(part: str, other: str) -> None:
    """On dates after both models, in the rule of that part, whatever the first step is worth."""
    bad = in_place_of(honest(), part, other)
    names = broken(compared(bad, honest()), bad)
    assert f"log-loss of {WORDS[part]} no worse than the champion's" in names
    assert "log-loss no worse than the champion's" not in names


@pytest.mark.parametrize(("part", "other"), MISPLACED)
def test_a_part_in_anothers_place_is_not_what_the_recipe_makes(
    refitted: JudgedRows, today: Bundle, part: str, other: str
) -> None:
    """Where the later outcomes are not known yet, the refits tell."""
    bad = in_place_of(today, part, other)
    test = refitted.test
    curves = survival_curves(bad, test.frame, test.segment).survival
    rule = f"the registered model is what its recipe makes, {WORDS[part]}"
    assert broken(replace(refitted, registered=curves), bad) == [rule]


def test_an_honest_model_is_what_its_recipe_makes(refitted: JudgedRows, today: Bundle) -> None:
    """Every rule holds, one for each part."""
    assert refitted.how == REFITTED
    assert broken(refitted, today) == []
    assert {f"the registered model is what its recipe makes, {WORDS[part]}" for part in PARTS} <= {
        *later(refitted)
    }


def test_the_registered_curve_comes_with_the_gathered_rows() -> None:
    """The whole way from a ledger, with the champion's own reasons beside the challenger's."""
    bad = in_place_of(model_on(judged().past, **of_today()), "step_4", "step_2")
    champion = model_on(shuffled(judged().past), **of_today())
    rows = gather_rows(small_ledger(), bad, champion)
    test = rows.test
    own = survival_curves(bad, test.frame, test.segment).survival
    assert rows.registered is not None
    np.testing.assert_array_equal(rows.registered, own)
    assert rows.curves[CHAMPION] is not rows.registered
    np.testing.assert_array_equal(rows.curves[CHAMPION], rows.curves[CHALLENGER])
    assert broken(rows, bad) == [
        "the registered model is what its recipe makes, days 90 to 120",
        REASON,
    ]


def test_reasons_of_another_recipe_are_those_of_its_refits(today: Bundle) -> None:
    """Two recipes are compared, so the champion's refit explains, not what it learnt once."""
    config = fixed_config()
    other = replace(config, trees=replace(config.trees, rounds=20)).to_json()
    champion = model_on(shuffled(judged().past), **of_today(config=other))
    rows = gather_rows(small_ledger(), today, champion)
    assert (rows.curves[CHAMPION] != rows.curves[CHALLENGER]).any()
    assert broken(rows, today) == []


def test_without_a_champion_the_matrix_is_the_measure() -> None:
    """A part far off is stopped; no model is held to its own reasons."""
    bad = in_place_of(honest(), "step_4", "cut_14")
    rules, unjudged = judge_rows(compared(bad, None), bad, np.random.default_rng(1))
    names = [rule.name for rule in rules]
    assert [rule.name for rule in rules if not rule.holds] == [
        "realised over expected items of days 90 to 120"
    ]
    for days in (7, 14, 60, 90, 120):
        assert f"log-loss at {days} days below the roll-rate matrix's" in names
    assert REASON in unjudged
    assert REASON not in names
    alone, _ = judge_rows(compared(honest(), None), honest(), np.random.default_rng(1))
    assert all(rule.holds for rule in alone)


def test_later_outcomes_came_in_on_the_days_of_the_judged_ones(rows: JudgedRows) -> None:
    """No model could have learnt one: the dates lie earlier by what the horizon is longer."""
    case = judged()
    for days, part in PART_OF.items():
        if days == 30:
            continue
        after = case.after - timedelta(days=max(days - 30, 0))
        data = case.data.between(after + timedelta(days=1), None)
        y = unresolved(data.outcomes[f"outcome_{days}"])
        keep = data.exposed & ~np.isnan(y)
        found = rows.horizons[days]
        np.testing.assert_array_equal(found.y, y[keep])
        np.testing.assert_array_equal(found.target, data.target(part)[keep])
        assert not set(data.as_of[keep].dt.date) & {
            day for day in data.as_of.dt.date if day + timedelta(days=days + 7) <= case.after
        }


def test_the_matrix_learns_what_was_known_of_the_horizon(rows: JudgedRows) -> None:
    """From rows whose outcome after 90 days was final on the day."""
    case = judged()
    old = case.data.between(None, case.after - timedelta(days=97))
    targets = old.targets.copy()
    targets[:, 0] = unresolved(old.outcomes["outcome_90"])
    data = case.data.between(case.after - timedelta(days=59), None)
    y = unresolved(data.outcomes["outcome_90"])
    judged_rows = data.select(data.exposed & ~np.isnan(y))
    p = matrix_rates(replace(old, targets=targets), judged_rows)
    np.testing.assert_array_equal(rows.horizons[90].matrix, p)


def test_a_horizon_with_few_outcomes_is_not_judged(rows: JudgedRows) -> None:
    """Its rules are named."""
    found = rows.horizons[120]
    few = replace(found, y=np.zeros(len(found.y)), target=np.full(len(found.y), np.nan))
    unjudged: list[str] = []
    changed = replace(rows, horizons={**rows.horizons, 120: few})
    judge_later(changed, np.random.default_rng(1), unjudged)
    assert unjudged == [
        "log-loss of days 90 to 120 no worse than the champion's",
        "realised over expected items at 120 days",
    ]


def test_wrong_probabilities_in_the_oldest_bucket_are_stopped(rows: JudgedRows) -> None:
    """Half of what came; items of that bucket are in none of the other rules."""
    curves = {name: values / 2 for name, values in rows.oldest.curves.items()}
    spoilt = replace(rows, oldest=replace(rows.oldest, curves=curves))
    assert broken(spoilt, honest()) == ["realised over expected items in 91+"]
    bucket = judged().data.frame.bucket
    late = judged().data.as_of.dt.date.to_numpy() > judged().after
    assert len(rows.oldest.y) == ((bucket == 4) & late).sum()


def test_rates_of_the_parts_make_the_curve() -> None:
    """By hand: of 100 items 10 are paid within 7 days, 20 within 14, 50 within 30."""
    curve = np.array([[0.9, 0.8, 0.5, 0.4, 0.1, 0.1], [1.0, 1.0, 1.0, 1.0, 1.0, 1.0]])
    rates = part_rates(curve)
    np.testing.assert_allclose(rates[0], [0.5, 0.8, 0.25, 1.0, 0.4, 0.5])
    np.testing.assert_array_equal(rates[1], [1, 1, 1, 1, 0, 0])
    assert len(CUTS) == rates.shape[1]


def test_a_part_is_held_to_the_nearest_within_bounds() -> None:
    """Two parts may be alike; no part may be far off, however far the others are."""
    like = np.tile([0.9, 0.8, 0.5, 0.25, 0.125, 0.0625], (4, 1))
    by_name = {rule.name.split(", ")[1]: rule for rule in same_parts(like, like)}
    assert all(rule.holds for rule in by_name.values())
    assert f"at most {SAME_RATE:.3f}" in by_name["days 60 to 90"].bound
    off = like.copy()
    off[:, 2:] *= (0.5 + RATE_GAP + 0.01) / 0.5
    names = [rule.name for rule in same_parts(off, like) if not rule.holds]
    assert "the registered model is what its recipe makes, the first 30 days" in names
