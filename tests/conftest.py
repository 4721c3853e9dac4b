"""Fixtures of all tests: tiny ledgers an accountant can read, and a simulated one."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import hypothesis
import pyarrow as pa
import pytest

from features.ledger.arrow import arrow_schema
from features.ledger.manifest import Manifest
from features.ledger.read import Ledger, ledger_from_rows
from features.ledger.tables import TABLES

hypothesis.settings.register_profile("rollrisk", deadline=None, max_examples=25)
hypothesis.settings.load_profile("rollrisk")

Rows = Mapping[str, Sequence[Mapping[str, Any]]]


def make_ledger(
    rows: Rows, *, known_through: date = date(2024, 12, 31), maturity_lag_days: int = 7
) -> Ledger:
    """Return an in-memory ledger; missing columns are null, ``known_on`` follows the clock."""
    tables = {}
    for name, records in rows.items():
        table = TABLES[name]
        filled = []
        for record in records:
            row = dict.fromkeys(table.column_names) | dict(record)
            if table.clock is not None and row["known_on"] is None:
                row["known_on"] = row[table.clock]
            if "currency" in row and row["currency"] is None:
                row["currency"] = "USD"
            for money in ("amount",):
                if money in row and row[money] is not None:
                    row[money] = Decimal(str(row[money]))
            if name == "invoices" and row["kind"] is None:
                row["kind"] = "invoice"
            filled.append(row)
        tables[name] = pa.Table.from_pylist(filled, schema=arrow_schema(table))
    for name in ("accounts", "invoices", "applications"):
        tables.setdefault(name, arrow_schema(TABLES[name]).empty_table())
    manifest = Manifest(known_through=known_through, maturity_lag_days=maturity_lag_days)
    return ledger_from_rows(tables, manifest)


@pytest.fixture
def ledger_of() -> Any:  # noqa: ANN401 (a function)
    """Return the function that makes a ledger from plain rows."""
    return make_ledger


@pytest.fixture(scope="session")
def simulated_ledger() -> Ledger:
    """A simulated ledger of 150 accounts over two years, with every table."""
    from features.sources.simulated import SimulationConfig, simulate

    simulation = simulate(SimulationConfig(accounts=150, months=24, seed=3))
    manifest = Manifest(known_through=simulation.known_through, reporting_currency="USD")
    return ledger_from_rows(simulation.tables, manifest)
