"""Invoices of a month."""

import numpy as np
import pytest

from features.sources.simulated.accounts import draw_population
from features.sources.simulated.billing import RECURRING, bills_of_month
from features.sources.simulated.config import SimulationConfig
from features.sources.simulated.days import business_calendar

CONFIG = SimulationConfig(accounts=20_000, months=12, seed=1)
POPULATION = draw_population(CONFIG, np.random.default_rng(1))
CALENDAR = business_calendar(CONFIG)


@pytest.mark.parametrize("month", [0, 5, 11])
def test_a_month_holds_its_own_invoices_only(month: int) -> None:
    """Invoices are issued within the month, to existing customers, and shown 0 to 4 days later."""
    bills = bills_of_month(POPULATION, CALENDAR, month, np.random.default_rng(month))
    shown = CALENDAR.days[bills.shown]
    issued = np.searchsorted(CALENDAR.days, bills.issued)
    assert (CALENDAR.months[issued] == month).all()
    assert (bills.issued >= POPULATION.opened[bills.account]).all()
    assert set(np.unique(bills.shown - issued)) == {0, 1, 2, 3, 4}
    assert (np.diff(bills.shown) >= 0).all()
    assert (shown >= bills.issued).all()


def test_an_account_gets_at_most_one_recurring_invoice_a_month() -> None:
    """Recurring billing is monthly; the average account gets close to one invoice a month."""
    bills = bills_of_month(POPULATION, CALENDAR, 11, np.random.default_rng(0))
    recurring = bills.account[bills.billing == RECURRING]
    assert len(np.unique(recurring)) == len(recurring)
    assert 0.8 < len(bills.account) / len(POPULATION) < 1.1


def test_lost_invoices_are_mostly_those_without_an_order_number() -> None:
    """A missing purchase-order number makes an item ten times as likely to get stuck."""
    bills = bills_of_month(POPULATION, CALENDAR, 6, np.random.default_rng(2))
    without = bills.stuck[bills.po_missing].mean()
    assert without > 5 * bills.stuck[~bills.po_missing].mean()
