"""Simulate a ledger."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from features.ledger.tables import TABLES
from features.sources.simulated.account_tables import account_tables
from features.sources.simulated.cash_tables import cash_tables
from features.sources.simulated.config import SimulationConfig
from features.sources.simulated.engine import run
from features.sources.simulated.item_tables import item_tables

TIME_ZONE = "America/New_York"
REPORTING_CURRENCY = "USD"
MATURITY_LAG_DAYS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """A simulated ledger.

    Parameters
    ----------
    config : SimulationConfig
        What it was made from. The hidden state behind the ledger is not stored: it follows
        from the configuration, and :func:`true_probabilities` replays it.
    tables : dict of str to pyarrow.Table
        All tables of the ledger contract, by name, holding only facts known by
        ``known_through``.
    known_through : datetime.date
        Last day the ledger knows.
    time_zone : str
        Time zone of the dates.
    reporting_currency : str
        Currency to which ``fx_rates`` lead.
    maturity_lag_days : int
        Days to wait for returns before an outcome counts.
    """

    config: SimulationConfig
    tables: dict[str, pa.Table]
    known_through: date
    time_zone: str = TIME_ZONE
    reporting_currency: str = REPORTING_CURRENCY
    maturity_lag_days: int = MATURITY_LAG_DAYS


def simulate(
    config: SimulationConfig,
    progress: Callable[[float], None] | None = None,
    *,
    contacts_until: date | None = None,
) -> Simulation:
    """Simulate a business-to-business ledger.

    Parameters
    ----------
    config : SimulationConfig
        Size, span and seed. Equal configurations give equal tables, byte for byte.
    progress : callable, optional
        Called with the share done, from 0 to 1.
    contacts_until : datetime.date, optional
        Last day on which collectors call; by default they call to the end. What happens
        to items up to this day does not change; details without effect may.

    Returns
    -------
    simulation : Simulation
        The ledger's tables. Payer types and true probabilities are not among them.

    Examples
    --------
    >>> simulation = simulate(SimulationConfig(accounts=20, months=3, seed=1))
    >>> simulation.known_through
    datetime.date(2023, 3, 31)
    >>> simulation.tables["accounts"].num_rows
    20
    """

    def engine_progress(share: float) -> None:
        if progress is not None:
            progress(0.75 * share)

    world, _ = run(config, contacts_until=contacts_until, progress=engine_progress)
    made = account_tables(world) | item_tables(world) | cash_tables(world)
    if progress is not None:
        progress(1.0)
    return Simulation(
        config=config,
        tables={name: made[name] for name in TABLES},
        known_through=config.known_through,
    )
