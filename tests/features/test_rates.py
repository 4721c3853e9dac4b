"""Exchange rates as they were known on a day."""

from datetime import date
from decimal import Decimal

import pytest

from features.engines import open_session
from features.rates import known_rates
from tests.features.books import Books

DAYS = [date(2024, 5, 1), date(2024, 6, 1)]


def books() -> Books:
    ledger = Books().invoice("I", "2024-04-01", "2024-05-01", 100, currency="EUR")
    for day, rate in (("2024-04-30", 110), ("2024-05-20", 120), ("2024-06-02", 900)):
        ledger.add("fx_rates", currency="EUR", rate_on=day, rate=Decimal(rate) / 100)
    return ledger.add("fx_rates", currency="USD", rate_on="2024-04-01", rate=Decimal(7))


def rates(reporting: str | None) -> dict[tuple[str, str], float]:
    with open_session(books().ledger(), DAYS) as session:
        rows = known_rates(session, reporting)
    return {(str(row.as_of.date()), row.currency): row.rate for row in rows.itertuples(index=False)}


def test_the_newest_rate_by_the_day_holds_and_that_of_the_reporting_currency_is_one() -> None:
    assert rates("USD") == {
        ("2024-05-01", "EUR"): pytest.approx(1.1),
        ("2024-06-01", "EUR"): pytest.approx(1.2),
        ("2024-05-01", "USD"): 1.0,
        ("2024-06-01", "USD"): 1.0,
    }


def test_there_are_none_without_a_reporting_currency() -> None:
    assert rates(None) == {}
