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
    row = account().family(AS_OF, "returns", "receiving")["I"]
    worked = {
        "returns_365": 1,
        "funds_returns_365": 1,
        "chargebacks_365": 0,
        "days_since_return": 59,  # 3 May; a refund is no return
        "days_since_funds_return": 59,
        "returned_share_365": 0.5,
        "provisional_receipts": 0,
    }
    for name, value in worked.items():
        assert row[name] == value, name


def test_returns_are_classed_by_their_code_and_by_how_they_were_paid() -> None:
    """Seven returns in the year and three that are none; codes as banks write them.

    ==== ============ ========== ======= =======================================
    name method       kind       code    class
    ==== ============ ========== ======= =======================================
    B1   ach          ach_return R03     account data: no such account
    B2   direct_debit ach_return AC04    account data: account closed (SEPA)
    B3   ach          ach_return " r10 " unauthorised
    B4   card         chargeback (none)  unknown
    B5   ach          ach_return R08     dispute: payment stopped
    B6   check        bounced    R01     funds
    B7   wire         void       Z99     no failure: our own correction
    B8   (none)       bounced    (none)  unknown
    B9   card         refund     R03     no failure
    B10  ach          ach_return C01     no failure: the account number was corrected
    """
    book = Books().invoice("I", "2024-04-01", "2024-05-01", 1000)
    lines = (
        ("B1", "ach", "ach_return", "R03"),
        ("B2", "direct_debit", "ach_return", "AC04"),
        ("B3", "ach", "ach_return", " r10 "),
        ("B4", "card", "chargeback", None),
        ("B5", "ach", "ach_return", "R08"),
        ("B6", "check", "bounced", "R01"),
        ("B7", "wire", "void", "Z99"),
        ("B8", None, "bounced", None),
        ("B9", "card", "refund", "R03"),
        ("B10", "ach", "ach_return", "C01"),
    )
    for name, method, kind, code in lines:
        book.add(
            "receipts", receipt_id=f"R-{name}", account_id="A", received_on="2024-06-01",
            amount=100, method=method,
        ).add(
            "receipt_returns", return_id=name, receipt_id=f"R-{name}", account_id="A",
            returned_on="2024-06-11", amount=100, kind=kind, code=code,
        )  # fmt: skip
    row = book.family(AS_OF, "returns", "receiving")["I"]
    worked = {
        "returns_365": 7,
        "account_data_returns_365": 2,
        "unauthorised_returns_365": 1,
        "disputed_returns_365": 1,
        "funds_returns_365": 1,
        "automatic_returns_365": 5,  # B1 to B5: ach, direct debit and card
        "chargebacks_365": 1,
        "days_since_funds_return": 20,
    }
    for name, value in worked.items():
        assert row[name] == value, name


def test_chargebacks_are_counted_by_family() -> None:
    """Two consumer disputes, one fraud, one processing error; a returned debit is none of them."""
    book = Books().invoice("I", "2024-04-01", "2024-05-01", 1000)
    codes = (("chargeback", "13.1"), ("chargeback", "4853"), ("chargeback", "10.4"),
             ("chargeback", "12.6.2"), ("ach_return", "R08"))  # fmt: skip
    for number, (kind, code) in enumerate(codes):
        book.add(
            "receipts", receipt_id=f"R{number}", account_id="A", received_on="2024-06-01",
            amount=100, method="card",
        ).add(
            "receipt_returns", return_id=f"B{number}", receipt_id=f"R{number}", account_id="A",
            returned_on="2024-06-11", amount=100, kind=kind, code=code,
        )  # fmt: skip
    row = book.family(AS_OF, "returns", "receiving")["I"]
    worked = {
        "chargebacks_365": 4,
        "disputed_chargebacks_365": 2,
        "fraud_chargebacks_365": 1,
        "processing_chargebacks_365": 1,
        "disputed_returns_365": 3,
    }
    assert {name: row[name] for name in worked} == worked


def test_counts_are_of_a_year_and_days_since_look_back_for_ever() -> None:
    """Returned on 3 July 2023, 364 days ago: counted. On 2 July 2023: out, yet remembered."""
    codes = {
        "account_data_returns_365": "R03", "unauthorised_returns_365": "R10",
        "disputed_returns_365": "R08", "automatic_returns_365": "R17",
    }  # fmt: skip
    book = Books()
    for account, returned_on in (("IN", "2023-07-03"), ("OUT", "2023-07-02")):
        book.invoice(account, "2024-04-01", "2024-05-01", 1000, account_id=account)
        for number, code in enumerate([*codes.values(), "R01"]):
            receipt = f"{account}{number}"
            book.add(
                "receipts", receipt_id=receipt, account_id=account, received_on="2023-06-30",
                amount=100, method="ach" if code == "R17" else "check",
            ).add(
                "receipt_returns", return_id=receipt, receipt_id=receipt, account_id=account,
                returned_on=returned_on, amount=100, kind="bounced", code=code,
            )  # fmt: skip
    rows = book.family(AS_OF, "returns", "receiving")
    for name in codes:
        assert (rows["IN"][name], rows["OUT"][name]) == (1.0, 0.0), name
    assert rows["IN"]["days_since_funds_return"] == 364.0
    assert rows["OUT"]["days_since_funds_return"] == 365.0
    assert rows["OUT"]["funds_returns_365"] == 0.0


def test_the_newest_return_for_lack_of_funds_counts() -> None:
    """Funds on 1 March and 1 May, wrong account data on 1 June: 61 days, whatever the currency."""
    book = Books().invoice("I", "2024-04-01", "2024-05-01", 1000)
    book.invoice("E", "2024-04-01", "2024-05-01", 1000, currency="EUR").has("receipts")
    for on, code in (("2024-03-01", "R01"), ("2024-05-01", "R09"), ("2024-06-01", "R03")):
        book.add(
            "receipt_returns", return_id=on, receipt_id="unknown", account_id="A",
            returned_on=on, amount=100, kind="bounced", code=code, currency="EUR",
        )  # fmt: skip
    rows = book.family(AS_OF, "returns", "receiving")
    for row in (rows["I"], rows["E"]):
        assert (row["days_since_funds_return"], row["days_since_return"]) == (61.0, 30.0)
        assert row["automatic_returns_365"] == 0.0  # the receipt is not at hand


def test_payments_that_are_not_final_are_counted() -> None:
    """A direct debit of 28 June may come back until 5 July."""
    book = account().add(
        "receipts", receipt_id="R3", account_id="A", received_on="2024-06-28", amount=50,
        provisional_until="2024-07-05",
    )  # fmt: skip
    assert book.family(AS_OF, "returns", "receiving")["I"]["provisional_receipts"] == 1.0
    assert book.family("2024-07-05", "returns", "receiving")["I"]["provisional_receipts"] == 0.0


def test_a_return_known_later_is_invisible_before() -> None:
    """Bounced on 28 June, shown on 2 July: a clean account on 1 July."""
    book = Books().invoice("I", "2024-04-01", "2024-05-01", 1000)
    book.add("receipts", receipt_id="R", account_id="A", received_on="2024-06-20", amount=100)
    book.add(
        "receipt_returns", return_id="B", receipt_id="R", account_id="A",
        returned_on="2024-06-28", known_on="2024-07-02", amount=100, kind="bounced", code="R01",
    )  # fmt: skip
    before, after = (
        book.family(AS_OF, "returns", "receiving")["I"],
        book.family("2024-07-02", "returns", "receiving")["I"],
    )
    assert before["returns_365"] == 0.0
    assert missing(before["days_since_return"])
    assert missing(before["days_since_funds_return"])
    assert (after["returns_365"], after["days_since_return"]) == (1.0, 4.0)
    assert (after["funds_returns_365"], after["days_since_funds_return"]) == (1.0, 4.0)


def test_an_account_without_returns_has_zero_where_the_source_tells() -> None:
    """With both tables no return is a fact; days since one are missing."""
    book = Books().invoice("I", "2024-04-01", "2024-05-01", 1000)
    row = book.has("receipts", "receipt_returns").family(AS_OF, "returns", "receiving")["I"]
    counts = (
        "returns_365", "account_data_returns_365", "unauthorised_returns_365",
        "disputed_returns_365", "automatic_returns_365",
    )  # fmt: skip
    assert [row[name] for name in counts] == [0.0] * 5
    for name in ("days_since_return", "days_since_funds_return", "returned_share_365"):
        assert missing(row[name]), name


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


def test_cash_that_came_back_is_provisional_no_longer() -> None:
    """Received on 28 June and good from 5 July; returned on 29 June."""
    book = Books().invoice("I", "2024-04-01", "2024-05-01", 1000)
    book.add(
        "receipts", receipt_id="R", account_id="A", received_on="2024-06-28", amount=100,
        method="ach", provisional_until="2024-07-05",
    ).add(
        "receipt_returns", return_id="B", receipt_id="R", account_id="A",
        returned_on="2024-06-29", amount=100, kind="ach_return", code="R01",
    )  # fmt: skip
    seen = [
        book.family(day, "returns", "receiving")["I"]["provisional_receipts"]
        for day in ("2024-06-28", "2024-06-29")
    ]
    assert seen == [1.0, 0.0]
