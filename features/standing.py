"""Sessions whose plans stand: for one account, asked for again and again.

DuckDB plans the forty queries of the catalogue several times longer than it runs them on the
rows of one account, and plans anew, prepared or not, whatever reads a table of its own. What
reads a stream it plans once. So the tables of a standing session are feeds: names whose rows
are exchanged between runs. A finished session leaves its plans behind for the next one, and
no rows.
"""

import atexit
import warnings
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from queue import Empty, SimpleQueue
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from features.ledger.arrow import arrow_schema
from features.ledger.read import Ledger, stored_query, visible_query
from features.ledger.tables import TABLES, Table
from features.session import Session

# A copy of a few rows costs less than what the warning proposes, which runs the query twice.
warnings.filterwarnings("ignore", "Arrow output on a DB-API result", UserWarning)

IDLE = 4
"""Sets of plans that wait for a session at most."""

PLANS = 256
"""Plans that one set holds at most; the one unused for longest goes first."""

_NOT_COMPUTED = "{} has not been computed in this session."

_CONFIG: dict[str, Any] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "preserve_insertion_order": False,
    "enable_external_access": False,
    "threads": 1,
}


class Feed:
    """A name in DuckDB whose rows are exchanged; reading it without rows is an error."""

    def __init__(self, name: str, schema: pa.Schema) -> None:
        self.name = name
        self.schema = schema
        self.rows: pa.Table | None = None

    def __arrow_c_schema__(self) -> object:
        """Return the schema as the Arrow PyCapsule interface asks for it."""
        return self.schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Return the rows as the Arrow PyCapsule interface asks for them."""
        if self.rows is None:
            raise RuntimeError(_NOT_COMPUTED.format(self.name))
        return self.rows.__arrow_c_stream__(requested_schema)


class Plans:
    """A DuckDB connection with prepared queries and the feeds that they read."""

    def __init__(self) -> None:
        self._connection = duckdb.connect(":memory:", config=_CONFIG)
        self.prepared: OrderedDict[str, str] = OrderedDict()
        self.feeds: dict[str, Feed] = {}
        self._count = 0
        self._visible: dict[str, str] = {}
        self._nothing: dict[str, pa.Table] = {}
        for table in TABLES.values():
            rows = f"rows_{table.name}"
            self.feed(rows, arrow_schema(table).empty_table())
            stored = f"({stored_query(table, [rows])})"
            self._visible[table.name] = visible_query(table, stored)
            self._nothing[table.name] = self.run(self._visible[table.name])

    def show(self, ledger: Ledger) -> None:
        """Feed the contract's tables; those that the ledger lacks are empty."""
        for name, query in self._visible.items():
            rows = ledger.rows.get(name)
            if rows is None or not rows.num_rows:
                self.feed(name, self._nothing[name])
            elif _single_versions(TABLES[name], rows):
                self.feed(name, _shown_once(TABLES[name], rows, self._nothing[name].schema))
            else:
                self.feed(f"rows_{name}", rows)
                self.feed(name, self.run(query))

    def feed(self, name: str, rows: pa.Table) -> None:
        """Let ``name`` stand for ``rows``; other columns than before make every plan void."""
        known = self.feeds.get(name)
        if known is None or known.schema != rows.schema:
            if known is not None:
                self._forget_plans()
            self.feeds[name] = known = Feed(name, rows.schema)
            known.rows = rows
            self._connection.register(name, known)
        known.rows = rows

    def rows(self, name: str) -> pa.Table:
        """Return what ``name`` stands for."""
        feed = self.feeds.get(name)
        if feed is None or feed.rows is None:
            raise RuntimeError(_NOT_COMPUTED.format(name))
        return feed.rows

    def empty(self, name: str) -> None:
        """Let ``name`` stand for nothing, so that reading it is an error."""
        self.feeds[name].rows = None

    def run(self, query: str) -> pa.Table:
        """Return the result of a query, planned when it is met for the first time."""
        name = self.prepared.get(query)
        if name is None:
            name = f"plan_{self._count}"
            self._count += 1
            self._connection.execute(f"prepare {name} as {query}")
            self.prepared[query] = name
            if len(self.prepared) > PLANS:
                _, oldest = self.prepared.popitem(last=False)
                self._connection.execute(f"deallocate {oldest}")
        self.prepared.move_to_end(query)
        return self._connection.execute(f"execute {name}").to_arrow_table()

    def _forget_plans(self) -> None:
        """Let go of all plans: one that has read a name before would go on reading the old feed."""
        for name in self.prepared.values():
            self._connection.execute(f"deallocate {name}")
        self.prepared.clear()

    def forget_rows(self) -> None:
        """Let go of all rows."""
        for feed in self.feeds.values():
            feed.rows = None

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def _single_versions(table: Table, rows: pa.Table) -> bool:
    """Tell whether no key has two rows."""
    if len(table.key) == 1:
        return bool(pc.count_distinct(rows[table.key[0]], mode="all").as_py() == rows.num_rows)
    keys = rows.select(table.key).group_by(list(table.key)).aggregate([])
    return bool(keys.num_rows == rows.num_rows)


def _shown_once(table: Table, rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return what ``visible_query`` makes of rows of single versions, without asking DuckDB."""
    columns = {name: rows[name] for name in table.column_names}
    if "known_on" in columns and table.clock is not None:
        columns["visible_on"] = pc.max_element_wise(rows[table.clock], rows["known_on"])
        columns["superseded_on"] = pa.nulls(rows.num_rows, pa.date32())
    return pa.table([columns[name] for name in schema.names], schema=schema)


class StandingSession(Session):
    """A ledger's stages for some as-of dates, computed by plans made before."""

    def __init__(self, plans: Plans, as_of: Sequence[date]) -> None:
        super().__init__(as_of)
        self.plans = plans

    def arrow(self, sql: str) -> pa.Table:
        """Return the result of a query over the stages as an Arrow table."""
        return self.plans.run(sql)

    def columns(self, stage: str, keys: Sequence[str], values: Sequence[str]) -> pa.Table:
        """Return columns of a stage that has run; its rows are at hand, so nothing is asked."""
        rows = self.plans.rows(stage)
        doubles = [_double(rows[name]) for name in values]
        return pa.table([*(rows[key] for key in keys), *doubles], names=[*keys, *values])

    def register(self, name: str, table: pa.Table) -> None:
        """Make an Arrow table readable under ``name``."""
        self.plans.feed(name, table)

    def _make(self, stage: str) -> None:
        self.plans.feed(stage, self.plans.run(self.text(stage)))

    def _drop(self, stage: str) -> None:
        self.plans.empty(stage)


def _double(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column if pa.types.is_float64(column.type) else column.cast(pa.float64())


waiting: SimpleQueue[Plans] = SimpleQueue()
"""Plans that no session uses."""


@contextmanager
def open_standing_session(
    ledger: Ledger, as_of: Sequence[date], inputs: Mapping[str, pa.Table]
) -> Iterator[StandingSession]:
    """Open a session with plans that wait, else with new ones; they wait again after it.

    Parameters
    ----------
    ledger : Ledger
        A ledger in memory.
    as_of : sequence of date
        Observation dates.
    inputs : mapping of str to pyarrow.Table
        From ``features.inputs.input_tables``.
    """
    plans = take_waiting() or Plans()
    try:
        plans.show(ledger)
        for name, table in inputs.items():
            plans.feed(name, table)
        yield StandingSession(plans, as_of)
    except BaseException:
        plans.close()
        raise
    plans.forget_rows()
    if waiting.qsize() < IDLE:
        waiting.put(plans)
    else:
        plans.close()


def take_waiting() -> Plans | None:
    """Return plans that no session uses, None where there are none."""
    with suppress(Empty):
        return waiting.get_nowait()
    return None


@atexit.register
def close_waiting() -> None:
    """Close the plans that no session uses."""
    while (plans := take_waiting()) is not None:
        plans.close()
