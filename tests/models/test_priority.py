"""Tests of lanes and of the value of working an item, by hand."""

import numpy as np
import pytest

from models.priority import Costs, Worth, cash_rates, item_lanes, worth_of_working
from models.profile import Profile

CAPITAL = 0.09 * 30 / 365


@pytest.fixture
def costs(loss_rate: dict[str, float]) -> Costs:
    """Rising losses and nine per cent a year."""
    return Costs(loss_rate=loss_rate, capital_cost=0.09)


def test_lanes_follow_what_can_happen_within_30_days() -> None:
    """Not exposed: no lane. Beyond 90 days: the last bucket. Undated: no lane."""
    days = np.array([-31.0, -30, -29, 0, 1, 90, 91, np.nan])
    assert item_lanes(days).tolist() == [
        *["", ""],
        *["due_soon", "due_soon"],
        *["past_due", "past_due"],
        "last_bucket",
        "",
    ]


def worth(days: float, p: float, cents: int, costs: Costs, profile: Profile) -> Worth:
    """Return the worth of one item."""
    return worth_of_working(np.array([days]), np.array([p]), np.array([cents]), costs, profile)


@pytest.mark.parametrize(
    ("days", "loss_of_next_bucket"),
    [(-5.0, 0.02), (1.0, 0.05), (30.0, 0.05), (31.0, 0.12), (61.0, 0.30), (90.0, 0.30)],
)
def test_exposed_items_are_worth_what_their_rolling_costs(
    costs: Costs, profile: Profile, days: float, loss_of_next_bucket: float
) -> None:
    """1,000.00 collectible at 40 % × (loss of the next bucket + capital for 30 days)."""
    found = worth(days, 0.4, 100_000, costs, profile)
    assert found.probability[0] == 0.4
    assert found.cost[0] == pytest.approx(loss_of_next_bucket + CAPITAL, rel=1e-12)
    assert found.cents[0] == round(40_000 * (loss_of_next_bucket + CAPITAL))


def test_a_golden_value(costs: Costs, profile: Profile) -> None:
    """2,500.00 at 60 %, 31-60 days late: 1,500 × (0.12 + 0.09 × 30/365) = 191.10."""
    assert worth(45.0, 0.6, 250_000, costs, profile).cents[0] == 19_110


@pytest.mark.parametrize(
    ("days", "rate"),
    [(91.0, 0.3), (180.0, 0.3), (181.0, 0.2), (365.0, 0.2), (366.0, 0.1), (4000.0, 0.1)],
)
def test_items_in_the_last_bucket_are_worth_the_cash_a_call_can_still_bring(
    costs: Costs, profile: Profile, days: float, rate: float
) -> None:
    """1,000.00 × the 30-day cash rate of the age band, whatever the probability of staying."""
    for p in (0.1, 0.99):
        found = worth(days, p, 100_000, costs, profile)
        assert (found.probability[0], found.cost[0]) == (pytest.approx(rate), 1.0)
        assert found.cents[0] == round(100_000 * rate)


@pytest.mark.parametrize("days", [-60.0, np.nan])
def test_items_that_cannot_roll_are_worth_nothing(
    costs: Costs, profile: Profile, days: float
) -> None:
    """Neither far from due nor undated items lift an account."""
    found = worth(days, 0.9, 10**8, costs, profile)
    assert (found.probability[0], found.cost[0], found.cents[0]) == (0, 0, 0)


def test_cash_rates_are_missing_outside_the_last_bucket(profile: Profile) -> None:
    """An age band speaks of the last bucket only."""
    assert np.isnan(cash_rates(np.array([90.0, -5.0, np.nan]), profile)).all()
