"""The ``sql`` source: ledger tables read from a database through a mapping file.

Rows are read in chunks through a cursor on the server, so that only one chunk of them is held
as Python objects. They are put into the order of their keys, so that equal contents give equal
bytes, and typed by the same rules as files are.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import (
    Connection,
    CursorResult,
    Label,
    Select,
    column,
    false,
    inspect,
    literal_column,
    select,
)
from sqlalchemy import table as table_clause
from sqlalchemy.exc import SQLAlchemyError

from features.ledger.parsed import ColumnError
from features.ledger.sensitive import check_names, redact
from features.ledger.tables import Table
from features.sources.base import ContractError, Extract
from features.sources.database_cells import joined, raw_array
from features.sources.database_snapshot import ONE_MOMENT, open_snapshot, told
from features.sources.database_url import DatabaseUrl
from features.sources.files import RawTable, match_header, plain_name
from features.sources.mapping import TableMapping, nearest
from features.sources.mapping_file import read_mapping
from features.sources.typed import TypedTables

CHUNK_ROWS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSource:
    """Reads the tables that a mapping file names.

    Parameters
    ----------
    url : DatabaseUrl
        The database.
    chunk_rows : int
        Rows held as Python objects at a time, at least 1.

    Examples
    --------
    >>> from features.sources.database_url import parse_url
    >>> DatabaseSource(url=parse_url("postgresql://reader:s3cret@db.example/erp"))
    DatabaseSource(url=DatabaseUrl(postgresql+psycopg://reader:***@db.example/erp), ...)
    """

    url: DatabaseUrl
    chunk_rows: int = CHUNK_ROWS
    name: str = field(default="sql", init=False)

    def read(self, path: Path) -> Extract:
        """Read the database through the mapping file at ``path``.

        Parameters
        ----------
        path : Path
            A TOML file; see :mod:`features.sources.mapping_file`.

        Returns
        -------
        Extract
            ``rejected`` numbers rows in the order of their keys, from 1.

        Raises
        ------
        ContractError
            When the mapping is wrong, the database cannot be read, or tables or columns are
            missing; never shows the password.
        features.ledger.sensitive.SensitiveDataError
            When a column is on the deny-list or holds card numbers or IBANs.
        """
        mapping = read_mapping(path)
        typed = TypedTables(document_numbers=mapping.document_numbers)
        with open_snapshot(self.url, mapping.zone.key) as connection:
            if connection.dialect.name not in ONE_MOMENT:
                typed.warnings.append(
                    f"{connection.dialect.name}: the tables agree with one another only if "
                    "nothing was posted while they were read."
                )
            for part in mapping.tables:
                try:
                    raw = _read_table(connection, part, mapping.zone, self.chunk_rows)
                except ContractError as error:
                    typed.faults.append(str(error))
                except ColumnError as error:
                    typed.faults.append(f"{part.place}: {error}")
                except SQLAlchemyError as error:
                    # The transaction is lost, and with it the tables that would follow.
                    raise ContractError(
                        f"{self.url.shown}: {part.place}: {told(self.url, error)}"
                    ) from None
                else:
                    typed.add(part.table, raw)
        return typed.extract(
            f"{redact(path.name)} ({self.url.shown})",
            known_through=mapping.known_through,
            settings=dict(mapping.settings),
        )


def _read_table(
    connection: Connection, part: TableMapping, zone: tzinfo, chunk_rows: int
) -> RawTable:
    if part.query:
        result = connection.exec_driver_sql(
            part.query, execution_options={"stream_results": True, "no_parameters": True}
        )
        if not result.returns_rows:
            raise ContractError(f"{part.place}: it returns no rows. Write a select.")
        names, unknown = match_header(part.table, list(result.keys()), "query")
    else:
        result, names, unknown = _select(connection, part)
    _check_mapped(part, [name for name in names if name])
    with result:
        columns, rows = _read_chunks(result, names, part, zone, chunk_rows)
    for name, value in part.constants.items():
        columns[name] = pa.chunked_array([pa.repeat(pa.scalar(value), rows)])
    return RawTable(
        columns=_in_key_order(part.table, columns),
        rows=np.arange(1, rows + 1, dtype=np.int64),
        rows_read=rows,
        unknown=unknown,
    )


def _select(
    connection: Connection, part: TableMapping
) -> tuple[CursorResult[Any], list[str | None], tuple[str, ...]]:
    """Select the columns of a table or view that the ledger knows or the mapping names."""
    schema, _, name = part.source.rpartition(".")
    inspector = inspect(connection)
    if not inspector.has_table(name, schema=schema or None):
        near = inspector.get_table_names(schema or None) + inspector.get_view_names(schema or None)
        raise ContractError(
            f"{part.place}: the database has no such table or view: {nearest(name, near)}"
        )
    source = table_clause(name, schema=schema or None)
    nothing: Select[Any] = select(literal_column("*")).select_from(source).where(false())
    with connection.execute(nothing) as result:
        there = list(result.keys())
    plain = {plain_name(each): each for each in there}
    chosen: dict[str, str] = {}
    for target in part.table.column_names:
        given = part.columns.get(target)
        if given is not None and given not in there:
            raise ContractError(
                f"{part.place} has no column {redact(given)!r} for {target!r}: "
                f"{nearest(given, there)}"
            )
        found = given or plain.get(plain_name(target))
        if found is not None and target not in part.constants:
            chosen[target] = found
    check_names(part.table.name, chosen.values(), where=part.source)
    if not chosen:
        raise ContractError(
            f"{part.place} has no column that the ledger knows. Name them in columns."
        )
    wanted: list[Label[Any]] = [column(found).label(target) for target, found in chosen.items()]
    result = connection.execute(
        select(*wanted).select_from(source), execution_options={"stream_results": True}
    )
    return (
        result,
        list(chosen),
        tuple(redact(each) for each in there if each not in chosen.values()),
    )


def _check_mapped(part: TableMapping, names: Sequence[str]) -> None:
    """Refuse translations of columns that are not read, and constants of those that are."""
    if lost := sorted(set(part.values) - set(names)):
        raise ContractError(
            f"{part.place}: values translates {', '.join(lost)}, which is not read. "
            "Name its column in columns."
        )
    if doubled := sorted(set(part.constants) & set(names)):
        raise ContractError(
            f"{part.place}: {', '.join(doubled)} stands in constants too. Leave one."
        )


def _read_chunks(
    result: CursorResult[Any],
    names: Sequence[str | None],
    part: TableMapping,
    zone: tzinfo,
    chunk_rows: int,
) -> tuple[dict[str, pa.ChunkedArray], int]:
    """Return the columns that have a name, and the number of rows."""
    wanted = [(place, name) for place, name in enumerate(names) if name is not None]
    chunks: dict[str, list[pa.Array]] = {name: [] for _, name in wanted}
    rows = 0
    for chunk in result.partitions(chunk_rows):
        rows += len(chunk)
        for place, name in wanted:
            chunks[name].append(
                raw_array(
                    [row[place] for row in chunk],
                    part.table.column(name),
                    zone=zone,
                    translation=part.values.get(name),
                )
            )
    return {name: joined(parts) for name, parts in chunks.items()}, rows


def _in_key_order(table: Table, columns: dict[str, pa.ChunkedArray]) -> dict[str, pa.ChunkedArray]:
    """Sort rows by their key, and rows of one key by the rest; a database promises no order."""
    names = [*table.key, *(name for name in table.column_names if name not in table.key)]
    order = [(name, "ascending") for name in names if name in columns]
    if not order:
        return columns
    rows = pa.table(columns)
    sorted_rows = rows.take(pc.sort_indices(rows, sort_keys=order))
    return {name: sorted_rows[name] for name in columns}
