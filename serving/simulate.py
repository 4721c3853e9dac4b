"""Simulate a ledger and write it the way an import would."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

from features.ledger.manifest import LedgerError
from features.ledger.write import ImportReport, import_extract
from features.sources.base import Extract
from features.sources.simulated import Simulation, SimulationConfig, simulate


def simulate_ledger(
    out: Path,
    *,
    accounts: int,
    months: int,
    seed: int,
    progress: Callable[[str], None] | None = None,
) -> tuple[Simulation, list[ImportReport]]:
    """Simulate and import into ``out``, which must not hold a ledger of something else.

    Raises
    ------
    LedgerError
        When ``out`` is a ledger already with other content.
    """
    tell = progress or (lambda _: None)
    config = SimulationConfig(accounts=accounts, months=months, seed=seed)
    simulation = simulate(config, progress=lambda share: tell(f"{share:.0%}"))
    source = f"simulated accounts={accounts} months={months} seed={seed}"
    if (out / "ledger.json").exists():
        raise LedgerError(f"{out} holds a ledger already. Give an empty folder to --out.")
    tell("import")
    extract = Extract(
        tables=simulation.tables,
        known_through=simulation.known_through,
        rows_read={name: rows.num_rows for name, rows in simulation.tables.items()},
        settings={"time_zone": simulation.time_zone, "reporting_currency": "USD"},
    )
    return simulation, import_extract(out, extract, source=source)


def default_truth_dates(known_through: date) -> list[date]:
    """Return one date whose four steps are all known by the end of the ledger."""
    return [known_through - timedelta(days=150)]
