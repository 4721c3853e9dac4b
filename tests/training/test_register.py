"""Tests of registering: what MLflow knows of a training, and who becomes champion."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import mlflow
import pytest

from features.ledger.read import Ledger
from models.home import Home
from models.registry import CHALLENGER, CHAMPION, alias_version, connect, recorded_ledger
from tests.trained import Installation, small_config
from training.config import TreeConfig
from training.recipe import MODEL
from training.register import Registration, train_and_register
from training.tracking import EXPERIMENT, has_champion


def test_the_first_model_that_beats_all_baselines_is_champion(installation: Installation) -> None:
    """And says so, as the newest version and challenger."""
    assert installation.registration.became_champion
    assert alias_version(installation.home, CHAMPION) == "1"
    assert alias_version(installation.home, CHALLENGER) == "1"
    assert "it beats all baselines and is the first champion" in installation.registration.sentence


def test_a_later_model_stays_challenger(
    installation: Installation, simulated_ledger: Ledger, tmp_path: Path
) -> None:
    """There is a champion already, whatever the new one shows; the gate will find its ledger."""
    home = Home(path=tmp_path / "home")
    home.path.mkdir()
    shutil.copy(installation.home.path / "mlflow.db", home.path)
    config = replace(small_config(), trees=TreeConfig(rounds=5, num_leaves=4))
    later = train_and_register(simulated_ledger, config, home, ledger_folder=Path("books"))
    assert (later.version, later.became_champion) == ("2", False)
    assert alias_version(home, CHAMPION) == "1"
    assert alias_version(home, CHALLENGER) == "2"
    assert has_champion(home)
    assert recorded_ledger(home, "1") is None
    assert recorded_ledger(home, "2") == Path("books").resolve()


def test_a_good_challenger_is_told_how_to_be_promoted(installation: Installation) -> None:
    """The sentence names the command and the version."""
    later = Registration(trained=installation.trained, version="2", became_champion=False)
    assert later.sentence.endswith("Promote it with `rollrisk promote --version 2`.")


def test_a_model_that_loses_says_that_the_gate_will_refuse_it(installation: Installation) -> None:
    """No promise of a promotion that cannot come."""
    metrics = {**installation.trained.metrics}
    metrics[MODEL] = {**metrics[MODEL], "log_loss": 9.0}
    losing = Registration(
        trained=replace(installation.trained, metrics=metrics), version="2", became_champion=False
    )
    assert "`rollrisk promote` will refuse it" in losing.sentence


def test_the_run_holds_parameters_metrics_and_lineage(installation: Installation) -> None:
    """Everything a reader of MLflow asks: with what, on what, how good beside whom."""
    client = connect(installation.home)
    version = client.get_model_version("roll-risk", "1")
    run = client.get_run(version.run_id)
    assert client.get_experiment(run.info.experiment_id).name == EXPERIMENT
    assert run.data.tags["ledger_digest"] == installation.ledger.digest
    assert run.data.tags["bundle_digest"] == installation.trained.bundle.version
    assert run.data.params["trees.num_leaves"] == "8"
    rounds = installation.trained.bundle.facts["rounds"]["step_1"]
    assert run.data.params["rounds.step_1"] == str(rounds)
    for name, row in installation.trained.metrics.items():
        prefix = "" if name == MODEL else name.replace(" ", "_").replace("-", "_") + "."
        assert run.data.metrics[f"{prefix}log_loss"] == pytest.approx(row["log_loss"])
    assert run.info.status == "FINISHED"


def test_the_run_holds_its_files(installation: Installation) -> None:
    """The feature schema, the windows and a reliability plot lie beside the model."""
    run = connect(installation.home).get_model_version("roll-risk", "1").run_id
    folder = Path(mlflow.artifacts.download_artifacts(run_id=run))
    windows = json.loads((folder / "data.json").read_text())["windows"]
    assert set(windows) == {"fit", "stop", "recalibrate", "test"}
    assert json.loads((folder / "feature_schema.json").read_text())["days_past_due"]
    assert (folder / "plots" / "reliability.png").read_bytes().startswith(b"\x89PNG")
