"""Train, log, register; the first model that beats all baselines becomes champion."""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from features.ledger.read import Ledger
from models.home import Home
from models.registry import make_champion
from training.config import TrainingConfig
from training.monitor_accounts import read_account_book
from training.monitor_reference import make_reference
from training.recipe import MODEL, Trained, train_model
from training.tracking import config_digest, has_champion, log_training, write_training

FIRST = "the first model that beats all baselines"


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A trained and registered model, and whether it became champion at once."""

    trained: Trained
    version: str
    became_champion: bool

    @property
    def sentence(self) -> str:
        """Say what was registered and what to do next."""
        name = f"Registered roll-risk version {self.version} as challenger"
        if self.became_champion:
            return f"{name}; it beats all baselines and is the first champion."
        if not self.trained.beats_baselines:
            return f"{name}. It does not beat every baseline: `rollrisk promote` will refuse it."
        return f"{name}. Promote it with `rollrisk promote --version {self.version}`."


def train_to_register(
    ledger: Ledger,
    config: TrainingConfig,
    *,
    until: date | None = None,
    progress: Callable[[str], None] | None = None,
) -> Trained:
    """Run the recipe; among the model's facts is what its monitoring will compare with."""
    trained = train_model(ledger, config, until=until, progress=progress)
    facts: Mapping[str, Any] = trained.bundle.facts
    book = read_account_book(ledger, facts["trained_until"])
    p, seed = trained.probabilities[MODEL], facts["config"]["seed"]
    reference = make_reference(trained.bundle, trained.test, p, book, seed)
    bundle = replace(
        trained.bundle,
        facts={**facts, "config_digest": config_digest(config), "monitor": reference},
    )
    return replace(trained, bundle=bundle)


def train_and_register(
    ledger: Ledger,
    config: TrainingConfig,
    home: Home,
    *,
    ledger_folder: Path | None = None,
    until: date | None = None,
    progress: Callable[[str], None] | None = None,
) -> Registration:
    """Run the recipe and register its model; see ``train_model`` for the errors.

    Where the ledger stands, ``ledger_folder``, is recorded with the version.
    """
    trained = train_to_register(ledger, config, until=until, progress=progress)
    if progress is not None:
        progress("register")
    with tempfile.TemporaryDirectory() as folder:
        write_training(trained, Path(folder) / "training")
        registered = log_training(home, Path(folder) / "training", ledger_folder=ledger_folder)
    first = trained.beats_baselines and not has_champion(home)
    if first:
        make_champion(home, registered.version, why=FIRST)
    return Registration(trained=trained, version=registered.version, became_champion=first)
