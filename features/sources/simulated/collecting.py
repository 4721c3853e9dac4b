"""Collectors: contacts that follow lateness, promises, payment plans, and waiting items."""

import numpy as np
import numpy.typing as npt

from features.sources.simulated import hazards, items, payments
from features.sources.simulated.days import Day, Ints
from features.sources.simulated.world import World

ATTEMPTS_PER_CONTACT = 1.6


def call(world: World, index: int, day: Day, rows: Ints) -> None:
    """Contact payers about late items; one draw an account, so that calls cover many items.

    Parameters
    ----------
    world : World
        Changed in place.
    index : int
        Today's business-day index.
    day : Day
        Today's calendar effects.
    rows : ndarray of int32
        Open and stuck items on which nothing happened today.
    """
    store = world.items
    account = store.account[rows]
    who = hazards.payers_of(world.population, account, store.pull[rows])
    chance = hazards.contact_probability(who, day.number - store.due[rows], store.contacted[rows])
    draw = world.rng.random(len(world.population))[account]
    reached = draw < chance
    tried = (draw < chance * ATTEMPTS_PER_CONTACT) & ~reached

    forget(world, rows[~reached])
    found, drawn = rows[reached], world.rng.random((2, int(reached.sum())))
    stuck = store.phase[found] == items.STUCK
    store.phase[found[stuck & (drawn[0] < hazards.CONTACT_UNSTICKS)]] = items.OPEN
    store.contacted[found] = ~stuck | (drawn[0] < hazards.CONTACT_UNSTICKS)
    promised = ~stuck & (drawn[0] < hazards.PROMISE[who.kind[reached]])
    _promise(world, index, found[promised], withdrawing=drawn[1][promised])
    # One row an account and day: a failed attempt, a talk, or a talk that brought a promise.
    outcome = np.full(len(world.population), -1, dtype=np.int8)
    for code, who_called in enumerate(
        (account[tried], account[reached], account[reached][promised])
    ):
        outcome[who_called] = code
    called = np.flatnonzero(outcome >= 0)
    world.log.add("contact", account=called, day=index, outcome=outcome[called])


def forget(world: World, rows: Ints) -> None:
    """Let payers forget an earlier contact."""
    store = world.items
    lit = rows[store.contacted[rows]]
    store.contacted[lit[world.rng.random(len(lit)) < hazards.FORGET_CONTACT]] = False


def agree_plan(world: World, index: int, rows: Ints) -> None:
    """Start payment plans over the parts that are left."""
    store = world.items
    store.phase[rows] = items.ON_PLAN
    store.wake[rows] = index + hazards.PLAN_FIRST_DAY
    store.reference[rows] = world.log.add("plan", item=rows, day=index, parts=store.parts[rows])


def wake(world: World, index: int, rows: Ints) -> Ints:
    """Let waiting items go on; return those that keep a promise and pay in full today."""
    store = world.items
    phase = store.phase[rows]
    posted = rows[(phase == items.BACKDATED) | (phase == items.DELAYED)]
    store.phase[posted], store.wake[posted] = items.CLOSED, -1
    payments.take_back(world, rows[phase == items.RETURNING])
    payments.settle(world, index, rows[phase == items.SETTLING])

    withdrawn = rows[phase == items.WITHDRAWING]
    world.log.add("promise_withdrawn", promise=store.reference[withdrawn], day=index)
    _reopen(world, withdrawn)
    _pay_instalments(world, index, rows[phase == items.ON_PLAN])
    return _meet_promises(world, index, rows[phase == items.PROMISED])


def _reopen(world: World, rows: Ints) -> None:
    store = world.items
    store.phase[rows], store.wake[rows] = items.OPEN, -1
    store.contacted[rows] = False


def _pay_instalments(world: World, index: int, rows: Ints) -> None:
    store = world.items
    regime = world.regime[store.account[rows]]
    paid = world.rng.random(len(rows)) < np.asarray(hazards.INSTALMENT_PAID)[regime]
    store.wake[rows] = index + hazards.PLAN_STEP_DAYS
    payments.pay_next_part(world, index, rows[paid], payments.INSTALMENT)
    missed = rows[~paid]
    world.log.add("plan_broken", plan=store.reference[missed], day=index)
    _reopen(world, missed)


def _meet_promises(world: World, index: int, rows: Ints) -> Ints:
    store = world.items
    account = store.account[rows]
    who = hazards.payers_of(world.population, account, store.pull[rows])
    regime = world.regime[account]
    kept = hazards.keep_probability(who, regime).astype(np.float64)
    some_share = np.asarray(hazards.PROMISE_PARTLY)[regime]
    draw = world.rng.random(len(rows))
    broken = 1.0 - kept
    keeps = draw < kept
    partly = ~keeps & (draw < kept + some_share * broken)
    moved = ~keeps & ~partly
    moved &= draw < kept + (some_share + hazards.PROMISE_MOVED) * broken
    _reopen(world, rows[~moved])
    some = partly & (store.parts[rows] > 1)
    payments.pay_next_part(world, index, rows[some], payments.PART)
    again = rows[moved]
    old = store.reference[again]
    new = _promise(world, index, again, withdrawing=np.ones(len(again)))
    world.log.add("promise_moved", old=old, new=new)
    return rows[keeps]


def _promise(world: World, index: int, rows: Ints, withdrawing: npt.NDArray[np.float64]) -> Ints:
    """Record promises; those that will be withdrawn are so half-way to their day."""
    store = world.items
    days = np.asarray(hazards.PROMISE_DAYS, dtype=np.int32)
    days = days[world.rng.integers(len(days), size=len(rows))]
    dropped = withdrawing < hazards.PROMISE_WITHDRAWN
    store.phase[rows] = np.where(dropped, items.WITHDRAWING, items.PROMISED)
    store.wake[rows] = index + np.where(dropped, (days + 1) // 2, days)
    store.contacted[rows] = False
    numbers = world.log.add(
        "promise", item=rows, day=index, promised=index + days, cents=store.balance[rows]
    )
    store.reference[rows] = numbers
    return numbers
