"""Whether typed rows keep the contract: each row alone, against its parents, against its twins.

The three questions are asked in that order, accounts first, and a row that fails one is not
asked the next. So the applications of an invoice that was refused are orphans, and say so.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.ledger.arrow import arrow_schema
from features.ledger.dates import FIRST_DAY, LAST_DAY
from features.ledger.parents import Parents, known_keys
from features.ledger.quarantine import Rejected
from features.ledger.tables import ACCOUNT_CHANGES, ACCOUNTS, TABLES, Column
from features.ledger.verdicts import Verdicts

__all__ = ["Validated", "known_keys", "validate"]

LARGEST_AMOUNT = Decimal(10) ** 15
LARGEST_INTEGER = 10**9

# The query engine sees the tables it is given and nothing else.
_CLOSED: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": False,
    "autoload_known_extensions": False,
    "autoinstall_known_extensions": False,
}
_WRITTEN = {
    "money": r"^-?\d{1,15}(\.\d{1,2})?$",
    "boolean": r"^(?i:true|false|1|0)$",
    "date": r"^\d{4}-\d{2}-\d{2}$",
}
"""How values of an account's columns are written as text in ``account_changes``."""

_SIGNS: dict[str, Callable[[pa.Array, pa.Scalar], pa.Array]] = {
    "positive": pc.greater,
    "non-negative": pc.greater_equal,
    "non-zero": pc.not_equal,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Validated:
    """What :func:`validate` let through and what it refused.

    Parameters
    ----------
    accepted : dict of str to pa.Table
        The tables given, in their order and schema, without the refused rows and duplicates.
    rejected : list of Rejected
        Every broken rule; a row may break several.
    duplicates : dict of str to int
        Rows left out because an equal row came before them; they are no fault.
    """

    accepted: dict[str, pa.Table]
    rejected: list[Rejected]
    duplicates: dict[str, int]


def validate(
    tables: Mapping[str, pa.Table],
    *,
    known_accounts: pa.Array | Iterable[str] | None = None,
    known_invoices: pa.Table | None = None,
    source_rows: Mapping[str, pa.Array] | None = None,
) -> Validated:
    """Split rows into those that keep the contract and those that break a rule.

    Parameters
    ----------
    tables : mapping of str to pa.Table
        Typed tables in the schema of the contract; any of them may be absent.
    known_accounts : array or iterable of str, optional
        Account ids that earlier batches brought.
    known_invoices : pa.Table, optional
        ``invoice_id`` and ``account_id`` of invoices that earlier batches brought.
    source_rows : mapping of str to pa.Array of int64, optional
        Line of data in the source of each row, from 1; the position in the table for a table
        that is not named.

    Returns
    -------
    Validated

    Raises
    ------
    ValueError
        When a table is unknown or does not have the schema of the contract.

    Notes
    -----
    Rules, by slug: ``required`` (no value), ``choice`` (not one of those allowed), ``sign``,
    ``size`` (money of 10^15 or more, another number of 10^9 or more), ``day`` (before 1950 or
    after 2150), ``currency`` (not three upper-case letters), ``conflict`` (two contents for
    one key on one day; the later row is refused), ``orphan`` (the account or invoice is
    unknown), ``account`` (the invoice belongs to another account).

    Examples
    --------
    >>> from features.ledger.arrow import arrow_schema
    >>> from features.ledger.tables import ACCOUNTS
    >>> rows = [{"account_id": "A1", "currency": "USD"}, {"account_id": "A2", "currency": "$"}]
    >>> result = validate(
    ...     {"accounts": pa.Table.from_pylist(rows, schema=arrow_schema(ACCOUNTS))}
    ... )
    >>> result.accepted["accounts"]["account_id"].to_pylist()
    ['A1']
    >>> [(refused.row, refused.rule, refused.value) for refused in result.rejected]
    [(2, 'currency', '$')]
    """
    for name, rows in tables.items():
        _check_schema(name, rows)
    batches = {
        name: Verdicts(TABLES[name], tables[name], (source_rows or {}).get(name))
        for name in TABLES
        if name in tables
    }
    parents = Parents(known_accounts, known_invoices)
    for batch in batches.values():
        for column in batch.table.columns:
            _check_cells(batch, column)
        if batch.table is ACCOUNT_CHANGES:
            _check_changed_values(batch)
        parents.check(batch)
        _check_twins(batch)
        parents.add(batch)
    return Validated(
        accepted={name: batches[name].accepted() for name in tables},
        rejected=[record for batch in batches.values() for record in batch.rejected],
        duplicates={name: batch.duplicates for name, batch in batches.items()},
    )


def _check_schema(name: str, rows: pa.Table) -> None:
    if name not in TABLES:
        raise ValueError(f"Table {name!r} is not in the contract. Known: {', '.join(TABLES)}.")
    expected = arrow_schema(TABLES[name])
    if not rows.schema.equals(expected):
        wrong = sorted(
            {f"{field.name}: {field.type}" for field in expected}
            ^ {f"{field.name}: {field.type}" for field in rows.schema}
        )
        raise ValueError(
            f"Table {name!r} is not in the schema of the contract; it differs in "
            f"{wrong or 'the order of columns'}. Use features.ledger.arrow.arrow_schema."
        )


def _check_cells(batch: Verdicts, column: Column) -> None:
    values = batch.rows[column.name]

    def refuse(good: pa.ChunkedArray, rule: str) -> None:
        # A cell without a value breaks no rule but ``required``: null counts as good here.
        bad = pc.invert(pc.fill_null(good, fill_value=True))
        if pc.any(bad).as_py():
            batch.reject(np.flatnonzero(bad.to_numpy()), rule, column.name)

    if column.required and values.null_count:
        refuse(pc.is_valid(values), "required")
    if column.choices:
        refuse(
            pc.or_kleene(pc.is_in(values, pa.array(column.choices)), pc.is_null(values)), "choice"
        )
    if column.name == "currency":
        refuse(pc.match_substring_regex(values, "^[A-Z]{3}$"), "currency")
    if column.kind == "date":
        refuse(
            pc.and_(
                pc.greater_equal(values, pa.scalar(FIRST_DAY)),
                pc.less_equal(values, pa.scalar(LAST_DAY)),
            ),
            "day",
        )
    if column.sign != "any":
        refuse(_SIGNS[column.sign](values, pa.scalar(0, values.type)), "sign")
    if column.kind == "money":
        limit = pa.scalar(LARGEST_AMOUNT, pa.decimal128(18, 2))
        refuse(pc.less(pc.abs(values), limit), "size")
    if column.kind == "integer":
        refuse(pc.less(pc.abs(values), LARGEST_INTEGER), "size")


def _check_changed_values(batch: Verdicts) -> None:
    """Refuse a new value of an account's column that is not written as the column is stored."""
    named, values = batch.rows["column"], batch.rows["value"]
    for column in ACCOUNTS.columns:
        if form := _WRITTEN.get(column.kind):
            wrong = pc.and_(
                pc.equal(named, column.name), pc.invert(pc.match_substring_regex(values, form))
            )
            bad = np.flatnonzero(pc.fill_null(wrong, fill_value=False).to_numpy())
            batch.reject(bad, column.kind, "value")


def _check_twins(batch: Verdicts) -> None:
    """Drop equal rows, and refuse a second content of one key on one day."""
    table = batch.table
    names = list(table.key)
    if "known_on" in table.column_names and "known_on" not in names:
        names.append("known_on")
    keys_alone = batch.accepted().select(names)
    if keys_alone.group_by(names).aggregate([]).num_rows == keys_alone.num_rows:
        return
    keys = ", ".join(f'"{name}"' for name in names)
    same = " and ".join(
        f'twin."{name}" is not distinct from first_row."{name}"' for name in table.column_names
    )
    with duckdb.connect(config=_CLOSED) as connection:
        connection.register("numbered", batch.numbered(table.column_names))
        found = connection.execute(
            f"""
            with twins as (
                select {keys}, min(position) as first_position
                from numbered group by {keys} having count(*) > 1
            )
            select twin.position, {same} as is_equal
            from numbered as twin
            inner join twins using ({keys})
            inner join numbered as first_row on first_row.position = twins.first_position
            where twin.position > twins.first_position
            order by twin.position
            """  # noqa: S608 - names are the contract's, never input
        ).fetchnumpy()
    positions = np.asarray(found["position"], dtype=np.int64)
    equal = np.asarray(found["is_equal"], dtype=np.bool_)
    batch.good[positions[equal]] = False
    batch.duplicates = int(equal.sum())
    batch.reject(positions[~equal], "conflict", table.key[0])
