import pytest

from tests.features.books import Books

AS_OF = "2024-07-10"


def book_of(*promises: tuple[str, str, float], amount: float = 1000) -> Books:
    """An item I and promises on it, made on 1 June: name, promised day and amount."""
    book = Books().invoice("I", "2024-04-01", "2024-05-01", amount)
    for name, promised_on, promised in promises:
        book.add(
            "promises", promise_id=name, account_id="A", invoice_id="I", made_on="2024-06-01",
            promised_on=promised_on, amount=promised,
        )  # fmt: skip
    return book


def promised(book: Books, on: str = AS_OF, invoice: str = "I") -> tuple[float, float]:
    """The share of promised cash that came, and the share of the item under a broken promise."""
    row = book.family(on, "promise_keeping", "item_promises")[invoice]
    return row["promised_cash_rate"], row["item_broken_promise_share"]


def rate(*shares: float) -> float:
    """The mean share that came in, with one notional promise kept and one broken."""
    return (sum(shares) + 1) / (len(shares) + 2)


def test_the_promised_cash_of_a_hand_worked_account() -> None:
    """Three promises on three items, fallen due on 20 June, and one for 20 July.

    ==== ======== ======== ======== ===========================================
    item billed   promised came     of the promise, and of the item by 10 July
    ==== ======== ======== ======== ===========================================
    I    1,000    400      400      kept: all of it; nothing broken of 600
    J      500    200       50      a quarter; 150 broken of 450
    K      300    300        0      nothing; 300 broken of 300
    L      100    100        0      not fallen due
    """
    book = Books()
    for name, billed, amount, promised_on in (
        ("I", 1000, 400, "2024-06-20"),
        ("J", 500, 200, "2024-06-20"),
        ("K", 300, 300, "2024-06-20"),
        ("L", 100, 100, "2024-07-20"),
    ):
        book.invoice(name, "2024-04-01", "2024-05-01", billed).add(
            "promises", promise_id=name, account_id="A", invoice_id=name, made_on="2024-06-01",
            promised_on=promised_on, amount=amount,
        )  # fmt: skip
    book.cash("I", "2024-06-20", 400).cash("J", "2024-06-15", 50)
    rows = book.family(AS_OF, "promise_keeping", "item_promises")
    worked = {"promised_cash_rate": (1 + 0.25 + 0 + 1) / (3 + 2)}
    for name, value in worked.items():
        assert rows["I"][name] == rows["L"][name] == pytest.approx(value), name
    broken = {name: rows[name]["item_broken_promise_share"] for name in "IJKL"}
    assert broken == {"I": 0.0, "J": pytest.approx(150 / 450), "K": 1.0, "L": 0.0}


def test_without_a_promise_that_fell_due_the_rate_is_one_half() -> None:
    """Nothing promised, or nothing yet due: what two notional promises say."""
    assert promised(book_of().has("promises")) == (0.5, 0.0)
    assert promised(book_of(("M", "2024-07-20", 100))) == (0.5, 0.0)


@pytest.mark.parametrize(
    ("on", "amount", "share"),
    [
        ("2024-06-20", 300, 1.0),
        ("2024-06-23", 150, 0.5),  # the last day of grace
        ("2024-06-24", 150, 0.0),  # a day late
        ("2024-06-01", 150, 0.5),  # the day the promise was made
        ("2024-05-31", 150, 0.0),  # the day before
        ("2024-06-20", 299, 1.0),  # within the tolerance of 1.00: kept
        ("2024-06-20", 298, 0.993),  # 298 of 300, in whole thousandths
        ("2024-06-20", 900, 1.0),  # never more than what was promised
    ],
)
def test_cash_counts_from_the_promise_to_the_end_of_its_grace(
    on: str, amount: float, share: float
) -> None:
    """300 promised for 20 June."""
    book = book_of(("M", "2024-06-20", 300)).cash("I", on, amount)
    assert promised(book)[0] == pytest.approx(rate(share))


def test_cash_that_came_back_kept_nothing() -> None:
    """150 of 300 came on 20 June and bounced on 5 July: half until then, nothing after."""
    book = book_of(("M", "2024-06-20", 300)).cash("I", "2024-06-20", 150, source_id="R")
    book.post("I", "cash_return", "2024-07-05", -150, source_id="R")
    assert promised(book, "2024-07-04") == (pytest.approx(rate(0.5)), pytest.approx(150 / 850))
    assert promised(book) == (pytest.approx(rate(0)), pytest.approx(300 / 1000))


def test_a_credit_brings_no_promised_cash() -> None:
    """150 credited on 20 June: the item is smaller, the promise of 300 as broken."""
    book = book_of(("M", "2024-06-20", 300)).post("I", "credit", "2024-06-20", 150)
    assert promised(book) == (pytest.approx(rate(0)), pytest.approx(300 / 850))


def test_cash_known_later_counts_later() -> None:
    """Dated 20 June, entered on 5 July."""
    book = book_of(("M", "2024-06-20", 300)).cash("I", "2024-06-20", 300, known="2024-07-05")
    assert promised(book, "2024-07-04") == (pytest.approx(rate(0)), 0.3)
    assert promised(book, "2024-07-05") == (pytest.approx(rate(1)), 0.0)


def test_a_promise_breaks_the_day_after_its_grace() -> None:
    """Promised for 20 June: open on 23 June, broken on 24 June."""
    book = book_of(("M", "2024-06-20", 300))
    assert promised(book, "2024-06-23") == (0.5, 0.0)
    assert promised(book, "2024-06-24") == (pytest.approx(rate(0)), 0.3)


def test_broken_promises_of_the_same_cash_are_one_claim() -> None:
    """300 and then 500 promised and neither kept: 500 of 1,000, not 800."""
    book = book_of(("M", "2024-06-10", 300), ("N", "2024-06-20", 500))
    assert promised(book) == (pytest.approx(rate(0, 0)), 0.5)


def test_no_more_is_broken_than_is_open() -> None:
    """900 broken, 400 of them paid too late: 900 of the 600 left are all of it."""
    book = book_of(("M", "2024-06-10", 900)).cash("I", "2024-07-01", 400)
    assert promised(book) == (pytest.approx(rate(0)), 1.0)


def test_void_promises_say_nothing() -> None:
    """One withdrawn, one superseded by a promise for 20 July."""
    book = book_of(("M", "2024-06-10", 300), ("N", "2024-06-20", 300), ("O", "2024-07-20", 300))
    book.rows["promises"][0]["withdrawn_on"] = book.rows["promises"][0]["made_on"]
    book.rows["promises"][1]["superseded_by"] = "O"
    assert promised(book) == (0.5, 0.0)


def test_a_promise_of_the_account_counts_receipts_of_its_currency_and_is_on_no_item() -> None:
    """300 dollars promised: 150 dollars came, and 150 euros that are none of them."""
    book = book_of(("M", "2024-06-20", 300))
    book.rows["promises"][0]["invoice_id"] = None
    for name, currency in (("R", "USD"), ("S", "EUR")):
        book.add(
            "receipts", receipt_id=name, account_id="A", received_on="2024-06-20", amount=150,
            currency=currency,
        )  # fmt: skip
    assert promised(book) == (pytest.approx(rate(0.5)), 0.0)
