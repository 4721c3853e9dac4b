"""Tests of training rows: targets by hand, nothing immature, no row lost or doubled."""

import itertools
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.engines import EngineOptions
from features.ledger.read import Ledger
from models.bundle import PARTS
from training.dataset import as_of_grid, horizon_of, load_dataset

LAG = 7


def paid_after(days: int) -> dict[str, Any]:
    """Return accounts, invoices and cash of one invoice that is paid ``days`` after 1 June."""
    return {
        "accounts": [{"account_id": "A", "segment": "smb"}],
        "invoices": [
            {
                "invoice_id": "I",
                "account_id": "A",
                "issued_on": date(2024, 5, 1),
                "due_on": date(2024, 5, 31),
                "amount": "100.00",
            }
        ],
        "applications": [
            {
                "application_id": "P",
                "invoice_id": "I",
                "account_id": "A",
                "cause": "cash",
                "source_id": "R",
                "applied_on": date(2024, 6, 1) + timedelta(days=days),
                "amount": "100.00",
            }
        ],
    }


NAN = float("nan")


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (5, [0, NAN, NAN, NAN, 1, 1]),
        (7, [0, NAN, NAN, NAN, 1, 1]),
        (8, [0, NAN, NAN, NAN, 1, 0]),
        (14, [0, NAN, NAN, NAN, 1, 0]),
        (15, [0, NAN, NAN, NAN, 0, NAN]),
        (30, [0, NAN, NAN, NAN, 0, NAN]),
        (31, [1, 0, NAN, NAN, NAN, NAN]),
        (75, [1, 1, 0, NAN, NAN, NAN]),
        (120, [1, 1, 1, 0, NAN, NAN]),
        (121, [1, 1, 1, 1, NAN, NAN]),
    ],
)
def test_targets_by_hand(ledger_of: Any, days: int, expected: list[float]) -> None:  # noqa: ANN401 (a function)
    """Each step's risk set is what survived the step before; cuts are shares of step 1."""
    ledger = ledger_of(paid_after(days), known_through=date(2024, 12, 31))
    data = load_dataset(ledger, [date(2024, 6, 1)])
    np.testing.assert_array_equal(data.targets, [expected])
    assert data.segment.tolist() == ["smb"]


def test_outcomes_that_the_books_do_not_hold_yet_are_missing(ledger_of: Any) -> None:  # noqa: ANN401
    """Known through day 60 + lag: two steps are known, two are censored, none is a negative."""
    through = date(2024, 6, 1) + timedelta(days=60 + LAG)
    data = load_dataset(ledger_of(paid_after(200), known_through=through), [date(2024, 6, 1)])
    np.testing.assert_array_equal(data.targets, [[1, 1, NAN, NAN, NAN, NAN]])


def test_horizons_of_the_parts() -> None:
    """A cut is decided when its 30-day risk set is."""
    assert [horizon_of(part) for part in PARTS] == [30, 60, 90, 120, 30, 30]


@pytest.fixture(scope="module")
def dates() -> list[date]:
    """Three dates, a month apart."""
    return [date(2024, 3, 3), date(2024, 4, 3), date(2024, 5, 3)]


def test_known_by_blanks_what_was_not_mature(simulated_ledger: Ledger, dates: list[date]) -> None:
    """A target stays exactly when as_of + horizon + lag has passed."""
    data = load_dataset(simulated_ledger, dates)
    day = dates[0] + timedelta(days=67)
    known = data.known_by(day, LAG)
    for position, part in enumerate(PARTS):
        mature = pd.to_datetime(data.as_of) + pd.Timedelta(days=horizon_of(part) + LAG)
        there = (mature <= pd.Timestamp(day)).to_numpy()
        expected = np.where(there, data.targets[:, position], np.nan)
        np.testing.assert_array_equal(known.targets[:, position], expected)
    assert not np.isnan(known.target("step_2")).all()
    assert np.isnan(known.target("step_3")).all()
    assert not np.isnan(data.target("step_3")).all()


def test_rows_are_open_items_once_per_date_without_residuals(
    simulated_ledger: Ledger, dates: list[date]
) -> None:
    """Features, outcomes and targets of a row are those of the same item and date."""
    data = load_dataset(simulated_ledger, dates)
    keys = data.frame.items[["as_of", "account_id", "invoice_id"]]
    assert not keys.duplicated().any()
    assert keys.equals(data.outcomes[["as_of", "account_id", "invoice_id"]])
    assert not data.frame.items["residual"].any()
    assert len(data) == len(data.targets) == len(data.frame.values)


def test_select_and_between_keep_rows_together(simulated_ledger: Ledger, dates: list[date]) -> None:
    """Both ends count; None leaves a side open."""
    data = load_dataset(simulated_ledger, dates)
    middle = data.between(dates[1], dates[1])
    assert set(middle.as_of.dt.date) == {dates[1]}
    assert len(data.between(None, dates[0])) + len(middle) + len(
        data.between(dates[2], None)
    ) == len(data)
    alone = load_dataset(simulated_ledger, [dates[1]])
    assert middle.frame.values.tobytes() == alone.frame.values.tobytes()  # noqa: PD011 (an array already)
    np.testing.assert_array_equal(middle.targets, alone.targets)


def test_thinning_drops_whole_invoices_whatever_the_dates(
    simulated_ledger: Ledger, dates: list[date]
) -> None:
    """About as many rows as asked for remain; an invoice is kept on all its dates or on none."""
    whole = load_dataset(simulated_ledger, dates)
    thin = load_dataset(simulated_ledger, dates, max_rows=len(whole) // 3)
    kept = set(thin.frame.items["invoice_id"])
    everything = whole.frame.items["invoice_id"]
    assert len(thin) == everything.isin(kept).sum()
    assert 0.2 * len(whole) < len(thin) < 0.5 * len(whole)


@given(st.integers(0, 900), st.integers(1, 60))
def test_the_grid_counts_back_from_the_newest_date(span: int, every: int) -> None:
    """Rising, evenly spaced, the newest date included, the oldest not passed."""
    newest = date(2024, 12, 31)
    oldest = newest - timedelta(days=span)
    grid = as_of_grid(newest, oldest, every)
    assert grid[-1] == newest
    assert grid[0] >= oldest
    assert grid[0] - timedelta(days=every) < oldest
    assert {(b - a).days for a, b in itertools.pairwise(grid)} <= {every}


@pytest.mark.parametrize("max_rows", [None, 400])
def test_dates_computed_a_few_at_a_time_give_the_same_rows(
    simulated_ledger: Ledger, max_rows: int | None
) -> None:
    """Memory follows what is kept, and what is kept does not depend on it."""
    dates = as_of_grid(date(2024, 6, 30), date(2024, 2, 1), 28)
    whole = load_dataset(simulated_ledger, dates, max_rows=max_rows)
    parts = load_dataset(
        simulated_ledger, dates, max_rows=max_rows, options=EngineOptions(dates_at_once=2)
    )
    assert len(whole) > 200
    pd.testing.assert_frame_equal(parts.frame.items, whole.frame.items)
    pd.testing.assert_frame_equal(parts.outcomes, whole.outcomes)
    np.testing.assert_array_equal(parts.frame.values, whole.frame.values)
    np.testing.assert_array_equal(parts.targets, whole.targets)
    assert max_rows is None or len(whole) < 1.3 * max_rows


def test_dollars_are_balances_at_the_rate_known_on_the_day(simulated_ledger: Ledger) -> None:
    """Sums over currencies add the reporting currency; its own rows stay as they are."""
    day = simulated_ledger.manifest.known_through - timedelta(days=60)
    data = load_dataset(simulated_ledger, [day])
    rates = simulated_ledger.rows["fx_rates"].to_pandas()
    known = rates[rates["rate_on"] <= day].sort_values("rate_on").groupby("currency")["rate"].last()
    expected = data.frame.items["currency"].map(known.astype(float)).to_numpy()
    foreign = (data.frame.items["currency"] != "USD").to_numpy()
    assert foreign.any()
    assert data.rate[foreign] == pytest.approx(expected[foreign])
    assert (data.rate[~foreign] == 1).all()
    assert data.dollars == pytest.approx(data.balance * data.rate)
