"""Faults planted around the real pipeline, to show that each law would notice one.

Each function wraps a pipeline of ``tests.laws.pipelines`` and spoils its ledger or its
answer in the way that a mistake in a query would.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.build import FeatureFrame
from features.ledger.arrow import arrow_schema
from features.ledger.cutting import cut_ledger
from features.ledger.read import Ledger
from features.ledger.tables import TABLES
from tests.laws.changing import replaced_column
from tests.laws.drawing import Row
from tests.laws.generated import LAST, ledger_of
from tests.laws.pipelines import features_of, peers_of

EARLY = timedelta(days=100)


def reads_early(
    ledger: Ledger, days: Sequence[date], *, tolerance: float = 1.0, threads: int = 1
) -> FeatureFrame:
    """See every row, and every late column, a hundred days before the books show it."""
    rows = {}
    for name, table in ledger.rows.items():
        late = [column for column in table.column_names if column in _LATE]
        for column in late:
            table = _moved_ahead(table, column)  # noqa: PLW2901
        rows[name] = table
    return features_of(ledger_of(rows), days, tolerance=tolerance, threads=threads)


def knows_kinds_early(
    ledger: Ledger, days: Sequence[date], *, tolerance: float = 1.0, threads: int = 1
) -> FeatureFrame:
    """Hold items against the peers of the kind that their account will be of."""
    changes = _moved_ahead(ledger.rows["account_changes"], "known_on")
    rows = {**ledger.rows, "account_changes": changes}
    return peers_of(ledger_of(rows), days, tolerance=tolerance, threads=threads)


def keeps_early(ledger: Ledger, folder: Path) -> Ledger:
    """Return a ledger whose kept states of items, in ``folder``, begin a hundred days early."""
    path = folder / "early.parquet"
    pq.write_table(_moved_ahead(pq.read_table(ledger.states["item_states"]), "from_on"), path)
    return replace(ledger, states={**ledger.states, "item_states": path})


def _moved_ahead(table: pa.Table, column: str) -> pa.Table:
    earlier = pc.subtract(table[column].cast(pa.timestamp("s")), pa.scalar(EARLY))
    return replaced_column(table, column, earlier.cast(pa.date32()))


_LATE = ("known_on", "closed_known_on", "cancelled_known_on", "withdrawn_on", "rate_on")


def loses_the_last_row(
    ledger: Ledger, days: Sequence[date], *, tolerance: float = 1.0, threads: int = 1
) -> FeatureFrame:
    """Leave out the last tenth of the applications, in the order of the table."""
    table = ledger.rows["applications"]
    rows = {**ledger.rows, "applications": table.slice(0, table.num_rows * 9 // 10)}
    return features_of(ledger_of(rows), days, tolerance=tolerance, threads=threads)


def counts_every_row(
    ledger: Ledger, days: Sequence[date], *, tolerance: float = 1.0, threads: int = 1
) -> FeatureFrame:
    """Take each version or repetition of an application for one of its own."""
    table = ledger.rows["applications"]
    numbers = pa.array([f"{row:06d}" for row in range(table.num_rows)])
    ids = pc.binary_join_element_wise(table["application_id"], numbers, " ")
    rows = {**ledger.rows, "applications": replaced_column(table, "application_id", ids)}
    return features_of(ledger_of(rows), days, tolerance=tolerance, threads=threads)


def forgets_a_file(
    ledger: Ledger, days: Sequence[date], *, tolerance: float = 1.0, threads: int = 1
) -> FeatureFrame:
    """Leave out the newest file of each table that has several."""
    files = {name: paths[: max(1, len(paths) - 1)] for name, paths in ledger.files.items()}
    spoilt = replace(ledger, files=files, states={})
    return features_of(spoilt, days, tolerance=tolerance, threads=threads)


def reads_a_part_of_the_kept_states(
    ledger: Ledger, days: Sequence[date], *, tolerance: float = 1.0, threads: int = 1
) -> FeatureFrame:
    """Leave out the last fifth of the states of items that an import kept."""
    if path := ledger.states.get("item_states"):
        states = pq.read_table(path)
        part = path.with_name("part.parquet")
        pq.write_table(states.slice(0, states.num_rows * 4 // 5), part)
        ledger = replace(ledger, states={**ledger.states, "item_states": part})
    return features_of(ledger, days, tolerance=tolerance, threads=threads)


def compares_with_the_crowd(
    ledger: Ledger, days: Sequence[date], *, tolerance: float = 1.0, threads: int = 1
) -> FeatureFrame:
    """Measure each value from the mean of all accounts."""
    frame = features_of(ledger, days, tolerance=tolerance, threads=threads)
    return replace(frame, values=frame.values - np.nan_to_num(frame.values).mean(axis=0))


def stands_on_the_first_date(
    ledger: Ledger, days: Sequence[date], *, tolerance: float = 1.0, threads: int = 1
) -> FeatureFrame:
    """Read for all dates what the books showed on the first."""
    then = cut_ledger(ledger, min(days))
    return features_of(then, days, tolerance=tolerance, threads=threads)


def ages_from_the_return(
    ledger: Ledger, days: Sequence[date], *, tolerance: float = 1.0, threads: int = 1
) -> FeatureFrame:
    """Let an item whose payment came back fall due on the day it came back."""
    postings = ledger.rows["applications"].filter(
        pc.equal(ledger.rows["applications"]["cause"], "cash_return")
    )
    changes = pa.table(
        [postings["invoice_id"], postings["known_on"], postings["applied_on"]],
        schema=arrow_schema(TABLES["due_date_changes"]),
    )
    both = pa.concat_tables([ledger.rows["due_date_changes"], changes])
    rows = {**ledger.rows, "due_date_changes": both}
    return features_of(ledger_of(rows), days, tolerance=tolerance, threads=threads)


def forgets_the_tolerance(
    ledger: Ledger, days: Sequence[date], *, tolerance: float = 1.0, threads: int = 1
) -> FeatureFrame:
    """Use one tolerance whatever was asked."""
    del tolerance
    return features_of(ledger, days, threads=threads)


def reads_meaning_into_ids(
    ledger: Ledger, days: Sequence[date], *, tolerance: float = 1.0, threads: int = 1
) -> FeatureFrame:
    """Add the place of an invoice's id among those of its account to every value."""
    frame = features_of(ledger, days, tolerance=tolerance, threads=threads)
    place = frame.items.groupby(["as_of", "account_id"]).cumcount().to_numpy(dtype=float)
    return replace(frame, values=frame.values + place[:, None])


def drops_undated_items(
    ledger: Ledger, days: Sequence[date], *, tolerance: float = 1.0, threads: int = 1
) -> FeatureFrame:
    """Leave out items without a due date."""
    frame = features_of(ledger, days, tolerance=tolerance, threads=threads)
    return frame.select(frame.items["due_on"].notna().to_numpy(dtype=bool))


def ages_a_month_late(
    ledger: Ledger, days: Sequence[date], *, tolerance: float = 1.0, threads: int = 1
) -> FeatureFrame:
    """Count items from their 61st day on as more than 30 days late."""
    frame = features_of(ledger, days, tolerance=tolerance, threads=threads)
    values = frame.values.copy()
    late, later = (frame.names.index(f"account_{days}_plus_items") for days in (31, 61))
    values[:, late] = values[:, later]
    return replace(frame, values=values)


def takes_missing_for_empty(
    ledger: Ledger, days: Sequence[date], *, tolerance: float = 1.0, threads: int = 1
) -> FeatureFrame:
    """Read a table that the source lacks as one without rows."""
    empty = {name: arrow_schema(table).empty_table() for name, table in TABLES.items()}
    rows = {**empty, **ledger.rows}
    return features_of(ledger_of(rows), days, tolerance=tolerance, threads=threads)


def takes_repetitions_for_news(
    ledger: Ledger, days: Sequence[date], *, tolerance: float = 1.0, threads: int = 1
) -> FeatureFrame:
    """Of a ledger on disk, take the first version of each application for its newest."""
    if not ledger.files:
        return features_of(ledger, days, tolerance=tolerance, threads=threads)
    rows = {
        name: pa.concat_tables([pq.read_table(path) for path in paths])
        for name, paths in ledger.files.items()
    }
    table = rows["applications"]
    first: dict[str, Row] = {}
    for row in sorted(table.to_pylist(), key=lambda row: row["known_on"]):
        first.setdefault(row["application_id"], row | {"known_on": LAST})
    again = pa.Table.from_pylist(list(first.values()), schema=table.schema)
    rows["applications"] = pa.concat_tables([table, again])
    return features_of(ledger_of(rows), days, tolerance=tolerance, threads=threads)
