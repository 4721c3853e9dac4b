"""Tests of which model scores: the one asked for, the champion, or the matrix."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from features.ledger.read import Ledger
from models.home import Home
from models.registry import NoModelError
from tests.trained import Installation, quiet_mlflow
from training.choice import MATRIX_REFERENCE, choose_model, matrix_model

DAY = date(2024, 6, 30)


def test_without_a_reference_the_champion_scores(installation: Installation) -> None:
    """And is found again under its version."""
    bundle, reference = choose_model(installation.home, installation.ledger, DAY, None)
    assert (bundle.version, reference) == ("1", "1")
    assert not bundle.is_matrix


def test_the_matrix_scores_where_nothing_is_registered(
    simulated_ledger: Ledger, tmp_path: Path
) -> None:
    """Made from outcomes that were known on the day."""
    quiet_mlflow()
    bundle, reference = choose_model(Home(path=tmp_path), simulated_ledger, DAY, None)
    assert bundle.is_matrix
    assert reference == MATRIX_REFERENCE
    assert bundle.version.startswith("matrix-")


def test_a_model_asked_for_is_never_replaced(simulated_ledger: Ledger, tmp_path: Path) -> None:
    """A version that is not there is refused; the matrix answers when it is asked for."""
    quiet_mlflow()
    home = Home(path=tmp_path)
    with pytest.raises(NoModelError, match="rollrisk train LEDGER"):
        choose_model(home, simulated_ledger, DAY, "3")
    assert choose_model(home, simulated_ledger, DAY, MATRIX_REFERENCE)[0].is_matrix


def test_the_matrix_reads_nothing_that_was_known_later(simulated_ledger: Ledger) -> None:
    """Books that end later give the same matrix of the day."""
    through = replace(simulated_ledger.manifest, known_through=date(2024, 9, 30))
    shorter = replace(simulated_ledger, manifest=through)
    assert matrix_model(shorter, DAY).version == matrix_model(simulated_ledger, DAY).version


def test_a_young_ledger_has_a_matrix(simulated_ledger: Ledger) -> None:
    """Before any outcome is known every rate is one half, and the profile is whole."""
    profile = matrix_model(simulated_ledger, date(2023, 1, 20)).profile
    assert np.unique(np.asarray(profile.matrix["*"])).tolist() == [0.5]
    assert all(0 <= share <= 1 for share in profile.remaining_shares)
    assert all(0 <= rate <= 1 for rate in profile.cash_rates.values())
