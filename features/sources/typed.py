"""Raw tables of a source to ledger tables: the part that every faithful source shares.

Columns are scanned for card and bank numbers, required ones must be there, and every cell is
typed by the rules of its column. Faults are collected, so that all are told at once.
"""

from collections.abc import Collection
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.ledger.arrow import ARROW_TYPES, arrow_schema
from features.ledger.cells import type_column
from features.ledger.dates import DateOrder
from features.ledger.money import Mark
from features.ledger.parsed import ColumnError, Parsed
from features.ledger.quarantine import Rejected
from features.ledger.sensitive import check_column, is_id_column
from features.ledger.tables import Column, Table
from features.sources.base import ContractError, Extract
from features.sources.files import RawTable

# What an absent required column stands for.
_DEFAULTS = {("invoices", "kind"): "invoice"}


class TypedTables:
    """The tables typed so far, and the faults found.

    Parameters
    ----------
    decimal_mark : {".", ","}, optional
        For columns of numbers in which no value settles the mark.
    date_order : {"dmy", "mdy"}, optional
        For columns of slashed dates in which no value settles the order.
    document_numbers : collection of (str, str)
        (table, column) pairs of id columns that a person has confirmed to hold document
        numbers, although they look like card numbers.

    Examples
    --------
    >>> from features.ledger.tables import FX_RATES
    >>> tables = TypedTables()
    >>> tables.add(FX_RATES, RawTable(
    ...     columns={"currency": pa.chunked_array([["EUR"]]),
    ...              "rate_on": pa.chunked_array([["2024-01-31"]]),
    ...              "rate": pa.chunked_array([["1.0837"]])},
    ...     rows=np.array([1]), rows_read=1))
    >>> tables.extract("an export").tables["fx_rates"]["rate"].to_pylist()
    [Decimal('1.08370000')]
    """

    def __init__(
        self,
        *,
        decimal_mark: Mark | None = None,
        date_order: DateOrder | None = None,
        document_numbers: Collection[tuple[str, str]] = (),
    ) -> None:
        self._decimal_mark = decimal_mark
        self._date_order = date_order
        self._document_numbers = frozenset(document_numbers)
        self._tables: dict[str, pa.Table] = {}
        self._rejected: list[Rejected] = []
        self._rows_read: dict[str, int] = {}
        self._source_rows: dict[str, pa.Array] = {}
        self._defaulted: list[str] = []
        self.warnings: list[str] = []
        self.faults: list[str] = []

    def add(self, table: Table, raw: RawTable) -> None:
        """Type the rows of one table.

        Raises
        ------
        features.ledger.sensitive.SensitiveDataError
            When a column of text holds card numbers or IBANs.
        """
        self._rows_read[table.name] = raw.rows_read
        self._rejected.extend(raw.rejected)
        if raw.unknown:
            self.warnings.append(
                f"Table {table.name!r}: column(s) {', '.join(raw.unknown)} are not in the "
                "contract and were left out."
            )
        self._check_secrets(table, raw)
        if self._check_required(table, raw):
            self._type(table, raw)

    def extract(
        self,
        where: str,
        *,
        known_through: date | None = None,
        defaulted_clocks: Collection[str] = (),
        settings: dict[str, str | int] | None = None,
    ) -> Extract:
        """Return what was typed.

        Parameters
        ----------
        where : str
            What the error calls the export.
        known_through : date, optional
            Last day the export knows about.
        defaulted_clocks : collection of str
            Tables whose clock the source says it has defaulted itself.
        settings : dict of str to str or int, optional
            What the source says about itself.

        Raises
        ------
        ContractError
            When any fault was found; it tells all of them.
        """
        if self.faults:
            raise ContractError(
                f"{where} breaks the ledger contract in {len(self.faults)} "
                "place(s). Nothing was imported.",
                tuple(self.faults),
            )
        return Extract(
            tables=self._tables,
            rejected=self._rejected,
            defaulted_clocks=tuple(
                name for name in self._tables if name in self._defaulted or name in defaulted_clocks
            ),
            known_through=known_through,
            warnings=tuple(self.warnings),
            rows_read=self._rows_read,
            source_rows=self._source_rows,
            document_numbers=self._document_numbers,
            settings=settings or {},
        )

    def _check_secrets(self, table: Table, raw: RawTable) -> None:
        for column in table.columns:
            confirmed = is_id_column(column.name) and (
                (table.name, column.name) in self._document_numbers
            )
            if column.kind == "text" and column.name in raw.columns and not confirmed:
                check_column(raw.columns[column.name], table=table.name, column=column.name)

    def _check_required(self, table: Table, raw: RawTable) -> bool:
        missing = [
            column.name
            for column in table.columns
            if column.required
            and column.name not in raw.columns
            and (table.name, column.name) not in _DEFAULTS
            and not (column.name == "known_on" and table.clock not in {None, "known_on"})
        ]
        if missing:
            found = [*raw.columns, *raw.unknown]
            self.faults.append(
                f"Table {table.name!r}: required column(s) {', '.join(missing)} missing. "
                f"Accepted names: {', '.join(table.column_names)} (case, spaces and "
                f"underscores do not matter). Found: {', '.join(found) or 'none'}."
            )
        return not missing

    def _type(self, table: Table, raw: RawTable) -> None:
        size = len(raw.rows)
        good = np.ones(size, dtype=np.bool_)
        columns: dict[str, pa.Array] = {}
        for column in table.columns:
            try:
                parsed = self._parse(table, column, raw)
            except ColumnError as error:
                self.faults.append(f"Table {table.name!r}: {error}")
                continue
            columns[column.name] = parsed.array
            for rule, positions in parsed.failures.items():
                good[positions] = False
                self._reject(table, column, raw, rule, positions)
        if len(columns) < len(table.columns):
            return
        if "known_on" in columns and table.clock not in {None, "known_on"}:
            clock = columns[str(table.clock)]
            if size and columns["known_on"].null_count == size:
                columns["known_on"] = clock
                self._defaulted.append(table.name)
        typed = pa.table(columns, schema=arrow_schema(table))
        rows = pa.array(raw.rows)
        self._tables[table.name] = typed if good.all() else typed.filter(pa.array(good))
        self._source_rows[table.name] = rows if good.all() else rows.filter(pa.array(good))

    def _parse(self, table: Table, column: Column, raw: RawTable) -> Parsed:
        values = raw.columns.get(column.name)
        kind = ARROW_TYPES[column.kind]
        if values is not None:
            return type_column(
                column,
                values,
                decimal_mark=self._decimal_mark,
                date_order=self._date_order,
            )
        default = _DEFAULTS.get((table.name, column.name))
        if default is None:
            return Parsed(array=pa.nulls(len(raw.rows), kind))
        return Parsed(array=pa.repeat(pa.scalar(default, kind), len(raw.rows)))

    def _reject(
        self,
        table: Table,
        column: Column,
        raw: RawTable,
        rule: str,
        positions: npt.NDArray[np.int64],
    ) -> None:
        values = pc.take(raw.columns[column.name], pa.array(positions)).to_pylist()
        for number, value in zip(raw.rows[positions].tolist(), values, strict=True):
            self._rejected.append(
                Rejected(
                    table=table.name,
                    row=number,
                    rule=rule,
                    column=column.name,
                    value=None if value is None else str(value),
                )
            )
