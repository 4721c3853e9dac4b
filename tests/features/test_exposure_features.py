import pytest

from tests.features.books import Books, missing

AS_OF = "2024-07-01"


def account() -> Books:
    """Billed 100 on 3 July 2023 (364 days ago), 200 on 1 April (91), 300 on 1 June (30).

    The first is paid; the second is due 1 May (61 days ago) and open, the third due 1 July.
    """
    return (
        Books()
        .paid("P", "2023-07-03", "2023-08-02", "2023-08-02", 100)
        .invoice("OLD", "2024-04-01", "2024-05-01", 200)
        .invoice("I", "2024-06-01", "2024-07-01", 300)
    )


def test_the_exposure_of_a_hand_worked_account() -> None:
    """500 open of 600 billed in a year."""
    row = account().family(AS_OF, "billing", "item_against_usual", "ageing")["I"]
    worked = {
        "account_balance": 500,
        "item_share_of_account": 0.6,
        # 500 / 600 x 365 days of billing
        "account_days_of_sales": 500 / 600 * 365,
        # (300 in 90 days / 90) / (600 / 365)
        "billing_trend": (300 / 90) / (600 / 365),
        "amount_against_usual": 300 / 200,  # the median of 100, 200 and 300
        "invoices_365": 3,
        "days_since_invoice": 30,
        "relationship_days": 364,
        # due in the last 60 days: I alone (due today), and it is open
        "open_share_due_60": 1,
    }
    for name, value in worked.items():
        assert row[name] == pytest.approx(value), name


def test_a_young_account_is_measured_by_its_own_age() -> None:
    """Billed once, 30 days ago: 31 days of sales are owed, and the trend is flat."""
    row = (
        Books()
        .invoice("I", "2024-06-01", "2024-07-01", 300)
        .family(AS_OF, "billing", "item_against_usual", "ageing")["I"]
    )
    assert row["account_days_of_sales"] == pytest.approx(31)
    assert row["billing_trend"] == pytest.approx(1)


def test_invoices_paid_early_stay_in_the_billing_windows() -> None:
    """Billing counts what was billed, open or not."""
    book = account().paid("EARLY", "2024-06-10", "2024-07-10", "2024-06-20", 400)
    row = book.family(AS_OF, "billing", "item_against_usual", "ageing")["I"]
    assert row["account_balance"] == 500.0
    assert row["invoices_365"] == 4.0
    assert row["days_since_invoice"] == 21.0


def test_autopay_and_limit_need_their_dated_history() -> None:
    """Without account_changes the values of accounts may be overwritten: missing."""
    book = account()
    book.rows["accounts"][0] |= {"autopay": True, "credit_limit": 1000}
    row = book.features(AS_OF)["I"]
    assert missing(row["autopay"])
    assert missing(row["credit_limit_used"])


def test_autopay_and_limit_follow_their_history() -> None:
    """Autopay until 10 June; a limit of 1,000 raised to 2,000 on 2 July."""
    book = account()
    book.rows["accounts"][0] |= {"autopay": True, "credit_limit": 1000}
    changes = [
        ("autopay", "2024-06-10", "false"),
        ("credit_limit", "2024-07-02", "2000.00"),
        ("autopay", "2024-07-05", None),
    ]
    for column, known_on, value in changes:
        book.add("account_changes", account_id="A", known_on=known_on, column=column, value=value)
    on_day = {
        on: book.family(on, "terms_of_trade")["I"] for on in ("2024-06-09", AS_OF, "2024-07-05")
    }
    assert on_day["2024-06-09"]["autopay"] == 1.0
    assert on_day[AS_OF]["autopay"] == 0.0
    assert on_day[AS_OF]["credit_limit_used"] == pytest.approx(0.5)
    assert on_day["2024-07-05"]["credit_limit_used"] == pytest.approx(0.25)
    # Set to nothing on 5 July: unknown, which is not the same as off.
    assert missing(on_day["2024-07-05"]["autopay"])
