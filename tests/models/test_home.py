"""Tests of where things live."""

from pathlib import Path

import pytest

from models.home import Home, read_home


def test_everything_lives_in_the_home_folder(tmp_path: Path) -> None:
    """Every path is a child; nothing is made by naming it."""
    home = Home(path=tmp_path / "home")
    for path in (home.artifacts, home.snapshots, home.keys, home.audit):
        assert path.parent == home.path
    assert not home.path.exists()


def test_the_environment_names_the_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """ROLLRISK_HOME, else .rollrisk where the command runs."""
    monkeypatch.setenv("ROLLRISK_HOME", str(tmp_path))
    assert read_home().path == tmp_path
    monkeypatch.delenv("ROLLRISK_HOME")
    assert read_home().path == Path(".rollrisk")


def test_a_tracking_server_of_the_environment_wins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """MLFLOW_TRACKING_URI, else SQLite in the home."""
    home = Home(path=tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert home.tracking_uri == f"sqlite:///{tmp_path.resolve()}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://books")
    assert home.tracking_uri == "postgresql://books"
