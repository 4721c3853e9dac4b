"""Tests of the profile: payment curves, remaining shares, cash rates, medians."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from features.ledger.cutting import cut_ledger
from features.ledger.read import Ledger
from models.priority import AGE_BANDS
from models.profile import ALL, CELLS, Profile, cell_index
from training.dataset import Dataset, load_dataset
from training.profile import CURVE_END, CURVE_START, PRIOR_BALANCE, build_profile

UNTIL = date(2024, 8, 31)


@pytest.fixture(scope="module")
def data(simulated_ledger: Ledger) -> Dataset:
    """Three dates whose first step is known by ``UNTIL``."""
    dates = [UNTIL - timedelta(days=days) for days in (37, 67, 97)]
    return load_dataset(simulated_ledger, dates).known_by(UNTIL, 7)


@pytest.fixture(scope="module")
def profile(simulated_ledger: Ledger, data: Dataset) -> Profile:
    """The profile of these dates."""
    return build_profile(simulated_ledger, data, UNTIL)


def test_payment_curves_rise_and_span_the_ages(profile: Profile) -> None:
    """A cumulative hazard never falls; one value per day past due."""
    assert ALL in profile.curves
    for curve in profile.curves.values():
        assert len(curve) == CURVE_END - CURVE_START + 1
        assert (np.diff(curve) >= 0).all()
        assert curve[0] >= 0


def test_the_curve_says_which_share_was_paid_by_an_age(
    simulated_ledger: Ledger, profile: Profile
) -> None:
    """1 − exp(−H) at 30 days past due is near the share of old invoices settled by then."""
    invoices = simulated_ledger.rows["invoices"].to_pandas()
    old = invoices[pd.to_datetime(invoices["due_on"]) < pd.Timestamp("2024-06-01")]
    cash = simulated_ledger.rows["applications"].to_pandas()
    cash = cash.merge(old[["invoice_id", "due_on"]], on="invoice_id")
    cash["late"] = (pd.to_datetime(cash["applied_on"]) - pd.to_datetime(cash["due_on"])).dt.days
    by_then = cash[cash["late"] <= 30].assign(amount=lambda rows: rows["amount"].astype(float))
    settled = by_then.groupby("invoice_id")["amount"].sum()
    amounts = old.set_index("invoice_id")["amount"].astype(float)
    share = (settled.reindex(amounts.index).fillna(0) >= amounts - 1).mean()
    hazard = profile.curves[ALL][30 - CURVE_START] - profile.curves[ALL][-60 - CURVE_START]
    assert 1 - np.exp(-hazard) == pytest.approx(share, abs=0.08)


def test_remaining_shares_are_what_unresolved_items_still_owe(
    data: Dataset, profile: Profile
) -> None:
    """Balance after ÷ balance before, leaning on one; by matrix row."""
    assert len(profile.remaining_shares) == len(CELLS)
    y, cells = data.target("step_1"), cell_index(data.days_past_due)
    outcome = data.outcomes["outcome_30"].to_numpy(dtype=object)
    left = data.outcomes["remaining_30"].to_numpy(dtype=float)
    for cell, share in enumerate(profile.remaining_shares):
        here = (y == 1) & (cells == cell) & (outcome == "open")
        before = data.balance[here].sum() + PRIOR_BALANCE
        assert share == pytest.approx((left[here].sum() + PRIOR_BALANCE) / before)
        assert 0 < share <= 1


def test_cash_rates_are_shares_of_the_last_bucket(profile: Profile) -> None:
    """One per age band, between nothing and everything."""
    assert set(profile.cash_rates) == {name for _, name in AGE_BANDS}
    assert all(0 <= rate <= 1 for rate in profile.cash_rates.values())


def test_medians_are_those_of_the_segments(data: Dataset, profile: Profile) -> None:
    """Missing where a segment has no value at all."""
    for name, medians in profile.medians.items():
        rows = data.frame.values if name == ALL else data.frame.values[data.segment == name]  # noqa: PD011 (an array already)
        for column in (0, 5, 20):
            values = rows[:, column][~np.isnan(rows[:, column])]
            expected = float(np.median(values)) if len(values) else None
            assert medians[column] == expected


def test_nothing_known_later_changes_the_profile(
    simulated_ledger: Ledger, data: Dataset, profile: Profile
) -> None:
    """The ledger cut at the day gives the same profile of the same rows."""
    assert build_profile(cut_ledger(simulated_ledger, UNTIL), data, UNTIL) == profile
