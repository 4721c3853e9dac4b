"""Everything a running simulation holds."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from features.sources.simulated.accounts import Population, draw_population
from features.sources.simulated.billing import Bills
from features.sources.simulated.config import SimulationConfig
from features.sources.simulated.days import BusinessCalendar, Ints, business_calendar
from features.sources.simulated.items import EventLog, Items


@dataclass(slots=True, kw_only=True)
class World:
    """The state of a running simulation, changed in place by the engine.

    Parameters
    ----------
    population : Population
        The accounts.
    calendar : BusinessCalendar
        The business days.
    items : Items
        All items.
    log : EventLog
        All events so far.
    regime : ndarray of int8
        Regime of each account.
    active : ndarray of int32
        Items that are not closed.
    rng, billing_rng, ledger_rng : numpy.random.Generator
        Streams for events, for invoices, and for details of the ledger without effect.
    bills : dict of int to list of Bills
        Invoices by the business day on which they will be shown.
    contacts_until : int
        Index of the last business day with collector contacts.
    """

    population: Population
    calendar: BusinessCalendar
    items: Items
    log: EventLog
    regime: npt.NDArray[np.int8]
    active: Ints
    rng: np.random.Generator
    billing_rng: np.random.Generator
    ledger_rng: np.random.Generator
    bills: dict[int, list[Bills]] = field(default_factory=dict)
    contacts_until: int


def new_world(config: SimulationConfig) -> World:
    """Return the world on the evening before the first day."""
    people, billing, events, ledger = np.random.default_rng(config.seed).spawn(4)
    population = draw_population(config, people)
    calendar = business_calendar(config)
    return World(
        population=population,
        calendar=calendar,
        items=Items(int(1.1 * config.accounts * config.months)),
        log=EventLog(),
        regime=np.zeros(config.accounts, dtype=np.int8),
        active=np.zeros(0, dtype=np.int32),
        rng=events,
        billing_rng=billing,
        ledger_rng=ledger,
        contacts_until=len(calendar.days),
    )
