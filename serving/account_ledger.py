"""A ledger cut down to some accounts: the rows that explain them, held in memory."""

from collections.abc import Sequence

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from features.ledger.arrow import arrow_schema
from features.ledger.read import SQL_TYPES, Ledger, ledger_from_rows
from features.ledger.tables import ACCOUNT_CHANGES, ACCOUNTS, TABLES, Table

_OF_AN_INVOICE = frozenset({"due_date_changes"})
"""Tables that name the invoice instead of the account."""

_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "threads": 1,
}


def restrict_ledger(ledger: Ledger, account_ids: Sequence[str]) -> Ledger:
    """Return the ledger with the rows of ``account_ids`` only, same tables present.

    Where two batches brought one version of a key on one day, the later batch's row is kept,
    as a reader of the whole ledger would. Exchange rates belong to no account and are left
    out; no feature reads them.

    Parameters
    ----------
    ledger : Ledger
        A ledger on disk.
    account_ids : sequence of str
        Which accounts.
    """
    rows: dict[str, pa.Table] = {}
    with duckdb.connect(config=_CONFIG) as connection:
        wanted = pa.table({"account_id": pa.array(list(account_ids), pa.string())})
        connection.register("wanted_rows", wanted)
        connection.execute("create temp table wanted as select account_id from wanted_rows")
        for table in TABLES.values():
            if table.name not in ledger.present:
                continue
            found = _read(connection, ledger, table, _condition(table))
            if table.name == "invoices":
                connection.register("invoice_rows", found)
            rows[table.name] = found
    return ledger_from_rows(rows, ledger.manifest)


def rows_of_account(ledger: Ledger, account_id: str) -> Ledger:
    """Return the rows of one account from a ledger in memory, same tables present."""
    invoices = ledger.rows["invoices"]
    own = invoices.filter(pc.equal(invoices["account_id"], account_id))["invoice_id"]
    rows = {}
    for name, table in ledger.rows.items():
        if "account_id" in table.column_names:
            rows[name] = table.filter(pc.equal(table["account_id"], account_id))
        elif name in _OF_AN_INVOICE:
            rows[name] = table.filter(pc.is_in(table["invoice_id"], own.combine_chunks()))
        else:
            rows[name] = table.slice(0, 0)
    return ledger_from_rows(rows, ledger.manifest)


def rows_naming(ledger: Ledger, invoice_id: str) -> Ledger:
    """Return the rows of a ledger in memory that name an invoice."""
    rows = {
        name: table.filter(pc.equal(table["invoice_id"], invoice_id))
        for name, table in ledger.rows.items()
        if "invoice_id" in table.column_names
    }
    return ledger_from_rows(rows, ledger.manifest)


def family_members(ledger: Ledger, account_id: str) -> list[str]:
    """Return the ids of the accounts that ever shared a parent with ``account_id``, its own first.

    The family of an account on some day is among them: its parents, the accounts below these,
    and those below the account itself.
    """
    with duckdb.connect(config=_CONFIG) as connection:
        for table in (ACCOUNTS, ACCOUNT_CHANGES):
            connection.register(table.name, _read_all(connection, ledger, table))
        found = connection.execute(
            """
            with parents as (
                select account_id, parent_account_id as parent_id from accounts
                union
                select account_id, value as parent_id from account_changes
                where "column" = 'parent_account_id'
            ),
            heads as (
                select cast(? as varchar) as head_id
                union
                select parent_id as head_id from parents
                where account_id = ? and parent_id is not null
            )
            select account_id from parents
            where account_id in (select head_id from heads)
                or parent_id in (select head_id from heads)
            group by account_id
            order by account_id
            """,
            [account_id, account_id],
        ).fetchall()
    return [account_id, *(row[0] for row in found if row[0] != account_id)]


def _read_all(connection: duckdb.DuckDBPyConnection, ledger: Ledger, table: Table) -> pa.Table:
    if table.name not in ledger.present:
        return arrow_schema(table).empty_table()
    return _read(connection, ledger, table, "true")


def _condition(table: Table) -> str:
    """Return which rows of a table belong to the wanted accounts; none where none name one."""
    if "account_id" in table.column_names:
        return "account_id in (select account_id from wanted)"
    if table.name in _OF_AN_INVOICE:
        return "invoice_id in (select invoice_id from invoice_rows)"
    return "false"


def _read(
    connection: duckdb.DuckDBPyConnection, ledger: Ledger, table: Table, condition: str
) -> pa.Table:
    schema = arrow_schema(table)
    columns = ", ".join(
        f'cast("{column.name}" as {SQL_TYPES[column.kind]}) as "{column.name}"'
        for column in table.columns
    )
    parts = []
    for batch, path in enumerate(ledger.files.get(table.name, ())):
        quoted = "'" + str(path).replace("'", "''") + "'"
        scan = (
            f"read_csv({quoted}, header = true, all_varchar = true)"
            if path.suffix == ".csv"
            else f"read_parquet({quoted})"
        )
        parts.append(f"select {columns}, {batch} as batch from {scan} where {condition}")  # noqa: S608 (contract names, own files)
    key = [*table.key, *(["known_on"] if "known_on" in table.column_names else [])]
    names = ", ".join(f'"{name}"' for name in table.column_names)
    keys = ", ".join(f'"{name}"' for name in dict.fromkeys(key))
    newest = f"row_number() over (partition by {keys} order by batch desc) = 1"
    sql = f"select {names} from ({' union all '.join(parts)}) qualify {newest} order by {keys}"  # noqa: S608
    return connection.sql(sql).to_arrow_table().cast(schema)
