import pytest

from tests.features.books import Books, missing

AS_OF = "2024-07-01"


def billing(book: Books, invoice: str = "I", on: str = AS_OF) -> dict[str, float]:
    """What is said of the billing of an invoice's account."""
    return book.family(on, "billing")[invoice]


def test_the_billing_of_a_hand_worked_account() -> None:
    """Three gaps of 60, 60 and 33 days from 30 December; the last invoice is 31 days old.

    ===== ========== ========== =====
    name  issued     due        terms
    ===== ========== ========== =====
    P1    2023-12-30 2024-01-14    15
    P2    2024-02-28 2024-03-29    30 (60 days on, in a leap year)
    P3    2024-04-28 2024-05-28    30 (60 days on)
    I     2024-05-31 2024-07-15    45 (33 days on)
    """
    book = (
        Books()
        .paid("P1", "2023-12-30", "2024-01-14", "2024-01-14")
        .paid("P2", "2024-02-28", "2024-03-29", "2024-03-29")
        .paid("P3", "2024-04-28", "2024-05-28", "2024-05-28")
        .invoice("I", "2024-05-31", "2024-07-15", 100)
    )
    row = billing(book)
    worked = {
        "days_since_invoice": 31,
        "billing_gap_ratio": 31 / ((60 + 60 + 33) / 3),
        "terms_range_365": 45 - 15,
        "invoices_365": 4,
    }
    for name, value in worked.items():
        assert row[name] == pytest.approx(value), name


def test_one_invoice_has_no_gap_and_terms_that_do_not_differ() -> None:
    """A gap needs two days of billing; terms of one invoice differ by nothing."""
    row = billing(Books().invoice("I", "2024-06-01", "2024-07-01", 100))
    assert missing(row["billing_gap_ratio"])
    assert row["terms_range_365"] == 0.0


def test_invoices_of_one_day_have_no_gap() -> None:
    """Two invoices of 1 June: nothing says when the next one is usual."""
    book = Books().invoice("I", "2024-06-01", "2024-07-01", 100)
    row = billing(book.invoice("J", "2024-06-01", "2024-06-16", 100))
    assert missing(row["billing_gap_ratio"])
    assert row["terms_range_365"] == 15.0


def test_an_account_billed_today_has_waited_no_gap() -> None:
    """Billed on 1 June and on 1 July: zero days of a gap of 30."""
    book = Books().invoice("I", "2024-06-01", "2024-07-01", 100)
    assert billing(book.invoice("J", AS_OF, "2024-07-31", 100))["billing_gap_ratio"] == 0.0


def test_the_year_ends_with_the_invoice_of_364_days_ago() -> None:
    """Issued on 3 July 2023 it makes a gap of 334 days; on 2 July 2023 it makes none."""
    current = Books().invoice("I", "2024-06-01", "2024-07-01", 100)
    row = billing(current.paid("P", "2023-07-03", "2023-07-13", "2023-07-13"))
    assert row["billing_gap_ratio"] == pytest.approx(30 / 334)
    assert row["terms_range_365"] == 20.0
    current = Books().invoice("I", "2024-06-01", "2024-07-01", 100)
    row = billing(current.paid("P", "2023-07-02", "2023-07-12", "2023-07-12"))
    assert missing(row["billing_gap_ratio"])
    assert row["terms_range_365"] == 0.0


def test_an_account_not_billed_for_a_year_has_neither() -> None:
    """Billed twice in 2022, one invoice still open: no gap and no terms of the year."""
    book = Books().paid("P", "2022-01-01", "2022-01-31", "2022-01-31")
    row = billing(book.invoice("I", "2022-03-01", "2022-04-01", 100))
    assert missing(row["billing_gap_ratio"])
    assert missing(row["terms_range_365"])


def test_billing_that_stopped_has_a_trend_of_zero() -> None:
    """Billed each month until March, on 1 July nothing for 90 days; charges are no sales."""
    book = Books()
    for month in ("2023-10", "2023-11", "2023-12", "2024-01", "2024-02", "2024-03"):
        book.invoice(f"I{month}", f"{month}-01", f"{month}-28", 100)
    for month in ("2024-04", "2024-05", "2024-06"):
        book.invoice(f"C{month}", f"{month}-01", f"{month}-28", 5, kind="finance_charge")
    row = book.family("2024-07-01", "billing")["I2024-03"]
    assert row["billing_trend"] == 0.0
    assert row["invoices_365"] == 6.0
    assert row["days_since_invoice"] == 122.0


def test_an_invoice_billed_again_was_sold_once() -> None:
    """The first is credited, the second replaces it."""
    book = Books().invoice("F", "2024-05-01", "2024-05-31", 100)
    book.post("F", "credit", "2024-05-20", 100)
    book.invoice("I", "2024-05-20", "2024-06-20", 100, replaces_invoice_id="F")
    assert book.family("2024-07-01", "billing")["I"]["invoices_365"] == 1.0


def test_undated_invoices_have_no_terms() -> None:
    """Terms of 30 days beside an undated invoice do not differ; undated alone have none."""
    undated = Books().invoice("I", "2024-06-01", None, 100)
    assert missing(billing(undated)["terms_range_365"])
    row = billing(undated.invoice("J", "2024-05-02", "2024-06-01", 100))
    assert row["terms_range_365"] == 0.0
    assert row["billing_gap_ratio"] == 1.0  # issued 30 and 60 days ago


def test_an_invoice_known_later_was_not_billed() -> None:
    """Issued on 21 June and entered on 5 July."""
    book = Books().invoice("P", "2024-05-02", "2024-06-01", 100)
    book.invoice("I", "2024-06-01", "2024-07-01", 100)
    book.invoice("B", "2024-06-21", "2024-08-20", 100, known_on="2024-07-05")
    before, after = billing(book), billing(book, on="2024-07-05")
    assert (before["billing_gap_ratio"], before["terms_range_365"]) == (1.0, 0.0)
    # On 5 July: 14 days since 21 June, after gaps of 30 and 20 days; terms of 30 and 60.
    assert after["billing_gap_ratio"] == pytest.approx(14 / 25)
    assert after["terms_range_365"] == 30.0


def test_each_currency_has_its_own_billing() -> None:
    """Dollars every 30 days on terms of 30, euros once on terms of 10."""
    book = Books().invoice("P", "2024-05-02", "2024-06-01", 100)
    book.invoice("I", "2024-06-01", "2024-07-01", 100)
    book.invoice("E", "2024-06-20", "2024-06-30", 100, currency="EUR")
    rows = book.family(AS_OF, "billing")
    assert (rows["I"]["billing_gap_ratio"], rows["I"]["terms_range_365"]) == (1.0, 0.0)
    assert missing(rows["E"]["billing_gap_ratio"])
    assert rows["E"]["terms_range_365"] == 0.0
