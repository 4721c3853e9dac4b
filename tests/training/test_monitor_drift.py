"""Tests of drift: what PSI is, what chance gives, and that one large customer is one account."""

import numpy as np
import pytest

from training.monitor_drift import (
    account_draws,
    account_shares,
    bin_edges,
    bin_index,
    drift,
    psi,
)

DRAWS = 200


def shares_of(values: np.ndarray, account: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return the shares of each account by bin."""
    names, place = np.unique(account, return_inverse=True)
    return account_shares(place, len(names), bin_index(values, edges), len(edges) + 2)


def test_psi_is_the_published_sum() -> None:
    """Shares of 0.5 and 0.5 against 0.25 and 0.75: 0.25·ln 2 + 0.25·ln 1.5."""
    expected = 0.25 * np.log(2) + 0.25 * np.log(1.5)
    assert float(psi([5e6, 5e6], [2.5e6, 7.5e6])) == pytest.approx(expected, rel=1e-5)


def test_flags_have_a_bin_each_whatever_is_rare() -> None:
    """The rarer value never shares a bin with the other."""
    for share in (0.01, 0.99):
        values = (np.arange(1000) < share * 1000).astype(float)
        assert len(np.unique(bin_index(values, bin_edges(values)))) == 2


def test_without_drift_the_critical_value_is_seldom_passed() -> None:
    """Of 60 small portfolios from one distribution hardly any drifts; most pass the 0.10 rule."""
    rng = np.random.default_rng(3)
    edges = bin_edges(rng.normal(size=5000))
    passed, over_rule = 0, 0
    for _ in range(60):
        before = shares_of(rng.normal(size=60), np.arange(60), edges)
        now = shares_of(rng.normal(size=60), np.arange(60), edges)
        found = drift(before.sum(axis=0, keepdims=True), now, account_draws(60, 60, rng, DRAWS))
        passed += found.drifted
        over_rule += found.psi > 0.10
    assert passed <= 4
    assert over_rule > 30


def test_a_shift_is_found() -> None:
    """Half a standard deviation among 500 accounts is drift, below the old rule of 0.25 too."""
    rng = np.random.default_rng(4)
    values = rng.normal(size=500)
    edges = bin_edges(values)
    before = shares_of(values, np.arange(500), edges).sum(axis=0, keepdims=True)
    now = shares_of(rng.normal(0.4, 1, 500), np.arange(500), edges)
    found = drift(before, now, account_draws(500, 500, rng, DRAWS))
    assert found.drifted
    assert found.psi < 0.25


def test_a_day_no_odder_than_the_reference_days_is_no_drift() -> None:
    """What differs from day to day in the reference is not called drift later."""
    odd, even = np.array([[80.0, 20.0, 0.0]]), np.array([[20.0, 80.0, 0.0]])
    now = np.repeat([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], [80, 20], axis=0)
    draws = account_draws(100, 200, np.random.default_rng(5), DRAWS)
    assert not drift(np.vstack([odd, even]), now, draws).drifted
    assert drift(np.vstack([even, even]), now, draws).drifted


def test_one_account_with_half_the_items_is_one_account() -> None:
    """Its thousand items move the shares by what one account moves them."""
    account = np.concatenate([np.arange(99), np.full(1000, 99)])
    values = np.concatenate([np.zeros(99), np.ones(1000)])
    shares = shares_of(values, account, np.array([0.5]))
    assert shares.sum(axis=0).tolist() == [99.0, 1.0, 0.0]


def test_missing_values_are_counted_apart() -> None:
    """A source that stopped filling a column shows in the share and against its own chance."""
    now = np.repeat([[1.0, 0.0], [0.0, 1.0]], [60, 40], axis=0)
    draws = account_draws(100, 100, np.random.default_rng(6), DRAWS)
    found = drift(np.array([[95.0, 5.0]]), now, draws)
    assert (found.missing, found.missing_before) == (0.40, 0.05)
    assert 0.05 < found.missing_critical < 0.35
