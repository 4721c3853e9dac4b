"""The daily probabilities of everything that can happen to an open item.

The engine draws from these functions and the truth sums over them, so that what is written
as true is what was drawn from. All probabilities are per business day and conditional on
the item being in the phase they are asked for.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.sources.simulated.accounts import Population
from features.sources.simulated.days import Day, Ints
from features.sources.simulated.payers import INSOLVENT, Floats, by_type

PARTS_LEFT_SHARE = (0.0, 0.27, 0.62, 1.0)
"""Share of the amount that is open while 0, 1, 2 or 3 parts are left."""

LARGEST_PAYMENT_PROBABILITY = 0.9
CONTACT_LIFT = 0.6
FORGET_CONTACT = 1 / 8
REPEAT_CONTACT = np.float32(0.3)
CONTACT_UNSTICKS = 0.6
UNSTICK = 0.015

CLOSE_DISPUTE = 0.05
DISPUTE_CREDITED, DISPUTE_PARTLY = 0.30, 0.20
DISPUTE_PARTIAL_CREDIT = 0.4
SETTLE_DAYS = (3, 6, 10)

CREDIT = 0.00035
PROMISE_DAYS = (3, 5, 7, 10)
PROMISE_WITHDRAWN = 0.05
PROMISE_PARTLY, PROMISE_MOVED = (0.25, 0.25, 0.25, 0.0), 0.15
KEEP_IN_REGIME = (1.0, 0.8, 0.4, 0.0)
PLAN_FIRST_DAY, PLAN_STEP_DAYS = 10, 22
INSTALMENT_PAID = (0.85, 0.7, 0.45, 0.0)

FATE_NORMAL, FATE_RETURNED, FATE_BACKDATED, FATE_DELAYED = 0, 1, 2, 3
LARGEST_RETURN_PROBABILITY = 0.85
BACKDATED = (0.015, 0.005, 0.06, 0.04, 0.015)
"""Share of payments posted late, with their true date, by method."""
BACKDATED_DAYS = (1, 2, 3, 5, 8)
DELAYED = 0.014
"""Share of payments not applied to their items at once."""
DELAYED_DAYS = (3, 6, 10, 18)
RETURN_DAYS = ((1, 2, 3), (12, 25, 45), (3, 4, 5), (2, 3, 4), (2, 3, 5))
"""Business days until a payment comes back, by method, equally likely."""

_WRITE_OFF_AFTER = np.array([120, 180, 270], dtype=np.int32)
_WRITE_OFF = np.array([0.0, 0.006, 0.015, 0.04], dtype=np.float32)
INSOLVENT_WRITE_OFF, INSOLVENT_AFTER = np.float32(0.015), 10
_CONTACT_AFTER = np.array([2, 10, 30, 60], dtype=np.int32)
_CONTACT = np.array([0.0, 0.5, 1.0, 1.4, 1.0], dtype=np.float32)
"""Days past due beyond which the next daily rate holds, and the rates."""

_SHIFT, _PACE, _RETURNS = by_type("delay"), by_type("pace"), by_type("returns")
_TIRE, _EXTEND, _PLAN = by_type("tire"), by_type("extend"), by_type("plan")
PART_SHARE, PROMISE = by_type("part_share"), by_type("promise")

Regime = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Payers:
    """What the hazards need to know of the payer behind each item, one entry an item.

    Parameters
    ----------
    kind, segment, method, rhythm, season : ndarray of int8
        Codes.
    centre, spread, ceiling : ndarray of float32
        The payment hazard's parameters; ``ceiling`` holds the item's own multiplier too.
    dispute, keep, contact, return_rate : ndarray of float32
        See :class:`Population`.
    """

    kind: npt.NDArray[np.int8]
    segment: npt.NDArray[np.int8]
    method: npt.NDArray[np.int8]
    rhythm: npt.NDArray[np.int8]
    season: npt.NDArray[np.int8]
    centre: Floats
    spread: Floats
    ceiling: Floats
    dispute: Floats
    keep: Floats
    contact: Floats
    return_rate: Floats


def payers_of(population: Population, account: Ints, pull: Floats) -> Payers:
    """Return the payers of items, given their accounts and own multipliers."""
    fields = {
        name: getattr(population, name)[account] for name in Payers.__slots__ if name != "ceiling"
    }
    return Payers(ceiling=population.ceiling[account] * pull, **fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hazards:
    """Daily probabilities of an open item; what is left of 1 is that nothing happens.

    Parameters
    ----------
    pay : ndarray of float32
        A payment; ``part_share`` of them cover only the next part when more are left.
    dispute, credit, extend, plan, write_off : ndarray of float32
        A dispute opens, a credit memo clears the item, the due date is moved out, a payment
        plan is agreed (two or more parts left), the item is written off.
    """

    pay: Floats
    dispute: Floats
    credit: Floats
    extend: Floats
    plan: Floats
    write_off: Floats


def item_hazards(
    payers: Payers,
    dpd: Ints,
    regime: Regime,
    contacted: npt.NDArray[np.bool_],
    day: Day,
) -> Hazards:
    """Return the daily probabilities of open items.

    Parameters
    ----------
    payers : Payers
        The payer of each item.
    dpd : ndarray of int32
        Days past due, negative before the due date.
    regime : ndarray of int8
        The account's regime, one an item; or any shape that broadcasts against the items.
    contacted : ndarray of bool
        Whether a contact is still remembered.
    day : Day
        The calendar's effects.
    """
    reminded = np.asarray(contacted, dtype=np.float32)
    late = dpd - payers.centre - _SHIFT[payers.kind, regime] - day.season_delay[payers.season]
    late = late.astype(np.float32)
    ramp = 1.0 / (1.0 + np.exp(-np.clip(late / payers.spread, -25.0, 25.0)))
    tired = 1.0 / (1.0 + np.maximum(late - 12.0, 0.0) / _TIRE[payers.kind])
    pay = payers.ceiling * _PACE[payers.kind, regime] * ramp * tired
    pay *= day.rhythm[payers.rhythm] * day.season[payers.season] * day.economy[payers.segment]
    pay = pay * (1.0 + CONTACT_LIFT * reminded)
    zero = np.float32(0.0)
    return Hazards(
        pay=np.minimum(pay, np.float32(LARGEST_PAYMENT_PROBABILITY)),
        dispute=np.where((dpd >= -25) & (dpd <= 45), payers.dispute, zero),
        credit=np.where(dpd <= 60, np.float32(CREDIT), zero),
        extend=np.where((dpd >= -5) & (dpd <= 40), _EXTEND[payers.kind], zero),
        plan=np.where(dpd > 45, _PLAN[payers.kind], zero) * reminded,
        write_off=write_off_probability(dpd, regime),
    )


def write_off_probability(dpd: Ints, regime: Regime) -> Floats:
    """Return the daily probability of a write-off: from 120 days past due, sooner if insolvent.

    Examples
    --------
    >>> dpd = np.array([100, 130, 200, 300], dtype=np.int32)
    >>> [round(float(p), 4) for p in write_off_probability(dpd, np.zeros(4, dtype=np.int8))]
    [0.0, 0.006, 0.015, 0.04]
    """
    by_age: Floats = _WRITE_OFF[np.searchsorted(_WRITE_OFF_AFTER, dpd)]
    insolvent = np.asarray(regime) == INSOLVENT
    result: Floats = by_age + INSOLVENT_WRITE_OFF * (insolvent & (dpd > INSOLVENT_AFTER))
    return result


def contact_probability(
    payers: Payers,
    dpd: Ints,
    contacted: npt.NDArray[np.bool_],
) -> Floats:
    """Return the daily probability that a collector reaches the payer about an item."""
    rung: Floats = payers.contact * _CONTACT[np.searchsorted(_CONTACT_AFTER, dpd)]
    result: Floats = rung * np.where(contacted, REPEAT_CONTACT, np.float32(1.0))
    return result


def return_probability(payers: Payers, regime: Regime) -> Floats:
    """Return the probability that a payment made now comes back."""
    rate: Floats = payers.return_rate * _RETURNS[payers.kind, regime]
    return np.minimum(rate, np.float32(LARGEST_RETURN_PROBABILITY))


def keep_probability(payers: Payers, regime: Regime) -> Floats:
    """Return the probability that a promise falling due now is kept in full."""
    kept: Floats = payers.keep * np.asarray(KEEP_IN_REGIME, dtype=np.float32)[regime]
    return kept
