"""Allowance for expected losses: the roll-rate chain and the model, side by side.

The chain multiplies dollar roll rates from a balance's bucket to the last one. The model puts
each item's own probability of reaching the last bucket in their place. Both then lose the same
share of what arrives there, so that they differ by those probabilities alone, and the
difference can be told bucket by bucket.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.ageing import BUCKETS, EDGES, LAST, STEP_DAYS, bucket_index

Floats = npt.NDArray[np.float64]

BANDS: tuple[tuple[int, str], ...] = ((180, "91-180"), (365, "181-365"), (10**6, "366+"))
"""Age bands of the last bucket: last day past due, and name."""

LOSS_AT_DAYS = 720
"""Days past due from which a balance counts as lost."""


def chain_loss_rates(roll_rates: Sequence[float], loss_given_last: float = 1.0) -> list[float]:
    """Return the loss rate of each bucket: the product of the roll rates from it to the last.

    Parameters
    ----------
    roll_rates : sequence of float
        Dollar roll rate out of each bucket but the last, youngest first.
    loss_given_last : float
        Share lost of what stands in the last bucket, in [0, 1].

    Returns
    -------
    list of float
        One more than there are roll rates; NaN from a missing roll rate on, towards the young.

    Examples
    --------
    Sales of 100,000 of which 50,000, 23,000, 8,000 and 2,000 are left unpaid, step by step:

    >>> left = [100_000, 50_000, 23_000, 8_000, 2_000]
    >>> rates = chain_loss_rates([after / before for before, after in zip(left, left[1:])])
    >>> [round(100 * rate, 1) for rate in rates]
    [2.0, 4.0, 8.7, 25.0, 100.0]
    """
    rates = [loss_given_last]
    for rate in reversed(roll_rates):
        rates.append(rates[-1] * rate)
    return rates[::-1]


def chain_allowance(balances: Sequence[float], loss_rates: Sequence[float]) -> float:
    """Return Σ balance × loss rate over the buckets.

    Examples
    --------
    >>> rates = chain_loss_rates([0.5, 0.46, 8 / 23, 0.25])
    >>> round(chain_allowance([300_000, 140_000, 60_000, 23_000, 5_000], rates))
    27567
    """
    return float(sum(b * rate for b, rate in zip(balances, loss_rates, strict=True)))


def band_index(days_past_due: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Return the band of items in the last bucket, -1 for all others.

    Examples
    --------
    >>> band_index([90, 91, 180, 181, 365, 366, float("nan")]).tolist()
    [-1, 0, 0, 1, 1, 2, -1]
    """
    days = np.asarray(days_past_due, dtype=float)
    band = np.searchsorted([last for last, _ in BANDS], days, side="left")
    return np.where(bucket_index(days) == LAST, band, -1).astype(np.int64)


def losses_given_last(rates: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    """Return the share lost of a balance at the start of each band, net of what still comes in.

    Every 30 days a balance loses its band's share brought in and its band's share written off,
    band after band. Lost is what is written off on the way, and what is left at 720 days past due.

    Parameters
    ----------
    rates : mapping of str to (float, float)
        By the names in ``BANDS``: share of a balance that 30 days bring in, and share that they
        write off, in [0, 1].

    Examples
    --------
    >>> losses_given_last(dict.fromkeys(("91-180", "181-365", "366+"), (0.0, 0.0)))["91-180"]
    1.0

    Where three times as much comes in as is written off, a quarter is lost, and a little more
    for what is still open at the end:

    >>> losses = losses_given_last(dict.fromkeys(("91-180", "181-365", "366+"), (0.3, 0.1)))
    >>> [round(loss, 3) for loss in losses.values()]
    [0.25, 0.25, 0.252]
    """
    ends = [*(last for last, _ in BANDS[:-1]), LOSS_AT_DAYS]
    begins = [EDGES[-1], *ends[:-1]]
    losses: dict[str, float] = {}
    later = 1.0
    for (_, name), begin, end in reversed(list(zip(BANDS, begins, ends, strict=True))):
        cash, written_off = rates[name]
        gone = cash + written_off
        stays = (1 - gone) ** ((end - begin) / STEP_DAYS)
        lost = written_off / gone * (1 - stays) if gone else 0.0
        later = lost + stays * later
        losses[name] = later
    return {name: losses[name] for _, name in BANDS}


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowanceRow:
    """One bucket, or one band of the last bucket, in one group of items.

    Parameters
    ----------
    bucket : str
        Name of the bucket or band.
    balance : float
        Open balance.
    loss_given_last : float
        Share lost of what reaches the last bucket.
    chain_reach, model_reach : float
        Share of the balance that reaches the last bucket: by the roll rates, and by the items'
        own probabilities weighted by balance; in [0, 1].
    chain, model : float
        The two allowances: balance × reach × loss given the last bucket.
    """

    bucket: str
    balance: float
    loss_given_last: float
    chain_reach: float
    model_reach: float
    chain: float
    model: float

    @property
    def difference(self) -> float:
        """Model less chain."""
        return self.model - self.chain


def allowance_rows(
    days_past_due: Floats,
    balance: Floats,
    reach_last: Floats,
    roll_rates: Sequence[float],
    losses: Mapping[str, float],
) -> tuple[AllowanceRow, ...]:
    """Return both allowances of a group of items, bucket by bucket.

    Parameters
    ----------
    days_past_due, balance : numpy.ndarray, shape (n,)
        Of each item. Items without a due date have no age and are left out: reserve them apart.
    reach_last : numpy.ndarray, shape (n,)
        P(reaches the last bucket), 1 for items in it; where it is NaN, the last bucket lies
        beyond the modelled days and the chain answers.
    roll_rates : sequence of float
        Dollar roll rate out of each bucket but the last.
    losses : mapping of str to float
        Loss given the last bucket, by band.

    Returns
    -------
    tuple of AllowanceRow
        The buckets but the last, youngest first, then the bands of the last.
    """
    bucket, band = bucket_index(days_past_due), band_index(days_past_due)
    entering = losses[BANDS[0][1]]
    reaches = chain_loss_rates(roll_rates)
    rows = []
    for position, name in enumerate(BUCKETS[:-1]):
        here = bucket == position
        own = np.where(np.isnan(reach_last[here]), reaches[position], reach_last[here])
        rows.append(_row(name, balance[here], own, reaches[position], entering))
    for position, (_, name) in enumerate(BANDS):
        here = band == position
        ones = np.ones(int(here.sum()))
        rows.append(_row(name, balance[here], ones, 1.0, losses[name]))
    return tuple(rows)


def _row(name: str, balance: Floats, reach: Floats, chain: float, loss: float) -> AllowanceRow:
    whole = float(balance.sum())
    arrives = float((balance * reach).sum())
    return AllowanceRow(
        bucket=name,
        balance=whole,
        loss_given_last=loss,
        chain_reach=chain,
        model_reach=arrives / whole if whole else float("nan"),
        chain=whole * chain * loss if whole else 0.0,
        model=arrives * loss,
    )
