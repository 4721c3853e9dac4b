from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from serving.reports.scores import read_scores
from serving.reports.view import report_view
from serving.reports.wording import NONE


def whole_cents(values: pd.Series) -> int:
    """Sum a money column in whole cents, row by row."""
    return sum(round(value * 100) for value in values)


def test_every_total_is_the_sum_of_the_items_to_the_cent(scoring_of: Callable[..., Path]) -> None:
    """Balance, collectible and risk of each currency equal the rows of items.parquet."""
    folder = scoring_of(accounts={"USD": 40, "EUR": 9})
    items = pd.read_parquet(folder / "items.parquet")
    for section in report_view(read_scores(folder)).sections:
        own = items[items["currency"] == section.currency]
        assert section.balance.cents == whole_cents(own["open_balance"])
        assert section.collectible.cents == whole_cents(own["collectible"])
        assert section.at_risk.cents == whole_cents(own["dollars_at_risk"])


def test_buckets_foot_to_their_total(scoring_of: Callable[..., Path]) -> None:
    """The rows of the ageing table, undated items among them, add up to its last line."""
    folder = scoring_of(accounts={"USD": 40})
    section = report_view(read_scores(folder)).sections[0]
    assert section.buckets[-1].label == "No due date"
    total = section.bucket_total
    assert sum(row.balance.cents for row in section.buckets) == total.balance.cents
    assert sum(row.collectible.cents for row in section.buckets) == total.collectible.cents
    assert sum(row.to_roll.cents for row in section.buckets) == total.to_roll.cents
    assert sum(row.to_stay.cents for row in section.buckets) == total.to_stay.cents
    assert total.to_roll.cents + total.to_stay.cents == section.at_risk.cents


def test_parts_of_a_bar_sum_to_the_open_balance(scoring_of: Callable[..., Path]) -> None:
    """At risk, other collectible and not collectible make up the balance of each bucket."""
    section = report_view(read_scores(scoring_of(accounts={"USD": 20}))).sections[0]
    for bar in section.bars:
        parts = (bar.at_risk, bar.secure, bar.held)
        assert min(part.cents for part in parts) >= 0
        assert sum(part.cents for part in parts) == bar.balance.cents


def test_the_bridge_leads_from_open_to_collectible(scoring_of: Callable[..., Path]) -> None:
    """Open balance plus the (negative) netted parts is the collectible."""
    section = report_view(read_scores(scoring_of(accounts={"USD": 20}))).sections[0]
    netted = sum(row.amount.cents for row in section.netting)
    assert netted < 0
    assert section.balance.cents + netted == section.collectible.cents


def test_drivers_sum_to_the_amount_at_risk(scoring_of: Callable[..., Path]) -> None:
    """The portfolio's waterfall arrives at the sum of its items, and so do rise and fall."""
    section = report_view(read_scores(scoring_of(accounts={"USD": 20}))).sections[0]
    *parts, total = section.drivers
    assert sum(step.amount.cents for step in parts) == total.amount.cents == section.at_risk.cents
    base = parts[0].amount.cents
    assert base + section.rise.cents - section.fall.cents == section.at_risk.cents


def test_every_card_adds_up(scoring_of: Callable[..., Path]) -> None:
    """On a card, steps and items both sum to the account's figure, listed or folded."""
    folder = scoring_of(accounts={"USD": 5}, items_each=30)
    for card in report_view(read_scores(folder)).sections[0].cards:
        *parts, total = card.steps
        assert sum(step.amount.cents for step in parts) == total.amount.cents == card.at_risk.cents
        assert card.rest is not None
        listed = sum(item.at_risk.cents for item in card.items)
        assert listed + card.rest.at_risk.cents == card.total.at_risk.cents == card.at_risk.cents
        balances = sum(item.balance.cents for item in card.items) + card.rest.balance.cents
        assert balances == card.total.balance.cents == card.balance.cents
        netted = sum(amount.cents for _, amount in card.netted)
        assert card.balance.cents - netted == card.collectible.cents


def test_currencies_are_ordered_by_balance_and_never_added(
    scoring_of: Callable[..., Path],
) -> None:
    """Each currency has a section of its own, the largest first."""
    folder = scoring_of(accounts={"AUD": 2, "USD": 30, "EUR": 10})
    sections = report_view(read_scores(folder)).sections
    assert [section.currency for section in sections] == ["USD", "EUR", "AUD"]


def test_lanes_account_for_every_account(scoring_of: Callable[..., Path]) -> None:
    """Worked and held accounts of the past-due lane are all of them; reasons are counted."""
    folder = scoring_of(accounts={"USD": 6}, hold={"USD-004": "disputed", "USD-005": "promised"})
    section = report_view(read_scores(folder)).sections[0]
    past_due = section.lanes[0]
    assert (past_due.accounts, past_due.to_work) == ("6", "4")
    assert past_due.held == (NONE, "1", NONE, "1", NONE)
    assert "2 held" in section.worklist_note


def test_a_hold_says_until_when(scoring_of: Callable[..., Path]) -> None:
    """A promise holds until a date, a dispute without one."""
    folder = scoring_of(accounts={"USD": 2}, hold={"USD-000": "disputed", "USD-001": "promised"})
    cards = report_view(read_scores(folder)).sections[0].cards
    assert cards[0].hold == "In dispute"
    assert cards[1].hold.replace("\N{NO-BREAK SPACE}", " ") == "Promised until 11 July 2025"


def test_top_limits_the_accounts_of_each_currency(scoring_of: Callable[..., Path]) -> None:
    """Only the head of the lane gets cards, in the order of rank."""
    folder = scoring_of(accounts={"USD": 30, "EUR": 3})
    sections = report_view(read_scores(folder), top=5).sections
    assert [card.rank for card in sections[0].cards] == [1, 2, 3, 4, 5]
    assert len(sections[1].cards) == 3
    with pytest.raises(ValueError, match="top must be 0 or more accounts, got -1"):
        report_view(read_scores(folder), top=-1)


def test_items_say_what_can_become_of_them(scoring_of: Callable[..., Path]) -> None:
    """Items in the last bucket stay instead of rolling and are there already."""
    folder = scoring_of(accounts={"USD": 30})
    cards = report_view(read_scores(folder), top=30).sections[0].cards
    items = [item for card in cards for item in card.items]
    last = [item for item in items if item.reach_last == "there"]
    assert last
    assert all(item.p_roll.endswith("stay") for item in last)
    assert any(item.days == "no due date" for item in items)
    assert any(item.days.startswith("due in") for item in items)


def test_the_matrix_is_named_as_such(scoring_of: Callable[..., Path]) -> None:
    """Where no model answered, the report says so and promises no drivers."""
    folder = scoring_of(accounts={"USD": 2}, fallback="matrix: no model is trained")
    view = report_view(read_scores(folder))
    assert not view.explains
    assert view.model.startswith("The roll-rate matrix answered")
    assert not view.sections[0].cards[0].explained
