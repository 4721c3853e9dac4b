"""Tests of retraining under a scheduler: locked, idempotent, resumable, never half registered."""

import errno
import fcntl
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

import training.retrain
from features.ledger.manifest import LedgerError
from models.home import Home
from models.registry import (
    CHALLENGER,
    CHAMPION,
    alias_version,
    champion_log,
    connect,
    find_version,
    make_champion,
    newest_version,
    roll_back,
    store_verdict,
)
from tests.trained import Installation, quiet_mlflow
from training.config import ConfigError
from training.gate import Verdict, judge
from training.recipe import Trained
from training.retrain import (
    BROKEN,
    BUSY,
    DONE,
    KEY_TAG,
    REFUSED,
    USAGE,
    Plan,
    main,
    read_plan,
    retrain,
)
from training.tracking import log_training, write_training

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
        assert main(["--config", str(config)]) == BROKEN
    output = capsys.readouterr()
    first = json.loads(output.out.splitlines()[-1])
    assert first["outcome"] == "failed"
    assert first["message"] == "ConnectionError: the database went away"
    assert output.err.splitlines()[-1] == first["message"]
    assert newest_version(home) is None
    assert alias_version(home, CHALLENGER) is None

    assert main(["--config", str(config)]) == DONE
    second = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (second["outcome"], second["resumed"], second["version"]) == ("registered", True, "1")
    assert alias_version(home, CHALLENGER) == "1"
    assert find_version(home, KEY_TAG, second["key"]) == "1"
    tags = connect(home).get_model_version("roll-risk", "1").tags
    assert tags["ledger_digest"] == installation.ledger.digest
    assert tags["ledger_folder"] == str(ledger)
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


@pytest.mark.parametrize("text", [None, "{", '{"format": 1, "known_through": "yesterday"}'])
def test_a_ledger_that_cannot_be_read_is_refused(
    home: Home, tmp_path: Path, text: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    """With code 1; and the lock is free again for the next run."""
    (tmp_path / "ledger").mkdir()
    if text is not None:
        (tmp_path / "ledger" / "ledger.json").write_text(text, "utf-8")
    plan = Plan(ledger=tmp_path / "ledger", recipe=read_plan_recipe())
    with pytest.raises(LedgerError, match=str(tmp_path / "ledger")):
        retrain(home, plan, now=NOW)
    config = write_config(tmp_path, '[retrain]\nledger = "ledger"\nrecipe = "quick"\n')
    assert main(["--config", str(config)]) == REFUSED
    assert json.loads(capsys.readouterr().out)["outcome"] == "refused"


def test_a_database_that_cannot_be_read_is_no_refusal(
    home: Home, installation: Installation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line of JSON comes whatever broke; the traceback stands beside it."""
    config = write_config(tmp_path, f'[retrain]\nledger = "{installation.ledger_path.resolve()}"\n')
    home.path.mkdir()
    (home.path / "mlflow.db").mkdir()
    assert main(["--config", str(config)]) == BROKEN
    output = capsys.readouterr()
    assert json.loads(output.out.splitlines()[-1])["outcome"] == "failed"
    assert "unable to open database file" in output.out
    assert output.err.startswith("Traceback")


@pytest.mark.parametrize(
    "error",
    [
        KeyError("days"),
        ValueError("shapes differ"),
        OSError(errno.ENOSPC, "No space left on device"),
    ],
)
@pytest.mark.usefixtures("home")
def test_a_fault_of_the_program_is_no_refusal(
    installation: Installation,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
) -> None:
    """Only the data and the gate say no."""

    def fail(*_: object, **__: object) -> Trained:
        raise error

    monkeypatch.setattr(training.retrain, "train_to_register", fail)
    config = write_config(tmp_path, f'[retrain]\nledger = "{installation.ledger_path.resolve()}"\n')
    assert main(["--config", str(config)]) == BROKEN
    said = json.loads(capsys.readouterr().out)
    assert (said["outcome"], said["code"]) == ("failed", 70)
    assert said["message"] == f"{type(error).__name__}: {error}"


def test_a_promotion_that_broke_off_is_finished_and_a_roll_back_is_left_alone(
    home: Home,
    installation: Installation,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The verdict of the second version is stored, the champion is the first still."""
    monkeypatch.setattr(
        training.retrain, "train_to_register", lambda *_, **__: installation.trained
    )
    write_training(installation.trained, tmp_path / "training")
    log_training(home, tmp_path / "training")
    make_champion(home, "1")
    section = f'[retrain]\nledger = "{installation.ledger_path.resolve()}"\nrecipe = "quick"\n'
    config = ["--config", str(write_config(tmp_path, f"{section}promote = false\n"))]
    assert main(config) == DONE
    rules = judge(installation.trained.metrics)
    verdict = Verdict(version="2", rules=rules, champion="1", at="2025-01-02T00:00:00+00:00")
    assert verdict.promoted
    store_verdict(home, "2", json.dumps(verdict.to_json()))
    assert alias_version(home, CHAMPION) == "1"

    write_config(tmp_path, section)
    capsys.readouterr()
    assert main(config) == DONE
    said = json.loads(capsys.readouterr().out)
    assert (said["outcome"], said["resumed"]) == ("promoted", True)
    assert said["version"] == said["champion"] == alias_version(home, CHAMPION) == "2"
    assert champion_log(home)[-1]["at"] == verdict.at

    assert roll_back(home) == ("2", "1")
    assert main(config) == DONE
    said = json.loads(capsys.readouterr().out)
    assert (said["outcome"], said["champion"]) == ("unchanged", "1")
    assert alias_version(home, CHAMPION) == "1"


def read_plan_recipe() -> training.retrain.TrainingConfig:
    """The quick recipe."""
    from training.config import read_config

    return read_config("quick")
