"""Tests of what asks for a retrain and what does not."""

import numpy as np
import pytest

from training.monitor_checks import drift_checks, outcome_checks
from training.monitor_drift import Drift
from training.monitor_outcomes import Estimate, outcome_figures
from training.monitor_reference import SCORE

CALM = Drift(psi=0.02, critical=0.10, missing=0.0, missing_before=0.0, missing_critical=0.02)
MOVED = Drift(psi=0.30, critical=0.10, missing=0.60, missing_before=0.05, missing_critical=0.10)
INSIDE = Estimate(value=0.0, low=0.0, high=0.0)


def figures(share: float, p: float):  # noqa: ANN201 (the record of the module)
    """400 accounts with one item each, of which ``share`` stay open where ``p`` was expected."""
    y = (np.arange(400) < share * 400).astype(float)
    family = np.array([f"A{number}" for number in range(400)], dtype=object)
    rng = np.random.default_rng(1)
    return outcome_figures(y, np.full(400, p), np.full(400, 10.0), family, rng)


def states(group: str, share: float, p: float, then: dict[str, object]) -> list[str]:
    """Return the states of the checks on one group."""
    return [check.state for check in outcome_checks(30, {group: figures(share, p)}, {group: then})]


def test_scores_that_come_true_hold() -> None:
    """Without a figure of the test window the capture is not judged."""
    assert states("unworked USD", 0.3, 0.3, {}) == ["holds", "holds", "not judged"]


def test_a_model_that_is_wrong_on_the_unworked_asks() -> None:
    """Twice what was expected, by count and by dollars."""
    assert states("unworked USD", 0.4, 0.2, {}) == ["broken", "broken", "not judged"]


def test_a_model_that_is_wrong_on_the_worked_is_seen_only() -> None:
    """Who was called rolls less; that is no fault of the model."""
    assert states("worked USD", 0.2, 0.4, {}) == ["seen", "seen", "not judged"]


def test_first_outcomes_warn_and_do_not_ask() -> None:
    """A week without a pay run is no reason to train."""
    early = outcome_checks(7, {"unworked USD": figures(0.2, 0.5)}, {})
    assert [check.state for check in early] == ["warning", "warning"]


def test_like_is_compared_with_like() -> None:
    """Unworked accounts that paid as much better in the test window ask for nothing."""
    then = {"items": {"value": 0.5}, "dollars": {"value": 0.5}}
    assert states("unworked USD", 0.2, 0.4, then)[:2] == ["holds", "holds"]


def test_few_outcomes_judge_nothing() -> None:
    """Where 20 items are expected to stay open nothing can be said, whatever comes."""
    assert states("unworked USD", 0.5, 0.05, {})[:2] == ["not judged", "not judged"]


def test_dollars_that_are_no_longer_found_ask() -> None:
    """A ranking worth nothing captures 20 % with 20 % of equal accounts, 90 % once."""
    then = {"capture": {"20%": {"value": 0.9}}}
    y = (np.arange(400) % 2).astype(float)
    family = np.array([f"A{number}" for number in range(400)], dtype=object)
    found = outcome_figures(
        y, np.full(400, 0.5), np.full(400, 10.0), family, np.random.default_rng(1)
    )
    checks = outcome_checks(30, {"unworked USD": found}, {"unworked USD": then})
    assert checks[-1].state == "broken"
    assert "90% in the test window" in checks[-1].sentence


@pytest.mark.parametrize(("group", "state"), [("unworked", "broken"), ("worked", "seen")])
def test_score_drift_and_a_broken_source_ask(group: str, state: str) -> None:
    """The score, a used feature that went missing, and values that training never saw."""
    drifts = {SCORE: MOVED, "terms_days": MOVED, "age_days": CALM}
    beyond = Estimate(value=0.2, low=0.1, high=0.3)
    checks = drift_checks(
        group, drifts, {"terms_days": INSIDE, "age_days": beyond}, frozenset(drifts) - {SCORE}
    )
    assert [check.name for check in checks] == [
        "score drift (PSI)",
        "age_days out of range",
        "missing values of terms_days",
    ]
    assert {check.state for check in checks} == {state}


def test_a_feature_that_moved_asks_for_nothing_while_the_score_stays() -> None:
    """Nor does one that no tree reads."""
    moved = Drift(psi=0.3, critical=0.1, missing=0.0, missing_before=0.0, missing_critical=0.0)
    drifts = {SCORE: CALM, "terms_days": moved, "age_days": MOVED}
    checks = drift_checks("unworked", drifts, {"terms_days": INSIDE}, frozenset({"terms_days"}))
    assert [check.state for check in checks] == ["holds"]
