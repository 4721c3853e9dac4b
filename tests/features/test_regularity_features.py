import pytest

from tests.features.books import Books, missing

AS_OF = "2024-07-01"  # a Monday


def account(*paid_on: str, due: str = "2024-07-31") -> Books:
    """An open item I and items paid on the given days."""
    book = Books().invoice("I", "2024-01-01", due, 100)
    for number, on in enumerate(paid_on):
        book.paid(f"P{number}", "2023-01-01", "2023-02-01", on)
    return book


def rhythm(*paid_on: str, on: str = AS_OF) -> dict[str, float]:
    """The rhythm of an account that paid on the given days."""
    return account(*paid_on).family(on, "regularity")["I"]


def test_the_rhythm_of_a_hand_worked_account() -> None:
    """Two items on Fri 31 May, one each on Fri 14 June and Mon 24 June: three pay days."""
    row = rhythm("2024-05-31", "2024-05-31", "2024-06-14", "2024-06-24")
    worked = {
        "pay_days_365": 3,
        "payment_gap_days": 24 / 2,  # 31 May to 24 June, two gaps
        "payment_gap_ratio": 7 / 12,  # 24 June was 7 days ago
        "weekday_share": 2 / 3,
        "days_to_usual_weekday": 4,  # Monday to Friday
        "month_day_share": 1 / 3,
        "days_to_usual_month_day": 13,  # 14, 24 and 31 are tied: the earliest, 14 July
        "month_end_share": 1 / 3,
    }
    for name, value in worked.items():
        assert row[name] == pytest.approx(value), name


def test_the_item_on_the_accounts_next_usual_day() -> None:
    """Usual day of the month: 14, in 13 days. Due 21 June: 10 days late now, 23 then."""
    book = account("2024-05-14", "2024-06-14", due="2024-06-21")
    book.invoice("LATER", "2024-06-01", "2024-07-31", 100)
    book.invoice("UNDATED", "2024-06-01", None, 100)
    rows = book.family(AS_OF, "item_against_usual")
    assert rows["I"]["days_past_due_on_usual_day"] == 23.0
    assert rows["LATER"]["days_past_due_on_usual_day"] == -30 + 13
    assert missing(rows["UNDATED"]["days_past_due_on_usual_day"])
    nobody = account().family(AS_OF, "item_against_usual")["I"]
    assert missing(nobody["days_past_due_on_usual_day"])


def test_an_account_that_never_paid_has_no_rhythm() -> None:
    """Missing, never zero days from a usual day."""
    assert all(missing(value) for value in rhythm().values())


def test_one_pay_day_is_a_usual_day_without_a_gap() -> None:
    """Thursday 20 June alone: 3 days to Thursday, 19 to 20 July, no gap to wait for."""
    for row in (rhythm("2024-06-20"), rhythm("2024-06-20", "2024-06-20")):
        assert row["pay_days_365"] == 1.0
        assert (row["days_to_usual_weekday"], row["days_to_usual_month_day"]) == (3.0, 19.0)
        assert missing(row["payment_gap_days"])
        assert missing(row["payment_gap_ratio"])


def test_of_tied_weekdays_the_first_of_the_week_is_usual() -> None:
    """Once on Thursday 13 June, once on Tuesday 18 June: Tuesday."""
    paid = ("2024-06-13", "2024-06-18")
    assert rhythm(*paid)["days_to_usual_weekday"] == 1.0
    assert rhythm(*paid, on="2024-07-02")["days_to_usual_weekday"] == 0.0
    assert rhythm(*paid, on="2024-07-03")["days_to_usual_weekday"] == 6.0
    assert rhythm(*paid)["weekday_share"] == 0.5


@pytest.mark.parametrize(
    ("paid_on", "to_monday"), [("2024-06-24", 0), ("2024-06-23", 6), ("2024-06-22", 5)]
)
def test_a_week_runs_from_monday_to_sunday(paid_on: str, to_monday: int) -> None:
    """From Monday 1 July it is 0 days to Monday, 6 to Sunday, 5 to Saturday."""
    assert rhythm(paid_on)["days_to_usual_weekday"] == to_monday


def test_the_commonest_day_wins_over_an_earlier_one() -> None:
    """The 20th twice and the 3rd once: 19 days to 20 July; Thursday twice, Monday once."""
    row = rhythm("2024-05-20", "2024-06-20", "2024-06-03", "2024-06-13")
    assert row["month_day_share"] == 0.5
    assert row["days_to_usual_month_day"] == 19.0
    # 20 May and 3 June are Mondays, 13 and 20 June Thursdays: tied, so Monday, today.
    assert row["days_to_usual_weekday"] == 0.0


@pytest.mark.parametrize(
    ("paid_on", "on", "days"),
    [
        ("2024-05-31", "2024-06-30", 0),  # June has no 31st: its last day
        ("2024-05-31", "2024-06-29", 1),
        ("2024-05-31", "2024-07-01", 30),
        ("2024-05-31", "2024-07-31", 0),
        ("2023-12-30", "2024-01-31", 29),  # February 2024 has 29 days: 29 February
        ("2022-12-30", "2023-01-31", 28),  # February 2023 has 28
        ("2022-12-29", "2023-01-30", 29),
        ("2023-12-31", "2024-02-29", 0),
        ("2023-12-31", "2024-02-28", 1),
        ("2024-06-01", "2024-07-01", 0),
        ("2024-06-01", "2024-07-02", 30),  # 1 August
        ("2024-06-02", "2024-07-03", 30),
        ("2024-06-05", "2024-12-20", 16),  # over the end of the year: 5 January
        ("2024-06-20", "2024-07-20", 0),
        ("2024-06-20", "2024-07-21", 30),
    ],
)
def test_the_next_usual_day_of_the_month(paid_on: str, on: str, days: int) -> None:
    """A month shorter than the usual day pays on its last day."""
    book = Books().invoice("I", "2022-06-01", "2025-01-01", 100)
    book.paid("P", "2022-06-01", "2022-07-01", paid_on)
    assert book.family(on, "regularity")["I"]["days_to_usual_month_day"] == days


def test_the_gap_waited_grows_from_the_day_of_payment() -> None:
    """Every 10 days until 20 June: nothing waited on that day, 1.1 gaps on 1 July."""
    paid = ("2024-05-31", "2024-06-10", "2024-06-20")
    assert rhythm(*paid, on="2024-06-20")["payment_gap_ratio"] == 0.0
    assert rhythm(*paid)["payment_gap_ratio"] == pytest.approx(1.1)
    assert rhythm(*paid)["payment_gap_days"] == 10.0


def test_the_year_ends_with_the_pay_day_of_364_days_ago() -> None:
    """3 July 2023 and 1 June 2024 lie 334 days apart; 2 July 2023 is out."""
    assert rhythm("2023-07-03", "2024-06-01")["payment_gap_days"] == 334.0
    row = rhythm("2023-07-02", "2024-06-01")
    assert row["pay_days_365"] == 1.0
    assert missing(row["payment_gap_days"])


def test_a_payment_known_later_is_no_pay_day_before() -> None:
    """Paid on 24 June, entered on 5 July: until then the last payment is of 14 June."""
    book = account("2024-06-04", "2024-06-14").invoice("P", "2024-01-01", "2024-02-01", 100)
    book.cash("P", "2024-06-24", 100, known="2024-07-05")
    before, after = (book.family(on, "regularity")["I"] for on in (AS_OF, "2024-07-05"))
    assert (before["pay_days_365"], before["payment_gap_ratio"]) == (2.0, 17 / 10)
    assert (after["pay_days_365"], after["payment_gap_ratio"]) == (3.0, 11 / 10)


def test_pay_days_are_days_whatever_the_currency() -> None:
    """Dollars and euros on one day are one pay day."""
    book = account("2024-06-14").invoice("E", "2024-05-01", "2024-06-01", 100, currency="EUR")
    assert book.cash("E", "2024-06-14", 100).family(AS_OF, "regularity")["I"]["pay_days_365"] == 1.0
