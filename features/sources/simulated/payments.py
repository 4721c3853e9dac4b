"""Payments and what becomes of them: normal, returned, back-dated or applied later."""

import numpy as np
import numpy.typing as npt

from features.sources.simulated import hazards, items
from features.sources.simulated.days import Ints
from features.sources.simulated.world import World

FULL, PART, INSTALMENT, SETTLEMENT = range(4)
SHORT_SHARE = 0.02
DISCOUNT_DAYS, DISCOUNT_SHARE = 10, 0.02


def pay_in_full(world: World, index: int, rows: Ints) -> None:
    """Pay the whole balance of items; one draw an account decides what becomes of the money.

    Parameters
    ----------
    world : World
        Changed in place.
    index : int
        Today's business-day index.
    rows : ndarray of int32
        Items that are paid today.
    """
    if not len(rows):
        return
    store = world.items
    account = store.account[rows]
    fate, lag = _fates(world, account)
    later = np.minimum(index + lag, len(world.calendar.days) - 1).astype(np.int32)
    backdated, delayed = fate == hazards.FATE_BACKDATED, fate == hazards.FATE_DELAYED
    returned = fate == hazards.FATE_RETURNED
    normal = fate == hazards.FATE_NORMAL

    balance = store.balance[rows]
    discount, residual = _deductions(world, index, rows, normal, backdated)
    known = np.where(backdated, later, index)
    applied = np.where(delayed, later, index)
    world.log.add(
        "cash",
        item=rows,
        received=index,
        known=known,
        applied=applied,
        cents=balance - discount - residual,
        discount=discount,
        residual=residual,
        flavour=FULL,
        fate=fate,
        returned=np.where(returned, later, -1),
    )
    store.paid_known[rows] = np.maximum(known, applied)
    store.wake[rows] = np.where(normal, -1, later)
    store.phase[rows] = np.select(
        [backdated, delayed, returned],
        [items.BACKDATED, items.DELAYED, items.RETURNING],
        items.CLOSED,
    )


def pay_next_part(world: World, index: int, rows: Ints, flavour: int) -> None:
    """Pay the next part of items; the last part closes them."""
    store = world.items
    parts = store.parts[rows].astype(np.int32) - 1
    left = items.balance_with_parts(store.amount[rows], parts)
    _simple_cash(world, index, rows, store.balance[rows] - left, flavour)
    store.parts[rows], store.balance[rows] = parts, left
    done = rows[parts == 0]
    store.phase[done], store.wake[done] = items.CLOSED, -1
    store.paid_known[done] = index


def settle(world: World, index: int, rows: Ints) -> None:
    """Pay what a partly credited dispute left open."""
    store = world.items
    _simple_cash(world, index, rows, store.balance[rows], SETTLEMENT)
    store.phase[rows], store.wake[rows] = items.CLOSED, -1
    store.paid_known[rows] = index


def take_back(world: World, rows: Ints) -> None:
    """Re-open the items whose payment comes back today."""
    store = world.items
    store.phase[rows], store.wake[rows] = items.OPEN, -1
    store.contacted[rows] = False
    store.paid_known[rows] = items.NEVER
    store.returned[rows] = True


def _simple_cash(
    world: World, index: int, rows: Ints, cents: npt.NDArray[np.int64], flavour: int
) -> None:
    world.log.add(
        "cash",
        item=rows,
        received=index,
        known=index,
        applied=index,
        cents=cents,
        discount=0,
        residual=0,
        flavour=flavour,
        fate=hazards.FATE_NORMAL,
        returned=-1,
    )


def _fates(world: World, account: Ints) -> tuple[Ints, Ints]:
    """Draw fate and lag once per paying account; return them per item."""
    payer, place = np.unique(account, return_inverse=True)
    who = hazards.payers_of(world.population, payer, np.ones(len(payer), dtype=np.float32))
    come_back = hazards.return_probability(who, world.regime[payer])
    late = come_back + np.asarray(hazards.BACKDATED)[who.method]
    draw = world.rng.random(len(payer))
    fate = np.select(
        [draw < come_back, draw < late, draw < late + hazards.DELAYED],
        [hazards.FATE_RETURNED, hazards.FATE_BACKDATED, hazards.FATE_DELAYED],
        hazards.FATE_NORMAL,
    )
    pick = world.rng.random(len(payer))
    lags = np.zeros(len(payer), dtype=np.int32)
    for code, days in (
        (hazards.FATE_BACKDATED, hazards.BACKDATED_DAYS),
        (hazards.FATE_DELAYED, hazards.DELAYED_DAYS),
    ):
        lags = np.where(fate == code, np.asarray(days)[(pick * len(days)).astype(int)], lags)
    back = np.asarray(hazards.RETURN_DAYS)[who.method, (pick * 3).astype(int)]
    lags = np.where(fate == hazards.FATE_RETURNED, back, lags)
    return fate[place].astype(np.int32), lags[place].astype(np.int32)


def _deductions(
    world: World,
    index: int,
    rows: Ints,
    normal: npt.NDArray[np.bool_],
    backdated: npt.NDArray[np.bool_],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Early-payment discounts, and short payments of 1 to 4 % that leave a residual."""
    store, balance = world.items, world.items.balance[rows]
    early = world.calendar.days[index] - store.issued[rows] <= DISCOUNT_DAYS
    takes = world.population.discount[store.account[rows]] & early & (normal | backdated)
    discount = np.where(takes, np.rint(balance * DISCOUNT_SHARE), 0).astype(np.int64)
    short = (world.rng.random(len(rows)) < SHORT_SHARE) & normal & ~takes
    share = 0.01 + 0.03 * world.rng.random(len(rows))
    return discount, np.where(short, np.floor(balance * share), 0).astype(np.int64)
