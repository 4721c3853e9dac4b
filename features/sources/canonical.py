"""The canonical source: a folder with the tables of the ledger contract as files.

``<table>.parquet``, ``<table>.csv`` or ``<table>/*.parquet``, and ``ledger.json`` if the
source can tell through which day it knows.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from features.ledger.dates import DateOrder
from features.ledger.money import Mark
from features.ledger.sensitive import redact
from features.ledger.tables import TABLES, Table
from features.sources.base import ContractError, Extract
from features.sources.files import RawTable, read_csv, read_parquet
from features.sources.typed import TypedTables

LEDGER_FILE = "ledger.json"
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
        reading = _Reading(
            decimal_mark=self.decimal_mark,
            date_order=self.date_order,
            document_numbers=self.document_numbers,
        )
        stated = _read_ledger_file(path / LEDGER_FILE, reading)
        for table in TABLES.values():
            reading.read_table(table, path)
        reading.warn_of_others(path)
        return reading.extract(
            redact(str(path)),
            known_through=stated.known_through,
            defaulted_clocks=stated.defaulted_clocks,
            settings=stated.settings,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stated:
    """What ``ledger.json`` says."""

    known_through: date | None = None
    defaulted_clocks: tuple[str, ...] = ()
    settings: dict[str, str | int] = field(default_factory=dict)


class _Reading(TypedTables):
    """The files of a folder, read and typed one after the other."""

    def read_table(self, table: Table, folder: Path) -> None:
        """Read and type one table, if the folder has it."""
        try:
            raw = _read_raw(table, folder)
        except ContractError as error:
            self.faults.append(str(error))
            return
        if raw is not None:
            self.add(table, raw)
        elif table.required:
            self.faults.append(
                f"Table {table.name!r} is missing. Accepted: {table.name}.parquet, "
                f"{table.name}.csv or {table.name}/*.parquet in the folder."
            )

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
