"""Fixtures of the training tests."""

import pytest

from tests.trained import Installation, small_installation


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """A home with one registered model, shared with the other packages' tests."""
    return small_installation(tmp_path_factory)
