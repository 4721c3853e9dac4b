"""Capture by accounts, counted by hand."""

import numpy as np
import pandas as pd
import pytest

from training.capture import EXPECTED, account_days, capture, captured_by


def items(*rows: tuple[str, float, float, float, float], currency: str = "USD") -> pd.DataFrame:
    """Return judged items: account, balance, days past due, probability, outcome."""
    names = ["account_id", "balance", "days_past_due", "p_rollrisk", "unresolved"]
    table = pd.DataFrame(rows, columns=names)
    return table.assign(as_of=pd.Timestamp("2024-06-30"), currency=currency)


FIVE = items(
    ("A", 100.0, -5.0, 0.9, 1.0),
    ("A", 50.0, 3.0, 0.8, 1.0),
    ("B", 1000.0, -20.0, 0.01, 0.0),
    ("C", 80.0, 60.0, 0.2, 0.0),
    ("D", 300.0, 10.0, 0.1, 1.0),
    ("E", 20.0, 1.0, 0.95, 1.0),
)


@pytest.mark.parametrize(
    ("rule", "first"),
    [
        (EXPECTED, 150.0),
        ("oldest first", 0.0),
        ("largest first", 0.0),
        ("largest past due first", 300.0),
        ("risk first", 20.0),
    ],
)
def test_each_rule_calls_another_account_first(rule: str, first: float) -> None:
    """One of five accounts is called; 470 dollars rolled in all."""
    days = account_days(FIVE)
    assert len(days) == 5
    assert captured_by(days, rule, 0.2)(np.ones(5)) == pytest.approx(first / 470)


def test_currencies_are_ranked_apart_and_never_added() -> None:
    """Yen do not crowd out dollars: each has its own fifth, and the shares are averaged."""
    yen = FIVE.assign(
        balance=FIVE["balance"] * 150, currency="JPY", account_id="J" + FIVE.account_id
    )
    days = account_days(pd.concat([FIVE, yen], ignore_index=True))
    assert captured_by(days, EXPECTED, 0.2)(np.ones(10)) == pytest.approx(150 / 470)


def test_weights_count_accounts_that_often() -> None:
    """An account drawn twice fills two places, and its dollars count twice."""
    days = account_days(FIVE)
    weight = np.where(days["account_id"] == "A", 2.0, 1.0)
    # Two of six places are 0.33; within 0.2 of six there is room for one place, and A needs two.
    assert captured_by(days, EXPECTED, 0.2)(weight) == 0.0
    assert captured_by(days, EXPECTED, 0.34)(weight) == pytest.approx(300 / 620)


def test_every_share_has_all_rules_and_how_far_ours_is_ahead() -> None:
    """As metrics.json keeps it."""
    found = capture(FIVE, seed=1, draws=20)
    assert [entry["share"] for entry in found] == [0.05, 0.10, 0.20]
    last = found[-1]
    for rule, gap in last["ahead"].items():
        ours = last["captured"][EXPECTED] - last["captured"][rule]
        assert gap["difference"] == pytest.approx(ours)
        assert gap["low"] <= gap["high"]
