"""Compare a batch with what the ledger already holds.

A row is *known* when its key is there already. A known row with the same content is dropped;
``known_on`` is not content, since the first knowledge stands. A known row with other content
is restated by the rules in ``features.ledger.write``.

Columns with a dated history of their own (all of ``accounts``, ``due_on`` of ``invoices``) are
compared with the newest value of that history. A source that exports the history itself may
keep the first value in the column, as the contract says; there, only a value that is neither
the first nor the newest is a change.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import duckdb
import pyarrow as pa

from features.ledger.arrow import arrow_schema
from features.ledger.late import LATE
from features.ledger.read import Ledger, show_tables
from features.ledger.tables import ACCOUNT_CHANGES, ACCOUNTS, DUE_DATE_CHANGES, TABLES, Table

_HISTORIES: dict[str, Table] = {"accounts": ACCOUNT_CHANGES, "invoices": DUE_DATE_CHANGES}
"""Tables with dated columns → the table of their history."""


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
        connection.execute("set variable known_through = ?", [ledger.manifest.known_through])
        for history in _HISTORIES.values():
            rows = accepted.get(history.name, arrow_schema(history).empty_table())
            connection.register(f"batch_{history.name}", rows)
        written: dict[str, pa.Table] = {}
        counts: dict[str, Known] = {}
        for name, rows in accepted.items():
            connection.register("batch_rows", rows)
            history_given = name in _HISTORIES and _HISTORIES[name].name in accepted
            counts[name], pieces = _restate_table(
                connection, TABLES[name], history_given=history_given
            )
            for target, piece in pieces.items():
                if piece.num_rows:
                    parts = [written[target]] if target in written else []
                    written[target] = pa.concat_tables([*parts, piece])
            connection.unregister("batch_rows")
        return written, counts
    finally:
        connection.close()


def _restate_table(
    connection: duckdb.DuckDBPyConnection, table: Table, *, history_given: bool
) -> tuple[Known, dict[str, pa.Table]]:
    clocked = "known_on" in table.column_names
    told = _drop_versions_told_again(connection, table)
    _stored_rows(connection, table, "before", newest=True)
    _stored_rows(connection, table, "origin", newest=False)
    if table is ACCOUNTS:
        _apply_account_changes(connection)
    if table.name == "invoices":
        _apply_due_date_changes(connection)
    dated = _dated_columns(table)
    content = [name for name in table.column_names if name not in (*table.key, "known_on")]
    plain = [name for name in content if name not in dated]
    changes = {name: _dated_change(name, history_given=history_given) for name in dated}
    if "due_on" in changes:
        # A due date cannot be taken away: the last one shown stands.
        changes["due_on"] = f"({changes['due_on']} and fresh.due_on is not null)"
    connection.execute(
        "create or replace temp table compared as select fresh.*, "
        f"before.batch is not null as is_known, "
        f"({_any([_differs(plain), *changes.values()])}) as is_changed, "
        f"({_differs(plain)}) as is_rewritten, "
        f"coalesce({_restated(table, plain)}, false) as is_restated, "
        + "".join(f'({change}) as "changed_{name}", ' for name, change in changes.items())
        + f"{'before.known_on' if clocked else 'null'} as first_known_on "
        f"from fresh_rows as fresh left join before on {_match(table, 'before')} "
        f"left join origin on {_match(table, 'origin')}"
    )
    counts = connection.execute(
        "select count(*) filter (is_known), count(*) filter (is_known and is_changed) from compared"
    ).fetchall()
    known, changed = counts[0]
    pieces = {table.name: _select_written(connection, table)}
    if table is ACCOUNTS:
        pieces[ACCOUNT_CHANGES.name] = _account_changes(connection)
    if table.name == "invoices":
        pieces[DUE_DATE_CHANGES.name] = _due_date_changes(connection)
    return Known(known=known + told, changed=changed), pieces


def _drop_versions_told_again(connection: duckdb.DuckDBPyConnection, table: Table) -> int:
    """Leave out versions that a batch with several of a key brings again; return how many.

    An export that holds all versions of a row repeats the older ones each time. Alone, a row
    that equals an older version is news: the value was changed back.
    """
    same = " and ".join(
        f'fresh."{name}" is not distinct from stored."{name}"' for name in table.column_names
    )
    key = ", ".join(f'"{name}"' for name in table.key)
    connection.execute(
        "create or replace temp table fresh_rows as select * from batch_rows as fresh "  # noqa: S608 (contract names)
        f"where not exists (select 1 from stored_{table.name} as stored where {same}) "
        f"or ({key}) in (select ({key}) from batch_rows group by {key} having count(*) = 1)"
    )
    counts = connection.execute(
        "select (select count(*) from batch_rows) - (select count(*) from fresh_rows)"
    ).fetchall()
    return int(counts[0][0])


def _stored_rows(
    connection: duckdb.DuckDBPyConnection, table: Table, name: str, *, newest: bool
) -> None:
    """Make a table of the newest, or the first, stored row of each key."""
    key = ", ".join(f'"{column}"' for column in table.key)
    direction = "desc" if newest else "asc"
    clocks = ("known_on", "batch") if "known_on" in table.column_names else ("batch",)
    order = ", ".join(f"{clock} {direction}" for clock in clocks)
    connection.execute(
        f"create or replace temp table {name} as select * from stored_{table.name} "  # noqa: S608
        f"qualify row_number() over (partition by {key} order by {order}) = 1"
    )


def _dated_columns(table: Table) -> tuple[str, ...]:
    if table is ACCOUNTS:
        return table.column_names[1:]
    return ("due_on",) if table.name == "invoices" else ()


def _dated_change(name: str, *, history_given: bool) -> str:
    changed = f'fresh."{name}" is distinct from before."{name}"'
    if history_given:
        changed = f'({changed} and fresh."{name}" is distinct from origin."{name}")'
    return changed


def _restated(table: Table, plain: list[str]) -> str:
    """Return whether a row changed in more than late columns that were empty until now.

    A late column that was filled before, or whose clock lies in days that the ledger already
    covers, says something that the books did not show then: a newer version.
    """
    late = LATE[table.name].every if table.name in LATE else ()
    terms = [_differs([name for name in plain if name not in late])]
    terms += [
        f'(fresh."{name}" is distinct from before."{name}" and before."{name}" is not null)'
        for name in late
    ]
    if late:
        filled = _any([f'(fresh."{name}" is distinct from before."{name}")' for name in late])
        day = LATE[table.name].day("fresh")
        terms.append(f"(({filled}) and {day} <= getvariable('known_through'))")
    if table.name == "promises":
        terms.append(
            "(fresh.superseded_by is distinct from before.superseded_by "
            "and fresh.superseded_by in (select promise_id from before))"
        )
    return _any(terms)


def _differs(columns: list[str]) -> str:
    return _any([f'fresh."{name}" is distinct from before."{name}"' for name in columns])


def _any(terms: list[str]) -> str:
    return " or ".join(terms) or "false"


def _match(table: Table, other: str) -> str:
    return " and ".join(f'fresh."{name}" = {other}."{name}"' for name in table.key)


def _select_written(connection: duckdb.DuckDBPyConnection, table: Table) -> pa.Table:
    columns = ", ".join(
        "case when not is_known then known_on when not is_restated then first_known_on "
        "else greatest(known_on, cast(getvariable('extracted_on') as date)) end as known_on"
        if name == "known_on"
        else f'"{name}"'
        for name in table.column_names
    )
    rows = connection.sql(
        f"select {columns} from compared where not is_known or is_rewritten"  # noqa: S608
    )
    return rows.to_arrow_table().cast(arrow_schema(table))


def _apply_account_changes(connection: duckdb.DuckDBPyConnection) -> None:
    """Bring the first-seen account rows up to their latest dated changes."""
    for column in ACCOUNTS.columns[1:]:
        connection.execute(
            f'update before set "{column.name}" = latest.value from ('  # noqa: S608
            'select account_id, value from (select account_id, known_on, "column", value, batch '
            "from stored_account_changes union all "
            'select account_id, known_on, "column", value, 1000000 from batch_account_changes'
            ') as changes where "column" = ? qualify row_number() over '
            "(partition by account_id order by known_on desc, batch desc) = 1) as latest "
            "where before.account_id = latest.account_id",
            [column.name],
        )


def _apply_due_date_changes(connection: duckdb.DuckDBPyConnection) -> None:
    """Give the known invoices the due date last shown: the first one, or its latest change."""
    connection.execute(
        "update before set due_on = origin.due_on from origin "
        "where before.invoice_id = origin.invoice_id"
    )
    connection.execute(
        "update before set due_on = latest.due_on from ("
        "select invoice_id, due_on from (select invoice_id, known_on, due_on, batch "
        "from stored_due_date_changes union all "
        "select invoice_id, known_on, due_on, 1000000 from batch_due_date_changes"
        ") as changes qualify row_number() over "
        "(partition by invoice_id order by known_on desc, batch desc) = 1) as latest "
        "where before.invoice_id = latest.invoice_id"
    )


def _account_changes(connection: duckdb.DuckDBPyConnection) -> pa.Table:
    parts = " union all ".join(
        "select account_id, cast(getvariable('extracted_on') as date) as known_on, "  # noqa: S608
        f'\'{column.name}\' as "column", cast("{column.name}" as varchar) as value '
        f'from compared where is_known and "changed_{column.name}"'
        for column in ACCOUNTS.columns[1:]
    )
    return connection.sql(parts).to_arrow_table().cast(arrow_schema(ACCOUNT_CHANGES))


def _due_date_changes(connection: duckdb.DuckDBPyConnection) -> pa.Table:
    rows = connection.sql(
        "select invoice_id, cast(getvariable('extracted_on') as date) as known_on, due_on "
        "from compared where is_known and changed_due_on"
    )
    return rows.to_arrow_table().cast(arrow_schema(DUE_DATE_CHANGES))
