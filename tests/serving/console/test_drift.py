"""The model page shows what the newest monitoring found, and says how to make one."""

import json
import re
import shutil
from pathlib import Path

import pytest

from features.ledger.read import open_ledger
from models.home import Home
from serving.console.drift import Monitored, read_drift
from serving.console.model import Registry, model_view
from serving.console.render import render
from serving.console.served import Served
from tests.serving.conftest import Installation
from training.monitor import Monitoring, run_monitor
from training.monitor_page import write_monitoring


@pytest.fixture(scope="module")
def home(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home of its own with the published snapshot."""
    made = Home(path=tmp_path_factory.mktemp("monitored"))
    shutil.copytree(installation.snapshot, made.snapshots / installation.snapshot.name)
    return made


@pytest.fixture(scope="module")
def found(home: Home, installation: Installation) -> Monitoring:
    """A real monitoring, written into the home as the command writes it."""
    made = run_monitor(home, open_ledger(installation.ledger), draws=40)
    write_monitoring(made, home.path / "monitor")
    return made


def page(served: Served, monitored: Monitored) -> str:
    """Return the text of the model page."""
    html = render(
        "model",
        view=model_view(served, Registry(versions=()), monitored),
        manifest=served.pair.manifest,
        page="model",
        path="/model",
        reader="ann",
        token="",
        currencies=served.currencies,
        currency="",
    )
    return re.sub(r"<[^>]+>", " ", html)


def monitored(home: Home, served: Served) -> Monitored:
    """Return what the page reads of a home."""
    manifest = served.pair.manifest
    return read_drift(home, manifest.model_version, manifest.as_of)


def test_the_page_shows_what_the_monitor_found(
    found: Monitoring, home: Home, served: Served
) -> None:
    """Index, critical value and verdict of the score and of what moved most, group by group."""
    view = monitored(home, served).view
    assert view is not None
    assert view.of_served
    assert (view.known_on, view.scored_on) == (found.known_on, found.scored_on)
    assert view.retrain_due == found.retrain_due
    assert [group.name for group in view.groups] == list(found.drifts)
    assert view.groups, "the simulated book is large enough to be judged"
    for group in view.groups:
        drifts = found.drifts[group.name]
        assert group.rows[0].name == "score"
        assert group.moved == sum(d.drifted for name, d in drifts.items() if name != "score")
        for row in group.rows:
            assert (row.psi, row.critical) == (drifts[row.name].psi, drifts[row.name].critical)
            assert row.moved == drifts[row.name].drifted
        order = [row.of_critical for row in group.rows[1:]]
        assert order == sorted(order, reverse=True)
    judged = [check for check in found.checks if check.state != "not judged"]
    assert (len(view.rules), view.unjudged) == (len(judged), len(found.checks) - len(judged))
    text = page(served, monitored(home, served))
    assert "A retrain is due." in text or "No retrain is due." in text
    assert f"{view.groups[0].rows[0].psi:.3f}" in text
    assert "None" not in text
    assert "nan" not in text


def test_a_monitoring_of_another_scoring_says_so(
    found: Monitoring, home: Home, served: Served
) -> None:
    """Figures of an older model are shown as what they are."""
    old = read_drift(home, "an older one", found.scored_on)
    assert old.view is not None
    assert not old.view.of_served
    assert "not about the served scoring" in page(served, old)


def test_without_a_monitoring_the_page_names_the_command(tmp_path: Path, served: Served) -> None:
    """An empty home has nothing to show and no error."""
    nothing = monitored(Home(path=tmp_path), served)
    assert nothing == Monitored(view=None)
    assert "rollrisk monitor LEDGER" in page(served, nothing)


@pytest.mark.parametrize("text", ["", "[]", "{}", json.dumps({"scored_on": 5})])
def test_a_broken_file_is_said(tmp_path: Path, served: Served, text: str) -> None:
    """A file cut short takes no page down."""
    (tmp_path / "monitor").mkdir()
    (tmp_path / "monitor" / "monitor.json").write_text(text)
    broken = monitored(Home(path=tmp_path), served)
    assert broken.view is None
    assert "cannot be read" in page(served, broken)
