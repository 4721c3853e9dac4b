"""Rows planted into one generated family: known too late, paid and returned, or overruled."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from features.ledger.cutting import CLOCKS
from features.ledger.late import LATE
from features.ledger.tables import TABLES, Table
from tests.laws.drawing import Row
from tests.laws.generated import Family


def with_late_rows(family: Family) -> Family:
    """Give each row of the family's table a twin and a newer version, known after the own day.

    The twin has another key and the same business dates, the version has the same key and other
    content; late columns that are empty are filled in with what becomes known then.
    """
    table, known = TABLES[family.table], family.today + family.lag
    before = family.rows[table.name]
    rows = [_filled(table, row, family.today, known) for row in before]
    rows += [_twin(table, row, known, number) for number, row in enumerate(before)]
    if table.clock not in {None, "known_on"}:
        rows += [_version(table, row, known + number) for number, row in enumerate(before)]
    return replace(family, rows={**family.rows, table.name: rows})


def _filled(table: Table, row: Row, day: int, known: int) -> Row:
    """Fill in the late columns: a past day where another column says when it became known."""
    late = [
        name
        for name in (LATE[table.name].every if table.name in LATE else ())
        if name.endswith("_on")
    ]
    if not late or any(row[name] is not None for name in late):
        return row
    clock = next((name for name in late if name.endswith("known_on")), late[-1])
    return row | dict.fromkeys(late, day - 1) | {clock: known}


def _twin(table: Table, row: Row, known: int, number: int) -> Row:
    """Return a row like another under a key of its own: another id, number or day.

    Where the day is all that tells rows apart, it says something else than the other.
    """
    clock = CLOCKS.get(table.name, "known_on")
    twin = row | ({clock: known} if clock in row else {})
    if clock in table.key:
        other = {"due_on": known, "value": None}
        return twin | {name: other[name] for name in other if name in row} | {clock: known + number}
    last = table.key[-1]
    if table.column(last).kind == "text":
        return twin | {last: f"{row[last]} late"}
    return twin | {
        last: row[last] + 1000 if table.column(last).kind == "integer" else row[last] - 3
    }


def _version(table: Table, row: Row, known: int) -> Row:
    """Return another content of the same key: three times the money, dated a week earlier."""
    content = [
        column
        for column in table.columns
        if row[column.name] is not None and column.name not in (*table.key, "known_on")
    ]
    money = {column.name: row[column.name] * 3 for column in content if column.kind == "money"}
    dates = {column.name: row[column.name] - 7 for column in content if column.kind == "date"}
    return row | money | dates | {"known_on": known}


def with_returned_payments(family: Family, cents: Mapping[str, int]) -> Family:
    """Let each named invoice be paid in full twenty days ago, and the payment come back since."""
    rows: dict[str, list[Row]] = {name: list(some) for name, some in family.rows.items()}
    invoices = {row["invoice_id"]: row for row in family.rows["invoices"]}
    for invoice, amount in cents.items():
        receipt = f"{invoice} bounced"
        shared = {"receipt_id": receipt, "source_id": receipt, "invoice_id": invoice}
        shared |= {name: invoices[invoice][name] for name in ("account_id", "currency")}
        paid, back = (dict.fromkeys(_DATES, family.today - ago) for ago in (20, 5))
        for table, values in (
            ("receipts", paid | {"amount": amount}),
            ("receipt_returns", back | {"amount": amount, "kind": "bounced", "code": "AM04"}),
            ("applications", paid | {"amount": amount, "cause": "cash"}),
            ("applications", back | {"amount": -amount, "cause": "cash_return"}),
        ):
            key = {TABLES[table].key[0]: f"{receipt} {values.get('cause', table)}"}
            known = shared | values | ({} if table == "receipts" else key)
            rows[table].append({name: known.get(name) for name in TABLES[table].column_names})
    return replace(family, rows=rows)


_DATES = ("received_on", "returned_on", "applied_on", "known_on")


def without_overruled(family: Family) -> Family:
    """Leave out versions that were overruled by the own day.

    The due date that an invoice was first shown with stays, as the contract says: it goes on to
    the version that is kept. Applied credits stay: an unapply takes back a credit where its source
    was applied as one when it came, and is not judged again.
    """
    tables = {}
    for name, rows in family.rows.items():
        table = TABLES[name]
        if table.clock in {None, "known_on"}:
            tables[name] = list(rows)
            continue
        tables[name] = []
        for versions in _versions(table, rows):
            past = [row for row in versions if row["known_on"] <= family.today]
            kept = [past[-1] | _first_due(table, versions)] if past else []
            credited = [row for row in past[:-1] if row.get("cause") == "credit"]
            tables[name] += [*credited, *kept, *versions[len(past) :]]
    return replace(family, rows=tables)


def _versions(table: Table, rows: Sequence[Row]) -> list[list[Row]]:
    by_key: dict[tuple[object, ...], list[Row]] = {}
    for row in sorted(rows, key=lambda row: int(row["known_on"])):
        by_key.setdefault(tuple(row[part] for part in table.key), []).append(row)
    return list(by_key.values())


def _first_due(table: Table, versions: list[Row]) -> Row:
    if table.name != "invoices":
        return {}
    shown = [
        older
        for older, newer in pairwise(versions)
        if max(older["known_on"], older["issued_on"]) < newer["known_on"]
    ]
    return {"due_on": [*shown, versions[-1]][0]["due_on"]}
