"""Some accounts of a ledger with all their rows, held in memory."""

import duckdb

from features.ledger.arrow import arrow_schema
from features.ledger.read import Ledger, ledger_from_rows, show_tables
from features.ledger.tables import TABLES, Table


def sample_ledger(ledger: Ledger, accounts: int) -> Ledger:
    """Return at most ``accounts`` accounts, chosen by a hash of their id, same tables present.

    Where two batches brought one version of a key, the later batch's row is kept, as a reader of
    the whole ledger would. Exchange rates belong to no account and are all kept.

    Parameters
    ----------
    ledger : Ledger
        On disk or in memory.
    accounts : int
        How many.
    """
    with duckdb.connect(":memory:") as connection:
        show_tables(connection, ledger)
        connection.execute(
            "create temp table chosen as select account_id from "
            "(select distinct account_id from stored_accounts) order by md5(account_id) limit ?",
            [accounts],
        )
        rows = {
            name: connection.sql(_query(table)).to_arrow_table().cast(arrow_schema(table))
            for name, table in TABLES.items()
            if name in ledger.present
        }
    return ledger_from_rows(rows, ledger.manifest)


def _query(table: Table) -> str:
    columns = ", ".join(f'"{name}"' for name in table.column_names)
    keys = dict.fromkeys([*table.key, *({"known_on"} & set(table.column_names))])
    key = ", ".join(f'"{name}"' for name in keys)
    chosen = "select account_id from chosen"
    if "account_id" in table.column_names:
        condition = f"account_id in ({chosen})"
    elif "invoice_id" in table.column_names:
        invoices = f"select invoice_id from stored_invoices where account_id in ({chosen})"  # noqa: S608 (fixed text)
        condition = f"invoice_id in ({invoices})"
    else:
        condition = "true"
    return (
        f"select {columns} from stored_{table.name} where {condition} "  # noqa: S608 (contract names)
        f"qualify row_number() over (partition by {key} order by batch desc) = 1 order by {key}"
    )
