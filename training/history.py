"""How far back a ledger goes."""

from datetime import date

import duckdb

from features.ledger.manifest import LedgerError
from features.ledger.read import Ledger, show_tables


def first_posting(ledger: Ledger) -> date:
    """Return the day on which the books showed their first invoice; LedgerError when empty."""
    connection = duckdb.connect(":memory:")
    try:
        show_tables(connection, ledger)
        row = connection.execute("select min(visible_on) from invoices").fetchone()
    finally:
        connection.close()
    if row is None or row[0] is None:
        raise LedgerError("The ledger has no invoices. Import some before training.")
    day: date = row[0]
    return day
