"""A ledger in memory as the books showed it on an earlier day, to be looked at from a later one.

Rows that became known later go; columns that are filled in later are emptied. Rows that were
known but dated ahead stay: that they take effect is no news.
"""

from collections.abc import Iterator
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from features.ledger.read import Ledger, ledger_from_rows
from features.ledger.tables import TABLES, Table

_FILLED_IN_LATER: dict[str, tuple[tuple[str, ...], str]] = {
    "disputes": (("closed_on", "closed_known_on", "outcome"), "closed_known_on"),
    "promises": (("withdrawn_on",), "withdrawn_on"),
    "installments": (("cancelled_on", "cancelled_known_on"), "cancelled_known_on"),
}
"""Columns that a source overwrites, and the one that says when."""

_DATED_BY = {"contacts": "contacted_on", "fx_rates": "rate_on"}
"""When a row of a table without ``known_on`` became known."""


def known_by(ledger: Ledger, day: date) -> Ledger:
    """Return the rows of a ledger in memory that the books showed by the end of ``day``."""
    rows = {name: _known(TABLES[name], table, day) for name, table in ledger.rows.items()}
    return ledger_from_rows(rows, ledger.manifest)


def _known(table: Table, rows: pa.Table, day: date) -> pa.Table:
    clock = "known_on" if "known_on" in table.column_names else _DATED_BY.get(table.name)
    if clock is not None:
        rows = rows.filter(pc.less_equal(rows[clock], pa.scalar(day)))
    columns, filled_on = _FILLED_IN_LATER.get(table.name, ((), ""))
    if not columns:
        return rows
    late = pc.fill_null(pc.greater(rows[filled_on], pa.scalar(day)), fill_value=False)
    for column in columns:
        place = rows.schema.get_field_index(column)
        field = rows.schema.field(column)
        kept = pc.if_else(late, pa.scalar(None, field.type), rows[column])
        rows = rows.set_column(place, field, kept)
    return rows


def news(ledger: Ledger, after: date, until: date) -> dict[str, list[str]]:
    """Return the ids of the rows that the books began to show after one day and until another.

    A row counts on the later of its own day and its known day, and once more when what it
    says is completed (a dispute that closes). Contacts are left out: no score knows them.
    """
    found = {}
    for name, rows in ledger.rows.items():
        table = TABLES[name]
        if table.clock is None:
            continue
        ids = sorted(set(_fresh(table, rows, after, until)))
        if ids:
            found[name] = ids
    return found


def _fresh(table: Table, rows: pa.Table, after: date, until: date) -> Iterator[str]:
    completed = _FILLED_IN_LATER.get(table.name, ((), None))[1]
    for row in rows.to_pylist():
        days = [max(row[str(table.clock)], row["known_on"])]
        if completed is not None and row[completed] is not None:
            days.append(row[completed])
        if any(after < day <= until for day in days):
            yield ":".join(str(row[key]) for key in table.key)
