"""Tests of monitoring on a real home: two scorings, their model, and what became of the items."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from features.ledger.read import Ledger
from features.outcomes import outcome_frame, unresolved
from models.home import Home
from models.snapshot import NoSnapshotError
from serving.cli import main
from tests.trained import Installation
from training.monitor import Monitoring, run_monitor, training_ranges, used_features
from training.monitor_page import gauges, monitor_html, write_monitoring
from training.monitor_scores import past_scorings, scored_items


@pytest.fixture(scope="module")
def found(scored_home: Home, installation: Installation) -> Monitoring:
    """The monitoring of the home with two scorings."""
    return run_monitor(scored_home, installation.ledger, draws=60)


def test_matured_outcomes_are_those_of_the_ledger(
    found: Monitoring, scored_home: Home, installation: Installation
) -> None:
    """Rows and unresolved items of all groups are those of the matured scoring, no others."""
    last = installation.ledger.manifest.known_through
    day = last - timedelta(days=45)
    scoring = next(s for s in past_scorings(scored_home, last) if s.manifest.as_of == day)
    items = scored_items(scoring)
    items["as_of"] = pd.to_datetime(items["as_of"])
    outcomes = outcome_frame(installation.ledger, [day])
    rows = items.merge(outcomes, on=["as_of", "account_id", "invoice_id"])
    assert len(rows) == len(items) > 0
    groups = found.outcomes["30"].values()
    assert sum(group.rows for group in groups) == len(rows)
    still = int(np.sum(unresolved(rows["outcome_30"])))
    assert sum(group.unresolved for group in groups) == still > 0
    assert sum(group.expected for group in groups) == pytest.approx(rows["p_open_30"].sum())


def test_early_outcomes_are_of_scorings_that_have_not_matured(found: Monitoring) -> None:
    """A scoring of 14 days ago has its first 7 days known, its 14 not: returns may come."""
    assert found.outcomes["7"]
    assert not found.outcomes["14"]


def test_a_model_on_its_own_ledger_needs_no_retrain(found: Monitoring) -> None:
    """Nothing has changed, so nothing asks; worked and unworked stand apart."""
    assert not found.reasons, found.reasons
    assert set(found.drifts) == {"unworked", "worked"}
    assert {"unworked USD", "worked USD"} <= set(found.outcomes["30"])


def test_the_same_question_has_the_same_answer(
    found: Monitoring, scored_home: Home, installation: Installation
) -> None:
    """Intervals and critical values come from one seed."""
    again = run_monitor(scored_home, installation.ledger, draws=60)
    assert again.to_json() == found.to_json()


def test_nothing_after_the_day_is_known(scored_home: Home, installation: Installation) -> None:
    """A month before, the first scoring had 7 and 14 days behind it and no matured outcome."""
    day = installation.ledger.manifest.known_through - timedelta(days=20)
    early = run_monitor(scored_home, installation.ledger, as_of=day, draws=20)
    assert not early.outcomes["30"]
    assert early.outcomes["14"]
    assert early.scored_on == day - timedelta(days=25)
    assert any("early warning" in note for note in early.notes)


def test_a_world_that_pays_otherwise_is_noticed(scored_home: Home, unpaid: Ledger) -> None:
    """When most cash of the last weeks never came, the unworked ask, and say so."""
    found = run_monitor(scored_home, unpaid, draws=60)
    assert found.retrain_due
    assert any("items staying open were" in reason for reason in found.reasons), found.reasons
    assert all(reason.startswith("unworked") for reason in found.reasons)
    assert "A retrain is due." in monitor_html(found)
    assert "rollrisk_retrain_due 1.0" in gauges(found)


@pytest.fixture
def unpaid(installation: Installation) -> Ledger:
    """The small ledger without four fifths of the applications of its last 60 days."""
    import pyarrow.compute as pc

    from features.ledger.read import ledger_from_rows, read_stored
    from features.ledger.tables import TABLES

    ledger = installation.ledger
    rows = {name: read_stored(TABLES[name], files[0]) for name, files in ledger.files.items()}
    limit = ledger.manifest.known_through - timedelta(days=60)
    cash = rows["applications"].drop_columns(["batch"])
    rows = {name: table.drop_columns(["batch"]) for name, table in rows.items()}
    late = pc.greater_equal(cash["applied_on"], limit)
    lost = pc.and_(late, pc.match_substring_regex(cash["invoice_id"], "[0-7]$"))
    rows["applications"] = cash.filter(pc.invert(lost))
    return ledger_from_rows(rows, replace(ledger.manifest, batches=()))


def test_scorings_from_before_an_upgrade_are_monitored(
    scored_home: Home, installation: Installation, found: Monitoring, tmp_path: Path
) -> None:
    """The newest one may have the snapshot format before this one's."""
    import shutil

    home = Home(path=tmp_path)
    shutil.copytree(scored_home.snapshots, home.snapshots)
    for path in home.snapshots.glob("[!.]*/manifest.json"):
        content = json.loads(path.read_text("utf-8"))
        path.write_text(json.dumps(content | {"format": 2}), "utf-8")
    assert run_monitor(home, installation.ledger, draws=60).to_json() == found.to_json()


def test_another_ledger_is_refused(scored_home: Home, simulated_ledger: Ledger) -> None:
    """Items that the ledger does not hold were scored from another one."""
    day = past_scorings(scored_home, simulated_ledger.manifest.known_through)[-1].manifest.as_of
    with pytest.raises(NoSnapshotError, match="Give the ledger that was scored"):
        run_monitor(scored_home, simulated_ledger, as_of=day)


def test_an_empty_home_says_what_to_do(installation: Installation, tmp_path: Path) -> None:
    """There is nothing to monitor before anything was scored."""
    with pytest.raises(NoSnapshotError, match="rollrisk score LEDGER"):
        run_monitor(Home(path=tmp_path), installation.ledger)


def test_a_model_without_reference_is_judged_by_its_outcomes(
    scored_home: Home, installation: Installation, tmp_path: Path
) -> None:
    """Models of before leave no test window to compare with; the page says what is missing."""
    import shutil

    home = Home(path=tmp_path)
    shutil.copytree(scored_home.snapshots, home.snapshots)
    for path in home.snapshots.glob("*/model/bundle.json"):
        content = json.loads(path.read_text("utf-8"))
        del content["facts"]["monitor"]
        path.write_text(json.dumps(content), "utf-8")
    found = run_monitor(home, installation.ledger, draws=20)
    assert found.outcomes["30"]
    assert not found.drifts
    assert any("left no reference" in note for note in found.notes)
    assert monitor_html(found)


def test_ranges_hold_every_training_value_and_days_may_grow(installation: Installation) -> None:
    """On the day of the newest training rows nothing in them is out of range."""
    trained = installation.trained
    last = trained.windows.test[1]
    ranges = training_ranges(trained.bundle, last)
    for name, (low, high) in ranges.items():
        values = trained.test.frame.column(name)
        known = values[~np.isnan(values)]
        assert ((known >= low) & (known <= high)).all(), name
    later = training_ranges(trained.bundle, last + timedelta(days=30))
    assert later["relationship_days"][1] == pytest.approx(ranges["relationship_days"][1] + 30)
    assert used_features(trained.bundle) <= set(trained.bundle.feature_names)


def test_the_files_say_the_same(found: Monitoring, tmp_path: Path) -> None:
    """JSON without NaN, gauges that a reader of the format understands, a page on its own."""
    write_monitoring(found, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "monitor.html",
        "monitor.json",
        "monitor.prom",
    ]
    content = json.loads((tmp_path / "monitor.json").read_text("utf-8"))
    assert content["retrain_due"] is False
    lines = (tmp_path / "monitor.prom").read_text("utf-8").splitlines()
    samples = [line for line in lines if not line.startswith("#")]
    assert all(float(line.rsplit(" ", 1)[1]) == float(line.rsplit(" ", 1)[1]) for line in samples)
    psi = (
        f'rollrisk_psi{{group="unworked",value="score"}} {found.drifts["unworked"]["score"].psi!r}'
    )
    assert psi in samples
    page = (tmp_path / "monitor.html").read_text("utf-8")
    assert "http" not in page.replace("http-equiv", "")


def test_the_command_ends_with_1_when_a_retrain_is_due(
    scored_home: Home, installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """0 while the model holds; 1 with the reasons when it does not."""
    monkeypatch.setenv("ROLLRISK_HOME", str(scored_home.path))
    arguments = ["monitor", str(installation.ledger_path), "--out", str(tmp_path)]
    calm = CliRunner().invoke(main, arguments)
    assert calm.exit_code == 0, calm.output
    assert (tmp_path / "monitor.html").is_file()
    monkeypatch.setattr("training.monitor_checks.RATIO_BOUNDS", (5.0, 6.0))
    due = CliRunner().invoke(main, arguments)
    assert due.exit_code == 1
    assert "Retrain: unworked USD" in due.output
