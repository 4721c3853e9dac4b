"""Fixtures of the sources: a PostgreSQL that holds a simulated ledger."""

from collections.abc import Iterator

import pytest
from sqlalchemy import URL

from features.sources.simulated import Simulation, SimulationConfig, simulate
from tests.features.sources import erp
from tests.features.sources.postgres import as_reader, postgres


@pytest.fixture(scope="session")
def server() -> Iterator[URL]:
    """A PostgreSQL, as its owner."""
    with postgres() as url:
        yield url


@pytest.fixture(scope="session")
def erp_simulation() -> Simulation:
    """40 accounts over a year."""
    return simulate(SimulationConfig(accounts=40, months=12, seed=5))


@pytest.fixture(scope="session")
def loaded(server: URL, erp_simulation: Simulation) -> str:
    """The simulated ledger in the schema ``erp``; the address of who may only read it."""
    erp.load(server, erp_simulation)
    return as_reader(server)
