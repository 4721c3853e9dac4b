"""Tests of monitoring where models took turns: figures of all, and whose scores are judged."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from models.home import Home
from tests.trained import Installation
from training.monitor import Monitoring, models_named, run_monitor
from training.monitor_checks import ALL, FRESH, OWN
from training.monitor_page import gauges, monitor_html
from training.monitor_scores import past_scorings, scored_items

UNWORKED = "unworked USD"


@pytest.fixture(scope="module")
def home(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Scored by model 1 60 days ago, and by model 2, the same trees, 45 days ago."""
    from serving.batch import score_batch
    from serving.policy import read_policy

    home = Home(path=tmp_path_factory.mktemp("turns"))
    for version, days in (("1", 60), ("2", 45)):
        score_batch(
            installation.ledger,
            installation.ledger.manifest.known_through - timedelta(days=days),
            replace(installation.trained.bundle, version=version),
            read_policy(),
            home,
            ledger_path=installation.ledger_path,
            model_reference=version,
        )
    return home


@pytest.fixture(scope="module")
def today(installation: Installation) -> date:
    """The last day of the books: the scores of both models have matured."""
    return installation.ledger.manifest.known_through


@pytest.fixture(scope="module")
def before(today: date) -> date:
    """Ten days before: only the scores of model 1 have matured."""
    return today - timedelta(days=10)


@pytest.fixture(scope="module")
def older_only(home: Home, installation: Installation, before: date) -> Monitoring:
    """The monitoring when only the older model's scores have matured."""
    return run_monitor(home, installation.ledger, as_of=before, draws=40)


@pytest.fixture(scope="module")
def both(home: Home, installation: Installation) -> Monitoring:
    """The monitoring when the scores of both have matured."""
    return run_monitor(home, installation.ledger, draws=40)


def with_facts(home: Home, target: Path, version: str, **facts: object) -> Home:
    """Return a copy of a home in which a model has other facts."""
    shutil.copytree(home.snapshots, target / "snapshots")
    for path in target.glob(f"snapshots/*-m{version}-*/model/bundle.json"):
        content = json.loads(path.read_text("utf-8"))
        content["facts"] |= facts
        path.write_text(json.dumps(content), "utf-8")
    return Home(path=target)


def sums(found: Monitoring, groups: Sequence[str]) -> tuple[int, float]:
    """Return rows and expected of all models' matured scores in the groups."""
    figures = [found.outcomes["30"][group] for group in groups]
    return sum(one.rows for one in figures), sum(one.expected for one in figures)


def test_scores_of_an_earlier_model_that_matured_are_there_and_named(
    older_only: Monitoring, home: Home, before: date
) -> None:
    """Model 2 serves; the outcomes are those of every item that model 1 scored."""
    assert older_only.model_version == "2"
    assert older_only.models["30"] == ("1",)
    items = scored_items(past_scorings(home, before)[0])
    rows, expected = sums(older_only, list(older_only.outcomes["30"]))
    assert rows == len(items)
    assert expected == pytest.approx(items["p_open_30"].sum())
    assert any(
        "scores by model 1. Those of model 2, the newest, have not matured yet." in note
        for note in older_only.notes
    )


def test_outcomes_of_one_model_are_not_shown_twice(older_only: Monitoring) -> None:
    """Figures by model stand only where there is more than one."""
    assert older_only.outcomes_by_model == {"30": {}, "7": {}, "14": {}}


def test_first_outcomes_are_of_whoever_scored(older_only: Monitoring) -> None:
    """What has not matured yet was scored by model 2 alone, which they are judged as."""
    assert older_only.models["7"] == older_only.models["14"] == ("2",)
    assert set(older_only.judged_on["14"].values()) == {OWN}


def test_outcomes_that_the_newest_model_learnt_from_ask_for_nothing(
    older_only: Monitoring,
    home: Home,
    installation: Installation,
    before: date,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Model 2 was trained on all of them: out of bounds they are seen."""
    assert older_only.judged_on["30"][UNWORKED] == ALL
    monkeypatch.setattr("training.monitor_checks.RATIO_BOUNDS", (5.0, 6.0))
    found = run_monitor(home, installation.ledger, as_of=before, draws=40)
    matured = [check for check in found.checks if "staying open" in check.name]
    assert {check.state for check in matured if check.group == UNWORKED} == {"seen"}
    assert not any("staying open" in reason for reason in found.reasons)
    assert any("what all models expected; " in check.sentence for check in matured)


def test_outcomes_of_earlier_scores_that_are_new_to_the_newest_model_ask(
    home: Home,
    installation: Installation,
    before: date,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Model 2 was trained before they were known; what collectors were given was wrong."""
    old = with_facts(home, tmp_path, "2", trained_until=str(before - timedelta(days=40)))
    monkeypatch.setattr("training.monitor_checks.RATIO_BOUNDS", (5.0, 6.0))
    found = run_monitor(old, installation.ledger, as_of=before, draws=40)
    assert found.judged_on["30"][UNWORKED] == FRESH
    assert any("on outcomes that the newest has not learnt from" in one for one in found.reasons)


def test_a_model_with_enough_matured_scores_is_judged_on_its_own(both: Monitoring) -> None:
    """Figures are of both models; the checks are of model 2's."""
    assert both.models["30"] == ("1", "2")
    assert both.judged_on["30"][UNWORKED] == OWN
    own = both.outcomes_by_model["30"]["2"][UNWORKED]
    check = next(
        check
        for check in both.checks
        if check.group == UNWORKED and check.name.startswith("items staying open")
    )
    assert check.value == own.items.value
    assert check.scores == OWN


def test_figures_by_model_add_up_to_those_of_all(both: Monitoring) -> None:
    """Rows, unresolved and expected of each group."""
    models = both.outcomes_by_model["30"]
    assert list(models) == ["1", "2"]
    for group, figures in both.outcomes["30"].items():
        parts = [own[group] for own in models.values() if group in own]
        assert sum(part.rows for part in parts) == figures.rows
        assert sum(part.unresolved for part in parts) == figures.unresolved
        assert sum(part.expected for part in parts) == pytest.approx(figures.expected)


def test_too_few_own_scores_leave_the_judgement_to_those_of_all(
    both: Monitoring,
    home: Home,
    installation: Installation,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where one outcome more is asked for than model 2 has, both models' are judged."""
    own = both.outcomes_by_model["30"]["2"][UNWORKED]
    least = min(own.expected, own.rows - own.expected) + 1
    monkeypatch.setattr("training.monitor_checks.MIN_EXPECTED", least)
    found = run_monitor(home, installation.ledger, draws=40)
    assert found.judged_on["30"][UNWORKED] == ALL
    states = {check.state for check in found.checks if check.group == UNWORKED}
    assert "holds" in states


def test_scores_are_held_against_the_test_windows_of_the_models_that_made_them(
    home: Home, installation: Installation, before: date, tmp_path: Path
) -> None:
    """Model 1's window says 2.00; model 2's own ratio has no part in the bound."""
    facts = json.loads(json.dumps(installation.trained.bundle.facts, default=str))
    usual = facts["monitor"]["outcomes"]["30"][UNWORKED]
    usual["items"]["value"] = 2.0
    odd = with_facts(home, tmp_path, "1", monitor=facts["monitor"])
    found = run_monitor(odd, installation.ledger, as_of=before, draws=40)
    bounds = {
        check.name: check.bound
        for check in found.checks
        if check.group == UNWORKED and check.scores == ALL
    }
    assert bounds["items staying open, realised ÷ expected"] == "1.60 to 2.50"


def test_the_window_of_two_models_weighs_by_what_each_expected(
    both: Monitoring,
    home: Home,
    installation: Installation,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ratios of 2 and of the other model's, by the unresolved items that each expected."""
    facts = json.loads(json.dumps(installation.trained.bundle.facts, default=str))
    usual = facts["monitor"]["outcomes"]["30"][UNWORKED]
    known = usual["items"]["value"]
    usual["items"]["value"] = 2.0
    first, second = (both.outcomes_by_model["30"][one][UNWORKED].expected for one in ("1", "2"))
    ratio = (2.0 * first + known * second) / (first + second)
    monkeypatch.setattr("training.monitor_checks.MIN_EXPECTED", 10**6)
    odd = with_facts(home, tmp_path, "1", monitor=facts["monitor"])
    found = run_monitor(odd, installation.ledger, draws=10)
    check = next(
        check
        for check in found.checks
        if check.group == UNWORKED and check.name.startswith("items staying open")
    )
    assert check.bound == f"{0.8 * ratio:.2f} to {1.25 * ratio:.2f}"


def test_page_json_and_gauges_say_whose_scores_they_are_of(both: Monitoring) -> None:
    """The page lists each model and whose scores each rule judged; HELP names the population."""
    page = monitor_html(both)
    assert "Scores by models 1 and 2." in page
    assert f"{UNWORKED}, model 1" in page
    assert f"<td>{UNWORKED}</td><td>{OWN}</td>" in page
    content = json.loads(json.dumps(both.to_json(), allow_nan=False))
    assert content["models"]["30"] == ["1", "2"]
    assert content["judged_on"]["30"][UNWORKED] == OWN
    assert content["outcomes_by_model"]["30"]["1"][UNWORKED]["rows"] > 0
    judged = {check["group"]: check["scores"] for check in content["checks"]}
    assert judged[UNWORKED] == OWN
    text = gauges(both)
    for name in ("items_realised_over_expected", "scored_log_loss", "captured_dollars_share"):
        line = next(one for one in text.splitlines() if one.startswith(f"# HELP rollrisk_{name} "))
        assert line.endswith("of all past scorings, whatever model made them.")


def test_models_are_listed_as_people_do() -> None:
    """One, two, three."""
    assert models_named(["7"]) == "model 7"
    assert models_named(["7", "8"]) == "models 7 and 8"
    assert models_named(["7", "8", "9"]) == "models 7, 8 and 9"
