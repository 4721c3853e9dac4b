"""Levels of peers: worked by hand, point-in-time, shrunken step by step."""

from datetime import date

import numpy as np
import pytest

from features.ledger.cutting import cut_ledger
from features.ledger.read import Ledger
from models.peers import AGES, ANY, PAYMENTS, PRIOR_ITEMS, PeerLevels
from tests.features.books import Books, day
from training.peers import MIN_ITEMS, measure_levels

MARCH = "2024-03"


def books() -> Books:
    """Forty invoices on 30 days of two segments: small pays on the day, large 40 days late."""
    book = Books(known_through="2024-03-31")
    for account, segment in (("S", "small"), ("L", "large")):
        book.add("accounts", account_id=account, segment=segment, region="north")
    for number in range(40):
        account, paid_on = ("S", "2023-12-31") if number < 30 else ("L", "2024-02-09")
        book.invoice(f"I{number}", "2023-12-01", "2023-12-31", 100.0, account_id=account)
        book.cash(f"I{number}", paid_on, 100.0)
    return book.has("account_changes")


def level(levels: PeerLevels, name: str, *group: str, month: str = MARCH) -> float:
    """Return one level of one group."""
    place = levels.groups.index(list(group))
    value = levels.values[levels.months.index(month)][place][PAYMENTS.index(name)]
    assert value is not None
    return value


def test_levels_are_those_of_the_books_shrunk_towards_segment_and_portfolio() -> None:
    """Thirty items on the day and ten 40 days late: 10 days on average, each segment between."""
    levels = measure_levels(books().ledger(), [day("2024-03-15")])
    assert levels.months == [MARCH]
    assert levels.groups == [[ANY, ANY, ANY], ["small", ANY, ANY], ["small", "north", "1"]]
    assert levels.items == [[40, 30, 30]]
    assert level(levels, "peer_dbt_mean", ANY, ANY, ANY) == 10.0
    assert level(levels, "peer_late_share", ANY, ANY, ANY) == 0.25
    assert level(levels, "peer_late_30_share", ANY, ANY, ANY) == 0.25
    assert level(levels, "peer_late_dollars_share", ANY, ANY, ANY) == 0.25
    assert level(levels, "peer_days_to_pay_mean", ANY, ANY, ANY) == 40.0
    small = (30 * 0.0 + PRIOR_ITEMS * 10.0) / (30 + PRIOR_ITEMS)
    assert level(levels, "peer_dbt_mean", "small", ANY, ANY) == pytest.approx(small)
    kind = (30 * 0.0 + PRIOR_ITEMS * small) / (30 + PRIOR_ITEMS)
    assert level(levels, "peer_dbt_mean", "small", "north", "1") == pytest.approx(kind, abs=1e-6)


def test_survival_counts_items_old_enough_to_be_judged() -> None:
    """At the due date 10 of 40 are unpaid, all 10 of them 30 days on; at 30 days none remains."""
    levels = measure_levels(books().ledger(), [day("2024-03-15")])
    survival = dict(zip(AGES, levels.values[0][0][len(PAYMENTS) :], strict=True))
    assert survival[-30] == 0.25
    assert survival[0] == 1.0
    # Items due on 31 December are not yet judged at 60 days, and at 30 none had 60 to go.
    assert survival[30] == 0.0
    assert survival[60] is None


def test_dollars_of_currencies_are_never_added() -> None:
    """One late euro invoice of four weighs a quarter, whatever its amount."""
    book = Books(known_through="2024-03-31").has("account_changes")
    for number in range(3):
        book.paid(f"I{number}", "2024-01-01", "2024-01-31", "2024-01-31", 100.0)
    book.invoice("E", "2024-01-01", "2024-01-31", 9e6, currency="EUR")
    book.cash("E", "2024-02-10", 9e6)
    levels = measure_levels(book.ledger(), [day("2024-03-15")])
    assert level(levels, "peer_late_dollars_share", ANY, ANY, ANY) == 0.25


def test_a_segment_counts_from_the_day_it_was_known() -> None:
    """Moved in February, an account's payments are of the old segment for that month's levels."""
    book = books()
    book.add(
        "account_changes",
        account_id="S",
        known_on="2024-02-10",
        column="segment",
        value="moved",
    )
    levels = measure_levels(book.ledger(), [day("2024-02-15")])
    small, moved = (levels.groups.index([name, "north", "1"]) for name in ("small", "moved"))
    assert (levels.items[0][small], levels.items[0][moved]) == (30, 0)
    assert (levels.items[1][small], levels.items[1][moved]) == (0, 30)


def test_without_dated_history_terms_alone_make_peers() -> None:
    """Nobody knows what an overwritten segment was on an earlier day."""
    book = books()
    del book.rows["account_changes"]
    levels = measure_levels(book.ledger(), [day("2024-03-15")])
    assert levels.groups == [[ANY, ANY, ANY], ["", "", "1"], ["", ANY, ANY]]


def test_a_kind_with_few_payments_is_answered_by_its_segment(simulated_ledger: Ledger) -> None:
    """Every group that is held was large enough in some month."""
    levels = measure_levels(simulated_ledger, [date(2024, 3, 1)])
    assert (np.asarray(levels.items).max(axis=0)[1:] >= MIN_ITEMS).all()


def test_a_month_is_measured_from_what_was_known_before_it(simulated_ledger: Ledger) -> None:
    """The ledger cut on the eve of a month gives that month the same levels."""
    whole = measure_levels(simulated_ledger, [date(2024, 4, 1)]).until("2024-05")
    cut = measure_levels(cut_ledger(simulated_ledger, date(2024, 4, 30)), [date(2024, 5, 1)])
    for key in cut.groups:
        assert cut.items[0][cut.groups.index(key)] == whole.items[1][whole.groups.index(key)], key
    for place, key in enumerate(whole.groups):
        nearest = next(
            held for held in (key, [key[0], ANY, ANY], [ANY, ANY, ANY]) if held in cut.groups
        )
        assert cut.values[0][cut.groups.index(nearest)] == whole.values[1][place], key
    assert len(whole.groups) > len(cut.groups)
