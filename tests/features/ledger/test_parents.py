from datetime import date
from decimal import Decimal

import pyarrow as pa

from features.ledger.arrow import arrow_schema
from features.ledger.manifest import Manifest
from features.ledger.parents import Parents, known_keys
from features.ledger.read import ledger_from_rows
from features.ledger.tables import ACCOUNTS, APPLICATIONS, INVOICES
from features.ledger.verdicts import Verdicts

DAY = date(2024, 1, 31)
INVOICE = {
    "invoice_id": "I1",
    "account_id": "A1",
    "kind": "invoice",
    "issued_on": DAY,
    "amount": Decimal(5),
    "currency": "USD",
    "known_on": DAY,
}
ROWS = {
    "accounts": pa.Table.from_pylist([{"account_id": "A1"}], schema=arrow_schema(ACCOUNTS)),
    "invoices": pa.Table.from_pylist([INVOICE, INVOICE], schema=arrow_schema(INVOICES)),
    "applications": arrow_schema(APPLICATIONS).empty_table(),
}


def _applications(*pairs: tuple[str, str]) -> Verdicts:
    rows = [{"invoice_id": invoice, "account_id": account} for invoice, account in pairs]
    return Verdicts(
        APPLICATIONS, pa.Table.from_pylist(rows, schema=arrow_schema(APPLICATIONS)), None
    )


def _rules(parents: Parents, batch: Verdicts) -> list[tuple[int, str, str]]:
    parents.check(batch)
    return [(bad.row, bad.rule, bad.column) for bad in batch.rejected]


def test_a_ledger_tells_each_account_and_invoice_once() -> None:
    """The keys of a ledger are distinct, and a first batch has none."""
    known = known_keys(ledger_from_rows(ROWS, Manifest(known_through=DAY)))
    assert known["known_accounts"].to_pylist() == ["A1"]
    assert known["known_invoices"].to_pylist() == [{"invoice_id": "I1", "account_id": "A1"}]
    assert known_keys(None) == {}


def test_rows_hang_on_parents_of_the_ledger_and_of_the_batch() -> None:
    """Parents known before and parents added from the batch count alike; others are orphans."""
    parents = Parents(["A1"], None)
    parents.add(Verdicts(INVOICES, ROWS["invoices"], None))
    batch = _applications(("I1", "A1"), ("I2", "A1"), ("I1", "A2"))
    assert _rules(parents, batch) == [(3, "orphan", "account_id"), (2, "orphan", "invoice_id")]
    assert batch.accepted().num_rows == 1


def test_refused_parents_are_none() -> None:
    """A row that was refused is nobody's parent."""
    accounts = Verdicts(ACCOUNTS, ROWS["accounts"], None)
    accounts.good[:] = False
    parents = Parents(None, None)
    parents.add(accounts)
    assert _rules(parents, _applications(("I1", "A1"))) == [(1, "orphan", "account_id")]


def test_any_version_of_an_invoice_may_name_the_account() -> None:
    """An invoice that moved to another account has two owners, and a third is refused."""
    moved = pa.table({"invoice_id": ["I1", "I1"], "account_id": ["A1", "A2"]})
    batch = _applications(("I1", "A1"), ("I1", "A2"), ("I1", "A3"))
    assert _rules(Parents(["A1", "A2", "A3"], moved), batch) == [(3, "account", "account_id")]
