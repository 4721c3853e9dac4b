"""The canonical source: a folder with the tables of the ledger contract as files.

``<table>.parquet``, ``<table>.csv`` or ``<table>/*.parquet``, and ``ledger.json`` if the
source can tell through which day it knows.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

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
from features.ledger.sensitive import check_column, is_id_column, redact
from features.ledger.tables import TABLES, Column, Table
from features.sources.base import ContractError, Extract
from features.sources.files import RawTable, read_csv, read_parquet

LEDGER_FILE = "ledger.json"
# What an absent required column stands for.
_DEFAULTS = {("invoices", "kind"): "invoice"}
_SETTINGS: dict[str, type[str] | type[int]] = {
    "time_zone": str,
    "maturity_lag_days": int,
    "reporting_currency": str,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CanonicalSource:
    """Reads a folder of contract tables.

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
    >>> CanonicalSource().name
    'canonical'
    """

    decimal_mark: Mark | None = None
    date_order: DateOrder | None = None
    document_numbers: Collection[tuple[str, str]] = ()
    name: str = field(default="canonical", init=False)

    def read(self, path: Path) -> Extract:
        """Read the folder at ``path``; every fault of every table is reported at once.

        Parameters
        ----------
        path : Path
            Folder with the files of the tables.

        Returns
        -------
        Extract

        Raises
        ------
        ContractError
            When required tables or columns are missing, or a column cannot be read.
        features.ledger.sensitive.SensitiveDataError
            When a column is on the deny-list or holds card numbers or IBANs.
        """
        if not path.is_dir():
            raise ContractError(
                f"{redact(str(path))} is not a folder. Give the folder that holds "
                "accounts.csv, invoices.csv, applications.csv (or .parquet)."
            )
        reading = _Reading(self)
        stated = _read_ledger_file(path / LEDGER_FILE, reading)
        for table in TABLES.values():
            reading.read_table(table, path)
        reading.warn_of_others(path)
        if reading.faults:
            raise ContractError(
                f"{redact(str(path))} breaks the ledger contract in {len(reading.faults)} "
                "place(s). Nothing was imported.",
                tuple(reading.faults),
            )
        return Extract(
            tables=reading.tables,
            rejected=reading.rejected,
            defaulted_clocks=tuple(
                name
                for name in reading.tables
                if name in reading.defaulted or name in stated.defaulted_clocks
            ),
            known_through=stated.known_through,
            warnings=tuple(reading.warnings),
            rows_read=reading.rows_read,
            source_rows=reading.source_rows,
            document_numbers=frozenset(self.document_numbers),
            settings=stated.settings,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stated:
    """What ``ledger.json`` says."""

    known_through: date | None = None
    defaulted_clocks: tuple[str, ...] = ()
    settings: dict[str, str | int] = field(default_factory=dict)


class _Reading:
    """The tables read so far, and the faults found."""

    def __init__(self, source: CanonicalSource) -> None:
        self._source = source
        self.tables: dict[str, pa.Table] = {}
        self.rejected: list[Rejected] = []
        self.rows_read: dict[str, int] = {}
        self.source_rows: dict[str, pa.Array] = {}
        self.defaulted: list[str] = []
        self.warnings: list[str] = []
        self.faults: list[str] = []

    def read_table(self, table: Table, folder: Path) -> None:
        """Read and type one table, if the folder has it."""
        try:
            raw = _read_raw(table, folder)
        except ContractError as error:
            self.faults.append(str(error))
            return
        if raw is None:
            if table.required:
                self.faults.append(
                    f"Table {table.name!r} is missing. Accepted: {table.name}.parquet, "
                    f"{table.name}.csv or {table.name}/*.parquet in the folder."
                )
            return
        self.rows_read[table.name] = raw.rows_read
        self.rejected.extend(raw.rejected)
        if raw.unknown:
            self.warnings.append(
                f"Table {table.name!r}: column(s) {', '.join(raw.unknown)} are not in the "
                "contract and were left out."
            )
        self._check_secrets(table, raw)
        if self._check_required(table, raw):
            self._type(table, raw)

    def warn_of_others(self, folder: Path) -> None:
        """Warn of files that are no table of the contract."""
        others = sorted(
            redact(path.name)
            for path in folder.iterdir()
            if path.suffix in {".csv", ".parquet"} and path.stem not in TABLES
        )
        if others:
            self.warnings.append(
                f"File(s) {', '.join(others)} are no table of the contract and were left out."
            )

    def _check_secrets(self, table: Table, raw: RawTable) -> None:
        for column in table.columns:
            confirmed = is_id_column(column.name) and (
                (table.name, column.name) in self._source.document_numbers
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
                self.defaulted.append(table.name)
        typed = pa.table(columns, schema=arrow_schema(table))
        rows = pa.array(raw.rows)
        self.tables[table.name] = typed if good.all() else typed.filter(pa.array(good))
        self.source_rows[table.name] = rows if good.all() else rows.filter(pa.array(good))

    def _parse(self, table: Table, column: Column, raw: RawTable) -> Parsed:
        values = raw.columns.get(column.name)
        kind = ARROW_TYPES[column.kind]
        if values is not None:
            return type_column(
                column,
                values,
                decimal_mark=self._source.decimal_mark,
                date_order=self._source.date_order,
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
            self.rejected.append(
                Rejected(
                    table=table.name,
                    row=number,
                    rule=rule,
                    column=column.name,
                    value=None if value is None else str(value),
                )
            )


def _read_raw(table: Table, folder: Path) -> RawTable | None:
    comma, parquet = folder / f"{table.name}.csv", folder / f"{table.name}.parquet"
    parts = sorted((folder / table.name).glob("*.parquet"))
    given = [
        name
        for name, there in (
            (comma.name, comma.is_file()),
            (parquet.name, parquet.is_file()),
            (f"{table.name}/", bool(parts)),
        )
        if there
    ]
    if not given:
        return None
    if len(given) > 1:
        raise ContractError(
            f"Table {table.name!r} is there more than once: {', '.join(given)}. Leave one."
        )
    if given[0] == comma.name:
        return read_csv(table, comma)
    return read_parquet(table, parts or [parquet])


def _read_ledger_file(path: Path, reading: _Reading) -> _Stated:
    if not path.is_file():
        return _Stated()
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError:
        content = None
    if not isinstance(content, dict):
        reading.faults.append(f"{LEDGER_FILE} is no JSON object. Correct it or leave it out.")
        return _Stated()
    known_through = None
    given = content.get("known_through")
    if given is not None:
        try:
            known_through = date.fromisoformat(given)
        except (TypeError, ValueError):
            reading.faults.append(
                f"{LEDGER_FILE}: known_through must be an ISO date (2020-01-31), got "
                f"{redact(str(given))!r}."
            )
    settings: dict[str, str | int] = {}
    for name, kind in _SETTINGS.items():
        value = content.get(name)
        if isinstance(value, kind) and not isinstance(value, bool):
            settings[name] = value
        elif value is not None:
            reading.faults.append(
                f"{LEDGER_FILE}: {name} must be {'text' if kind is str else 'a whole number'}, "
                f"got {redact(str(value))!r}."
            )
    clocks = content.get("defaulted_clocks", [])
    if not isinstance(clocks, list) or not all(name in TABLES for name in clocks):
        reading.faults.append(
            f"{LEDGER_FILE}: defaulted_clocks must be a list of tables of the contract."
        )
        clocks = []
    return _Stated(known_through=known_through, defaulted_clocks=tuple(clocks), settings=settings)
