"""Ledgers small enough to check by hand, written as tables of words."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest

from features.ledger.arrow import arrow_schema
from features.ledger.manifest import Manifest
from features.ledger.read import Ledger, ledger_from_rows
from features.ledger.tables import TABLES, Table

MakeLedger = Callable[..., Ledger]

# What the cells of a column become; all others stay text.
_PARSERS: dict[str, Callable[[str], object]] = {
    "date": date.fromisoformat,
    "money": Decimal,
    "decimal": Decimal,
    "integer": int,
}
_USUAL = {"kind": "invoice", "currency": "USD", "account_id": "A1"}

CLEAN: dict[str, str] = {
    "accounts": """
        account_id
        A1
        A2
    """,
    "invoices": """
        invoice_id  issued_on   due_on      amount
        INV-1       2024-01-10  2024-02-09  1000.00
        INV-2       2024-02-05  2024-03-06  500.00
        INV-3       2024-03-01  -           80.00
        INV-4       2024-01-01  2024-01-31  30.00
        INV-5       2024-01-05  2024-02-04  100.00
    """,
    "receipts": """
        receipt_id  received_on  amount
        R-1         2024-02-20   700.00
        R-2         2024-02-01   29.50
        R-3         2024-02-04   110.00
        R-4         2024-02-15   200.00
    """,
    "receipt_returns": """
        return_id  receipt_id  returned_on  amount  kind
        RET-1      R-4         2024-02-28   200.00  bounced
    """,
    "credits": """
        credit_id  issued_on   amount
        C-1        2024-03-10  50.00
    """,
    "applications": """
        application_id  invoice_id  cause        source_id  applied_on  amount
        APP-1           INV-1       cash         R-1        2024-02-20  600.00
        APP-2           INV-1       discount     -          2024-02-20  20.00
        APP-3           INV-4       cash         R-2        2024-02-01  29.50
        APP-4           INV-5       cash         R-3        2024-02-04  110.00
        APP-5           INV-2       cash         R-4        2024-02-15  200.00
        APP-6           INV-2       cash_return  R-4        2024-02-28  -200.00
    """,
}
"""A ledger known through 31 March 2024 in which every invariant holds."""


def _rows(table: Table, text: str) -> pa.Table:
    head, *lines = [line.split() for line in text.strip().splitlines()]
    records = []
    for line in lines:
        record: dict[str, object] = {
            name: value for name, value in _USUAL.items() if name in table.column_names
        }
        if table.name == "accounts":
            record.pop("currency")
        for name, cell in zip(head, line, strict=True):
            kind = table.column(name).kind
            record[name] = None if cell == "-" else _PARSERS.get(kind, str)(cell)
        if table.clock:
            record.setdefault("known_on", record[table.clock])
        records.append(record)
    return pa.Table.from_pylist(records, schema=arrow_schema(table))


@pytest.fixture
def clean() -> dict[str, str]:
    """The tables of the ledger in which everything holds."""
    return dict(CLEAN)


@pytest.fixture
def made() -> MakeLedger:
    """Make a ledger from tables of words; ``-`` is an empty cell, ``known_on`` the business day."""

    def make(
        tables: Mapping[str, str], known_through: str = "2024-03-31", **manifest: object
    ) -> Ledger:
        facts = Manifest(known_through=date.fromisoformat(known_through))
        return ledger_from_rows(
            {name: _rows(TABLES[name], text) for name, text in tables.items()},
            replace(facts, **manifest),  # type: ignore[arg-type]
        )

    return make
