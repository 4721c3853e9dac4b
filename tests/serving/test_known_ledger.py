"""Books of an earlier day: what came later is gone, what was known ahead stays."""

from datetime import date

import pytest

from features.build import feature_frame
from features.ledger.read import Ledger
from serving.known_ledger import known_by, news
from tests.conftest import make_ledger

DAY, LATER = date(2024, 5, 31), date(2024, 6, 7)


def test_features_of_the_day_are_those_of_the_whole_books(simulated_ledger: Ledger) -> None:
    """Nothing that was taken away counted on that day: the same bytes."""
    whole = feature_frame(simulated_ledger, [DAY])
    known = feature_frame(known_by(simulated_ledger, DAY), [DAY])
    assert len(whole.items) > 100
    assert known.items.equals(whole.items)
    assert known.values.tobytes() == whole.values.tobytes()


@pytest.fixture(scope="module")
def books() -> Ledger:
    """A dispute that closes later, an invoice known ahead, a payment and a call of the week."""
    invoice = {"account_id": "A", "due_on": date(2024, 5, 20), "amount": 100}
    return make_ledger(
        {
            "accounts": [{"account_id": "A"}],
            "invoices": [
                invoice | {"invoice_id": "OLD", "issued_on": date(2024, 4, 20)},
                invoice | {"invoice_id": "AHEAD", "issued_on": date(2024, 6, 3), "known_on": DAY},
            ],
            "receipts": [
                {
                    "receipt_id": "R",
                    "account_id": "A",
                    "received_on": date(2024, 6, 5),
                    "amount": 40,
                },
                {
                    "receipt_id": "LATE NEWS",
                    "account_id": "A",
                    "received_on": date(2024, 5, 2),
                    "known_on": date(2024, 6, 6),
                    "amount": 10,
                },
            ],
            "disputes": [
                {
                    "dispute_id": "D",
                    "account_id": "A",
                    "invoice_id": "OLD",
                    "opened_on": date(2024, 5, 2),
                    "closed_on": date(2024, 5, 30),
                    "closed_known_on": date(2024, 6, 4),
                    "amount": 100,
                    "outcome": "credited",
                }
            ],
            "contacts": [
                {"contact_id": "C", "account_id": "A", "contacted_on": date(2024, 6, 5)},
            ],
        }
    )


def test_later_rows_go_and_columns_filled_in_later_are_empty(books: Ledger) -> None:
    """A dispute is open until its closing is known; a row known ahead of its day stays."""
    rows = known_by(books, DAY).rows
    assert rows["invoices"]["invoice_id"].to_pylist() == ["OLD", "AHEAD"]
    assert rows["receipts"].num_rows == rows["contacts"].num_rows == 0
    [dispute] = rows["disputes"].to_pylist()
    assert (dispute["closed_on"], dispute["closed_known_on"], dispute["outcome"]) == (None,) * 3
    assert known_by(books, LATER).rows["disputes"].to_pylist()[0]["outcome"] == "credited"


def test_news_are_the_rows_that_began_to_count(books: Ledger) -> None:
    """By the later of business and known day; a closing is news; contacts never are."""
    assert news(books, DAY, LATER) == {
        "invoices": ["AHEAD"],
        "receipts": ["LATE NEWS", "R"],
        "disputes": ["D"],
    }
    assert news(books, LATER, date(2024, 6, 30)) == {}
