import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.ledger.quarantine import SCHEMA, Rejected, quarantine_table, rejected_rows

ROWS = st.builds(
    Rejected,
    table=st.sampled_from(["invoices", "accounts"]),
    row=st.integers(1, 5),
    rule=st.sampled_from(["sign", "orphan"]),
    column=st.just("amount"),
    value=st.one_of(st.none(), st.text(max_size=8)),
)


@settings(deadline=None)
@given(st.lists(ROWS, max_size=10))
def test_the_table_holds_each_record_once(records: list[Rejected]) -> None:
    """The table has one row a record, in order, and the distinct rows are counted by table."""
    table = quarantine_table(records)
    assert table.schema == SCHEMA
    assert [Rejected(**row) for row in table.to_pylist()] == records
    assert sum(rejected_rows(records).values()) == len({(r.table, r.row) for r in records})


@pytest.mark.parametrize(
    ("secret", "stand_in"),
    [
        ("4111 1111 1111 1111", "[redacted: card number]"),
        ("4111111111111111.00", "[redacted: card number]"),
        ("pay to DE89 3704 0044 0532 0130 00", "[redacted: IBAN]"),
    ],
)
def test_a_record_cannot_hold_a_secret(secret: str, stand_in: str) -> None:
    """However a record is made, a card number or an IBAN in its value is replaced."""
    record = Rejected(table="credits", row=1, rule="money", column="amount", value=secret)
    assert record.value == stand_in
    assert secret not in repr(record)
    assert secret not in str(quarantine_table([record]).to_pylist())
