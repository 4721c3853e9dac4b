"""A small trained installation, made once per test run and shared by the tests of all packages."""

import warnings
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest

from features.ledger.manifest import Manifest
from features.ledger.read import Ledger, ledger_from_rows, open_ledger
from features.sources.simulated import Simulation, SimulationConfig, simulate
from models.home import Home
from training.config import TrainingConfig, read_config
from training.recipe import Trained, train_model
from training.register import Registration, train_and_register

ACCOUNTS, MONTHS, SEED = 300, 24, 11


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """A home with one registered model, and the ledger on disk that it was trained on."""

    home: Home
    ledger_path: Path
    ledger: Ledger
    registration: Registration

    @property
    def trained(self) -> Trained:
        """What the recipe returned."""
        return self.registration.trained


@cache
def small_simulation() -> Simulation:
    """300 accounts over two years."""
    return simulate(SimulationConfig(accounts=ACCOUNTS, months=MONTHS, seed=SEED))


@cache
def small_ledger() -> Ledger:
    """The simulation as a ledger in memory."""
    simulation = small_simulation()
    manifest = Manifest(known_through=simulation.known_through, reporting_currency="USD")
    return ledger_from_rows(simulation.tables, manifest)


def small_config() -> TrainingConfig:
    """The quick recipe with fewer rounds, and with maps, so that all tests read through them."""
    quick = read_config("quick")
    return replace(
        quick,
        trees=replace(quick.trees, max_rounds=40, stop_after=10),
        windows=replace(quick.windows, recalibrate_days=56),
    )


@cache
def small_trained() -> Trained:
    """The recipe's result on the ledger in memory."""
    return train_model(small_ledger(), small_config())


def quiet_mlflow() -> None:
    """Set MLflow's database classes up once: doing so, it warns of a loader of its own."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The ``noload`` loader strategy", DeprecationWarning)
        import mlflow.store.tracking.sqlalchemy_store  # noqa: F401 (importing sets them up)


_MADE: list[Installation] = []


def small_installation(factory: pytest.TempPathFactory) -> Installation:
    """The ledger on disk and a home with its model registered; the same one on every call."""
    if not _MADE:
        from serving.simulate import simulate_ledger

        quiet_mlflow()
        root = factory.mktemp("small")
        simulate_ledger(root / "ledger", accounts=ACCOUNTS, months=MONTHS, seed=SEED)
        ledger, home = open_ledger(root / "ledger"), Home(path=root / "home")
        registration = train_and_register(ledger, small_config(), home)
        _MADE.append(
            Installation(
                home=home,
                ledger_path=root / "ledger",
                ledger=ledger,
                registration=registration,
            )
        )
    return _MADE[0]
