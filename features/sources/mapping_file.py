"""The mapping file: TOML, one section per ledger table, and what no table can tell.

For example::

    known_through = 2025-12-31
    time_zone = "Europe/Berlin"

    [invoices]
    table = "erp.open_items"
    columns = { invoice_id = "document_no", account_id = "customer_no" }
    constants = { currency = "EUR" }
    values.kind = { RV = "invoice", DM = "debit_memo" }

    [applications]
    query = "select … from erp.clearings"
"""

import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from features.ledger.sensitive import is_id_column, redact
from features.ledger.tables import TABLES, Table
from features.sources.base import ContractError
from features.sources.mapping import DatabaseMapping, TableMapping, nearest

_SETTINGS = (
    "known_through",
    "time_zone",
    "maturity_lag_days",
    "reporting_currency",
    "document_numbers",
)
_SECTION_KEYS = ("table", "query", "columns", "constants", "values")
_TRANSLATED = ("text", "boolean", "integer")
_CONNECTION = ("url", "password", "user", "host", "database")
_ID_COLUMNS = tuple(
    f"{table.name}.{column.name}"
    for table in TABLES.values()
    for column in table.columns
    if is_id_column(column.name)
)


def read_mapping(path: Path) -> DatabaseMapping:
    """Read the mapping file at ``path``.

    Raises
    ------
    ContractError
        When it is no TOML or anything in it is wrong; every fault is told at once.
    """
    if not path.is_file():
        raise ContractError(
            f"{redact(str(path))} is not a file. Give the TOML file that maps the ledger's tables."
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ContractError(f"{redact(path.name)} is not UTF-8. Save it as UTF-8.") from None
    return parse_mapping(text, where=path.name)


def parse_mapping(text: str, *, where: str = "The mapping") -> DatabaseMapping:
    """Read the text of a mapping file.

    Raises
    ------
    ContractError
        When it is no TOML or anything in it is wrong; every fault is told at once.

    Examples
    --------
    >>> mapping = parse_mapping('''
    ... [accounts]
    ... table = "erp.customers"
    ... columns = { account_id = "customer_no" }
    ... [invoices]
    ... table = "invoices"
    ... [applications]
    ... query = "select * from clearings"
    ... ''')
    >>> [(each.table.name, each.source) for each in mapping.tables]
    [('accounts', 'erp.customers'), ('invoices', 'invoices'), ('applications', '')]
    >>> parse_mapping('time_zon = "UTC"')
    Traceback (most recent call last):
    features.sources.base.ContractError: The mapping cannot be used. Nothing was imported.
    - Unknown key 'time_zon': did you mean 'time_zone'?
    - ...
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ContractError(f"{redact(where)} is not valid TOML: {error}.") from None
    parser = _Parser()
    mapping = parser.parse(content)
    if parser.faults:
        raise ContractError(
            f"{redact(where)} cannot be used. Nothing was imported.", tuple(parser.faults)
        )
    return mapping


class _Parser:
    """Reads the content of a file and collects its faults."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def parse(self, content: Mapping[str, Any]) -> DatabaseMapping:
        """Return the mapping; it holds only when there are no faults."""
        for name in content:
            if name in _CONNECTION:
                self._fault(
                    f"{name!r} does not belong here: the database is given with --url or "
                    "ROLLRISK_DATABASE_URL."
                )
            elif name not in TABLES and name not in _SETTINGS:
                self._fault(f"Unknown key {redact(name)!r}: {nearest(name, (*_SETTINGS, *TABLES))}")
        tables = []
        for name, table in TABLES.items():
            if name in content:
                tables.append(self._table(table, content[name]))
            elif table.required:
                self._fault(f"Table {name!r} is missing: write [{name}] with table or query.")
        zone = self._zone(content.get("time_zone", "UTC"))
        known_through = content.get("known_through")
        if known_through is not None and type(known_through) is not date:
            self._fault("known_through must be a date without quotes, such as 2025-12-31.")
        return DatabaseMapping(
            tables=tuple(tables),
            known_through=known_through,
            zone=zone,
            settings={"time_zone": zone.key, **self._settings(content)},
            document_numbers=self._document_numbers(content.get("document_numbers", [])),
        )

    def _fault(self, text: str) -> None:
        self.faults.append(text)

    def _table(self, table: Table, section: object) -> TableMapping:
        place = f"[{table.name}]"
        if not isinstance(section, dict):
            self._fault(f"{table.name} must be a section {place} with table or query.")
            return TableMapping(table=table)
        self._check_keys(place, section)
        columns = self._by_column(table, section, "columns")
        constants = self._by_column(table, section, "constants")
        for name, value in columns.items():
            if not isinstance(value, str) or not value:
                self._fault(f"{place}: columns.{name} must be the name of a column.")
            if name in constants:
                self._fault(f"{place}: {name!r} stands in columns and in constants. Leave one.")
        return TableMapping(
            table=table,
            source=str(section.get("table", "")),
            query=str(section.get("query", "")),
            columns={name: str(value) for name, value in columns.items()},
            constants={
                name: self._cell(value, f"{place}: constants.{name}")
                for name, value in constants.items()
            },
            values={
                name: self._translation(table, name, pairs)
                for name, pairs in self._by_column(table, section, "values").items()
            },
        )

    def _check_keys(self, place: str, section: Mapping[str, Any]) -> None:
        for key in section:
            if key not in _SECTION_KEYS:
                self._fault(f"{place}: unknown key {redact(key)!r}: {nearest(key, _SECTION_KEYS)}")
        if ("table" in section) == ("query" in section):
            self._fault(f"{place} needs one of table and query.")
        for key in ("table", "query"):
            if key in section and not (isinstance(section[key], str) and section[key].strip()):
                self._fault(f"{place}: {key} must be text.")
        if "query" in section and "columns" in section:
            self._fault(f"{place}: columns go with table. In a query write `… as invoice_id`.")

    def _by_column(self, table: Table, section: Mapping[str, Any], key: str) -> dict[str, Any]:
        """Return the entries of ``key`` that name a column of the table."""
        entries = section.get(key, {})
        if not isinstance(entries, dict):
            self._fault(f"[{table.name}]: {key} must hold entries by ledger column.")
            return {}
        for name in entries:
            if name not in table.column_names:
                self._fault(
                    f"[{table.name}]: {key} names {redact(name)!r}, which is no column of the "
                    f"ledger table: {nearest(name, table.column_names)}"
                )
        return {name: value for name, value in entries.items() if name in table.column_names}

    def _translation(self, table: Table, name: str, pairs: object) -> dict[str, str]:
        place = f"[{table.name}]: values.{name}"
        kind = table.column(name).kind
        if kind not in _TRANSLATED:
            self._fault(f"{place}: no translation of a column of kind {kind}. Use a query.")
        if not isinstance(pairs, dict):
            self._fault(f'{place} must hold pairs such as {{ PAY = "cash" }}.')
            return {}
        return {source: self._cell(value, f"{place}.{source}") for source, value in pairs.items()}

    def _cell(self, value: object, place: str) -> str:
        """Return a value of the file as the text that the ledger's own rules read."""
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, str | int):
            return str(value)
        if isinstance(value, date) and not isinstance(value, datetime):
            return value.isoformat()
        self._fault(f"{redact(place)} must be text, a whole number, true, false or a date.")
        return ""

    def _zone(self, name: object) -> ZoneInfo:
        try:
            return ZoneInfo(str(name))
        except (KeyError, ValueError, OSError):
            self._fault(
                "time_zone must be a name such as 'UTC' or 'Europe/Berlin', got "
                f"{redact(str(name))!r}."
            )
        return ZoneInfo("UTC")

    def _settings(self, content: Mapping[str, Any]) -> dict[str, str | int]:
        settings = {
            name: content[name]
            for name in ("maturity_lag_days", "reporting_currency")
            if name in content
        }
        lag, currency = (
            settings.get("maturity_lag_days", 0),
            settings.get("reporting_currency", "-"),
        )
        if type(lag) is not int or lag < 0:
            self._fault("maturity_lag_days must be a whole number of days from 0 up.")
        if not isinstance(currency, str) or not currency:
            self._fault("reporting_currency must be text, such as 'USD'.")
        return settings

    def _document_numbers(self, given: object) -> frozenset[tuple[str, str]]:
        if not isinstance(given, list):
            self._fault("document_numbers must be a list such as ['invoices.invoice_id'].")
            return frozenset()
        pairs = set()
        for name in map(str, given):
            if name not in _ID_COLUMNS:
                self._fault(
                    f"document_numbers names {redact(name)!r}, which is no id column of the "
                    f"ledger. Write TABLE.COLUMN: {nearest(name, _ID_COLUMNS)}"
                )
            table, _, column = name.partition(".")
            pairs.add((table, column))
        return frozenset(pairs)
