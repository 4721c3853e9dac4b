from features.catalogue import CATALOGUE
from tests.features.books import Books, missing


def test_weekday_and_day_of_month_of_the_due_date() -> None:
    """31 May 2024 is a Friday: weekday 5, counted from Monday."""
    book = Books().invoice("I", "2024-05-01", "2024-05-31", 100)
    book.invoice("UNDATED", "2024-05-01", None, 100)
    rows = book.family("2024-07-01", "due_calendar")
    assert (rows["I"]["due_weekday"], rows["I"]["due_month_day"]) == (5.0, 31.0)
    assert missing(rows["UNDATED"]["due_month_day"])


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
