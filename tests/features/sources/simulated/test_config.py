"""A configuration says what is wrong with it."""

from datetime import date

import pytest

from features.sources.simulated.config import SimulationConfig


@pytest.mark.parametrize(
    ("accounts", "months", "seed", "message"),
    [
        (0, 12, 1, "accounts must be at least 1, got 0"),
        (1, 0, 1, "months must lie between 1 and 240, got 0"),
        (1, 241, 1, "months must lie between 1 and 240, got 241"),
        (1, 12, -1, "seed must not be negative, got -1"),
    ],
)
def test_values_out_of_range_are_refused(
    accounts: int, months: int, seed: int, message: str
) -> None:
    """Each value out of range is named together with its rule."""
    with pytest.raises(ValueError, match=message):
        SimulationConfig(accounts=accounts, months=months, seed=seed)


@pytest.mark.parametrize(
    ("start", "months", "last"),
    [
        (date(2023, 1, 1), 36, date(2025, 12, 31)),
        (date(2023, 11, 15), 2, date(2023, 12, 31)),
        (date(2023, 12, 1), 3, date(2024, 2, 29)),
    ],
)
def test_the_ledger_ends_with_a_month(start: date, months: int, last: date) -> None:
    """The last known day is the end of the last month, across years and leap days."""
    assert SimulationConfig(accounts=1, months=months, seed=0, start=start).known_through == last
