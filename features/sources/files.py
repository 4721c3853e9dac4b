"""CSV and Parquet files to raw Arrow columns, under the names of the contract.

Headers match without regard to case, spaces and underscores. Columns that the contract does
not know are never read. CSV is read as text, so that ids keep their leading zeros.
"""

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq

from features.ledger.quarantine import Rejected
from features.ledger.sensitive import check_names, redact
from features.ledger.tables import Table
from features.sources.base import ContractError

_DELIMITERS = (",", ";", "\t", "|")
_HEADER_BYTES = 1 << 16
_BLOCK_BYTES = 1 << 24


@dataclass(frozen=True, slots=True, kw_only=True)
class RawTable:
    """One table as it stands in the source.

    Parameters
    ----------
    columns : dict of str to pa.ChunkedArray
        Raw columns by the name of the contract; those that are missing are not in it.
    rows : ndarray of int64
        Line of data of each row, from 1.
    rows_read : int
        Lines of data, those that are no rows included.
    rejected : tuple of Rejected
        Lines that do not have as many fields as the header.
    unknown : tuple of str
        Columns that were left out, secrets in their names replaced.
    """

    columns: dict[str, pa.ChunkedArray]
    rows: npt.NDArray[np.int64]
    rows_read: int
    rejected: tuple[Rejected, ...] = ()
    unknown: tuple[str, ...] = ()


def plain_name(name: str) -> str:
    """Return a header without case, spaces and underscores, for comparison.

    Examples
    --------
    >>> plain_name(" Invoice_ID "), plain_name("invoice id")
    ('invoiceid', 'invoiceid')
    """
    return re.sub(r"[\s_\ufeff]+", "", name).lower()


def match_header(
    table: Table, names: Sequence[str], where: str
) -> tuple[list[str | None], tuple[str, ...]]:
    """Match the names of a header with the columns of a table.

    Returns
    -------
    list of (str or None)
        The contract column of each name; None for a name it does not know.
    tuple of str
        The unknown names, secrets replaced.

    Raises
    ------
    ContractError
        When two names mean the same column.
    features.ledger.sensitive.SensitiveDataError
        When a name is on the deny-list.

    Examples
    --------
    >>> from features.ledger.tables import FX_RATES
    >>> match_header(FX_RATES, ["Currency", "Rate On", "rate", "bank"], "fx_rates.csv")
    (['currency', 'rate_on', 'rate', None], ('bank',))
    """
    check_names(table.name, names, where=where)
    known = {plain_name(column): column for column in table.column_names}
    matched = [known.get(plain_name(name)) for name in names]
    doubled = sorted({name for name in matched if name is not None and matched.count(name) > 1})
    if doubled:
        raise ContractError(
            f"Table {table.name!r} ({redact(where)}): two columns are called "
            f"{', '.join(doubled)}. Case, spaces and underscores do not tell columns apart; "
            "leave one out."
        )
    unknown = tuple(
        redact(name) for name, column in zip(names, matched, strict=True) if column is None
    )
    return matched, unknown


def read_csv(table: Table, path: Path) -> RawTable:
    """Read a CSV file of a table as text.

    The delimiter is the one of comma, semicolon, tab and bar under which most columns of the
    header are known. A byte-order mark is left out.

    Raises
    ------
    ContractError
        When the file is empty, not UTF-8 or no CSV.
    """
    where = f"Table {table.name!r} ({redact(path.name)})"
    names, delimiter, skipped, has_rows = _read_header(table, path, where)
    matched, unknown = match_header(table, names, path.name)
    # Unknown columns get names that no contract column has, and are not converted.
    given = [column or f"\0{position}" for position, column in enumerate(matched)]
    wanted = [column for column in matched if column is not None]
    if not has_rows:
        nothing = pa.chunked_array([], pa.string())
        return RawTable(
            columns=dict.fromkeys(wanted, nothing),
            rows=np.zeros(0, dtype=np.int64),
            rows_read=0,
            unknown=unknown,
        )
    ragged: list[tuple[int, int]] = []

    def note(row: arrow_csv.InvalidRow) -> str:
        # A ragged row of several lines is a quote that was never closed: it has swallowed
        # rows, and nobody can tell how many.
        ragged.append((row.number - skipped, row.actual_columns))
        return "error" if "\n" in row.text.strip() else "skip"

    try:
        read = arrow_csv.read_csv(
            path,
            # Row numbers of ragged lines are known to a single thread only.
            read_options=arrow_csv.ReadOptions(
                use_threads=False,
                skip_rows=skipped,
                column_names=given,
                block_size=_BLOCK_BYTES,
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=delimiter, newlines_in_values=True, invalid_row_handler=note
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(wanted, pa.string()),
                include_columns=wanted,
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        # The reader's own message may quote the line, and with it what must not be shown.
        line = f" near line {ragged[-1][0]} of data" if ragged else ""
        reason = "it is not UTF-8" if "UTF8" in str(error) else f"its quotes are broken{line}"
        raise ContractError(
            f"{where} cannot be read: {reason}. Save it as CSV UTF-8 and import again."
        ) from None
    total = read.num_rows + len(ragged)
    rows = np.delete(np.arange(1, total + 1), [number - 1 for number, _ in ragged])
    return RawTable(
        columns={name: read[name] for name in wanted},
        rows=rows.astype(np.int64),
        rows_read=total,
        rejected=tuple(
            Rejected(
                table=table.name,
                row=number,
                rule="fields",
                value=f"{found} fields, the header has {len(names)}",
            )
            for number, found in ragged
        ),
        unknown=unknown,
    )


def _read_header(table: Table, path: Path, where: str) -> tuple[list[str], str, int, bool]:
    """Return the names in the header, the delimiter, lines to skip, and if rows follow."""
    with path.open("rb") as file:
        start = file.read(_HEADER_BYTES)
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ContractError(f"{where} cannot be read: it is UTF-16. Save it as CSV UTF-8.")
    lines = start.decode("utf-8-sig", errors="replace").splitlines()
    skipped = next((number for number, line in enumerate(lines) if line.strip()), None)
    if skipped is None:
        raise ContractError(f"{where} is empty. Write a header, even without rows.")
    known = {plain_name(column) for column in table.column_names}
    headers = {mark: next(csv.reader([lines[skipped]], delimiter=mark)) for mark in _DELIMITERS}
    delimiter = max(
        _DELIMITERS, key=lambda mark: sum(plain_name(name) in known for name in headers[mark])
    )
    has_rows = len(start) == _HEADER_BYTES or any(line.strip() for line in lines[skipped + 1 :])
    return headers[delimiter], delimiter, skipped + 1, has_rows


def read_parquet(table: Table, paths: Iterable[Path]) -> RawTable:
    """Read one or more Parquet files of a table, in the order given, types kept.

    A column that some files lack is null there.

    Raises
    ------
    ContractError
        When a file is no Parquet, or the files hold one column in types that do not agree.
    """
    parts: list[pa.Table] = []
    left_out: dict[str, None] = {}
    for path in paths:
        where = f"Table {table.name!r} ({redact(path.name)})"
        try:
            names = pq.read_schema(path).names
            matched, unknown = match_header(table, names, path.name)
            chosen = {
                name: column
                for name, column in zip(names, matched, strict=True)
                if column is not None
            }
            part = pq.ParquetFile(path).read(columns=list(chosen))
        except pa.ArrowInvalid:
            raise ContractError(
                f"{where} cannot be read: it is no Parquet file. Write it again."
            ) from None
        parts.append(part.rename_columns([chosen[name] for name in part.column_names]))
        left_out.update(dict.fromkeys(unknown))
    try:
        read = pa.concat_tables(parts, promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        raise ContractError(
            f"Table {table.name!r}: its {len(parts)} Parquet files hold one column in types that "
            "do not agree. Write them with one schema."
        ) from None
    return RawTable(
        columns={name: read[name] for name in read.column_names},
        rows=np.arange(1, read.num_rows + 1, dtype=np.int64),
        rows_read=read.num_rows,
        unknown=tuple(left_out),
    )
