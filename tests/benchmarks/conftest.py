"""One year of rows for all comparisons of models."""

from datetime import date

import pytest

from benchmarks.choices import as_of_dates
from features.ledger.read import Ledger
from training.config import TrainingConfig
from training.dataset import Dataset, load_dataset

LAST = date(2024, 8, 15)


@pytest.fixture(scope="session")
def year(simulated_ledger: Ledger) -> Dataset:
    """Weekly dates and month ends up to 15 August 2024; all outcomes are known."""
    return load_dataset(simulated_ledger, as_of_dates(date(2023, 8, 15), LAST, TrainingConfig()))
