"""Newer versions of generated rows: the same key, known later, with other content."""

from collections.abc import Mapping, Sequence

from features.ledger.tables import TABLES, Column, Table
from tests.laws.drawing import Draw, Row

_KINDS = ("money", "date", "boolean")


def restate(draw: Draw) -> None:
    """Give about a tenth of the rows of each table with versions one or two newer ones."""
    for table in TABLES.values():
        if table.clock in {None, "known_on"}:
            continue
        for row in list(draw.rows[table.name]):
            newest = row
            for _ in range(draw.few(0.1)):
                newest = newest | {"known_on": newest["known_on"] + draw.days(1, 80)}
                newest |= _changes(draw, table, newest)
                draw.rows[table.name].append(newest)


def one_content_a_day(rows: Mapping[str, Sequence[Row]]) -> dict[str, list[Row]]:
    """Leave out what the contract refuses: a second content of one key on one day."""
    kept = {}
    for name, some in rows.items():
        key = [*TABLES[name].key, "known_on"]
        kept[name] = list({tuple(row.get(part) for part in key): row for row in some}.values())
    return kept


def _changes(draw: Draw, table: Table, row: Row) -> Row:
    content = [
        column
        for column in table.columns
        if (column.kind in _KINDS or column.choices)
        and column.name not in (*table.key, "known_on", "cause")
    ]
    chosen = [draw.pick(content), draw.pick(content)]
    changes = {column.name: _other(draw, column, row[column.name]) for column in chosen}
    if table.name == "invoices" and draw.chance(0.15):
        changes["account_id"] = draw.pick(draw.rows["accounts"])["account_id"]
    if row.get("cause") in {"cash", "credit"} and draw.chance(0.2):
        changes["cause"] = draw.pick(("write_off", "adjustment"))
    return changes


def _other(draw: Draw, column: Column, value: object) -> object:
    if column.choices:
        return draw.pick(column.choices)
    if column.kind == "boolean":
        return draw.pick((True, False))
    if not isinstance(value, int):
        return value
    if column.kind == "date":
        return value + draw.days(-20, 20)
    return value * draw.pick((1, 3, 4)) // 2 or value
