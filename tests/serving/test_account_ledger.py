"""A ledger cut to one account holds that account's rows, all of them and no others."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa

from features.engines import open_session
from features.ledger.arrow import arrow_schema
from features.ledger.read import Ledger, open_ledger
from features.ledger.tables import TABLES
from features.ledger.write import import_extract
from features.sources.base import Extract
from serving.account_ledger import family_members, restrict_ledger
from tests.serving.conftest import Installation


def test_rows_of_other_accounts_are_left_out_and_no_table_is_lost(
    installation: Installation,
) -> None:
    """Each table has the account's rows as the whole ledger shows them."""
    whole = open_ledger(installation.ledger)
    account_id = "A-000003"
    own = restrict_ledger(whole, [account_id])
    assert own.present == whole.present
    as_of = [installation.as_of]
    with open_session(whole, as_of) as all_rows, open_session(own, as_of) as few_rows:
        for name, table in TABLES.items():
            if "account_id" not in table.column_names:
                continue
            keys = ", ".join(f'"{key}"' for key in table.key)
            there = f"select * from {name} where account_id = '{account_id}' order by {keys}"  # noqa: S608 (own names)
            here = f"select * from {name} order by {keys}"  # noqa: S608 (own names)
            assert few_rows.arrow(here).to_pylist() == all_rows.arrow(there).to_pylist()
    assert own.rows["invoices"].num_rows > 0


def test_the_later_batch_decides_where_two_bring_one_day(tmp_path: Path) -> None:
    """As for a reader of the whole ledger: the last version of a day is the one that counts."""

    def extract(amount: str) -> Extract:
        accounts = [{"account_id": "A"}]
        invoice = {
            "invoice_id": "I",
            "account_id": "A",
            "kind": "invoice",
            "issued_on": date(2024, 1, 1),
            "due_on": date(2024, 1, 31),
            "amount": Decimal(amount),
            "currency": "USD",
            "known_on": date(2024, 1, 1),
        }
        rows = {"accounts": accounts, "invoices": [invoice], "applications": []}
        tables = {
            name: pa.Table.from_pylist(records, schema=arrow_schema(TABLES[name]))
            for name, records in rows.items()
        }
        return Extract(tables=tables, known_through=date(2024, 1, 1))

    for amount in ("100.00", "120.00"):
        import_extract(tmp_path, extract(amount), source="test")
    whole = open_ledger(tmp_path)
    assert len(whole.files["invoices"]) == 2
    own = restrict_ledger(whole, ["A"])
    assert _balance(own) == _balance(whole) == [Decimal("120.00")]


def test_csv_ledgers_are_read_too(tmp_path: Path) -> None:
    """A folder made by hand has files without batches."""
    (tmp_path / "ledger.json").write_text('{"format": 1, "known_through": "2024-03-31"}')
    (tmp_path / "accounts.csv").write_text(_csv("accounts", {"account_id": "A"}))
    (tmp_path / "applications.csv").write_text(_csv("applications"))
    invoice = {
        "invoice_id": "I",
        "account_id": "A",
        "kind": "invoice",
        "issued_on": "2024-01-01",
        "due_on": "2024-01-31",
        "amount": "120.00",
        "currency": "USD",
        "known_on": "2024-01-01",
    }
    (tmp_path / "invoices.csv").write_text(_csv("invoices", invoice))
    own = restrict_ledger(open_ledger(tmp_path), ["A"])
    assert _balance(own) == [Decimal("120.00")]
    assert _balance(restrict_ledger(open_ledger(tmp_path), ["B"])) == []


def _csv(name: str, *rows: dict[str, str]) -> str:
    columns = TABLES[name].column_names
    lines = [",".join(columns)]
    lines += [",".join(row.get(column, "") for column in columns) for row in rows]
    return "\n".join(lines) + "\n"


def _balance(ledger: Ledger) -> list[Decimal]:
    """Return the amounts of invoices visible at the end of the first quarter."""
    day = date(2024, 3, 31)
    with open_session(replace(ledger), [day]) as session:
        rows = session.arrow(
            "select amount from invoices where visible_on <= date '2024-03-31' and "
            "(superseded_on is null or superseded_on > date '2024-03-31')"
        )
    return [row["amount"] for row in rows.to_pylist()]


def test_the_family_is_whoever_ever_shared_a_parent(tmp_path: Path) -> None:
    """P heads A and B; C came under P later; D heads A's past; E stands alone."""
    parents = {"P": None, "A": "P", "B": "P", "C": None, "D": None, "E": None}
    rows = {
        "accounts": [{"account_id": own, "parent_account_id": up} for own, up in parents.items()],
        "invoices": [],
        "applications": [],
        "account_changes": [
            {"account_id": account, "known_on": day, "column": "parent_account_id", "value": value}
            for account, day, value in (
                ("C", date(2024, 3, 1), "P"),
                ("A", date(2023, 3, 1), "D"),
            )
        ],
    }
    tables = {
        name: pa.Table.from_pylist(records, schema=arrow_schema(TABLES[name]))
        for name, records in rows.items()
    }
    extract = Extract(tables=tables, known_through=date(2024, 6, 30))
    import_extract(tmp_path, extract, source="canonical")
    ledger = open_ledger(tmp_path)
    assert family_members(ledger, "A") == ["A", "B", "C", "D", "P"]
    assert family_members(ledger, "C") == ["C", "A", "B", "P"]
    assert family_members(ledger, "E") == ["E"]
