from collections import Counter
from datetime import date

import pyarrow.compute as pc
import pytest

from features.engines import open_session
from features.ledger.late import LATE
from features.ledger.row_rules import check_rows
from features.ledger.tables import CAUSES, TABLES
from features.ledger.validate import validate
from tests.laws.generated import LAST, Crowd, crowd_of

DAYS = (date(2023, 9, 30), date(2024, 2, 29), date(2024, 6, 3))


@pytest.fixture(scope="module")
def crowd() -> Crowd:
    return crowd_of(11, 150, DAYS)


def test_generated_books_keep_the_contract(crowd: Crowd) -> None:
    """No row is refused and none is a repetition, so whatever a law finds could happen."""
    checked = validate(crowd.ledger.rows)
    assert checked.rejected == []
    assert set(checked.duplicates.values()) == {0}


def test_generated_books_keep_the_rules_of_rows(crowd: Crowd) -> None:
    """Accounts, sources and currencies belong together, as ``rollrisk check`` asks."""
    import pyarrow as pa

    last = pa.table({name: pa.array([LAST]) for name in ("through", "settled")})
    with open_session(crowd.ledger, [LAST]) as session:
        session.register("last_day", last)
        findings = check_rows(session, crowd.ledger.present)
    assert [finding.sentence for finding in findings if finding.outcome == "failed"] == []


def test_the_same_seed_gives_the_same_books(crowd: Crowd) -> None:
    """A crowd says how it can be drawn again."""
    assert repr(crowd) == f"crowd_of(11, 150, {DAYS})"
    crowd_of.cache_clear()
    assert crowd_of(11, 150, DAYS).ledger.digest == crowd.ledger.digest


def test_every_table_column_and_choice_occurs(crowd: Crowd) -> None:
    """No table and no column is empty but those nobody may read, and each choice comes up."""
    for table in TABLES.values():
        rows = crowd.ledger.rows[table.name]
        filled = {name for name in table.column_names if rows[name].null_count < rows.num_rows}
        assert set(table.column_names) - filled <= {"crm_id"}, table.name
        for column in table.columns:
            if column.choices and table.name != "account_changes":
                values = set(rows[column.name].unique().to_pylist()) - {None}
                assert values == set(column.choices), (table.name, column.name)
    assert set(crowd.ledger.rows["applications"]["cause"].to_pylist()) == set(CAUSES)


def test_the_awkward_cases_occur(crowd: Crowd) -> None:
    """Odd clocks, versions, late columns, undated, over-paid and re-billed items, currencies."""
    rows = crowd.ledger.rows
    for name, table in TABLES.items():
        if table.clock not in {None, "known_on"}:
            clock, known = rows[name][table.clock], rows[name]["known_on"]
            assert pc.any(pc.greater(known, clock)).as_py(), name
            assert pc.any(pc.less(known, clock)).as_py(), name
            keys = zip(*(rows[name][part].to_pylist() for part in table.key), strict=True)
            assert max(Counter(keys).values()) >= 2, name
    for name, late in LATE.items():
        for column in late.every:
            assert 0 < rows[name][column].null_count < rows[name].num_rows, column
    invoices = rows["invoices"].to_pylist()
    assert {row["due_on"] is None for row in invoices} == {True, False}
    currencies = Counter(
        account for account, _ in {(row["account_id"], row["currency"]) for row in invoices}
    )
    assert max(currencies.values()) > 1
    applied: Counter[str] = Counter()
    for row in rows["applications"].to_pylist():
        applied[row["invoice_id"]] += row["amount"]
    assert any(applied[row["invoice_id"]] > row["amount"] for row in invoices)
