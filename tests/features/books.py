"""Write a small ledger line by line, as an accountant would, and ask what it says on a day."""

from datetime import date
from itertools import count
from typing import Any, Self

import numpy as np
import pandas as pd

from features.build import feature_frame
from features.catalogue import CATALOGUE
from features.collectible import net_items
from features.engines import EngineOptions, open_session
from features.ledger.read import Ledger
from features.outcomes import outcome_frame
from features.session import Session
from features.stages import needed_stages
from tests.conftest import make_ledger

_ONE = EngineOptions(threads=1)


def day(text: str) -> date:
    """Return the date written as ``2024-01-31``."""
    return date.fromisoformat(text)


class Books:
    """Rows of a ledger, written one by one; dates are ISO text, amounts are numbers.

    Accounts appear with their first invoice. ``known`` is the day the books first showed a
    row, the business date unless it is given.
    """

    def __init__(self, *, known_through: str = "2024-12-31", maturity_lag_days: int = 7) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {"accounts": [], "invoices": []}
        self._known_through = day(known_through)
        self._lag = maturity_lag_days
        self._numbers = count(1)

    def add(self, table: str, **row: object) -> Self:
        """Add a row to any table."""
        filled: dict[str, Any] = {}
        for name, value in row.items():
            is_date = name.endswith("_on") or name == "provisional_until"
            filled[name] = day(value) if is_date and isinstance(value, str) else value
        self.rows.setdefault(table, []).append(filled)
        return self

    def has(self, *tables: str) -> Self:
        """Say that the source has these tables, although they may be empty."""
        for table in tables:
            self.rows.setdefault(table, [])
        return self

    def invoice(
        self, name: str, issued: str, due: str | None, amount: float, **more: object
    ) -> Self:
        """Bill an invoice to account ``A`` or the one given as ``account_id``."""
        row = {"account_id": "A", "issued_on": issued, "due_on": due, "amount": amount} | more
        if row["account_id"] not in {account["account_id"] for account in self.rows["accounts"]}:
            self.add("accounts", account_id=row["account_id"])
        return self.add("invoices", invoice_id=name, **row)

    def post(self, invoice: str, cause: str, on: str, amount: float, **more: object) -> Self:
        """Apply a signed amount to an invoice: plus lowers its balance."""
        account = next(
            row["account_id"] for row in self.rows["invoices"] if row["invoice_id"] == invoice
        )
        known = more.pop("known", on)
        name = more.pop("application_id", f"P{next(self._numbers)}")
        return self.add(
            "applications",
            application_id=name,
            invoice_id=invoice,
            account_id=account,
            cause=cause,
            applied_on=on,
            known_on=known,
            amount=amount,
            **more,
        )

    def cash(self, invoice: str, on: str, amount: float, **more: object) -> Self:
        """Apply cash."""
        return self.post(invoice, "cash", on, amount, **more)

    def paid(self, name: str, issued: str, due: str, on: str, amount: float = 100.0) -> Self:
        """Bill an invoice and pay it in full in one go."""
        return self.invoice(name, issued, due, amount).cash(name, on, amount)

    def ledger(self) -> Ledger:
        """Return the ledger."""
        return make_ledger(
            self.rows, known_through=self._known_through, maturity_lag_days=self._lag
        )

    def features(self, on: str) -> dict[str, dict[str, float]]:
        """Return the features of each open item on a day, by invoice and feature."""
        frame = feature_frame(self.ledger(), [day(on)], options=_ONE)
        rows = frame.matrix(frame.names).tolist()
        return {
            name: dict(zip(frame.names, row, strict=True))
            for name, row in zip(frame.items["invoice_id"], rows, strict=True)
        }

    def family(self, on: str, *queries: str) -> dict[str, dict[str, float]]:
        """Return what some queries of the catalogue say, without running the others.

        Quicker than ``features``, for books that have the tables which the queries need.
        """
        found: dict[str, dict[str, float]] = {}
        with open_session(self.ledger(), [day(on)], options=_ONE) as session:
            session.run(needed_stages([*queries, "open_accounts"]))
            for query in queries:
                for row in session.arrow(_values_of(query)).to_pylist():
                    mine = found.setdefault(row.pop("invoice"), {})
                    mine |= {n: float("nan") if v is None else v for n, v in row.items()}
        return found

    def outcomes(self, on: str) -> pd.DataFrame:
        """Return the outcomes of the items open on a day, by invoice."""
        return outcome_frame(self.ledger(), [day(on)], options=_ONE).set_index("invoice_id")

    def outcome(self, on: str, invoice: str = "I") -> list[str]:
        """Return what became of one item after 30, 60, 90 and 120 days."""
        row = self.outcomes(on).loc[invoice]
        return [str(row[f"outcome_{days}"]) for days in (30, 60, 90, 120)]

    def netting(self, on: str) -> dict[str, dict[str, float]]:
        """Return the parts taken off each open item and what stays collectible, in money."""
        ledger = self.ledger()
        with open_session(ledger, [day(on)], options=_ONE) as session:
            net = net_items(session)
            names = _open_invoices(session)
        parts = {"open": net.open_cents, **net.parts, "collectible": net.collectible_cents}
        return {
            name: {part: int(cents[row]) / 100 for part, cents in parts.items()}
            for row, name in enumerate(names)
        }


def _values_of(query: str) -> str:
    """Return the SQL of a query's features on each open item."""
    mine = [feature for feature in CATALOGUE if feature.query == query]
    keys = {
        "item": ["item_no"],
        "account": ["as_of", "account_no"],
        "account_currency": ["as_of", "account_no", "currency"],
    }[mine[0].grain]
    columns = ", ".join(f"cast(found.{f.name} as double) as {f.name}" for f in mine)
    return (
        f"select items.invoice_id as invoice, {columns} from open_items as items "  # noqa: S608
        f"left join {query} as found on "
        + " and ".join(f"items.{key} = found.{key}" for key in keys)
    )


def _open_invoices(session: Session) -> list[str]:
    table = session.arrow(
        "select invoice_id from open_items order by as_of, account_id, invoice_id"
    )
    names: list[str] = table["invoice_id"].to_pylist()
    return names


def missing(value: float) -> bool:
    """Return whether a feature has no value."""
    return bool(np.isnan(value))
