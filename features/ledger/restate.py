"""Compare a batch with what the ledger already holds.

A row is *known* when its key is there already. A known row with the same content is dropped;
``known_on`` is not content, since the first knowledge stands. A known row with other content
is restated by the rules in ``features.ledger.write``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import duckdb
import pyarrow as pa

from features.ledger.arrow import arrow_schema
from features.ledger.read import Ledger, show_tables
from features.ledger.tables import ACCOUNT_CHANGES, ACCOUNTS, DUE_DATE_CHANGES, TABLES, Table

LATE_COLUMNS: dict[str, tuple[str, ...]] = {
    "disputes": ("closed_on", "closed_known_on", "outcome"),
    "promises": ("withdrawn_on", "superseded_by"),
    "installments": ("cancelled_on", "cancelled_known_on"),
    "account_flags": ("until_on",),
}
"""Columns that are empty at first and are filled in later, with a clock of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """How many rows of a table had a known key, and how many of these had other content."""

    known: int = 0
    changed: int = 0


def restate(
    ledger: Ledger | None, accepted: Mapping[str, pa.Table], *, known_on: date
) -> tuple[dict[str, pa.Table], dict[str, Known]]:
    """Return the rows to write per table, and what was known before.

    Parameters
    ----------
    ledger : Ledger or None
        What is there; None for the first batch.
    accepted : mapping of str to pyarrow.Table
        Valid rows of the batch.
    known_on : date
        The day from which changed rows are known: the day of extraction.
    """
    if ledger is None:
        return dict(accepted), {name: Known() for name in accepted}
    connection = duckdb.connect(":memory:")
    try:
        show_tables(connection, ledger)
        connection.execute("set variable extracted_on = ?", [known_on])
        written: dict[str, pa.Table] = {}
        counts: dict[str, Known] = {}
        for name, rows in accepted.items():
            connection.register("batch_rows", rows)
            counts[name], pieces = _restate_table(connection, TABLES[name])
            for target, piece in pieces.items():
                if piece.num_rows:
                    parts = [written[target]] if target in written else []
                    written[target] = pa.concat_tables([*parts, piece])
            connection.unregister("batch_rows")
        return written, counts
    finally:
        connection.close()


def _restate_table(
    connection: duckdb.DuckDBPyConnection, table: Table
) -> tuple[Known, dict[str, pa.Table]]:
    key = ", ".join(f'"{name}"' for name in table.key)
    clocked = "known_on" in table.column_names
    order = "known_on desc, batch desc" if clocked else "batch desc"
    connection.execute(
        f"create or replace temp table before as select * from stored_{table.name} "  # noqa: S608
        f"qualify row_number() over (partition by {key} order by {order}) = 1"
    )
    if table is ACCOUNTS:
        _apply_account_changes(connection)
    content = [name for name in table.column_names if name not in (*table.key, "known_on")]
    late = LATE_COLUMNS.get(table.name, ())
    differs = _differs(content)
    match = " and ".join(f'fresh."{name}" = before."{name}"' for name in table.key)
    connection.execute(
        "create or replace temp table compared as select fresh.*, "  # noqa: S608
        f"before.batch is not null as is_known, ({differs}) as is_changed, "
        f"({_differs([name for name in content if name not in late])}) as is_restated, "
        f"({_differs([name for name in content if name != 'due_on'])}) as is_more_than_due, "
        f"{'before.known_on' if clocked else 'null'} as first_known_on "
        f"from batch_rows as fresh left join before on {match}"
    )
    counts = connection.execute(
        "select count(*) filter (is_known), count(*) filter (is_known and is_changed) from compared"
    ).fetchall()
    known, changed = counts[0]
    pieces = {table.name: _select_written(connection, table)}
    if table is ACCOUNTS:
        pieces[ACCOUNT_CHANGES.name] = _account_changes(connection)
    if table.name == "invoices":
        pieces[DUE_DATE_CHANGES.name] = (
            connection.sql(
                "select invoice_id, cast(getvariable('extracted_on') as date) as known_on, due_on "
                "from compared where is_known and is_changed and not is_more_than_due "
                "and due_on is not null"
            )
            .to_arrow_table()
            .cast(arrow_schema(DUE_DATE_CHANGES))
        )
    return Known(known=known, changed=changed), pieces


def _differs(columns: list[str]) -> str:
    terms = [f'fresh."{name}" is distinct from before."{name}"' for name in columns]
    return " or ".join(terms) or "false"


def _select_written(connection: duckdb.DuckDBPyConnection, table: Table) -> pa.Table:
    columns = ", ".join(
        "case when not is_known then known_on when not is_restated then first_known_on "
        "else greatest(known_on, cast(getvariable('extracted_on') as date)) end as known_on"
        if name == "known_on"
        else f'"{name}"'
        for name in table.column_names
    )
    changed = {
        "accounts": "false",
        "invoices": "is_changed and (is_more_than_due or due_on is null)",
    }.get(table.name, "is_changed")
    rows = connection.sql(
        f"select {columns} from compared where not is_known or ({changed})"  # noqa: S608
    )
    return rows.to_arrow_table().cast(arrow_schema(table))


def _apply_account_changes(connection: duckdb.DuckDBPyConnection) -> None:
    """Bring the first-seen account rows up to their latest dated changes."""
    for column in ACCOUNTS.columns[1:]:
        connection.execute(
            f'update before set "{column.name}" = latest.value '  # noqa: S608
            "from (select account_id, value from stored_account_changes "
            'where "column" = ? qualify row_number() over '
            "(partition by account_id order by known_on desc, batch desc) = 1) as latest "
            "where before.account_id = latest.account_id",
            [column.name],
        )


def _account_changes(connection: duckdb.DuckDBPyConnection) -> pa.Table:
    parts = " union all ".join(
        "select fresh.account_id, cast(getvariable('extracted_on') as date) as known_on, "  # noqa: S608
        f'\'{column.name}\' as "column", cast(fresh."{column.name}" as varchar) as value '
        "from batch_rows as fresh inner join before on fresh.account_id = before.account_id "
        f'where fresh."{column.name}" is distinct from before."{column.name}"'
        for column in ACCOUNTS.columns[1:]
    )
    return connection.sql(parts).to_arrow_table().cast(arrow_schema(ACCOUNT_CHANGES))
