from datetime import date

from features.ledger import late as late_columns
from features.ledger.cutting import CLOCKS, LATE, cut_ledger
from features.ledger.tables import TABLES
from tests.features.books import Books

DAY = date(2024, 3, 31)


def left(books: Books, table: str, column: str) -> list[object]:
    """Return what is left in a column at the end of March 2024."""
    values: list[object] = cut_ledger(books.ledger(), DAY).rows[table][column].to_pylist()
    return values


def test_every_table_and_late_column_has_its_rule() -> None:
    """A table without a clock of its own, or a new late column, must be given one here."""
    assert {name for name, table in TABLES.items() if table.clock is None} == {*CLOCKS, "accounts"}
    ruled = {name: {*columns} for name, (columns, _) in LATE.items()}
    ruled["promises"].add("superseded_by")
    assert ruled == {name: {*late.every} for name, late in late_columns.LATE.items()}


def test_rows_known_later_go() -> None:
    """A payment of March that the books showed in April is not there."""
    books = Books().invoice("I", "2024-01-01", "2024-02-01", 100)
    books.cash("I", "2024-03-01", 40).cash("I", "2024-03-02", 60, known="2024-04-01")
    assert [str(amount) for amount in left(books, "applications", "amount")] == ["40.00"]


def test_rows_dated_later_go_unless_they_overrule() -> None:
    """A post-dated cheque is not there yet, a payment moved to April is no longer there."""
    books = Books().invoice("I", "2024-01-01", "2024-02-01", 100)
    books.cash("I", "2024-04-05", 10, known="2024-03-01", application_id="POSTDATED")
    books.cash("I", "2024-03-01", 20, application_id="MOVED")
    books.cash("I", "2024-04-05", 20, known="2024-03-20", application_id="MOVED")
    assert left(books, "applications", "application_id") == ["MOVED", "MOVED"]


def test_what_is_filled_in_later_is_emptied() -> None:
    """A dispute closed in March is open until it is known that it was closed."""
    books = Books().invoice("I", "2024-01-01", "2024-02-01", 100)
    about = {"account_id": "A", "opened_on": "2024-02-01", "amount": 100, "closed_on": "2024-03-01"}
    for name, known in (("LATE", "2024-04-01"), ("KNOWN", "2024-03-31"), ("UNSAID", None)):
        books.add("disputes", dispute_id=name, closed_known_on=known, outcome="valid", **about)
    closed = date(2024, 3, 1)
    assert left(books, "disputes", "closed_on") == [None, closed, closed]
    assert left(books, "disputes", "outcome") == [None, "valid", "valid"]
    assert left(books, "disputes", "closed_known_on") == [None, DAY, None]


def test_a_promise_is_superseded_once_the_other_is_known() -> None:
    """Before the other promise is known, nothing says that there will be one."""
    books = Books().invoice("I", "2024-01-01", "2024-02-01", 100)
    shared = {"account_id": "A", "promised_on": "2024-05-01", "amount": 100}
    for name, made, other in (
        ("P1", "2024-03-01", "P2"),
        ("P2", "2024-03-20", "P3"),
        ("P3", "2024-04-01", None),
    ):
        books.add("promises", promise_id=name, made_on=made, superseded_by=other, **shared)
    assert left(books, "promises", "superseded_by") == ["P2", None]


def test_contacts_and_exchange_rates_go_by_their_own_day() -> None:
    """Tables without a day of knowledge are cut at their business date."""
    books = Books().invoice("I", "2024-01-01", "2024-02-01", 100)
    for name, on in (("C1", "2024-03-31"), ("C2", "2024-04-01")):
        books.add("contacts", contact_id=name, account_id="A", contacted_on=on)
    assert left(books, "contacts", "contact_id") == ["C1"]
