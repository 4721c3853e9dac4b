import pytest

from tests.features.books import Books, missing

AS_OF = "2024-07-01"


def account() -> Books:
    """Two items of 400 and 600; the first is disputed by 100 since 11 June."""
    return (
        Books()
        .invoice("I", "2024-04-01", "2024-05-01", 400)
        .invoice("J", "2024-04-01", "2024-05-01", 600)
        .add(
            "disputes", dispute_id="D1", account_id="A", invoice_id="I",
            opened_on="2024-06-11", amount=100,
        )
    )  # fmt: skip


def test_an_open_dispute_on_an_item() -> None:
    """100 of 400 is a quarter of the item and a tenth of the account, for 20 days."""
    rows = account().family(AS_OF, "disputing", "item_disputes")
    assert rows["I"]["item_disputed_share"] == 0.25
    assert rows["I"]["item_dispute_days"] == 20.0
    assert rows["I"]["item_was_disputed"] == 0.0
    assert rows["J"]["item_disputed_share"] == 0.0
    assert missing(rows["J"]["item_dispute_days"])
    for name in ("I", "J"):
        assert rows[name]["account_disputed_share"] == 0.1
        assert missing(rows[name]["dispute_days_to_close"])


def test_a_closure_counts_from_the_day_it_is_known() -> None:
    """Closed on 25 June, entered on 3 July: open until then, afterwards closed after 14 days."""
    book = account()
    book.add(
        "disputes", dispute_id="D2", account_id="A", invoice_id="J", opened_on="2024-06-11",
        closed_on="2024-06-25", closed_known_on="2024-07-03", outcome="credited", amount=300,
    )  # fmt: skip
    before, after = (
        book.family(AS_OF, "disputing", "item_disputes")["J"],
        book.family("2024-07-03", "disputing", "item_disputes")["J"],
    )
    assert (before["item_disputed_share"], before["item_was_disputed"]) == (0.5, 0.0)
    assert missing(before["dispute_days_to_close"])
    assert (after["item_disputed_share"], after["item_was_disputed"]) == (0.0, 1.0)
    assert after["dispute_days_to_close"] == 14.0


def test_a_dispute_of_the_account_is_on_no_item() -> None:
    """A dispute without an invoice counts for the account alone, and never above its balance."""
    book = account().add(
        "disputes", dispute_id="D3", account_id="A", opened_on="2024-06-20", amount=5000
    )
    rows = book.family(AS_OF, "disputing", "item_disputes")
    assert rows["J"]["item_disputed_share"] == 0.0
    assert rows["J"]["account_disputed_share"] == 1.0


def test_a_dispute_of_a_paid_invoice_disputes_nothing_that_is_open() -> None:
    """5,000 in dispute on an invoice that was paid, and 400 on an item of 300: 300 of 1,300."""
    book = Books().invoice("P", "2024-01-01", "2024-01-31", 5000).cash("P", "2024-02-10", 5000)
    book.invoice("I", "2024-04-01", "2024-05-01", 1000).invoice(
        "J", "2024-04-01", "2024-05-01", 300
    )
    for invoice, amount in (("P", 5000), ("J", 400)):
        book.add(
            "disputes", dispute_id=f"D{invoice}", account_id="A", invoice_id=invoice,
            opened_on="2024-02-01", known_on="2024-02-01", amount=amount,
        )  # fmt: skip
    row = book.family(AS_OF, "disputing")["I"]
    assert row["account_disputed_share"] == 300 / 1300


def test_disputes_in_another_currency_are_not_added() -> None:
    """50 euros in dispute are half of the euro balance and nothing of the dollars."""
    book = account().invoice("E", "2024-04-01", "2024-05-01", 100, currency="EUR")
    book.add(
        "disputes", dispute_id="D4", account_id="A", opened_on="2024-06-20", amount=50,
        currency="EUR",
    )  # fmt: skip
    rows = book.family(AS_OF, "disputing", "item_disputes")
    assert rows["E"]["account_disputed_share"] == 0.5
    assert rows["I"]["account_disputed_share"] == 0.1
    assert rows["E"]["disputed_share_of_billing_365"] == 0.5
    assert rows["I"]["disputed_share_of_billing_365"] == 0.1


def test_what_was_disputed_of_a_year_of_billing() -> None:
    """100 open, 300 settled and 50 of the account itself, of 1,000 billed: 0.45.

    D5, opened on 3 July 2023, is 364 days old and counts; D6 of 2 July 2023 does not.
    """
    book = account().add(
        "disputes", dispute_id="D2", account_id="A", invoice_id="J", opened_on="2024-05-11",
        closed_on="2024-05-25", closed_known_on="2024-05-25", amount=300,
    )  # fmt: skip
    book.add("disputes", dispute_id="D3", account_id="A", opened_on="2024-06-20", amount=50)
    worked = {"disputed_share_of_billing_365": 450 / 1000}
    for name, value in worked.items():
        assert book.family(AS_OF, "disputing")["I"][name] == value
    for name, opened_on, amount in (("D5", "2023-07-03", 2000), ("D6", "2023-07-02", 9000)):
        book.add("disputes", dispute_id=name, account_id="A", opened_on=opened_on, amount=amount)
    # More may be disputed in a year than was billed in it.
    assert book.family(AS_OF, "disputing")["I"]["disputed_share_of_billing_365"] == 2.45


def test_an_account_that_never_disputed_disputes_nothing_of_its_billing() -> None:
    """Where the source tells disputes none is a fact: zero, as for an account with an old one."""
    book = Books().invoice("I", "2024-04-01", "2024-05-01", 400).has("disputes")
    assert book.family(AS_OF, "disputing")["I"]["disputed_share_of_billing_365"] == 0.0
    book.add("disputes", dispute_id="D", account_id="A", opened_on="2023-01-01", amount=100)
    assert book.family(AS_OF, "disputing")["I"]["disputed_share_of_billing_365"] == 0.0


def test_nothing_billed_in_the_year_is_no_share_of_billing() -> None:
    """Issued on 2 July 2023, 365 days ago: 100 in dispute of nothing billed is missing."""
    book = Books().invoice("I", "2023-07-02", "2023-08-01", 400)
    book.add("disputes", dispute_id="D", account_id="A", opened_on="2024-06-01", amount=100)
    assert missing(book.family(AS_OF, "disputing")["I"]["disputed_share_of_billing_365"])
    book.paid("P", "2023-07-03", "2023-08-02", "2023-08-02", 200)
    assert book.family(AS_OF, "disputing")["I"]["disputed_share_of_billing_365"] == 0.5


@pytest.mark.parametrize("known_on", ["2024-07-02", None])
def test_a_dispute_known_later_is_invisible_before(known_on: str | None) -> None:
    """Entered on 2 July, whatever its date says."""
    book = Books().invoice("I", "2024-04-01", "2024-05-01", 400)
    book.add(
        "disputes", dispute_id="D", account_id="A", invoice_id="I", opened_on="2024-06-11",
        known_on=known_on, amount=100,
    )  # fmt: skip
    share = 0.25 if known_on is None else 0.0
    before, after = (
        book.family(on, "disputing", "item_disputes")["I"] for on in (AS_OF, "2024-07-02")
    )
    for name in ("item_disputed_share", "disputed_share_of_billing_365"):
        assert before[name] == share, name
        assert after[name] == 0.25, name


def test_without_the_table_disputes_are_missing() -> None:
    """No disputes table: missing, not zero."""
    row = Books().invoice("I", "2024-04-01", "2024-05-01", 400).features(AS_OF)["I"]
    for name in ("item_disputed_share", "item_was_disputed", "account_disputed_share"):
        assert missing(row[name]), name
