"""Ledger rows sent with a request: typed, judged by the contract, scored on the spot.

The rows become a ledger in memory and go through the same ``score_ledger`` as a batch, on a
DuckDB without access to files. Nothing of them is stored. Rows that break the contract are
refused together, each with its place, the rule and the value; card numbers, IBANs and columns
on the deny-list are refused without the value.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from features.catalogue import feature_digest
from features.engines import EngineOptions
from features.ledger.arrow import ARROW_TYPES, arrow_schema
from features.ledger.cells import type_column
from features.ledger.manifest import Manifest
from features.ledger.parsed import ColumnError
from features.ledger.read import Ledger, ledger_from_rows
from features.ledger.sensitive import SensitiveDataError, check_names, refuse_sensitive
from features.ledger.tables import TABLES, Column, Kind, Table
from features.ledger.validate import validate
from models.bundle import Bundle
from serving.errors import ApiError, Detail
from serving.online import lists_as_json
from serving.policy import Policy
from serving.score_table import ScoreTable, make_score_table
from serving.scoring import score_ledger
from serving.worklist import rank_accounts

Rows = Sequence[Mapping[str, Any]]

SHOWN = 100
"""Broken cells listed in one answer; the message counts them all."""

_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_DEFAULTS = {("invoices", "kind"): "invoice"}
_JSON_TYPES: dict[Kind, tuple[type, ...]] = {
    "text": (str,),
    "date": (str,),
    "money": (str, int, float),
    "integer": (str, int),
    "boolean": (bool,),
    "decimal": (str, int, float),
}

_WANTED: dict[Kind, str] = {
    "text": "text",
    "date": "ISO date (2025-01-31)",
    "money": "money as text with a point (12.50)",
    "integer": "whole number",
    "boolean": "true or false",
    "decimal": "number as text with a point",
}


@dataclass(slots=True, kw_only=True)
class _Faults:
    """What is wrong with the rows, collected over all tables."""

    details: list[Detail] = field(default_factory=list)
    count: int = 0

    def add(self, where: str, rule: str, value: object = None) -> None:
        self.count += 1
        if len(self.details) < SHOWN:
            shown = None if value is None else str(value)
            self.details.append(Detail(where=where, rule=rule, value=shown))

    def raise_any(self) -> None:
        if self.count:
            more = f"; the first {SHOWN} are listed" if self.count > SHOWN else ""
            raise ApiError(
                422,
                "ledger_contract",
                f"{self.count} place(s) in the rows break the ledger contract{more}. "
                "Nothing was scored.",
                tuple(self.details),
            )


def ledger_of_rows(
    tables: Mapping[str, Rows], as_of: date, *, present: Iterable[str] = ()
) -> Ledger:
    """Return the ledger in memory that the rows make.

    Parameters
    ----------
    tables : mapping of str to rows
        Rows by table, each a mapping of column to JSON value: ISO dates, money as text.
    as_of : date
        The day that will be scored.
    present : iterable of str
        Tables that the books have even when no row of them was sent: an account without
        disputes differs from books without a dispute table.

    Raises
    ------
    ApiError
        422, when a row breaks the contract or holds what must not be sent.
    """
    faults = _Faults()
    typed: dict[str, pa.Table] = {}
    places: dict[str, pa.Array] = {}
    try:
        _check_shape(tables, faults)
        for name, rows in tables.items():
            typed[name], places[name] = _type_table(TABLES[name], rows, faults)
        refuse_sensitive(typed)
    except SensitiveDataError as error:
        raise _refusal(error) from None
    checked = validate(typed, source_rows=places)
    for refused in checked.rejected:
        where = f"ledger.{refused.table}.{refused.row - 1}.{refused.column}".rstrip(".")
        faults.add(where, refused.rule, refused.value)
    faults.raise_any()
    accepted = dict(checked.accepted)
    for name in present:
        accepted.setdefault(name, arrow_schema(TABLES[name]).empty_table())
    return ledger_from_rows(accepted, Manifest(known_through=as_of))


def _refusal(error: SensitiveDataError) -> ApiError:
    where = f"ledger.{error.table}.{error.column}"
    named = error.detector == "column name"
    rule = "no column of the deny-list" if named else f"no {error.detector}"
    return ApiError(
        422,
        "sensitive_data",
        "The rows hold what must never be sent: card numbers, bank accounts or columns on the "
        "deny-list. Nothing was scored or stored. Leave the column out or mask its values.",
        (Detail(where=where, rule=rule),),
    )


def _check_shape(tables: Mapping[str, Rows], faults: _Faults) -> None:
    for name in tables:
        if name not in TABLES:
            faults.add(f"ledger.{name}", f"one of {', '.join(TABLES)}")
    for table in TABLES.values():
        if table.required and table.name not in tables:
            faults.add(f"ledger.{table.name}", "required table")
    faults.raise_any()


def _type_table(table: Table, rows: Rows, faults: _Faults) -> tuple[pa.Table, pa.Array]:
    """Return the rows that could be typed and the number, from 1, each had in the request."""
    known = set(table.column_names)
    names = set().union(*rows)
    check_names(table.name, sorted(names - known))
    if names - known:
        for position, row in enumerate(rows):
            for name in sorted(set(row) - known):
                faults.add(f"ledger.{table.name}.{position}.{name}", "column of the contract")
    good = np.ones(len(rows), dtype=np.bool_)
    columns = {
        column.name: _type_cells(table, column, rows, good, faults) for column in table.columns
    }
    clock = table.clock
    if clock not in (None, "known_on") and columns["known_on"].null_count == len(rows):
        columns["known_on"] = columns[str(clock)]
    mask = pa.array(good)
    typed = pa.table(columns, schema=arrow_schema(table))
    return typed.filter(mask), pa.array(np.arange(1, len(rows) + 1)).filter(mask)


def _type_cells(
    table: Table, column: Column, rows: Rows, good: np.ndarray[Any, Any], faults: _Faults
) -> pa.Array:
    """Type one column; rows with a cell that cannot be typed are marked in ``good``."""

    def refuse(position: int, rule: str, value: object) -> None:
        good[position] = False
        faults.add(f"ledger.{table.name}.{position}.{column.name}", rule, value)

    cells = [row.get(column.name) for row in rows]
    if not any(cell is not None for cell in cells):
        return _absent(table, column, len(rows))
    texts: list[str | None] = []
    for position, cell in enumerate(cells):
        if cell is not None and not _well_formed(column, cell):
            refuse(position, _WANTED[column.kind], _scalar(cell))
            cell = None  # noqa: PLW2901 (refused cells are read as absent)
        texts.append(cell if cell is None or isinstance(cell, str) else str(cell).lower())
    try:
        parsed = type_column(column, pa.array(texts, pa.string()), decimal_mark=".")
    except ColumnError:
        for position, text in enumerate(texts):
            if text is not None:
                refuse(position, _WANTED[column.kind], text)
        return pa.nulls(len(rows), ARROW_TYPES[column.kind])
    for rule, positions in parsed.failures.items():
        for position in positions.tolist():
            refuse(position, rule, texts[position])
    return parsed.array


def _absent(table: Table, column: Column, size: int) -> pa.Array:
    """Return a column that no row has: its default where the contract gives one."""
    kind = ARROW_TYPES[column.kind]
    default = _DEFAULTS.get((table.name, column.name))
    return pa.nulls(size, kind) if default is None else pa.repeat(pa.scalar(default, kind), size)


def _well_formed(column: Column, cell: object) -> bool:
    """Tell whether a JSON value may stand in a column; its text is judged later."""
    accepted = _JSON_TYPES[column.kind]
    # To Python a bool is an int; to the contract it is not.
    if not isinstance(cell, accepted) or isinstance(cell, bool) != (bool in accepted):
        return False
    return column.kind != "date" or _ISO_DAY.fullmatch(str(cell)) is not None


def _scalar(cell: object) -> str:
    return str(cell) if isinstance(cell, str | int | float) else f"a {type(cell).__name__}"


def score_rows(
    ledger: Ledger,
    as_of: date,
    bundle: Bundle,
    policy: Policy,
    *,
    watch: Callable[[str], None] = lambda _: None,
) -> ScoreTable | None:
    """Score a ledger in memory as a batch would; None when it has no open item on ``as_of``.

    ``watch`` is told when features, score, explain and rank begin.
    """

    def tell(step: str) -> None:
        if step in ("score", "explain"):
            watch(step)

    watch("features")
    one = EngineOptions(threads=1, standing=True)
    scoring = score_ledger(ledger, as_of, bundle, policy, options=one, threads=1, progress=tell)
    if scoring.items.empty:
        return None
    watch("rank")
    accounts = rank_accounts(scoring, policy)
    return make_score_table(
        pa.Table.from_pandas(scoring.items, preserve_index=False),
        pa.Table.from_pandas(lists_as_json(accounts), preserve_index=False),
    )


def plan_ahead(as_of: date, bundle: Bundle, policy: Policy) -> None:
    """Score a ledger without a row, so that no request waits for its queries to be planned.

    A model of other features scores no rows, and nothing is planned for it.
    """
    if bundle.feature_digest != feature_digest():
        return
    tables = {name: arrow_schema(table).empty_table() for name, table in TABLES.items()}
    score_rows(ledger_from_rows(tables, Manifest(known_through=as_of)), as_of, bundle, policy)
