from itertools import pairwise

import numpy as np
import pytest

from features.allowance import (
    allowance_rows,
    chain_allowance,
    chain_loss_rates,
    losses_given_last,
)

LEFT = [100_000, 50_000, 23_000, 8_000, 2_000]
ROLL = [after / before for before, after in pairwise(LEFT)]
LOSSES = {"91-180": 0.4, "181-365": 0.6, "366+": 0.9}


def test_the_golden_loss_rates_and_allowance() -> None:
    """2.0 / 4.0 / 8.7 / 25 / 100 %, and 27,567 on the published book."""
    rates = chain_loss_rates(ROLL)
    assert [round(100 * rate, 1) for rate in rates] == [2.0, 4.0, 8.7, 25.0, 100.0]
    book = [300_000, 140_000, 60_000, 23_000, 5_000]
    assert round(chain_allowance(book, rates)) == 27_567


def test_loss_given_the_last_bucket_scales_every_rate() -> None:
    """Half lost at the end is half the allowance everywhere."""
    half = chain_loss_rates(ROLL, 0.5)
    assert half == pytest.approx([rate / 2 for rate in chain_loss_rates(ROLL)])


def test_a_missing_roll_rate_is_missing_for_all_younger_buckets() -> None:
    """Nobody knows what passes a step that was never seen."""
    rates = chain_loss_rates([0.5, float("nan"), 0.5, 0.5])
    assert np.isnan(rates[:2]).all()
    assert rates[2:] == [0.25, 0.5, 1.0]


def test_both_allowances_agree_where_the_model_says_what_the_chain_says() -> None:
    """Items whose own chances are the roll rates' products reserve the same amount."""
    reach = chain_loss_rates(ROLL)
    days = np.array([-5.0, 10.0, 40.0, 70.0, 100.0])
    balance = np.array([300.0, 140.0, 60.0, 23.0, 5.0])
    rows = allowance_rows(days, balance, np.array([*reach[:4], 1.0]), ROLL, LOSSES)
    assert sum(row.chain for row in rows) == pytest.approx(sum(row.model for row in rows))
    assert [row.difference for row in rows] == pytest.approx([0.0] * 7)


def test_the_difference_is_told_bucket_by_bucket() -> None:
    """100 in 61-90 with 80 % instead of 25 %: 100 × (0.80 − 0.25) × 0.4 = 22."""
    rows = allowance_rows(np.array([70.0]), np.array([100.0]), np.array([0.8]), ROLL, LOSSES)
    found = {row.bucket: row.difference for row in rows}
    assert found["61-90"] == pytest.approx(22.0)
    assert sum(abs(amount) for amount in found.values()) == pytest.approx(22.0)


def test_beyond_the_modelled_days_the_chain_answers() -> None:
    """An item whose chance is not known takes the chain's, and differs by nothing."""
    rows = allowance_rows(np.array([-200.0]), np.array([1000.0]), np.array([np.nan]), ROLL, LOSSES)
    assert rows[0].model == rows[0].chain == pytest.approx(1000 * 0.02 * 0.4)


def test_old_items_lose_by_their_band_and_undated_ones_are_left_out() -> None:
    """Each band of the last bucket has its own loss; no age, no rate."""
    days = np.array([91.0, 200.0, 400.0, np.nan])
    rows = allowance_rows(days, np.full(4, 100.0), np.array([1.0, 1, 1, np.nan]), ROLL, LOSSES)
    assert [row.model for row in rows[-3:]] == pytest.approx([40.0, 60.0, 90.0])
    assert sum(row.balance for row in rows) == 300.0


def test_what_is_written_off_is_lost_and_what_comes_in_is_not() -> None:
    """All written off: lost whole. All brought in: nothing lost. Older bands lose more."""
    bands = ("91-180", "181-365", "366+")
    assert losses_given_last(dict.fromkeys(bands, (0.0, 1.0))) == dict.fromkeys(bands, 1.0)
    assert losses_given_last(dict.fromkeys(bands, (1.0, 0.0))) == dict.fromkeys(bands, 0.0)
    losses = losses_given_last({"91-180": (0.3, 0.05), "181-365": (0.2, 0.1), "366+": (0.05, 0.2)})
    assert losses["91-180"] < losses["181-365"] < losses["366+"] <= 1


def test_a_band_loses_step_by_step() -> None:
    """From 91 to 180 in three steps: written off 0.1 (1 + 0.6 + 0.36), the rest 0.216 is lost."""
    none = (0.0, 0.0)
    losses = losses_given_last({"91-180": (0.3, 0.1), "181-365": none, "366+": none})
    assert losses["91-180"] == pytest.approx(0.1 * (1 + 0.6 + 0.36) + 0.216)
