"""Tests of a home that is moved: its models are found, scored and promoted from the new place."""

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from models.bundle import bundle_digest
from models.home import Home
from models.moved_home import ADDRESSES, follow_move
from models.registry import (
    CHAMPION,
    NAME,
    alias_version,
    connect,
    load_model,
    make_champion,
    roll_back,
)
from tests.trained import Installation


@pytest.fixture
def moved(installation: Installation, tmp_path: Path) -> Home:
    """The home, copied to a folder whose database still points at a place that is gone."""
    shutil.copytree(installation.home.path, tmp_path / "old place")
    home = Home(path=tmp_path / "old place")
    _point(home, installation.home.artifacts.resolve().as_uri(), home.artifacts.resolve().as_uri())
    (tmp_path / "old place").rename(tmp_path / "new place")
    return Home(path=tmp_path / "new place")


def _point(home: Home, old: str, new: str) -> None:
    """Make the copied database the one of its folder, as training there would have left it."""
    with sqlite3.connect(home.path / "mlflow.db") as database:
        for table, column in ADDRESSES:
            database.execute(f"update {table} set {column} = replace({column}, ?, ?)", (old, new))  # noqa: S608


def addresses(home: Home) -> list[str]:
    """Return every address of the database that names a folder of artifacts."""
    with sqlite3.connect(home.path / "mlflow.db") as database:
        rows = [
            value
            for table, column in ADDRESSES
            for (value,) in database.execute(f"select {column} from {table}")  # noqa: S608
        ]
    return [value for value in rows if value and "/artifacts" in value]


def test_a_moved_home_scores_and_rolls_back(installation: Installation, moved: Home) -> None:
    """Both versions have the content of the one that was trained."""
    client = connect(moved)
    one = client.get_model_version(NAME, "1")
    two = client.create_model_version(NAME, source=one.source, run_id=one.run_id)
    make_champion(moved, str(two.version))
    for version in ("1", "2"):
        assert bundle_digest(load_model(moved, version)) == installation.trained.bundle.version
    assert roll_back(moved) == ("2", "1")
    assert alias_version(moved, CHAMPION) == "1"


def test_a_moved_home_promotes_in_the_new_place(moved: Home) -> None:
    """The verdict of the gate is written there, by a process that never saw the old place."""
    command = ["promote", "--version", "1", "--force", "--reason", "the home was moved"]
    done = subprocess.run(
        [sys.executable, "-m", "serving.cli", *command],
        env=os.environ | {"ROLLRISK_HOME": str(moved.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert list(moved.artifacts.rglob("version-1.json"))
    assert [path.name for path in moved.path.parent.iterdir()] == ["new place"]


def test_every_address_follows_once(moved: Home) -> None:
    """All columns at once; a second call has nothing left to do."""
    there = (moved.path.parent / "old place" / "artifacts").as_uri()
    assert all(value.startswith(there) for value in addresses(moved))
    assert follow_move(moved) == there
    here = moved.artifacts.resolve().as_uri()
    found = addresses(moved)
    assert len(found) >= 4
    assert all(value.startswith(here) for value in found)
    assert follow_move(moved) is None


def test_a_copy_beside_its_original_stays_as_it_is(moved: Home) -> None:
    """While something stands at the old place, nobody can tell which of the two was meant."""
    (moved.path.parent / "old place" / "artifacts").mkdir(parents=True)
    before = addresses(moved)
    assert follow_move(moved) is None
    assert addresses(moved) == before


def test_a_store_that_the_user_named_is_left_alone(
    moved: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the home's own file is mended, never one of ``MLFLOW_TRACKING_URI``."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{moved.path / 'mlflow.db'}")
    before = addresses(moved)
    connect(moved)
    assert addresses(moved) == before


def test_a_home_without_a_registry_is_left_alone(tmp_path: Path) -> None:
    """Nothing to follow, and no file is made; an empty database is no error."""
    home = Home(path=tmp_path)
    assert follow_move(home) is None
    assert not list(tmp_path.iterdir())
    home.artifacts.mkdir()
    sqlite3.connect(tmp_path / "mlflow.db").close()
    assert follow_move(home) is None
