"""Whether values are spread as they were: bins, PSI, and what PSI chance alone would give.

The population stability index of two sets of counts over the same bins is
Σ (a_i − b_i)·ln(a_i / b_i) over their shares a and b (Siddiqi, *Credit Risk Scorecards*, 2006).
How large it gets without any drift depends on how many accounts there are, and on how many
items of one account share their values, so no fixed bound fits: the critical value here comes
from drawing accounts twice from the same portfolio.

Every account weighs the same, whatever it owes and however many items it has: one customer with
half of all items would otherwise be the whole distribution.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Draws = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]

BINS = 10
LEVEL = 0.99
"""Share of draws without drift that stay below the critical value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How far a distribution has moved.

    Parameters
    ----------
    psi : float
        Population stability index against the reference, at least 0.
    critical : float
        What the index stays below in 99 of 100 draws without drift, and on every day of the
        reference.
    missing, missing_before : float
        Share of accounts whose value is missing now and in the reference, in [0, 1].
    missing_critical : float
        The largest difference of those shares in any draw without drift, and between any day
        of the reference and its others: many features are looked at, so each must be sure.
    """

    psi: float
    critical: float
    missing: float
    missing_before: float
    missing_critical: float

    @property
    def drifted(self) -> bool:
        """Whether the distribution moved by more than chance explains."""
        return self.psi > self.critical


def bin_edges(values: Floats) -> Floats:
    """Return the inner edges of at most ten bins; fewer where few values occur.

    Few different values get a bin each, many are cut at their deciles.

    Examples
    --------
    >>> bin_edges(np.array([0.0, 0.0, 0.0, 1.0, np.nan])).tolist()
    [0.5]
    >>> len(bin_edges(np.arange(100.0)))
    9
    """
    known = values[np.isfinite(values)]
    different = np.unique(known)
    if len(different) <= BINS:
        return np.asarray((different[:-1] + different[1:]) / 2, dtype=float)
    return np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1]))


def bin_index(values: Floats, edges: Floats) -> Counts:
    """Return the bin of each value; missing values have the last one, ``len(edges) + 1``.

    Examples
    --------
    >>> bin_index(np.array([0.0, 1.0, np.nan]), np.array([0.5])).tolist()
    [0, 1, 2]
    """
    place = np.searchsorted(edges, values, side="left")
    return np.where(np.isnan(values), len(edges) + 1, place).astype(np.int64)


def account_shares(account: Counts, accounts: int, bins: Counts, size: int) -> Floats:
    """Return the share of each account's rows in each bin, shape (accounts, size).

    Examples
    --------
    >>> account_shares(np.array([0, 0, 1]), 2, np.array([0, 1, 1]), 2).tolist()
    [[0.5, 0.5], [0.0, 1.0]]
    """
    flat = np.bincount(account * size + bins, minlength=accounts * size)
    counts = flat.reshape(accounts, size).astype(float)
    return np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))


def psi(before: npt.ArrayLike, now: npt.ArrayLike) -> Floats:
    """Return the index between counts along the last axis; half an account is added to every bin.

    Examples
    --------
    >>> float(psi([50, 50], [50, 50]))
    0.0
    >>> round(float(psi([5000, 5000], [2500, 7500])), 3)
    0.275
    """
    shares = []
    for counts in (np.asarray(before, dtype=float), np.asarray(now, dtype=float)):
        filled = counts + 0.5
        shares.append(filled / filled.sum(axis=-1, keepdims=True))
    return np.asarray(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum(axis=-1))


def account_draws(
    accounts: int, reference_accounts: int, rng: np.random.Generator, draws: int
) -> Draws:
    """Return how often each account is drawn into a reference and into a present portfolio.

    Returns
    -------
    pair of numpy.ndarray, shape (draws, accounts)
        Rows of the first sum to ``reference_accounts``, of the second to ``accounts``.
    """
    even = np.full(accounts, 1 / accounts)
    return (
        rng.multinomial(reference_accounts, even, size=draws).astype(np.float32),
        rng.multinomial(accounts, even, size=draws).astype(np.float32),
    )


def drift(by_day: Floats, by_account: Floats, draws: Draws) -> Drift:
    """Compare the present with the reference.

    Parameters
    ----------
    by_day : numpy.ndarray, shape (days, bins)
        Accounts of the reference on each of its days, an account with several items split over
        their bins; missing values are the last bin.
    by_account : numpy.ndarray, shape (accounts, bins)
        Present accounts, from ``account_shares``.
    draws : pair of numpy.ndarray
        From ``account_draws``. Both portfolios of a draw come from the present accounts, so
        they differ by chance alone; that most accounts stand in both real portfolios makes the
        critical value cautious.
    """
    before, now = by_day.sum(axis=0), by_account.sum(axis=0)
    own = by_account.astype(np.float32)
    drawn_before, drawn_now = draws[0] @ own, draws[1] @ own
    by_chance = float(np.quantile(psi(drawn_before, drawn_now), LEVEL))
    of_a_day = float(psi(before - by_day, by_day).max()) if len(by_day) > 1 else 0.0
    gaps = [np.abs(_missing(drawn_now) - _missing(drawn_before)).max()]
    if len(by_day) > 1:
        gaps.append(np.abs(_missing(by_day) - _missing(before - by_day)).max())
    return Drift(
        psi=float(psi(before, now)),
        critical=max(by_chance, of_a_day),
        missing=float(_missing(now)),
        missing_before=float(_missing(before)),
        missing_critical=float(max(gaps)),
    )


def _missing(accounts: npt.NDArray[np.float32] | Floats) -> Floats:
    total = accounts.sum(axis=-1)
    return np.asarray(accounts[..., -1] / np.maximum(total, 1))
