"""Which model scores: the one asked for, the champion, the newest, or the matrix."""

from dataclasses import replace
from datetime import date, timedelta

from features.ageing import STEP_DAYS
from features.ledger.read import Ledger
from models.bundle import Bundle, bundle_digest
from models.home import Home
from models.registry import load_model, newest_version
from training.config import TrainingConfig
from training.dataset import as_of_grid, load_dataset
from training.history import first_posting
from training.profile import build_profile

MATRIX_REFERENCE = "matrix"
MATRIX_HISTORY_DAYS = 365
MATRIX_MAX_ROWS = 200_000


def choose_model(
    home: Home, ledger: Ledger, as_of: date, reference: str | None
) -> tuple[Bundle, str]:
    """Return the bundle to score with and the reference under which it is found again.

    Without a reference and without a registered model, the roll-rate matrix of the ledger's
    outcomes known on ``as_of`` answers.

    Raises
    ------
    NoModelError
        When the model asked for does not exist, or the registered one cannot be read: a
        broken model is never replaced by the matrix in silence.
    """
    nothing_registered = reference is None and newest_version(home) is None
    if reference == MATRIX_REFERENCE or nothing_registered:
        return matrix_model(ledger, as_of), MATRIX_REFERENCE
    bundle = load_model(home, reference)
    return bundle, reference or bundle.version


def matrix_model(ledger: Ledger, as_of: date) -> Bundle:
    """Return the roll-rate matrix of the outcomes that were known on ``as_of``."""
    lag = ledger.manifest.maturity_lag_days
    newest = as_of - timedelta(days=STEP_DAYS + lag)
    oldest = max(first_posting(ledger), newest - timedelta(days=MATRIX_HISTORY_DAYS))
    dates = as_of_grid(newest, oldest, TrainingConfig().windows.every_days)
    data = load_dataset(ledger, dates, max_rows=MATRIX_MAX_ROWS).known_by(as_of, lag)
    bundle = Bundle(
        parts={},
        feature_names=data.frame.names,
        feature_digest=data.frame.digest,
        profile=build_profile(ledger, data, as_of),
        facts={"kind": "roll-rate matrix", "trained_until": as_of, "rows": len(data)},
    )
    return replace(bundle, version=f"matrix-{bundle_digest(bundle)}")
