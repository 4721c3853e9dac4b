"""Tests of retraining under a scheduler: locked, idempotent, resumable, never half registered."""

import fcntl
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

import training.retrain
from models.home import Home
from models.registry import CHALLENGER, alias_version, connect, find_version, newest_version
from tests.trained import Installation, quiet_mlflow
from training.config import ConfigError
from training.recipe import Trained
from training.retrain import BUSY, DONE, KEY_TAG, USAGE, Plan, main, read_plan, retrain

NOW = datetime(2025, 1, 2, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """An empty home, named by the environment."""
    quiet_mlflow()
    monkeypatch.setenv("ROLLRISK_HOME", str(tmp_path / "home"))
    return Home(path=tmp_path / "home")


def write_config(tmp_path: Path, text: str) -> Path:
    """Write a configuration file."""
    path = tmp_path / "retrain.toml"
    path.write_text(text, "utf-8")
    return path


def test_a_broken_run_goes_on_and_the_same_ledger_is_trained_once(
    home: Home,
    installation: Installation,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A crash while registering leaves no version; the next run resumes; a third does nothing."""
    ledger = installation.ledger_path.resolve()
    config = write_config(
        tmp_path, f'[retrain]\nledger = "{ledger}"\nrecipe = "quick"\npromote = false\n'
    )
    trained: list[int] = []

    def once(*_: object, **__: object) -> Trained:
        trained.append(1)
        return installation.trained

    monkeypatch.setattr(training.retrain, "train_to_register", once)
    with monkeypatch.context() as broken:
        import mlflow

        def crash(*_: object, **__: object) -> None:
            raise ConnectionError("the database went away")

        broken.setattr(mlflow, "register_model", crash)
        with pytest.raises(ConnectionError):
            main(["--config", str(config)])
    assert newest_version(home) is None
    assert alias_version(home, CHALLENGER) is None

    assert main(["--config", str(config)]) == DONE
    second = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (second["outcome"], second["resumed"], second["version"]) == ("registered", True, "1")
    assert alias_version(home, CHALLENGER) == "1"
    assert find_version(home, KEY_TAG, second["key"]) == "1"
    tags = connect(home).get_model_version("roll-risk", "1").tags
    assert tags["ledger_digest"] == installation.ledger.digest
    assert len(tags["config_digest"]) == 16
    assert not list((home.path / "retrain").iterdir())

    assert main(["--config", str(config)]) == DONE
    third = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (third["outcome"], third["version"]) == ("unchanged", "1")
    assert newest_version(home) == "1"
    assert len(trained) == 1


def test_a_second_run_waits_outside(
    home: Home, installation: Installation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """While another process holds the home, the code says: try again later."""
    home.path.mkdir()
    config = write_config(tmp_path, f'[retrain]\nledger = "{installation.ledger_path.resolve()}"\n')
    with (home.path / "retrain.lock").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        assert main(["--config", str(config)]) == BUSY
    assert json.loads(capsys.readouterr().out)["outcome"] == "busy"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("seed = 1\n", "needs ledger"),
        ('[retrain]\nledger = "nowhere"\n', "is no folder"),
        ('[retrain]\nledger = "."\npromot = true\n', "unknown keys"),
        ('[retrain]\nledger = "."\npromote = 1\n', "must be true or false"),
        ('seed = 1\n[retrain]\nledger = "."\nrecipe = "quick"\n', "Keep one"),
        ("[retrain\n", "not valid TOML"),
    ],
)
def test_wrong_configurations_are_wrong_usage(
    tmp_path: Path, text: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Code 2, and the line of JSON says what is wrong."""
    config = write_config(tmp_path, text)
    with pytest.raises(ConfigError, match=words):
        read_plan(config)
    assert main(["--config", str(config)]) == USAGE
    assert words in json.loads(capsys.readouterr().out)["message"]


def test_a_ledger_that_cannot_be_read_is_refused(home: Home, tmp_path: Path) -> None:
    """And the lock is free again for the next run."""
    (tmp_path / "ledger").mkdir()
    plan = Plan(ledger=tmp_path / "ledger", recipe=read_plan_recipe())
    for _ in range(2):
        with pytest.raises(ValueError, match=r"ledger\.json"):
            retrain(home, plan, now=NOW)


def read_plan_recipe() -> training.retrain.TrainingConfig:
    """The quick recipe."""
    from training.config import read_config

    return read_config("quick")
