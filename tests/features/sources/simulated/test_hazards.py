"""Daily probabilities stay probabilities and move the way the documentation says."""

from datetime import date

import numpy as np
import pytest

from features.sources.simulated import hazards
from features.sources.simulated.accounts import draw_population
from features.sources.simulated.config import SimulationConfig
from features.sources.simulated.days import business_calendar

CONFIG = SimulationConfig(accounts=4000, months=24, seed=3)
POPULATION = draw_population(CONFIG, np.random.default_rng(3))
CALENDAR = business_calendar(CONFIG)
ACCOUNT = np.arange(len(POPULATION), dtype=np.int32)
PULL = np.exp(0.35 * np.random.default_rng(4).standard_normal(len(ACCOUNT))).astype(np.float32)
PAYERS = hazards.payers_of(POPULATION, ACCOUNT, PULL)
NO, YES = np.zeros(1, dtype=np.bool_), np.ones(1, dtype=np.bool_)


def at(
    dpd: int, regime: int = 0, *, contacted: bool = False, day: date = date(2023, 5, 31)
) -> hazards.Hazards:
    return hazards.item_hazards(
        PAYERS,
        np.full(len(ACCOUNT), dpd, dtype=np.int32),
        np.full(len(ACCOUNT), regime, dtype=np.int8),
        YES if contacted else NO,
        CALENDAR.day(CALENDAR.last_before_end_of(day)),
    )


@pytest.mark.parametrize("dpd", [-60, -10, 0, 20, 50, 130, 200, 400])
@pytest.mark.parametrize("regime", [0, 1, 2, 3])
def test_the_causes_of_one_day_never_exceed_one(dpd: int, regime: int) -> None:
    """Competing causes sum to at most 1, so that nothing is cut off when they are drawn."""
    chance = at(dpd, regime, contacted=True)
    total = (
        chance.pay + chance.dispute + chance.credit + chance.extend + chance.plan + chance.write_off
    )
    assert (total <= 1.0).all()
    assert (chance.pay >= 0.0).all()


def test_a_contact_lifts_payments_by_its_known_factor() -> None:
    """Below the cap, a remembered contact multiplies the daily payment probability by 1.6."""
    plain, reminded = at(20).pay, at(20, contacted=True).pay
    free = reminded < hazards.LARGEST_PAYMENT_PROBABILITY
    assert reminded[free] == pytest.approx(plain[free] * (1 + hazards.CONTACT_LIFT), rel=1e-5)


def test_the_insolvent_pay_nothing_and_are_written_off() -> None:
    """In the last regime no payment is possible, and write-offs start early."""
    assert (at(30, 3).pay == 0.0).all()
    assert (at(30, 3).write_off > 0.0).all()
    assert (at(30, 0).write_off == 0.0).all()


def test_collectors_call_about_late_items_only() -> None:
    """No contact before the third day past due, and fewer right after another."""
    early = np.full(len(ACCOUNT), 2, dtype=np.int32)
    late = np.full(len(ACCOUNT), 20, dtype=np.int32)
    assert (hazards.contact_probability(PAYERS, early, NO) == 0.0).all()
    first, again = (hazards.contact_probability(PAYERS, late, seen) for seen in (NO, YES))
    assert again == pytest.approx(first * hazards.REPEAT_CONTACT)


def test_failing_autopay_returns_payments() -> None:
    """A strained autopay account has payments returned far more often than a sound one."""
    autopay = PAYERS.kind == 6
    sound, failing = (
        hazards.return_probability(PAYERS, np.full(len(ACCOUNT), regime, dtype=np.int8))[autopay]
        for regime in (0, 1)
    )
    assert failing.mean() > 20 * sound.mean()
    assert failing.max() <= np.float32(hazards.LARGEST_RETURN_PROBABILITY)


def test_no_business_delay_exceeds_twelve_calendar_days() -> None:
    """The longest back-dating, counted from any weekday, is at most 12 days."""
    days = CALENDAR.days
    longest = max(hazards.BACKDATED_DAYS)
    assert (days[longest:] - days[:-longest]).max() == 12
