"""Which invoices are issued in a month: recurring, one-off and usage."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.sources.simulated.accounts import TERMS, Population
from features.sources.simulated.days import BusinessCalendar, Ints

RECURRING, ONE_OFF, USAGE = 0, 1, 2
LARGEST_CENTS, SMALLEST_CENTS = 80_000_000, 4_000
STUCK_SHARE, STUCK_SHARE_WITHOUT_PO = 0.025, 0.25
ITEM_SIGMA = 0.35


@dataclass(frozen=True, slots=True, kw_only=True)
class Bills:
    """Invoices as columns, in order of the business day on which the books show them.

    Parameters
    ----------
    account : ndarray of int32
        Account index.
    shown : ndarray of int32
        Index of the business day on which the books first show the invoice.
    issued, terms : ndarray of int32
        Date of issue (days since 1970-01-01) and terms in days.
    cents : ndarray of int64
        Amount.
    billing : ndarray of int8
        Code of recurring, one-off or usage.
    po_missing, stuck : ndarray of bool
        Whether the purchase-order number is missing, and whether the customer lost or
        blocked the invoice (hidden).
    pull : ndarray of float32
        The item's own multiplier of the payment hazard (hidden).
    replaces : ndarray of int32
        Index of the invoice it replaces, or -1.
    """

    account: Ints
    shown: Ints
    issued: Ints
    terms: Ints
    cents: npt.NDArray[np.int64]
    billing: npt.NDArray[np.int8]
    po_missing: npt.NDArray[np.bool_]
    stuck: npt.NDArray[np.bool_]
    pull: npt.NDArray[np.float32]
    replaces: Ints

    def pick(self, rows: slice | npt.NDArray[np.bool_]) -> "Bills":
        """Return the chosen rows."""
        return Bills(**{name: getattr(self, name)[rows] for name in self.__slots__})


def bills_of_month(
    population: Population, calendar: BusinessCalendar, month: int, rng: np.random.Generator
) -> Bills:
    """Draw all invoices of one month, as if every account were still buying.

    Parameters
    ----------
    population : Population
        The accounts.
    calendar : BusinessCalendar
        The business days.
    month : int
        Months since the first one.
    rng : numpy.random.Generator
        Source of every draw.
    """
    low, high = np.searchsorted(calendar.months, [month, month + 1])
    length = int(high - low)
    accounts = np.arange(len(population), dtype=np.int32)
    regular = rng.random(len(population)) < population.recurring
    counts = rng.poisson(population.invoices_a_month)
    account = np.r_[accounts[regular], np.repeat(accounts, counts)]
    irregular = int(counts.sum())
    slot = np.r_[
        np.minimum(population.billing_slot[regular], length - 1),
        _irregular_days(rng, irregular, length),
    ]
    billing = np.zeros(len(account), dtype=np.int8)
    billing[-irregular or len(account) :] = np.where(rng.random(irregular) < 0.3, USAGE, ONE_OFF)
    late = np.where(rng.random(len(account)) < 0.01, rng.integers(1, 5, len(account)), 0)
    shown = np.minimum(low + slot + late, len(calendar.days) - 1).astype(np.int32)
    issued = calendar.days[low + slot]
    bills = _terms_and_amounts(population, account, billing, rng)
    bills |= {"account": account, "shown": shown, "issued": issued, "billing": billing}
    order = np.lexsort((account, shown))
    order = order[issued[order] >= population.opened[account[order]]]
    return Bills(**{name: values[order] for name, values in bills.items()})


def _irregular_days(rng: np.random.Generator, count: int, length: int) -> Ints:
    """A quarter in the last three business days, the others anywhere in the month."""
    anywhere = rng.integers(length, size=count)
    at_end = length - 1 - rng.integers(min(3, length), size=count)
    return np.where(rng.random(count) < 0.25, at_end, anywhere).astype(np.int32)


def _terms_and_amounts(
    population: Population,
    account: Ints,
    billing: npt.NDArray[np.int8],
    rng: np.random.Generator,
) -> dict[str, npt.NDArray[np.generic]]:
    count = len(account)
    other = (rng.random(count) < 0.06) & ~population.discount[account]
    terms = np.where(
        other, np.asarray(TERMS)[rng.integers(len(TERMS), size=count)], population.terms[account]
    )
    sigma = np.where(billing == RECURRING, 0.05, 0.7)
    cents = population.invoice_cents[account] * np.exp(sigma * rng.standard_normal(count))
    po_missing = rng.random(count) < np.where(billing == RECURRING, 0.01, 0.05)
    stuck = rng.random(count) < np.where(po_missing, STUCK_SHARE_WITHOUT_PO, STUCK_SHARE)
    return {
        "terms": terms.astype(np.int32),
        "cents": np.clip(np.rint(cents), SMALLEST_CENTS, LARGEST_CENTS).astype(np.int64),
        "po_missing": po_missing,
        "stuck": stuck,
        "pull": np.exp(ITEM_SIGMA * rng.standard_normal(count)).astype(np.float32),
        "replaces": np.full(count, -1, dtype=np.int32),
    }
