import pytest

from tests.features.books import Books, missing

AS_OF = "2024-07-01"


def test_what_the_document_says() -> None:
    """Issued 1 May, due 31 May, 31 days past due; flags and codes as billed."""
    book = (
        Books()
        .invoice(
            "I", "2024-05-01", "2024-05-31", 250.5,
            billing_kind="usage", po_number_missing=True,
        )
        .invoice("F", "2024-06-01", "2024-06-01", 12, kind="finance_charge")
    )  # fmt: skip
    rows = book.family(AS_OF, "document")
    worked = {
        "days_past_due": 31, "age_days": 61, "terms_days": 30, "item_amount": 250.5,
        "billing_kind": 1, "po_number_missing": 1, "is_finance_charge": 0, "is_rebilled": 0,
        "due_moved_days": 0, "item_payments": 0, "item_paid_share": 0,
    }  # fmt: skip
    for name, value in worked.items():
        assert rows["I"][name] == value, name
    assert rows["F"]["is_finance_charge"] == 1.0
    assert missing(rows["F"]["billing_kind"])
    assert missing(rows["F"]["po_number_missing"])
    assert missing(rows["I"]["days_since_part_payment"])


@pytest.mark.parametrize(("kind", "code"), [("recurring", 0.0), ("usage", 1.0), ("one_off", 2.0)])
def test_billing_kinds_are_numbers(kind: str, code: float) -> None:
    """Codes are numbers, never categories."""
    book = Books().invoice("I", "2024-05-01", "2024-05-31", 100, billing_kind=kind)
    assert book.family(AS_OF, "document")["I"]["billing_kind"] == code


def test_a_restated_amount_counts_from_the_day_it_is_known() -> None:
    """100 billed, corrected to 80 on 20 June."""
    book = Books().invoice("I", "2024-05-01", "2024-05-31", 100)
    book.invoice("I", "2024-05-01", "2024-05-31", 80, known_on="2024-06-20")
    assert book.family("2024-06-19", "document")["I"]["item_balance"] == 100.0
    after = book.family("2024-06-20", "document")["I"]
    assert (after["item_balance"], after["item_amount"]) == (80.0, 80.0)


def test_a_rebilled_invoice_keeps_the_age_of_the_one_it_replaces() -> None:
    """I was due on 2 March and credited on 25 February, when I2 was billed, due on 26 March.

    By 1 July it is 121 days past due, on terms of 6 days from its own issue.
    """
    book = Books().invoice("I", "2024-02-01", "2024-03-02", 1000)
    book.post("I", "credit", "2024-02-25", 1000)
    book.invoice("I2", "2024-02-25", "2024-03-26", 1000, replaces_invoice_id="I")
    row = book.family(AS_OF, "document")["I2"]
    worked = {
        "is_rebilled": 1, "days_past_due": 121, "age_days": 127, "terms_days": 6,
        "due_moved_days": 0,
    }  # fmt: skip
    for name, value in worked.items():
        assert row[name] == value, name
