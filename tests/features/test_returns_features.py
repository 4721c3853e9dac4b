import pytest

from tests.features.books import Books, missing

AS_OF = "2024-07-01"


def account() -> Books:
    """Two receipts a year, one returned for lack of funds; an older chargeback; a refund."""
    book = Books().invoice("I", "2024-04-01", "2024-05-01", 1000)
    for name, on in (("R0", "2023-05-01"), ("R1", "2024-05-01"), ("R2", "2024-06-20")):
        book.add("receipts", receipt_id=name, account_id="A", received_on=on, amount=100)
    for name, kind, on, code in (
        ("R0", "chargeback", "2023-06-01", None),
        ("R1", "ach_return", "2024-05-03", "R01"),
        ("R2", "refund", "2024-06-25", None),
    ):
        book.add(
            "receipt_returns", return_id=f"{name}-back", receipt_id=name, account_id="A",
            returned_on=on, amount=100, kind=kind, code=code,
        )  # fmt: skip
    return book


def test_the_returns_of_a_hand_worked_account() -> None:
    """One return in the last year of two receipts; the chargeback is 396 days old."""
    row = account().family(AS_OF, "returns")["I"]
    worked = {
        "returns_365": 1,
        "funds_returns_365": 1,
        "chargebacks_365": 0,
        "days_since_return": 59,  # 3 May; a refund is no return
        "returned_share_365": 0.5,
        "provisional_receipts": 0,
    }
    for name, value in worked.items():
        assert row[name] == value, name


def test_payments_that_are_not_final_are_counted() -> None:
    """A direct debit of 28 June may come back until 5 July."""
    book = account().add(
        "receipts", receipt_id="R3", account_id="A", received_on="2024-06-28", amount=50,
        provisional_until="2024-07-05",
    )  # fmt: skip
    assert book.family(AS_OF, "returns")["I"]["provisional_receipts"] == 1.0
    assert book.family("2024-07-05", "returns")["I"]["provisional_receipts"] == 0.0


def test_a_return_known_later_is_invisible_before() -> None:
    """Bounced on 28 June, shown on 2 July: a clean account on 1 July."""
    book = Books().invoice("I", "2024-04-01", "2024-05-01", 1000)
    book.add("receipts", receipt_id="R", account_id="A", received_on="2024-06-20", amount=100)
    book.add(
        "receipt_returns", return_id="B", receipt_id="R", account_id="A",
        returned_on="2024-06-28", known_on="2024-07-02", amount=100, kind="bounced",
    )  # fmt: skip
    before, after = book.family(AS_OF, "returns")["I"], book.family("2024-07-02", "returns")["I"]
    assert before["returns_365"] == 0.0
    assert missing(before["days_since_return"])
    assert (after["returns_365"], after["days_since_return"]) == (1.0, 4.0)


def test_an_account_without_returns_has_zero_where_the_source_tells() -> None:
    """With both tables no return is a fact; days since one are missing."""
    book = Books().invoice("I", "2024-04-01", "2024-05-01", 1000)
    row = book.has("receipts", "receipt_returns").family(AS_OF, "returns")["I"]
    assert row["returns_365"] == 0.0
    assert missing(row["days_since_return"])
    assert missing(row["returned_share_365"])


@pytest.mark.parametrize("tables", [(), ("receipts",), ("receipt_returns",)])
def test_without_both_tables_returns_are_missing(tables: tuple[str, ...]) -> None:
    """A source that cannot tell returns has no returns features: missing, not zero."""
    book = Books().invoice("I", "2024-04-01", "2024-05-01", 1000).has(*tables)
    row = book.features(AS_OF)["I"]
    for name in ("returns_365", "funds_returns_365", "chargebacks_365", "provisional_receipts"):
        assert missing(row[name]), name


def test_the_item_remembers_its_returns() -> None:
    """Paid and bounced twice, last on 20 June, 11 days ago."""
    book = Books().invoice("I", "2024-04-01", "2024-05-01", 1000).has("receipt_returns")
    for paid, back in (("2024-05-10", "2024-05-13"), ("2024-06-17", "2024-06-20")):
        book.cash("I", paid, 1000, source_id=paid)
        book.post("I", "cash_return", back, -1000, source_id=paid)
    row = book.family(AS_OF, "item_returns")["I"]
    assert (row["item_returned_payments"], row["days_since_item_return"]) == (2.0, 11.0)
