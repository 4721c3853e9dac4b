"""Cut a ledger at a day: only what the books showed by the end of that day remains.

Rows known later go. So do rows dated later, unless they overrule an earlier version of the same
key: with the coming of such a row the earlier one no longer holds. Columns that are filled in
later are emptied when their own day has not come.
"""

from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from features.ledger.manifest import Manifest
from features.ledger.read import Ledger, ledger_from_rows
from features.ledger.tables import TABLES, Table

LATE: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "disputes": (("closed_on", "closed_known_on", "outcome"), ("closed_on", "closed_known_on")),
    "promises": (("withdrawn_on",), ("withdrawn_on",)),
    "installments": (
        ("cancelled_on", "cancelled_known_on"),
        ("cancelled_on", "cancelled_known_on"),
    ),
    "account_flags": (("until_on",), ("until_on",)),
}
"""Columns filled in later, and the columns whose later day is the first on which they count."""

CLOCKS = {"contacts": "contacted_on", "fx_rates": "rate_on"}
"""The business date of tables without ``known_on``; accounts have none."""


def cut_ledger(ledger: Ledger, day: date) -> Ledger:
    """Return the ledger as the books showed it by the end of ``day``."""
    rows = {}
    for name, table in ledger.rows.items():
        kept = _rows_shown(TABLES[name], table, day)
        columns, clocks = LATE.get(name, ((), ()))
        if columns:
            late = _dated_after(kept, clocks, day)
            for column in columns:
                kept = _emptied(kept, column, late)
        if name == "promises":
            later = pc.is_in(kept["superseded_by"], kept["promise_id"].combine_chunks())
            kept = _emptied(kept, "superseded_by", pc.invert(later))
        rows[name] = kept
    manifest = Manifest(
        known_through=min(day, ledger.manifest.known_through),
        reporting_currency=ledger.manifest.reporting_currency,
    )
    return ledger_from_rows(rows, manifest)


def _rows_shown(table: Table, rows: pa.Table, day: date) -> pa.Table:
    limit = pa.scalar(day)
    if table.name in CLOCKS:
        return rows.filter(pc.less_equal(rows[CLOCKS[table.name]], limit))
    if table.clock is None:
        return rows
    known = rows.filter(pc.less_equal(rows["known_on"], limit))
    key = list(table.key)
    first = known.group_by(key).aggregate([("known_on", "min")])
    found = known.append_column("row", pa.array(range(known.num_rows), pa.int64())).join(first, key)
    overrules = pc.greater(found["known_on"], found["known_on_min"])
    shown = pc.or_(pc.less_equal(found[table.clock], limit), overrules)
    return known.take(found.filter(shown)["row"].sort())


def _dated_after(rows: pa.Table, clocks: tuple[str, ...], day: date) -> pa.ChunkedArray:
    late = pc.greater(pc.max_element_wise(*[rows[clock] for clock in clocks]), pa.scalar(day))
    return pc.fill_null(late, fill_value=False)


def _emptied(rows: pa.Table, column: str, where: pa.ChunkedArray) -> pa.Table:
    field = rows.schema.field(column)
    place = rows.schema.get_field_index(column)
    return rows.set_column(
        place, field, pc.if_else(where, pa.scalar(None, field.type), rows[column])
    )
