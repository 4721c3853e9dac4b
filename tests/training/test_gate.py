"""Tests of the gate: what passes, what does not, and what is recorded when it is overruled."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from models.home import Home
from models.registry import (
    CHAMPION,
    LEDGER_TAG,
    NoModelError,
    alias_version,
    champion_log,
    connect,
    read_verdict,
    register_bundle,
    roll_back,
)
from serving.cli import main
from tests.trained import Installation, quiet_mlflow, small_ledger
from tests.training.judged import honest, judged, model_on, shuffled
from training.gate import NEEDS_A_LEDGER, finish_promotion, judge, judge_on_ledger, promote
from training.gate_rows import REFITTED, gather_rows
from training.gate_rules import judge_rows
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
        f"Version {worse} was not promoted. Broken: Brier score beats every baseline, "
        "compared with the champion: give the LEDGER."
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


NOW = datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_without_a_ledger_the_verdict_says_what_was_not_judged(home: Home) -> None:
    """The verdict is stored with the version, as a tag and as a file of its run."""
    verdict = promote(home, "1", who="kim", now=NOW)
    assert verdict.unjudged == NEEDS_A_LEDGER
    stored = read_verdict(home, "1")
    assert stored == json.loads(json.dumps(verdict.to_json()))
    assert stored["at"] == "2025-01-02T03:04:05+00:00"
    run = connect(home).get_model_version("roll-risk", "1").run_id
    files = [file.path for file in connect(home).list_artifacts(run, "gate")]
    assert "gate/version-1.json" in files


@pytest.fixture
def early(home: Home, installation: Installation) -> tuple[str, str]:
    """Versions of an honest model and of one on shuffled labels, both of 127 days ago.

    The honest one is champion.
    """
    facts = {"metrics": installation.trained.bundle.facts["metrics"]}
    run = connect(home).get_model_version("roll-risk", "1").run_id
    good = replace(honest(), facts={**honest().facts, **facts})
    champion = register_bundle(home, good, run).version
    connect(home).set_registered_model_alias("roll-risk", CHAMPION, champion)
    bad = model_on(shuffled(judged().past), **facts)
    return champion, register_bundle(home, bad, run).version


def test_a_regression_is_stopped_by_the_whole_gate(home: Home, early: tuple[str, str]) -> None:
    """Its own test window, taken from a good model, says it is fine; the ledger says it is not."""
    champion, bad = early
    clocks = replace(small_ledger().manifest, defaulted_clocks=("applications",))
    verdict = promote(home, bad, ledger=replace(small_ledger(), manifest=clocks), now=NOW)
    names = [rule.name for rule in verdict.rules if not rule.holds]
    assert "log-loss no worse than the champion's" in names
    assert "days since the last outcome it learnt from" in names
    assert [rule.holds for rule in verdict.rules[:2]] == [True, True]
    assert not verdict.promoted
    assert verdict.champion == champion == alias_version(home, CHAMPION)
    leaks = [rule for rule in verdict.rules if rule.name.startswith("features that know")]
    assert [rule.holds for rule in leaks] == [True]
    assert verdict.compared == "the models themselves"
    assert verdict.unproven == ("applications",)
    payers = set(small_ledger().rows["applications"]["account_id"].to_pylist())
    assert verdict.unproven_accounts == len(payers)


def test_without_a_ledger_the_one_it_was_trained_on_is_opened(
    home: Home, early: tuple[str, str], installation: Installation
) -> None:
    """Its own figures alone talk no champion out of its place."""
    champion, bad = early
    folder = str(installation.ledger_path)
    connect(home).set_model_version_tag("roll-risk", bad, LEDGER_TAG, folder)
    verdict = promote(home, bad, now=NOW)
    assert verdict.compared == "the models themselves"
    assert not verdict.promoted
    assert verdict.champion == champion == alias_version(home, CHAMPION)


@pytest.mark.parametrize("recorded", [None, "gone", "damaged"])
def test_a_champion_is_not_replaced_unseen(
    home: Home, early: tuple[str, str], tmp_path: Path, recorded: str | None
) -> None:
    """Where no ledger is to be had, the broken rule says what to do; a reason overrules it."""
    champion, bad = early
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "ledger.json").write_text("{}", "utf-8")
    if recorded is not None:
        folder = str(tmp_path / recorded)
        connect(home).set_model_version_tag("roll-risk", bad, LEDGER_TAG, folder)
    verdict = promote(home, bad, now=NOW)
    broken = [rule.name for rule in verdict.rules if not rule.holds]
    assert broken == ["compared with the champion: give the LEDGER"]
    why = verdict.rules[-1].bound
    assert why.startswith("must be; that of the training cannot be opened: ") == (
        recorded is not None
    )
    assert (why == "must be; none was recorded at training") == (recorded is None)
    assert not verdict.promoted
    assert (verdict.champion, verdict.compared) == (champion, "")
    assert verdict.unjudged == NEEDS_A_LEDGER
    assert alias_version(home, CHAMPION) == champion
    assert promote(home, bad, force_reason="audit asked for it").promoted
    assert alias_version(home, CHAMPION) == bad


def test_a_champion_that_cannot_be_read_is_replaced_by_force(
    home: Home, early: tuple[str, str], installation: Installation
) -> None:
    """Nothing is left to compare with; without a reason the message says what is wrong."""
    champion, bad = early
    client = connect(home)
    client.set_model_version_tag("roll-risk", bad, LEDGER_TAG, str(installation.ledger_path))
    lost = client.create_model_version("roll-risk", source=str(home.path / "gone")).version
    client.set_registered_model_alias("roll-risk", CHAMPION, lost)
    with pytest.raises(NoModelError, match=f"Version {lost} of roll-risk cannot be read"):
        promote(home, bad)
    assert promote(home, bad, force_reason="its files are lost").promoted
    assert alias_version(home, CHAMPION) == bad != champion


def test_a_champion_whose_recipe_is_gone_does_not_stop_the_gate() -> None:
    """The version is judged beside the baselines, and the verdict says why."""
    facts, end = honest().facts, small_ledger().manifest.known_through
    gone = {**facts["config"], "features": ("balance_in_1999",)}
    champion = replace(honest(), facts={**facts, "trained_until": end, "config": gone})
    verdict = judge_on_ledger(small_ledger(), honest(), champion)
    assert verdict.compared == "the models themselves"
    assert verdict.champion is None
    [reason] = [words for words in verdict.unjudged if "cannot be run again" in words]
    assert reason.startswith("no worse than the champion")
    assert "Unknown features in the configuration: ['balance_in_1999']" in reason
    names = [rule.name for rule in verdict.rules]
    assert "log-loss below the roll-rate matrix's" in names
    assert "log-loss no worse than the champion's" not in names


def test_a_broken_promotion_is_not_finished_over_another_champion(home: Home, worse: str) -> None:
    """The verdict was about the one that served then."""
    verdict = promote(home, worse).to_json() | {"promoted": True}
    assert not finish_promotion(home, worse, verdict | {"champion": "7"}, who="kim")
    assert alias_version(home, CHAMPION) == "1"
    assert finish_promotion(home, worse, verdict, who="kim")
    assert alias_version(home, CHAMPION) == worse
    assert champion_log(home)[-1]["why"] == "passed the gate"


def test_recipes_are_refitted_where_no_date_is_new_to_both() -> None:
    """A model of today is held to refits of its recipe: one of shuffled labels is not its like."""
    ledger = small_ledger()
    end = ledger.manifest.known_through
    dates = [str(judged().past.as_of.max().date())]
    bad = model_on(shuffled(judged().past), trained_until=end, as_of_dates=dates)
    rows = gather_rows(ledger, bad, None)
    assert rows.how == REFITTED
    assert rows.registered is not None
    assert rows.test.as_of.nunique() >= 3
    rules, _ = judge_rows(rows, bad, np.random.default_rng(1))
    names = [rule.name for rule in rules if not rule.holds]
    assert "the registered model is what its recipe makes, all items" in names
    assert "log-loss below the roll-rate matrix's" not in names


def test_rolling_back_is_one_command(
    home: Home, worse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The champion before serves again; every move is in the log with who and why."""
    promote(home, "1", who="kim", now=NOW)
    promote(home, worse, force_reason="try it", who="kim", now=NOW)
    assert alias_version(home, CHAMPION) == worse
    monkeypatch.setenv("ROLLRISK_HOME", str(home.path))
    answer = CliRunner().invoke(main, ["rollback", "--reason", "it was worse"])
    assert answer.exit_code == 0, answer.output
    assert f"Version 1 is the champion again instead of {worse}" in answer.output
    assert alias_version(home, CHAMPION) == "1"
    log = champion_log(home)
    assert [(entry["move"], entry["version"]) for entry in log][-3:] == [
        ("promote", "1"),
        ("promote", worse),
        ("roll back", "1"),
    ]
    assert log[-1]["why"] == "it was worse"
    assert log[-2] == {
        "move": "promote",
        "version": worse,
        "at": "2025-01-02T03:04:05+00:00",
        "who": "kim",
        "why": "try it",
    }
    with pytest.raises(NoModelError, match="no champion before this one"):
        roll_back(home)
