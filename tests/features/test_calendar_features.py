import pytest

from features.catalogue import CATALOGUE
from tests.features.books import Books, missing


def test_weekday_and_day_of_month_of_the_due_date() -> None:
    """31 May 2024 is a Friday: weekday 5, counted from Monday."""
    book = Books().invoice("I", "2024-05-01", "2024-05-31", 100)
    book.invoice("UNDATED", "2024-05-01", None, 100)
    rows = book.family("2024-07-01", "due_calendar")
    assert (rows["I"]["due_weekday"], rows["I"]["due_month_day"]) == (5.0, 31.0)
    for name in (
        "due_month_day", "due_before_month_end", "due_at_quarter_end", "business_days_past_due",
        "due_month",
    ):  # fmt: skip
        assert missing(rows["UNDATED"][name]), name


@pytest.mark.parametrize(
    ("due_on", "before_month_end", "at_quarter_end"),
    [
        ("2024-05-31", 0, 0),  # the end of a month, and of no quarter
        ("2024-06-30", 0, 1),
        ("2024-06-26", 4, 1),  # the last five days of the quarter begin here
        ("2024-06-25", 5, 0),
        ("2024-03-31", 0, 1),
        ("2024-12-27", 4, 1),
        ("2024-12-01", 30, 0),
        ("2024-02-29", 0, 0),
        ("2024-02-28", 1, 0),  # a leap year
        ("2023-02-28", 0, 0),
        ("2024-04-01", 29, 0),
    ],
)
def test_the_end_of_the_month_and_of_the_quarter(
    due_on: str, before_month_end: int, at_quarter_end: int
) -> None:
    """Days left in the month of the due date; the last five days of a quarter."""
    row = Books().invoice("I", "2023-01-01", due_on, 100).family("2024-07-01", "due_calendar")["I"]
    worked = {"due_before_month_end": before_month_end, "due_at_quarter_end": at_quarter_end}
    for name, value in worked.items():
        assert row[name] == value, name


def test_business_days_past_due_of_a_hand_worked_fortnight() -> None:
    """Monday to Friday from the due date to the day before as_of; ahead of it they are negative.

    ========== === ============================== ===========================
    due        day on Monday 1 July               on Saturday 29 June
    ========== === ============================== ===========================
    2024-06-21 Fri 21, 24, 25, 26, 27, 28:      6 21, 24, 25, 26, 27, 28:   6
    2024-06-26 Wed 26, 27, 28:                  3 26, 27, 28:               3
    2024-06-28 Fri 28:                          1 28:                       1
    2024-06-29 Sat a weekend:                   0 today:                    0
    2024-06-30 Sun a weekend:                   0 a weekend ahead:          0
    2024-07-01 Mon today:                       0 a weekend ahead:          0
    2024-07-02 Tue 1 July ahead:               -1 1 July ahead:            -1
    2024-07-08 Mon 1, 2, 3, 4, 5 July ahead:   -5 1, 2, 3, 4, 5 July ahead: -5
    """
    worked = {
        "2024-06-21": (6, 6),
        "2024-06-26": (3, 3),
        "2024-06-28": (1, 1),
        "2024-06-29": (0, 0),
        "2024-06-30": (0, 0),
        "2024-07-01": (0, 0),
        "2024-07-02": (-1, -1),
        "2024-07-08": (-5, -5),
    }
    book = Books()
    for due_on in worked:
        book.invoice(due_on, "2024-06-01", due_on, 100)
    monday, saturday = (book.family(on, "due_calendar") for on in ("2024-07-01", "2024-06-29"))
    for due_on, values in worked.items():
        found = (
            monday[due_on]["business_days_past_due"],
            saturday[due_on]["business_days_past_due"],
        )
        assert found == values, due_on


def test_the_month_speaks_after_two_years_of_billing() -> None:
    """Billed since 2 July 2022, 730 days: the month is told. Since 3 July 2022: not yet.

    Each currency has billing of its own, paid or not; what is entered later is no billing.
    """
    book = Books().paid("P", "2022-07-02", "2022-08-01", "2022-08-01")
    book.invoice("I", "2024-05-01", "2024-05-31", 100)
    book.invoice("E", "2024-05-01", "2024-05-31", 100, currency="EUR")
    book.invoice("J", "2024-05-01", "2024-05-31", 100, account_id="J")
    book.invoice("Q", "2022-07-03", "2022-08-02", 100, account_id="J")
    book.invoice("L", "2022-01-01", "2022-02-01", 100, account_id="J", known_on="2024-07-02")
    rows = book.family("2024-07-01", "due_calendar")
    worked = {"due_month": 5}
    assert rows["I"]["due_month"] == worked["due_month"]
    for name in ("E", "J", "Q"):
        assert missing(rows[name]["due_month"]), name
    assert book.family("2024-07-02", "due_calendar")["Q"]["due_month"] == 8.0


def test_the_calendar_follows_the_due_date_known_on_the_day() -> None:
    """Moved to Sunday 16 June, known from 10 June on."""
    book = Books().invoice("I", "2024-05-01", "2024-05-31", 100)
    book.add("due_date_changes", invoice_id="I", known_on="2024-06-10", due_on="2024-06-16")
    assert book.family("2024-06-09", "due_calendar")["I"]["due_weekday"] == 5.0
    assert book.family("2024-06-10", "due_calendar")["I"]["due_weekday"] == 7.0


def test_calendar_features_are_codes_of_the_item() -> None:
    """Days as numbers, one row an item."""
    family = [feature for feature in CATALOGUE if feature.family == "calendar"]
    assert family
    assert {feature.grain for feature in family} == {"item"}
    assert {feature.unit for feature in family} <= {"code", "days", "flag"}
