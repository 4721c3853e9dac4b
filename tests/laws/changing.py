"""Ways to change a ledger, by what the contract says of its columns, in every table at once."""

import hashlib
from collections.abc import Callable
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.ledger.arrow import ARROW_TYPES
from features.ledger.read import Ledger
from features.ledger.tables import ACCOUNTS, TABLES, Column
from tests.laws.generated import ledger_of

_MONEY_ATTRIBUTES = [column.name for column in ACCOUNTS.columns if column.kind == "money"]


def shuffled(ledger: Ledger, seed: int) -> Ledger:
    """Return the ledger with the rows of every table in another order."""
    rng = np.random.default_rng(seed)
    return ledger_of(
        {
            name: table.take(pa.array(rng.permutation(table.num_rows)))
            for name, table in ledger.rows.items()
        }
    )


def doubled(ledger: Ledger) -> Ledger:
    """Return the ledger with every row written twice."""
    return ledger_of(
        {name: pa.concat_tables([table, table]) for name, table in ledger.rows.items()}
    )


def scaled(ledger: Ledger, factor: int) -> Ledger:
    """Return the ledger with all money times ``factor``."""

    def change(column: Column, values: pa.ChunkedArray) -> pa.ChunkedArray:
        if column.kind != "money":
            return values
        return pc.multiply(values, pa.scalar(Decimal(factor))).cast(ARROW_TYPES["money"])

    rows = _each_column(ledger, change)
    if (changes := rows.get("account_changes")) is not None:
        pairs = zip(changes["column"].to_pylist(), changes["value"].to_pylist(), strict=True)
        values = [
            str(Decimal(value) * factor) if column in _MONEY_ATTRIBUTES and value else value
            for column, value in pairs
        ]
        rows["account_changes"] = replaced_column(changes, "value", pa.array(values, pa.string()))
    return ledger_of(rows)


def renamed(ledger: Ledger, name_of: Callable[[str], str]) -> Ledger:
    """Return the ledger with another name for every id, the same wherever it stands."""

    def change(column: Column, values: pa.ChunkedArray) -> pa.ChunkedArray:
        return _mapped(values, name_of) if is_id(column) else values

    rows = _each_column(ledger, change)
    if (changes := rows.get("account_changes")) is not None:
        ids = pc.is_in(changes["column"], pa.array([c.name for c in ACCOUNTS.columns if is_id(c)]))
        values = pc.if_else(ids, _mapped(changes["value"], name_of), changes["value"])
        rows["account_changes"] = replaced_column(changes, "value", values)
    return ledger_of(rows)


def is_id(column: Column) -> bool:
    """Return whether a column holds ids of rows of the ledger."""
    return column.kind == "text" and (column.name.endswith("_id") or column.name == "superseded_by")


def scrambled(name: str) -> str:
    """Return another name that keeps no order.

    Examples
    --------
    >>> sorted(["A1", "A2", "A3"], key=scrambled)
    ['A3', 'A1', 'A2']
    """
    return hashlib.sha256(name.encode()).hexdigest()[:24]


def _each_column(
    ledger: Ledger, change: Callable[[Column, pa.ChunkedArray], pa.ChunkedArray]
) -> dict[str, pa.Table]:
    return {
        name: pa.table(
            [change(TABLES[name].column(column), table[column]) for column in table.column_names],
            schema=table.schema,
        )
        for name, table in ledger.rows.items()
    }


def _mapped(values: pa.ChunkedArray, name_of: Callable[[str], str]) -> pa.Array:
    names = [None if value is None else name_of(value) for value in values.to_pylist()]
    return pa.array(names, pa.string())


def replaced_column(table: pa.Table, column: str, values: pa.Array) -> pa.Table:
    """Return the table with other values in one column."""
    place = table.schema.get_field_index(column)
    return table.set_column(place, table.schema.field(column), values)
