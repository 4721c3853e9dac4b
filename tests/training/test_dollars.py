"""Tests of the backtest of what is left: worked by hand, and on a simulated ledger."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from models.profile import CELLS, cell_index
from models.scorer import survival_curves
from tests.training.judged import honest, judged
from training.dollars import (
    EXPECTED,
    NAIVE,
    month_error_of,
    ratio_of,
    remaining_figures,
    remaining_rows,
    share_error_of,
)


def by_hand() -> pd.DataFrame:
    """Two accounts, two months: 100 of which 60 are left, 200 of which none, 50 left whole."""
    return pd.DataFrame(
        {
            "as_of": pd.to_datetime(["2024-01-31", "2024-01-31", "2024-02-29"]),
            "month": ["2024-01", "2024-01", "2024-02"],
            "account_id": ["A", "B", "A"],
            "currency": "USD",
            "cell": ["1-30", "31-60", "1-30"],
            "balance": [100.0, 200.0, 50.0],
            EXPECTED: [50.0, 40.0, 40.0],
            NAIVE: [60.0, 80.0, 50.0],
            "realised": [60.0, 0.0, 50.0],
        }
    )


def test_figures_are_those_worked_by_hand() -> None:
    """Ratio 130/110; squared share errors by balance; each month and bucket apart."""
    ones = np.ones(3)
    assert ratio_of(by_hand(), EXPECTED)(ones) == pytest.approx(130 / 110)
    error = (100 * 0.1**2 + 200 * 0.2**2 + 50 * 0.2**2) / 350
    assert share_error_of(by_hand(), EXPECTED)(ones) == pytest.approx(error)
    assert month_error_of(by_hand(), EXPECTED)(ones) == pytest.approx((10 + 40 + 10) / 110)
    only_a = np.array([1.0, 0.0, 1.0])
    assert month_error_of(by_hand(), NAIVE)(only_a) == 0.0


def test_nothing_realised_has_no_ratio() -> None:
    """NaN, never a division by zero."""
    assert np.isnan(ratio_of(by_hand().iloc[[1]], EXPECTED)(np.ones(1)))
    (figures,) = remaining_figures(by_hand(), seed=1, draws=5).values()
    assert "ratio" not in figures["overall"]
    assert figures["overall"]["realised"] == 110


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """What an honest model said of the rows after what it learnt from."""
    test = judged().data.between(judged().after, None)
    curves = survival_curves(honest(), test.frame, test.segment)
    return remaining_rows(honest(), test, curves)


def test_what_is_left_is_read_from_the_books(rows: pd.DataFrame) -> None:
    """Resolved items have nothing left, open ones their balance, written-off ones all of it."""
    test = judged().data.between(judged().after, None)
    test = test.select(~np.isnan(test.target("step_1")))
    outcome = test.outcomes["outcome_30"].to_numpy()
    left = test.outcomes["remaining_30"].to_numpy(dtype=float)
    assert len(rows) == len(test)
    for words, expected in (("open", left), ("written_off", test.balance), ("paid", 0 * left)):
        here = outcome == words
        assert here.any()
        assert rows["realised"].to_numpy()[here].tolist() == expected[here].tolist()
    cells = np.array(CELLS, dtype=object)[cell_index(test.days_past_due)]
    assert rows["cell"].tolist() == cells.tolist()


def test_the_share_left_is_the_profiles(rows: pd.DataFrame) -> None:
    """Expected is the naive product times the share of the item's bucket."""
    share = dict(zip(CELLS, honest().profile.remaining_shares, strict=True))
    expected = rows[NAIVE] * rows["cell"].map(share)
    np.testing.assert_allclose(rows[EXPECTED], expected, rtol=1e-12)
    assert min(share.values()) < 1


def test_currencies_buckets_and_months_each_have_their_figures(rows: pd.DataFrame) -> None:
    """Sums of the months are those of the currency; intervals hold their figure."""
    found = remaining_figures(rows, seed=1, draws=40)
    assert set(found) == set(rows["currency"])
    for currency, figures in found.items():
        own = rows[rows["currency"] == currency]
        assert figures["overall"]["rows"] == len(own)
        for name in ("balance", EXPECTED, NAIVE, "realised"):
            months = sum(month[name] for month in figures["by_month"])
            buckets = sum(bucket[name] for bucket in figures["by_bucket"].values())
            assert months == pytest.approx(figures["overall"][name], abs=1)
            assert buckets == pytest.approx(figures["overall"][name], abs=1)
    overall = found["USD"]["overall"]
    for kind in ("ratio", "share_error", "month_error"):
        for figure in overall[kind].values():
            assert figure["low"] <= figure["value"] <= figure["high"]
    gap = overall["ahead"]["share_error"]["difference"]
    own, naive = (overall["share_error"][way]["value"] for way in (EXPECTED, NAIVE))
    assert gap == pytest.approx(own - naive)


def test_a_model_that_forgets_part_payments_expects_too_much(rows: pd.DataFrame) -> None:
    """With shares of 1 both ways are the same."""
    test = judged().data.between(judged().after, None)
    profile = replace(honest().profile, remaining_shares=[1.0] * len(CELLS))
    bundle = replace(honest(), profile=profile)
    forgets = remaining_rows(bundle, test, survival_curves(bundle, test.frame, test.segment))
    assert forgets[EXPECTED].tolist() == forgets[NAIVE].tolist() == rows[NAIVE].tolist()
