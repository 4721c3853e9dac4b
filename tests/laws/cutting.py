"""Cut a ledger at a date: only what the books showed by the end of that day remains."""

from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from features.ledger.late import LATE
from features.ledger.manifest import Manifest
from features.ledger.read import Ledger, ledger_from_rows
from features.ledger.tables import TABLES


def cut_ledger(ledger: Ledger, day: date) -> Ledger:
    """Return the ledger without rows dated or known after ``day``; late columns are emptied."""
    rows = {}
    for name, table in ledger.rows.items():
        clocks = [TABLES[name].clock, "known_on", "contacted_on", "rate_on"]
        kept = table
        for clock in clocks:
            if clock is not None and clock in kept.column_names:
                kept = kept.filter(pc.less_equal(kept[clock], pa.scalar(day)))
        if name in LATE:
            late = LATE[name]
            known = pc.coalesce(*(kept[clock] for clock in late.clock))
            future = pc.fill_null(pc.greater(known, pa.scalar(day)), fill_value=False)
            for column in late.columns:
                kept = _emptied(kept, column, future)
            if late.refers:
                ids = kept[TABLES[name].key[0]].combine_chunks()
                unknown = pc.invert(pc.is_in(kept[late.refers], ids))
                kept = _emptied(kept, late.refers, unknown)
        rows[name] = kept
    manifest = Manifest(known_through=min(day, ledger.manifest.known_through))
    return ledger_from_rows(rows, manifest)


def _emptied(rows: pa.Table, column: str, where: pa.ChunkedArray) -> pa.Table:
    place = rows.column_names.index(column)
    field = rows.schema.field(column)
    empty = pa.nulls(rows.num_rows, field.type)
    return rows.set_column(place, field, pc.if_else(where, empty, rows[column]))
