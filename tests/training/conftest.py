"""Fixtures of the training tests."""

from datetime import timedelta

import pytest

from models.home import Home
from tests.trained import Installation, small_installation


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """A home with one registered model, shared with the other packages' tests."""
    return small_installation(tmp_path_factory)


@pytest.fixture(scope="session")
def scored_home(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with two scorings of the small ledger: one that has matured, one of 14 days ago."""
    from serving.batch import score_batch
    from serving.policy import read_policy

    home = Home(path=tmp_path_factory.mktemp("scored"))
    for days in (45, 14):
        score_batch(
            installation.ledger,
            installation.ledger.manifest.known_through - timedelta(days=days),
            installation.trained.bundle,
            read_policy(),
            home,
            ledger_path=installation.ledger_path,
            model_reference="1",
        )
    return home
