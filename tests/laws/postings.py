"""What the postings leave open, counted row by row in plain Python: a second opinion."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date

from features.ledger.read import Ledger
from features.ledger.tables import TABLES
from tests.laws.drawing import Row

TOLERANCE_CENTS = 100


def open_balances(ledger: Ledger, days: Sequence[date]) -> dict[tuple[date, str, str], int]:
    """Return the open cents per as-of date, account and currency; nothing where none is open."""
    rows = {name: ledger.rows[name].to_pylist() for name in ("invoices", "applications")}
    found: dict[tuple[date, str, str], int] = defaultdict(int)
    for day in days:
        applied: dict[str, int] = defaultdict(int)
        for row in shown("applications", rows["applications"], day):
            applied[row["invoice_id"]] += round(row["amount"] * 100)
        for row in shown("invoices", rows["invoices"], day):
            left = round(row["amount"] * 100) - applied[row["invoice_id"]]
            if left > TOLERANCE_CENTS:
                found[day, row["account_id"], row["currency"]] += left
    return dict(found)


def shown(name: str, rows: Sequence[Row], day: date) -> list[Row]:
    """Return the newest version of each key that was known by ``day``, if it is not dated later."""
    table = TABLES[name]
    newest: dict[tuple[object, ...], Row] = {}
    for row in sorted(rows, key=lambda row: row["known_on"]):
        if row["known_on"] <= day:
            newest[tuple(row[part] for part in table.key)] = row
    return [row for row in newest.values() if row[table.clock or "known_on"] <= day]
