"""Tests of the gate: what passes, what does not, and what is recorded when it is overruled."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from models.home import Home
from models.registry import CHAMPION, NoModelError, alias_version, connect, register_bundle
from tests.trained import Installation, quiet_mlflow
from training.gate import judge, promote
from training.recipe import MODEL

GOOD = {"log_loss": 0.50, "brier": 0.10, "expected_over_realised": 1.05}
BASE = {"log_loss": 0.60, "brier": 0.12, "expected_over_realised": 1.0}


@pytest.fixture
def home(installation: Installation, tmp_path: Path) -> Home:
    """A copy of the registry, to be changed at will."""
    made = Home(path=tmp_path / "home")
    made.path.mkdir()
    shutil.copy(installation.home.path / "mlflow.db", made.path)
    return made


@pytest.fixture
def worse(home: Home, installation: Installation) -> str:
    """Version 2, which loses to a baseline in the Brier score."""
    bundle = installation.trained.bundle
    metrics = {name: dict(row) for name, row in bundle.facts["metrics"].items()}
    metrics[MODEL]["brier"] = metrics["roll-rate matrix"]["brier"]
    run = connect(home).get_model_version("roll-risk", "1").run_id
    facts = {**bundle.facts, "metrics": metrics}
    return register_bundle(home, replace(bundle, facts=facts), run).version


@pytest.mark.parametrize(
    ("changes", "holds"),
    [
        ({}, [True, True, True]),
        ({"log_loss": 0.60}, [False, True, True]),
        ({"brier": 0.13}, [True, False, True]),
        ({"expected_over_realised": 0.74}, [True, True, False]),
        ({"expected_over_realised": 1.34}, [True, True, False]),
        ({"expected_over_realised": float("nan")}, [True, True, False]),
        ({"log_loss": float("nan")}, [False, True, True]),
    ],
)
def test_each_rule_breaks_alone(changes: dict[str, float], holds: list[bool]) -> None:
    """A tie is no win; a missing figure breaks its rule."""
    rules = judge({MODEL: GOOD | changes, "matrix": BASE, "other": {**BASE, "log_loss": 0.9}})
    assert [rule.holds for rule in rules] == holds


def test_the_best_baseline_is_the_one_to_beat() -> None:
    """Each figure against the best of them, whichever model that is."""
    rules = judge({MODEL: GOOD, "a": {**BASE, "log_loss": 0.45}, "b": {**BASE, "brier": 0.09}})
    assert [rule.bound for rule in rules[:2]] == ["< 0.4500", "< 0.0900"]
    assert not rules[0].holds
    assert not rules[1].holds


def test_a_version_that_passes_becomes_champion(home: Home) -> None:
    """Without a version the challenger is judged; the verdict is tagged."""
    connect(home).delete_registered_model_alias("roll-risk", CHAMPION)
    verdict = promote(home, None)
    assert verdict.passed
    assert verdict.promoted
    assert verdict.version == alias_version(home, CHAMPION) == "1"
    assert connect(home).get_model_version("roll-risk", "1").tags["gate"] == "passed"
    assert "Version 1 is the champion" in verdict.sentence


def test_a_version_that_breaks_a_rule_does_not(home: Home, worse: str) -> None:
    """The champion stays, the broken rule is named and tagged."""
    verdict = promote(home, worse)
    assert not verdict.promoted
    assert alias_version(home, CHAMPION) == "1"
    assert verdict.sentence == (
        f"Version {worse} was not promoted. Broken: Brier score beats every baseline."
    )
    assert connect(home).get_model_version("roll-risk", worse).tags["gate"] == "broken"


def test_a_forced_promotion_is_recorded_with_its_reason(home: Home, worse: str) -> None:
    """Who, why and that the gate said no stand with the version."""
    verdict = promote(home, worse, force_reason="audit asked for it", who="kim")
    assert not verdict.passed
    assert verdict.promoted
    assert alias_version(home, CHAMPION) == worse
    tags = connect(home).get_model_version("roll-risk", worse).tags
    assert tags["gate"] == "broken"
    assert tags["forced_because"] == "audit asked for it"
    assert tags["forced_by"] == "kim"
    assert "Recorded reason: audit asked for it" in verdict.sentence


def test_an_unknown_version_and_an_empty_registry_are_refused(home: Home, tmp_path: Path) -> None:
    """The messages name the next step."""
    quiet_mlflow()
    with pytest.raises(NoModelError, match="rollrisk train LEDGER"):
        promote(home, "99")
    with pytest.raises(NoModelError, match=r"There is no challenger. Train one with"):
        promote(Home(path=tmp_path / "empty"), None)
