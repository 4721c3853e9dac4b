"""The customers: payer type, habits and size of every account, drawn once."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.sources.simulated.config import SimulationConfig
from features.sources.simulated.days import (
    FORTNIGHTLY,
    MONTHLY,
    RHYTHMS,
    SEGMENTS,
    WEEKLY,
    Ints,
    epoch_day,
)
from features.sources.simulated.payers import (
    AUTOPAY,
    CYCLE,
    NAMES,
    SEASONAL,
    Floats,
    by_type,
)

REGIONS = ("north_america", "united_kingdom", "euro_area", "latin_america", "asia_pacific")
CURRENCIES = ("USD", "EUR", "GBP")
METHODS = ("ach", "card", "check", "wire", "direct_debit")
TERMS = (15, 30, 45, 60)
RETURN_RATE = (0.004, 0.003, 0.003, 0.0, 0.004)
"""Probability of a return by method in a normal regime, before type and account."""

_SEGMENT_SHARES = (0.08, 0.27, 0.55, 0.10)
_REGION_SHARES = (0.72, 0.07, 0.09, 0.05, 0.07)
_TERMS_SHARES = (0.14, 0.52, 0.20, 0.14)
_METHOD_SHARES = (0.45, 0.12, 0.26, 0.17, 0.0)
_SEGMENT_SIZE = (1.6, 0.7, 0.0, 0.9)
_COLLECTORS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """All accounts as columns; every array has one entry per account.

    Parameters
    ----------
    kind, segment, region, currency, method : ndarray of int8
        Codes into the tuples of names of this package.
    parent : ndarray of int32
        Index of the parent account; -1 where there is none.
    opened : ndarray of int32
        First day as a customer, days since 1970-01-01.
    terms : ndarray of int32
        Usual payment terms in days.
    size : ndarray of float32
        Log size, about standard normal plus the segment's size.
    invoice_cents, invoices_a_month, recurring : ndarray of float32
        Typical invoice amount, mean number of irregular invoices a month, and probability of
        the monthly recurring invoice.
    billing_slot : ndarray of int32
        Business day of the month on which the recurring invoice is issued, from 0.
    centre, spread, ceiling : ndarray of float32
        The account's own parameters of the payment hazard.
    dispute, keep, contact, return_rate : ndarray of float32
        Daily probability of a dispute, of keeping a promise, of being contacted when late
        (before the age's factor) and probability of a return per payment.
    rhythm, season : ndarray of int8
        Classes into the calendar's tables.
    discount : ndarray of bool
        Whether 2 % are taken for payment within 10 days of issue.
    collector : ndarray of int32
        Number of the first collector.
    natural : ndarray of bool
        Whether the customer is a natural person (sole trader).
    """

    kind: npt.NDArray[np.int8]
    segment: npt.NDArray[np.int8]
    region: npt.NDArray[np.int8]
    currency: npt.NDArray[np.int8]
    method: npt.NDArray[np.int8]
    parent: Ints
    opened: Ints
    terms: Ints
    size: Floats
    invoice_cents: Floats
    invoices_a_month: Floats
    recurring: Floats
    billing_slot: Ints
    centre: Floats
    spread: Floats
    ceiling: Floats
    dispute: Floats
    keep: Floats
    contact: Floats
    return_rate: Floats
    rhythm: npt.NDArray[np.int8]
    season: npt.NDArray[np.int8]
    discount: npt.NDArray[np.bool_]
    collector: Ints
    natural: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.kind)


def draw_population(config: SimulationConfig, rng: np.random.Generator) -> Population:
    """Draw all accounts.

    Examples
    --------
    >>> config = SimulationConfig(accounts=1000, months=12, seed=0)
    >>> population = draw_population(config, np.random.default_rng(0))
    >>> len(population), bool((population.terms >= 15).all())
    (1000, True)
    """
    count = config.accounts
    parent = _parents(count, rng)
    family = np.where(parent >= 0, parent, np.arange(count))
    segment = _codes(rng, _SEGMENT_SHARES, count)
    region = _codes(rng, _REGION_SHARES, count)
    kind = _kinds(segment, family, rng)
    currency = np.zeros(count, dtype=np.int8)
    currency[(region == 2) & (rng.random(count) < 0.7)] = 1
    currency[(region == 1) & (rng.random(count) < 0.7)] = 2
    method = _codes(rng, _METHOD_SHARES, count)
    debit = rng.random(count) < 0.45
    method[(method == 0) & (currency > 0) & debit] = 4
    method[kind == AUTOPAY] = np.where(rng.random(count) < 0.55, 1, 0)[kind == AUTOPAY]
    size = np.asarray(_SEGMENT_SIZE)[segment] + rng.standard_normal(count)
    heavy = np.where(
        rng.random(count) < 0.004, np.minimum(8.0 * (1 + rng.pareto(1.1, count)), 220.0), 0.0
    )
    family_delay = rng.normal(0.0, 2.0, count)[family]
    terms = np.asarray(TERMS)[_codes(rng, _TERMS_SHARES, count)]
    discount = (kind == 0) & ((method == 2) | (method == 3)) & (rng.random(count) < 0.2)
    centre = (
        by_type("centre")[kind]
        + by_type("centre_sd")[kind] * rng.standard_normal(count)
        + np.where(kind == AUTOPAY, 0.0, family_delay)
    )
    silent = rng.random(count) < 0.004
    caller = rng.integers(_COLLECTORS, size=count)
    zeal = np.linspace(0.5, 1.5, _COLLECTORS)[caller]
    return Population(
        kind=kind,
        segment=segment,
        region=region,
        currency=currency,
        method=method,
        parent=parent,
        opened=_opened(config, rng),
        terms=terms.astype(np.int32),
        size=size.astype(np.float32),
        invoice_cents=_f32(np.exp(11.0 + 0.75 * size + 0.5 * rng.standard_normal(count))),
        invoices_a_month=_f32(0.30 * np.exp(rng.normal(-0.25, 0.7, count)) + heavy),
        recurring=_f32(np.where(rng.random(count) < 0.62, rng.uniform(0.7, 1.0, count), 0.0)),
        billing_slot=rng.integers(21, size=count).astype(np.int32),
        centre=_f32(np.where(discount, 8.0 - terms, centre)),
        spread=_f32(by_type("spread")[kind] * _noise(rng, np.where(kind == AUTOPAY, 0, 0.25))),
        ceiling=_f32(np.minimum(by_type("ceiling")[kind] * _noise(rng, np.full(count, 0.3)), 0.9)),
        dispute=_f32(np.minimum(by_type("dispute")[kind] * _noise(rng, np.full(count, 0.6)), 0.05)),
        keep=_f32(np.clip(by_type("keep")[kind] + rng.normal(0.0, 0.12, count), 0.05, 0.98)),
        contact=_f32(np.where(silent, 0.0, np.clip(0.045 * zeal * np.exp(0.25 * size), 0.0, 0.25))),
        return_rate=_f32(np.asarray(RETURN_RATE)[method] * _noise(rng, np.full(count, 0.7))),
        rhythm=_rhythms(kind, rng),
        season=np.where(kind == SEASONAL, rng.integers(1, 13, size=count), 0).astype(np.int8),
        discount=discount,
        collector=caller.astype(np.int32),
        natural=(segment == SEGMENTS.index("small_business")) & (rng.random(count) < 0.08),
    )


def _f32(values: npt.ArrayLike) -> Floats:
    return np.asarray(values, dtype=np.float32)


def _noise(rng: np.random.Generator, sigma: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Lognormal factors with median 1, one per entry of ``sigma``."""
    scale = np.asarray(sigma, dtype=np.float64)
    return np.exp(scale * rng.standard_normal(len(scale)))


def _codes(rng: np.random.Generator, shares: tuple[float, ...], count: int) -> npt.NDArray[np.int8]:
    edges = np.cumsum(shares)[:-1] / sum(shares)
    codes: npt.NDArray[np.int8] = np.searchsorted(edges, rng.random(count), "right").astype(np.int8)
    return codes


def _parents(count: int, rng: np.random.Generator) -> Ints:
    """Eight per cent of accounts head a family; about 16 % belong to one."""
    parent = np.full(count, -1, dtype=np.int32)
    heads = np.flatnonzero(rng.random(count) < 0.08)
    child = rng.random(count) < 0.17
    child[heads] = False
    if len(heads):
        weight = rng.pareto(1.5, len(heads)) + 0.2
        chosen = rng.choice(heads, size=int(child.sum()), p=weight / weight.sum())
        parent[child] = chosen
    return parent


def _kinds(
    segment: npt.NDArray[np.int8], family: Ints, rng: np.random.Generator
) -> npt.NDArray[np.int8]:
    """Draw payer types: tilted by segment, and mostly the head's within a family."""
    tilt = np.ones((len(SEGMENTS), len(NAMES)))
    for place, name, factor in (
        (0, "cycle", 1.9),
        (0, "autopay", 0.3),
        (0, "cash_strapped", 0.3),
        (0, "churning", 0.4),
        (1, "cycle", 1.3),
        (2, "autopay", 1.4),
        (2, "cash_strapped", 1.4),
        (3, "slow", 2.0),
        (3, "cycle", 1.4),
        (3, "churning", 0.2),
    ):
        tilt[place, NAMES.index(name)] = factor
    weights = by_type("share") * tilt
    edges = np.cumsum(weights, axis=1) / weights.sum(axis=1, keepdims=True)
    draw = rng.random(len(segment))
    kind = (draw[:, None] > edges[segment, :-1]).sum(axis=1).astype(np.int8)
    alike = rng.random(len(segment)) < 0.6
    result: npt.NDArray[np.int8] = np.where(alike, kind[family], kind).astype(np.int8)
    return result


def _opened(config: SimulationConfig, rng: np.random.Generator) -> Ints:
    """Three in four accounts exist at the start; the others join over the span."""
    first, last = epoch_day(config.start), epoch_day(config.known_through)
    before = first - rng.integers(30, 2500, size=config.accounts)
    within = first + (last - first - 20) * rng.random(config.accounts)
    return np.where(rng.random(config.accounts) < 0.75, before, within).astype(np.int32)


def _rhythms(kind: npt.NDArray[np.int8], rng: np.random.Generator) -> npt.NDArray[np.int8]:
    """Give cycle payers weekly, fortnightly or monthly pay days; all others have none."""
    count = len(kind)
    family = rng.random(count)
    weekly = WEEKLY + rng.choice(5, size=count, p=(0.05, 0.15, 0.2, 0.25, 0.35))
    fortnightly = FORTNIGHTLY + rng.integers(10, size=count)
    monthly = MONTHLY + rng.integers(RHYTHMS - MONTHLY, size=count)
    rhythm = np.where(family < 0.4, weekly, np.where(family < 0.6, fortnightly, monthly))
    return np.where(kind == CYCLE, rhythm, 0).astype(np.int8)
