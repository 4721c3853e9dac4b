"""Cut a ledger at a date: only what the books showed by the end of that day remains."""

from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from features.ledger.manifest import Manifest
from features.ledger.read import Ledger, ledger_from_rows
from features.ledger.tables import TABLES

LATE = {
    "disputes": {"closed_on": "closed_known_on", "outcome": "closed_known_on"},
    "promises": {"withdrawn_on": "withdrawn_on"},
    "installments": {"cancelled_on": "cancelled_known_on"},
    "account_flags": {"until_on": "until_on"},
}
"""Columns filled in later → the column that says when they became known."""


def cut_ledger(ledger: Ledger, day: date) -> Ledger:
    """Return the ledger without rows dated or known after ``day``; late columns are emptied."""
    rows = {}
    for name, table in ledger.rows.items():
        clocks = [TABLES[name].clock, "known_on", "contacted_on", "rate_on"]
        kept = table
        for clock in clocks:
            if clock is not None and clock in kept.column_names:
                kept = kept.filter(pc.less_equal(kept[clock], pa.scalar(day)))
        for column, known in LATE.get(name, {}).items():
            late = pc.fill_null(pc.greater(kept[known], pa.scalar(day)), fill_value=False)
            empty = pa.nulls(kept.num_rows, kept.schema.field(column).type)
            emptied = pc.if_else(late, empty, kept[column])
            place = kept.column_names.index(column)
            kept = kept.set_column(place, kept.schema.field(column), emptied)
        if name == "disputes":
            late = pc.fill_null(pc.greater(kept["closed_known_on"], pa.scalar(day)), False)
            empty = pa.nulls(kept.num_rows, pa.date32())
            place = kept.column_names.index("closed_known_on")
            field = kept.schema.field("closed_known_on")
            kept = kept.set_column(place, field, pc.if_else(late, empty, kept["closed_known_on"]))
        if name == "promises":
            known_ids = kept["promise_id"]
            unknown = pc.invert(pc.is_in(kept["superseded_by"], known_ids.combine_chunks()))
            empty = pa.nulls(kept.num_rows, pa.string())
            place = kept.column_names.index("superseded_by")
            field = kept.schema.field("superseded_by")
            kept = kept.set_column(place, field, pc.if_else(unknown, empty, kept["superseded_by"]))
        rows[name] = kept
    manifest = Manifest(known_through=min(day, ledger.manifest.known_through))
    return ledger_from_rows(rows, manifest)
