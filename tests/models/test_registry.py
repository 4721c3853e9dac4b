"""Tests of the registry: what went in comes out, by every name, without unpickling."""

import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException

from models.bundle import Bundle, bundle_digest, write_bundle
from models.champion_moves import as_pending
from models.home import Home
from models.registry import (
    CHALLENGER,
    CHAMPION,
    NoModelError,
    alias_version,
    champion_log,
    connect,
    load_model,
    make_champion,
    newest_version,
    register_bundle,
    roll_back,
    was_champion,
)
from models.scorer import CUTS, survival_curves
from tests.trained import Installation, quiet_mlflow


@pytest.fixture
def copied(installation: Installation, tmp_path: Path) -> Home:
    """A home of its own with the same registry, to be changed at will."""
    home = Home(path=tmp_path / "home")
    home.path.mkdir()
    shutil.copy(installation.home.path / "mlflow.db", home.path)
    return home


def test_what_was_registered_is_loaded(installation: Installation) -> None:
    """The same content, under the registry's version."""
    bundle = load_model(installation.home)
    assert bundle.version == installation.registration.version == "1"
    assert bundle_digest(bundle) == installation.trained.bundle.version
    assert bundle.facts["rows"] == installation.trained.bundle.facts["rows"]


@pytest.mark.parametrize(
    "reference",
    ["1", "models:/roll-risk/1", "models:/roll-risk@champion", "models:/roll-risk@challenger"],
)
def test_a_model_answers_to_every_name(installation: Installation, reference: str) -> None:
    """Version number, URI and both aliases; the first that beats the baselines is champion."""
    assert load_model(installation.home, reference).version == "1"


def test_a_bundle_folder_is_a_reference_too(
    installation: Installation, bundle: Bundle, tmp_path: Path
) -> None:
    """A folder answers under the digest of its content."""
    write_bundle(bundle, tmp_path / "model")
    assert load_model(installation.home, str(tmp_path / "model")).version == bundle.version


def test_a_number_is_a_version_whatever_folders_stand_around(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder called 1 does not hide version 1."""
    home = Home(path=installation.home.path.resolve())
    (tmp_path / "1").mkdir()
    monkeypatch.chdir(tmp_path)
    assert load_model(home, "1").version == "1"


def test_mlflow_scores_what_the_scorer_scores(installation: Installation) -> None:
    """mlflow.pyfunc.load_model answers with the numbers of survival_curves."""
    connect(installation.home)
    import mlflow

    test = installation.trained.test
    model = mlflow.pyfunc.load_model("models:/roll-risk@champion")
    rows = pd.DataFrame(test.frame.values, columns=list(test.frame.names))
    rows["days_past_due"] = test.days_past_due
    rows["segment"] = test.segment
    answer = model.predict(rows)
    assert list(answer.columns) == [f"p_open_{days}" for days in CUTS]
    bundle = installation.trained.bundle
    expected = survival_curves(bundle, test.frame, test.segment).survival
    assert answer.to_numpy().tobytes() == np.ascontiguousarray(expected).tobytes()


def test_no_pickle_is_stored_anywhere(installation: Installation) -> None:
    """Of all files of the store only the plot is no text, and none is a pickle."""
    names = [name for _, _, files in os.walk(installation.home.artifacts) for name in files]
    assert "bundle.json" in names
    assert not [name for name in names if name.endswith((".pkl", ".pickle", ".joblib", ".bin"))]
    assert {name for name in names if name.endswith(".png")} == {"reliability.png"}


def test_an_empty_registry_has_no_model(tmp_path: Path) -> None:
    """The message names the command that trains one."""
    quiet_mlflow()
    home = Home(path=tmp_path)
    assert newest_version(home) is None
    assert alias_version(home, CHAMPION) is None
    with pytest.raises(NoModelError, match="Train one with `rollrisk train LEDGER`"):
        load_model(home)


@pytest.mark.parametrize("reference", ["99", "models:/roll-risk/99", "models:/roll-risk@nobody"])
def test_an_unknown_version_is_refused(installation: Installation, reference: str) -> None:
    """Whatever is asked for and not there, the message names the next step."""
    with pytest.raises(NoModelError, match="rollrisk train LEDGER"):
        load_model(installation.home, reference)


def test_aliases_move_and_the_newest_answers_where_there_is_no_champion(
    installation: Installation, copied: Home, matrix_bundle: Bundle
) -> None:
    """A new version is challenger at once and champion only when it is made so."""
    client = connect(copied)
    run = client.get_model_version("roll-risk", "1").run_id
    registered = register_bundle(copied, matrix_bundle, run)
    assert registered.version == newest_version(copied) == "2"
    assert alias_version(copied, CHALLENGER) == "2"
    assert alias_version(copied, CHAMPION) == "1"
    assert load_model(copied).version == "1"
    client.delete_registered_model_alias("roll-risk", CHAMPION)
    assert load_model(copied).version == "2"
    make_champion(copied, "1")
    assert load_model(copied).version == "1"
    assert load_model(installation.home, "models:/roll-risk@challenger").version == "1"


@pytest.fixture
def two(copied: Home) -> Home:
    """The home with a second version of the same model."""
    client = connect(copied)
    one = client.get_model_version("roll-risk", "1")
    client.create_model_version("roll-risk", source=one.source, run_id=one.run_id)
    return copied


def test_a_move_that_breaks_leaves_alias_and_log_in_agreement(two: Home) -> None:
    """A version that is not there never was champion; the move after it counts."""
    before = champion_log(two)
    with pytest.raises(MlflowException, match="version=9"):
        make_champion(two, "9")
    assert champion_log(two) == before
    assert alias_version(two, CHAMPION) == "1"
    assert not was_champion(two, "9")
    make_champion(two, "2")
    assert [move["version"] for move in champion_log(two)] == ["1", "2"]
    assert roll_back(two) == ("2", "1")


def test_a_move_that_broke_after_the_alias_moved_counts(two: Home) -> None:
    """And still does after the next one."""
    client = connect(two)
    entry = {"move": "promote", "version": "2", "at": "", "who": "kim", "why": ""}
    client.set_registered_model_tag("roll-risk", "champion_move.000002", as_pending(entry))
    assert not was_champion(two, "2")
    client.set_registered_model_alias("roll-risk", CHAMPION, "2")
    assert champion_log(two)[-1] == entry
    assert roll_back(two) == ("2", "1")
    assert [move["version"] for move in champion_log(two)] == ["1", "2", "1"]
    assert was_champion(two, "2")


def test_a_registry_that_cannot_be_read_is_no_empty_one(copied: Home) -> None:
    """Without an answer nobody knows who is champion."""
    assert alias_version(copied, CHAMPION) == "1"
    (copied.path / "mlflow.db").write_bytes(b"x" * 5000)
    for ask in (champion_log, roll_back, lambda home: alias_version(home, CHAMPION)):
        with pytest.raises(MlflowException, match="not a database"):
            ask(copied)
