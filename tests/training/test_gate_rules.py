"""Planted regressions: each is stopped by the gate, by the rule that is there for it."""

from dataclasses import replace

import numpy as np
import pytest

from models.bundle import Bundle
from tests.training.judged import (
    broken_in,
    compared,
    honest,
    judged,
    leaked,
    model_on,
    shuffled,
)
from training.gate_rows import CHALLENGER, CHAMPION, DIRECT, JudgedRows
from training.gate_rules import Rule, difference, fresh_rule, judge_rows, leak_rule


@pytest.fixture(scope="module")
def rows() -> JudgedRows:
    """The honest model against itself."""
    return compared(honest(), honest())


def broken(rows: JudgedRows, challenger: Bundle) -> list[str]:
    """Return the names of the rules that do not hold."""
    rules, _ = judge_rows(rows, challenger, np.random.default_rng(1))
    return [rule.name for rule in rules if not rule.holds]


def test_an_honest_model_passes(rows: JudgedRows) -> None:
    """Against a champion that is no better, on dates after both, every rule holds."""
    rules, unjudged = judge_rows(rows, honest(), np.random.default_rng(1))
    assert rows.how == DIRECT
    assert [rule for rule in rules if not rule.holds] == []
    assert len(rules) >= 10
    assert not any("champion's" in name and "USD" in name for name in unjudged)


def test_judged_dates_come_after_every_outcome_that_was_used(rows: JudgedRows) -> None:
    """No judged row could have been learnt from."""
    assert rows.test.as_of.min().date() > judged().after
    assert len(rows.y) == len(rows.family) == len(rows.p[CHALLENGER])
    assert not np.isnan(rows.y).any()


def test_shuffled_labels_are_stopped() -> None:
    """A model of nothing loses to the champion and to the baselines."""
    challenger = model_on(shuffled(judged().past))
    names = broken(compared(challenger, honest()), challenger)
    assert "log-loss no worse than the champion's" in names
    assert "log-loss below the roll-rate matrix's" in names


def test_a_leaked_column_is_stopped() -> None:
    """What knew the answer in training knows nothing on later dates."""
    challenger = model_on(leaked(judged().past))
    names = broken(compared(challenger, honest()), challenger)
    assert "log-loss no worse than the champion's" in names
    assert "strongest reason is the one of the model compared with" in names


def test_a_stale_window_is_stopped() -> None:
    """A model that has learnt nothing for a year, however good it was."""
    rule = fresh_rule(365)
    assert not rule.holds
    assert rule.bound == "at most 120"
    assert fresh_rule(120).holds


def test_one_broken_segment_is_stopped() -> None:
    """A model with one segment's outcomes turned round is worse in that segment."""
    challenger = model_on(broken_in(judged().past, "mid_market"))
    names = broken(compared(challenger, honest()), challenger)
    assert "segment mid_market no worse than the champion" in names


def test_a_segment_counts_even_where_the_whole_hides_it(rows: JudgedRows) -> None:
    """A little worse overall, much worse in one small segment: that segment stops it."""
    here = rows.test.segment == "public_sector"
    p = np.where(here, 0.5, rows.y * 0.96 + 0.02)
    spoilt = replace(rows, p={**rows.p, CHALLENGER: p})
    names = broken(spoilt, honest())
    assert "log-loss no worse than the champion's" not in names
    assert "segment public_sector no worse than the champion" in names


def test_wrong_probabilities_in_one_bucket_are_stopped(rows: JudgedRows) -> None:
    """Half of what came, in one bucket."""
    here = rows.test.frame.bucket == 1
    p = np.where(here, rows.p[CHALLENGER] / 2, rows.p[CHALLENGER])
    names = broken(replace(rows, p={**rows.p, CHALLENGER: p}), honest())
    assert "realised over expected items in 1-30" in names
    assert "realised over expected items in current" not in names


def test_dollars_are_compared_in_each_currency(rows: JudgedRows) -> None:
    """Being wrong on the large items alone is being wrong."""
    usd = (rows.test.frame.items["currency"] == "USD").to_numpy(dtype=bool)
    large = usd & (rows.test.balance > np.quantile(rows.test.balance[usd], 0.95))
    p = np.where(large, 1 - rows.y * 0.9 - 0.05, rows.p[CHALLENGER])
    names = broken(replace(rows, p={**rows.p, CHALLENGER: p}), honest())
    assert "log-loss of a USD no worse than the champion's" in names


def test_without_a_champion_the_baselines_are_the_measure() -> None:
    """The first model has only them to beat, in every segment too."""
    rows = compared(honest(), None)
    rules, _ = judge_rows(rows, honest(), np.random.default_rng(1))
    names = [rule.name for rule in rules]
    assert not any("champion" in name for name in names)
    assert any(name.startswith("segment") for name in names)
    assert sum(name.startswith("log-loss below") for name in names) == 3


def test_a_feature_out_of_range_is_stopped(rows: JudgedRows) -> None:
    """Values that no training row reached, on every account of the newest day."""
    values = rows.newest.values.copy()
    values[:, rows.newest.names.index("days_past_due")] = 4000.0
    moved = replace(rows, newest=replace(rows.newest, values=values))
    names = broken(moved, honest())
    assert "accounts with a feature beyond its training range (worst: days_past_due)" in names


def test_too_few_rows_say_so_and_stop(rows: JudgedRows) -> None:
    """A comparison that cannot tell two models apart is no comparison."""
    few = np.arange(len(rows.y)) < 60
    small = replace(
        rows,
        test=rows.test.select(few),
        family=rows.family[few],
        p={name: p[few] for name, p in rows.p.items()},
    )
    rules, unjudged = judge_rows(small, honest(), np.random.default_rng(1))
    assert not all(rule.holds for rule in rules)
    assert unjudged == ["every comparison of models: the judged rows are too few"]


def test_a_difference_is_paired_and_its_interval_resamples_families(rows: JudgedRows) -> None:
    """By hand overall; rows that repeat their family's do not narrow it."""
    one, other = rows.p[CHALLENGER], np.full(len(rows.y), 0.5)
    rng = np.random.default_rng
    ones = np.ones(len(one))
    found = difference(rows.y, one, other, ones, rows.family, rng(3))
    by_hand = -np.log(np.clip(np.where(rows.y == 1, one, 1 - one), 1e-4, 1)).mean() - np.log(2)
    assert found.value == pytest.approx(by_hand, abs=1e-3)
    twice = difference(
        np.tile(rows.y, 2),
        np.tile(one, 2),
        np.tile(other, 2),
        np.tile(ones, 2),
        np.tile(rows.family, 2),
        rng(3),
    )
    assert (twice.low, twice.high) == pytest.approx((found.low, found.high))
    assert found.low < found.value < found.high < 0
    assert CHAMPION in rows.p


def test_a_feature_that_knows_the_future_is_named() -> None:
    """None is fine; three are shown, the others counted."""
    assert leak_rule([]) == Rule(
        name="features that know the future", value=0.0, bound="none", holds=True
    )
    rule = leak_rule(["a", "b", "c", "d"])
    assert not rule.holds
    assert rule.name == "features that know the future: a, b, c …"
