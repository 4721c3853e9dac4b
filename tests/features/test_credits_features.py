from tests.features.books import Books, missing

AS_OF = "2024-07-01"


def account() -> Books:
    """An item of 400 open, a receipt of 100 and a credit of 60; 70 of the receipt applied."""
    return (
        Books()
        .invoice("I", "2024-04-01", "2024-05-01", 470)
        .add("receipts", receipt_id="R", account_id="A", received_on="2024-06-10", amount=100)
        .add("credits", credit_id="C", account_id="A", issued_on="2024-06-21", amount=60)
        .cash("I", "2024-06-10", 70, source_id="R")
    )


def test_credits_and_unapplied_cash_of_a_hand_worked_account() -> None:
    """Unapplied: 100 - 70 + 60 = 90 of 400; credited 60 in a year, 10 days ago."""
    row = account().family(AS_OF, "credit_use", "document")["I"]
    assert row["unapplied_share"] == 90 / 400
    assert row["credits_against_balance_365"] == 60 / 400
    assert row["days_since_credit"] == 10.0
    # All of it is late.
    assert row["unapplied_against_past_due"] == 90 / 400


def test_unapplied_cash_beside_what_is_late() -> None:
    """400 late since 1 May, 600 due today and 500 undated: 90 of 400 that are late."""
    book = account().invoice("J", "2024-06-01", AS_OF, 600)
    row = book.invoice("U", "2024-06-01", None, 500).family(AS_OF, "credit_use")["J"]
    assert row["unapplied_share"] == 90 / 1500
    assert row["unapplied_against_past_due"] == 90 / 400
    # On 2 July the 600 are late as well.
    after = book.family("2024-07-02", "credit_use")["J"]
    assert after["unapplied_against_past_due"] == 90 / 1000


def test_where_nothing_is_late_there_is_nothing_to_cover() -> None:
    """100 waiting beside an item not yet due: missing. Late and nothing waiting: zero."""
    book = Books().invoice("I", "2024-06-01", "2024-07-31", 400).has("credits")
    book.add("receipts", receipt_id="R", account_id="A", received_on="2024-06-10", amount=100)
    book.invoice("B", "2024-05-01", "2024-06-01", 400, account_id="B")
    rows = book.family(AS_OF, "credit_use")
    assert missing(rows["I"]["unapplied_against_past_due"])
    assert rows["I"]["unapplied_share"] == 0.25
    assert rows["B"]["unapplied_against_past_due"] == 0.0


def test_more_may_wait_than_is_late_and_never_less_than_nothing() -> None:
    """500 waiting beside 400 late are 1.25; a receipt applied twice over is no negative cash."""
    book = Books().invoice("I", "2024-05-01", "2024-06-01", 400).has("credits")
    book.add("receipts", receipt_id="R", account_id="A", received_on="2024-06-10", amount=500)
    assert book.family(AS_OF, "credit_use")["I"]["unapplied_against_past_due"] == 1.25
    over = Books().invoice("I", "2024-05-01", "2024-06-01", 400).has("credits")
    over.add("receipts", receipt_id="R", account_id="A", received_on="2024-06-10", amount=100)
    over.cash("I", "2024-06-10", 150, source_id="R")
    assert over.family(AS_OF, "credit_use")["I"]["unapplied_against_past_due"] == 0.0


def test_a_credit_memo_of_the_future_is_in_no_feature() -> None:
    """Issued on 21 June but entered on 5 July: invisible on 1 July."""
    book = account()
    book.rows["credits"][0] |= {"known_on": book.rows["credits"][0]["issued_on"].replace(month=7)}
    row = book.family(AS_OF, "credit_use", "document")["I"]
    assert row["unapplied_share"] == 30 / 400
    assert row["unapplied_against_past_due"] == 30 / 400
    assert row["credits_against_balance_365"] == 0.0
    assert missing(row["days_since_credit"])


def test_a_returned_receipt_leaves_nothing_unapplied() -> None:
    """The receipt of 100 comes back in full: its 30 unapplied are gone, 60 of credit stay."""
    book = account().add(
        "receipt_returns", return_id="B", receipt_id="R", account_id="A",
        returned_on="2024-06-25", amount=100, kind="bounced",
    ).post("I", "cash_return", "2024-06-25", -70, source_id="R")  # fmt: skip
    row = book.family(AS_OF, "credit_use", "document")["I"]
    assert row["item_balance"] == 470.0
    assert row["unapplied_share"] == 60 / 470


def test_unapplied_amounts_stay_in_their_currency() -> None:
    """500 euros waiting say nothing about the dollars, and cover the 1,000 euros that are late."""
    book = account().add(
        "receipts", receipt_id="E", account_id="A", received_on="2024-06-10", amount=500,
        currency="EUR",
    )  # fmt: skip
    book.invoice("J", "2024-05-01", "2024-06-01", 1000, currency="EUR")
    rows = book.family(AS_OF, "credit_use")
    assert rows["I"]["unapplied_share"] == 90 / 400
    assert rows["I"]["unapplied_against_past_due"] == 90 / 400
    assert rows["J"]["unapplied_against_past_due"] == 0.5


def test_without_receipts_or_credits_the_shares_are_missing() -> None:
    """A source without credit memos cannot say that none were issued."""
    book = account()
    del book.rows["credits"]
    row = book.features(AS_OF)["I"]
    for name in ("unapplied_share", "unapplied_against_past_due", "days_since_credit"):
        assert missing(row[name]), name
