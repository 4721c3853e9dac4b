"""Train, log, register; the first model that beats all baselines becomes champion."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from features.ledger.read import Ledger
from models.home import Home
from models.registry import make_champion
from training.config import TrainingConfig
from training.recipe import Trained, train_model
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


def train_and_register(
    ledger: Ledger,
    config: TrainingConfig,
    home: Home,
    *,
    until: date | None = None,
    progress: Callable[[str], None] | None = None,
) -> Registration:
    """Run the recipe and register its model; see ``train_model`` for the errors."""
    trained = train_model(ledger, config, until=until, progress=progress)
    if progress is not None:
        progress("register")
    registered = log_training(home, trained)
    first = trained.beats_baselines and not has_champion(home)
    if first:
        make_champion(home, registered.version)
    return Registration(trained=trained, version=registered.version, became_champion=first)
