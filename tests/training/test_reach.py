"""Tests of the backtest of p_reach: what is seen, until when, and who answers afterwards."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.ageing import BUCKETS
from features.ledger.read import Ledger
from models.scorer import CUTS
from tests.trained import small_ledger, small_trained
from training.dataset import load_dataset
from training.reach import (
    BANDS,
    CURVE_DAYS,
    MIN_ROWS,
    ReachBand,
    bands_of,
    curve_points,
    reach_bands,
    reach_bounds,
    resolution_days,
    touched_rows,
)

DAY = date(2024, 6, 1)


@pytest.fixture
def ledger(ledger_of: Any) -> Ledger:  # noqa: ANN401 (a function)
    """Three invoices: paid after 20 days, all but a residual after 33, never."""
    paid = {"P20": (20, 100), "P33": (33, 96)}
    invoices = [
        {
            "invoice_id": name,
            "account_id": "A",
            "issued_on": date(2024, 5, 1),
            "due_on": date(2024, 5, 31),
            "amount": 100,
        }
        for name in ("P20", "P33", "OPEN")
    ]
    cash = [
        {
            "application_id": f"C-{name}",
            "invoice_id": name,
            "account_id": "A",
            "cause": "cash",
            "source_id": f"R-{name}",
            "applied_on": DAY + timedelta(days=days),
            "amount": amount,
        }
        for name, (days, amount) in paid.items()
    ]
    return ledger_of(
        {"accounts": [{"account_id": "A"}], "invoices": invoices, "applications": cash}
    )


def test_days_to_resolution_are_those_of_the_books(ledger: Ledger) -> None:
    """Less than 5 % of the balance left counts as resolved; what never was is missing."""
    rows = resolution_days(ledger, [DAY], date(2024, 12, 31)).set_index("invoice_id")
    assert rows["days"].to_dict() == pytest.approx(
        {"OPEN": np.nan, "P20": 20, "P33": 33}, nan_ok=True
    )
    assert set(rows["watched"]) == {213}


def test_what_became_known_later_is_not_seen(ledger: Ledger) -> None:
    """Books that end after 25 days show one payment and are watched for 25 days."""
    rows = resolution_days(ledger, [DAY], DAY + timedelta(days=25)).set_index("invoice_id")
    assert rows["days"].to_dict() == pytest.approx(
        {"OPEN": np.nan, "P20": 20, "P33": np.nan}, nan_ok=True
    )
    assert set(rows["watched"]) == {25}


def test_bands_compare_what_was_expected_with_what_was_seen() -> None:
    """Shares between 0 and 1, bands of the list, only where rows were watched to the edge."""
    ledger = small_ledger()
    through = ledger.manifest.known_through
    test = load_dataset(ledger, [through - timedelta(days=45)])
    bands = reach_bands(ledger, small_trained().bundle, test, through)
    assert bands
    for band in bands:
        assert (band.first_day, band.last_day) in BANDS
        assert 0 <= band.expected <= 1
        assert 0 <= band.observed <= 1
        assert band.rows >= 50
        assert band.first_day <= 45


def test_what_is_written_off_was_never_resolved() -> None:
    """It counts as open on every day, once its outcome is mature; before that nobody knows."""
    ledger = small_ledger()
    through = ledger.manifest.known_through
    day = through - timedelta(days=130)
    test = load_dataset(ledger, [day])
    lost = test.outcomes["outcome_30"].to_numpy(dtype=object) == "written_off"
    assert lost.any()
    bundle = small_trained().bundle
    rows = touched_rows(ledger, bundle, test.select(lost), through)
    assert (rows["y"] == 1).all()
    early = touched_rows(ledger, bundle, test.select(lost), day + timedelta(days=36))
    assert (early["ahead"] <= 36).all()
    assert (early["y"] == 0).any()


def planted(days: list[int], observed: float) -> pd.DataFrame:
    """Return 100 rows of 50 accounts for each number of days, expected at one half."""
    y = np.arange(100) < 100 * observed
    account = [f"A{number % 50}" for number in range(100)]
    parts = [
        pd.DataFrame({"bucket": bucket, "ahead": ahead, "p": 0.5, "y": y, "account": account})
        for bucket in ("", "1-30")
        for ahead in days
    ]
    return pd.concat(parts, ignore_index=True).astype({"y": float})


def test_days_between_the_cuts_are_judged_one_by_one() -> None:
    """Every day of the list that enough rows reach, and no other; both touching and standing."""
    days = [*CURVE_DAYS, 14]
    points = curve_points(planted(days, 0.5))
    assert [point.first_day for point in points] == list(CURVE_DAYS)
    assert all(point.holds and point.observed == 0.5 for point in points)
    assert not curve_points(planted(days, 0.5).head(MIN_ROWS - 1))


def test_a_planted_gap_is_found_and_its_error_is_that_over_accounts() -> None:
    """90 % where half was expected; rows of one account count together."""
    rows = planted([3], 0.9)
    (found,) = curve_points(rows)
    assert not found.holds
    gaps = (rows["y"] - rows["p"])[rows["bucket"] == ""].groupby(rows["account"]).sum()
    assert found.error == pytest.approx(np.sqrt((gaps**2).sum()) / 100)
    (band_found,) = bands_of(rows)
    assert (band_found.bucket, band_found.holds) == ("1-30", False)


def band(bucket: str, place: int, *, holds: bool) -> ReachBand:
    """Return a band that holds or fails."""
    first, last = BANDS[place]
    return ReachBand(
        bucket=bucket,
        first_day=first,
        last_day=last,
        rows=90,
        expected=0.5,
        observed=0.5 if holds else 0.8,
        holds=holds,
    )


def test_a_bucket_answers_up_to_its_first_failed_band() -> None:
    """Whatever holds further on; buckets without a failure answer to the last cut."""
    bands = [
        band("1-30", 0, holds=True),
        band("1-30", 2, holds=False),
        band("1-30", 3, holds=True),
        band("1-30", 4, holds=False),
        band("31-60", 0, holds=False),
    ]
    assert reach_bounds(bands) == {
        "1-30": [0, 14],
        "31-60": [0, 0],
        **{bucket: [0, CUTS[-1]] for bucket in BUCKETS[3:]},
    }
