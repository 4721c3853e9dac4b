"""Accounts whose past cannot be proved: rows of theirs do not say when the books showed them."""

import duckdb

from features.ledger.read import Ledger, show_tables
from features.ledger.tables import TABLES


def unproven_accounts(ledger: Ledger) -> int:
    """Return how many accounts have rows in tables whose clock was copied from the business date.

    Whatever is computed of them on a past date may rest on rows that the books showed later.
    """
    tables = [
        name
        for name in ledger.manifest.defaulted_clocks
        if name in ledger.present and "account_id" in TABLES[name].column_names
    ]
    if not tables:
        return 0
    rows = " union all ".join(f"select account_id from {name}" for name in tables)  # noqa: S608 (own names)
    connection = duckdb.connect(":memory:")
    try:
        show_tables(connection, ledger)
        found = connection.execute(f"select count(distinct account_id) from ({rows})").fetchone()  # noqa: S608
    finally:
        connection.close()
    return 0 if found is None else int(found[0])
