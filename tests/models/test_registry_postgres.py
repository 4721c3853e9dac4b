"""Tests of the registry in a real PostgreSQL: register, promote, roll back, load."""

from collections.abc import Iterator
from importlib.metadata import version as installed
from pathlib import Path

import pytest

from models.bundle import bundle_digest
from models.home import TRACKING_VARIABLE, Home
from models.registry import (
    CHALLENGER,
    CHAMPION,
    NAME,
    alias_version,
    champion_log,
    connect,
    find_version,
    load_model,
    make_champion,
    newest_version,
    roll_back,
)
from tests.features.sources.postgres import postgres
from tests.trained import Installation, quiet_mlflow
from training.tracking import log_training, write_training


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """A home whose tracking store is a PostgreSQL server."""
    quiet_mlflow()
    with postgres() as url:
        monkeypatch.setenv(TRACKING_VARIABLE, url.render_as_string(hide_password=False))
        yield Home(path=tmp_path / "home")


def test_a_training_is_kept_and_found_in_postgresql(
    installation: Installation, home: Home, tmp_path: Path
) -> None:
    """Two versions with aliases, digests as tags, requirements and signature; no file of SQLite."""
    write_training(installation.trained, tmp_path / "training")
    first = log_training(home, tmp_path / "training")
    second = log_training(home, tmp_path / "training", tags={"asked_by": "tester"})
    assert (first.version, second.version) == ("1", "2")
    assert newest_version(home) == alias_version(home, CHALLENGER) == "2"
    make_champion(home, "1")
    make_champion(home, "2")
    assert roll_back(home) == ("2", "1")
    assert alias_version(home, CHAMPION) == "1"
    bundle = load_model(home, f"models:/{NAME}@{CHAMPION}")
    trained = installation.trained.bundle
    assert bundle_digest(bundle) == trained.version
    assert find_version(home, "asked_by", "tester") == "2"

    tags = connect(home).get_model_version(NAME, "2").tags
    assert tags["ledger_digest"] == trained.facts["ledger_digest"]
    assert tags["config_digest"] == trained.facts["config_digest"]
    assert tags["feature_digest"] == trained.feature_digest
    assert tags["bundle_digest"] == trained.version
    import mlflow

    info = mlflow.models.get_model_info(f"models:/{NAME}/1")
    assert info.signature.outputs.input_names()[0] == "p_open_7"
    [requirements] = {path.read_text() for path in home.artifacts.rglob("requirements.txt")}
    assert f"rollrisk=={installed('rollrisk')}" in requirements.splitlines()
    assert not list(home.path.glob("*.db"))


def test_sixty_moves_with_long_reasons_are_kept_in_postgresql(home: Home) -> None:
    """Each has its own place; the sixty-first goes back to the version before."""
    client = connect(home)
    client.create_registered_model(NAME)
    for _ in range(2):
        client.create_model_version(NAME, source="file:///srv/model")
    for number in range(60):
        make_champion(home, str(1 + number % 2), who="kim", why=f"move {number}: " + "ä" * 9000)
    log = champion_log(home)
    assert [move["why"].split(":")[0] for move in log] == [f"move {n}" for n in range(60)]
    assert roll_back(home, why="it was worse") == ("2", "1")
    assert alias_version(home, CHAMPION) == "1"
    assert champion_log(home)[:60] == log
    assert champion_log(home)[60]["why"] == "it was worse"
