"""Train, log, register; the first model that beats all baselines becomes champion."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

from features.ledger.read import Ledger
from models.home import Home
from models.registry import make_champion
from training.config import TrainingConfig
from training.monitor_accounts import read_account_book
from training.monitor_reference import make_reference
from training.recipe import MODEL, Trained, train_model
from training.tracking import has_champion, log_training


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


def with_reference(trained: Trained, ledger: Ledger) -> Trained:
    """Return ``trained`` with what its monitoring will compare with among the model's facts."""
    facts = trained.bundle.facts
    book = read_account_book(ledger, facts["trained_until"])
    p, seed = trained.probabilities[MODEL], facts["config"]["seed"]
    reference = make_reference(trained.bundle, trained.test, p, book, seed)
    bundle = replace(trained.bundle, facts={**facts, "monitor": reference})
    return replace(trained, bundle=bundle)


def train_and_register(
    ledger: Ledger,
    config: TrainingConfig,
    home: Home,
    *,
    until: date | None = None,
    progress: Callable[[str], None] | None = None,
) -> Registration:
    """Run the recipe and register its model; see ``train_model`` for the errors."""
    trained = with_reference(train_model(ledger, config, until=until, progress=progress), ledger)
    if progress is not None:
        progress("register")
    registered = log_training(home, trained)
    first = trained.beats_baselines and not has_champion(home)
    if first:
        make_champion(home, registered.version)
    return Registration(trained=trained, version=registered.version, became_champion=first)
