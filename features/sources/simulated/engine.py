"""The day loop: what happens on one business day, in which order.

Order of a day: regimes move; waiting items wake (promises, instalments, settlements, late
postings, returns); disputes close; every item that was open at the start of the day draws one
event; collectors call about the items on which nothing happened; new invoices are shown. An
item that became open today can meet nothing else before tomorrow.
"""

from collections.abc import Callable, Collection
from datetime import date

import numpy as np
import numpy.typing as npt

from features.sources.simulated import collecting, hazards, items, payments
from features.sources.simulated.billing import Bills, bills_of_month
from features.sources.simulated.config import SimulationConfig
from features.sources.simulated.days import Day, Ints, epoch_day
from features.sources.simulated.payers import (
    CHURNING,
    INSOLVENT,
    PAYER_TYPES,
    regime_matrix,
)
from features.sources.simulated.world import World, new_world

_MOVES = np.cumsum(np.stack([regime_matrix(kind) for kind in PAYER_TYPES]), axis=2)
REBILLED_SHARE = 0.5
EXTENSION_DAYS = (15, 30)
CREDIT_ERROR, CREDIT_REBILLED, CREDIT_DISPUTE, CREDIT_PARTIAL = range(4)
DISPUTE_IS_CREDITED, DISPUTE_IS_PARTLY_CREDITED, DISPUTE_IS_REJECTED, DISPUTE_IS_WITHDRAWN = range(
    4
)
_COMPACT_EVERY = 5


def run(
    config: SimulationConfig,
    *,
    watch: Collection[date] = (),
    last: date | None = None,
    contacts_until: date | None = None,
    progress: Callable[[float], None] | None = None,
) -> tuple[World, dict[date, items.Snapshot]]:
    """Run a simulation from its first day to its last.

    Parameters
    ----------
    config : SimulationConfig
        Size, span and seed.
    watch : collection of datetime.date
        Days at whose end a snapshot of the hidden state is taken. Watching changes nothing.
    last : datetime.date, optional
        Stop after this day; by default the run goes to the ledger's end.
    contacts_until : datetime.date, optional
        Last day on which collectors call; by default they call to the end.
    progress : callable, optional
        Called with the share done, from 0 to 1, once a month.

    Returns
    -------
    world : World
        The final state with the log of all events.
    snapshots : dict of date to Snapshot
        One for each watched day.

    Raises
    ------
    ValueError
        When a watched day lies outside the simulated span.
    """
    _check_days(config, watch)
    report = progress if progress is not None else _silent
    world = new_world(config)
    calendar = world.calendar
    if contacts_until is not None:
        world.contacts_until = calendar.last_before_end_of(contacts_until)
    length = calendar.last_before_end_of(config.known_through if last is None else last) + 1
    wanted: dict[int, list[date]] = {}
    for day in watch:
        wanted.setdefault(calendar.last_before_end_of(day), []).append(day)
    snapshots = {day: _snapshot(world, day, -1) for day in wanted.get(-1, [])}
    for index in range(length):
        month = int(calendar.months[index])
        if index == 0 or month != calendar.months[index - 1]:
            _prepare_bills(world, month)
            report(month / config.months)
        _live_one_day(world, index)
        snapshots |= {day: _snapshot(world, day, index) for day in wanted.get(index, [])}
    world.items.trim()
    report(1.0)
    return world, snapshots


def _silent(_: float) -> None:
    """Report nothing."""


def _check_days(config: SimulationConfig, watch: Collection[date]) -> None:
    for day in watch:
        if not config.start <= day <= config.known_through:
            raise ValueError(
                f"As-of date {day} lies outside the ledger ({config.start} to "
                f"{config.known_through}). Ask for a day within it."
            )


def _live_one_day(world: World, index: int) -> None:
    day = world.calendar.day(index)
    store = world.items
    _move_regimes(world, index)
    if index % _COMPACT_EVERY == 0:
        world.active = world.active[store.phase[world.active] != items.CLOSED]
    phase = store.phase[world.active]
    open_rows = world.active[phase == items.OPEN]
    stuck_rows = world.active[phase == items.STUCK]
    disputed_rows = world.active[phase == items.DISPUTED]
    waking = world.active[store.wake[world.active] == index]

    paying = collecting.wake(world, index, waking)
    _close_disputes(world, index, disputed_rows)
    quiet, organic = _draw_events(world, index, day, open_rows)
    payments.pay_in_full(world, index, np.concatenate([paying, organic]))
    still_stuck = _draw_stuck(world, index, day, stuck_rows)
    if index <= world.contacts_until:
        collecting.call(world, index, day, np.concatenate([quiet, still_stuck]))
    else:
        collecting.forget(world, quiet)
    shown = _show_bills(world, index)
    world.active = np.concatenate([world.active, shown])


def _move_regimes(world: World, index: int) -> None:
    draw = world.rng.random(len(world.population))
    edges = _MOVES[world.population.kind, world.regime]
    target = (draw[:, None] >= edges[:, :3]).sum(axis=1).astype(np.int8)
    moved = np.flatnonzero(target != world.regime)
    world.log.add(
        "regime", account=moved, day=index, origin=world.regime[moved], target=target[moved]
    )
    world.regime[moved] = target[moved]


def _draw_events(world: World, index: int, day: Day, rows: Ints) -> tuple[Ints, Ints]:
    """Draw one event per open item; return the quiet items and those paid in full."""
    store = world.items
    account = store.account[rows]
    who = hazards.payers_of(world.population, account, store.pull[rows])
    dpd = day.number - store.due[rows]
    chance = hazards.item_hazards(who, dpd, world.regime[account], store.contacted[rows], day)
    plan = np.where(store.parts[rows] > 1, chance.plan, np.float32(0.0))
    draw = world.rng.random(len(rows))
    edges = np.cumsum(
        [chance.pay, chance.dispute, chance.credit, chance.extend, plan, chance.write_off],
        axis=0,
        dtype=np.float64,
    )
    hit = np.flatnonzero(draw < edges[-1])
    event = (draw[hit] >= edges[:, hit]).sum(axis=0)
    chosen = [rows[hit[event == code]] for code in range(len(edges))]
    payers, disputed, credited, extended, planned, lost = chosen

    share = hazards.PART_SHARE[who.kind[hit[event == 0]]]
    parts = (store.parts[payers] > 1) & (world.rng.random(len(payers)) < share)
    payments.pay_next_part(world, index, payers[parts], payments.PART)
    _open_disputes(world, index, disputed)
    _credit(world, index, credited)
    _extend(world, index, day, extended)
    collecting.agree_plan(world, index, planned)
    _write_off(world, index, lost)
    store.contacted[rows[hit]] = False
    quiet = np.ones(len(rows), dtype=np.bool_)
    quiet[hit] = False
    return rows[quiet], payers[~parts]


def _draw_stuck(world: World, index: int, day: Day, rows: Ints) -> Ints:
    store = world.items
    lost = hazards.write_off_probability(
        day.number - store.due[rows], world.regime[store.account[rows]]
    )
    draw = world.rng.random(len(rows))
    _write_off(world, index, rows[draw < lost])
    freed = (draw >= lost) & (draw < lost + hazards.UNSTICK)
    store.phase[rows[freed]] = items.OPEN
    return rows[draw >= lost + hazards.UNSTICK]


def _open_disputes(world: World, index: int, rows: Ints) -> None:
    store = world.items
    store.phase[rows] = items.DISPUTED
    store.reference[rows] = world.log.add(
        "dispute", item=rows, day=index, cents=store.balance[rows]
    )


def _close_disputes(world: World, index: int, rows: Ints) -> None:
    store = world.items
    rows = rows[world.rng.random(len(rows)) < hazards.CLOSE_DISPUTE]
    draw = world.rng.random(len(rows))
    edges = np.cumsum([hazards.DISPUTE_CREDITED, hazards.DISPUTE_PARTLY, 0.4])
    outcome = np.searchsorted(edges, draw, side="right")
    world.log.add("dispute_end", dispute=store.reference[rows], day=index, outcome=outcome)

    credited = rows[outcome == DISPUTE_IS_CREDITED]
    _clear_by_credit(world, index, credited, CREDIT_DISPUTE)
    partly = rows[outcome == DISPUTE_IS_PARTLY_CREDITED]
    credit = np.rint(store.balance[partly] * hazards.DISPUTE_PARTIAL_CREDIT).astype(np.int64)
    world.log.add("credit", item=partly, day=index, cents=credit, reason=CREDIT_PARTIAL)
    store.balance[partly] -= credit
    store.phase[partly] = items.SETTLING
    days = np.asarray(hazards.SETTLE_DAYS)
    store.wake[partly] = index + days[world.rng.integers(len(days), size=len(partly))]
    back = rows[outcome >= DISPUTE_IS_REJECTED]
    store.phase[back], store.contacted[back] = items.OPEN, True


def _credit(world: World, index: int, rows: Ints) -> None:
    again = world.rng.random(len(rows)) < REBILLED_SHARE
    _clear_by_credit(world, index, rows[~again], CREDIT_ERROR)
    _clear_by_credit(world, index, rows[again], CREDIT_REBILLED)
    store, old = world.items, rows[again]
    if not len(old):
        return
    bills = Bills(
        account=store.account[old],
        shown=np.full(len(old), index + 1, dtype=np.int32),
        issued=np.full(len(old), world.calendar.days[index + 1], dtype=np.int32),
        terms=store.terms[old],
        cents=store.amount[old],
        billing=store.billing[old],
        po_missing=np.zeros(len(old), dtype=np.bool_),
        stuck=np.zeros(len(old), dtype=np.bool_),
        pull=store.pull[old],
        replaces=old,
    )
    world.bills.setdefault(index + 1, []).append(bills)


def _clear_by_credit(world: World, index: int, rows: Ints, reason: int) -> None:
    store = world.items
    world.log.add("credit", item=rows, day=index, cents=store.balance[rows], reason=reason)
    store.phase[rows] = items.CLOSED


def _extend(world: World, index: int, day: Day, rows: Ints) -> None:
    store = world.items
    days = np.asarray(EXTENSION_DAYS)[world.rng.integers(len(EXTENSION_DAYS), size=len(rows))]
    due = np.maximum(store.due[rows], day.number) + days
    world.log.add("extend", item=rows, day=index, due=due)
    store.due[rows] = due


def _write_off(world: World, index: int, rows: Ints) -> None:
    store = world.items
    world.log.add("write_off", item=rows, day=index, cents=store.balance[rows])
    store.phase[rows] = items.CLOSED


def _prepare_bills(world: World, month: int) -> None:
    bills = bills_of_month(world.population, world.calendar, month, world.billing_rng)
    for shown in np.unique(bills.shown):
        low, high = np.searchsorted(bills.shown, [shown, shown + 1])
        world.bills.setdefault(int(shown), []).append(bills.pick(slice(int(low), int(high))))


def _show_bills(world: World, index: int) -> Ints:
    """Show today's invoices; customers who are leaving or insolvent buy nothing more."""
    shown = [np.zeros(0, dtype=np.int32)]
    for bills in world.bills.pop(index, []):
        regime = world.regime[bills.account]
        gone = (regime == INSOLVENT) | (
            (world.population.kind[bills.account] == CHURNING) & (regime > 0)
        )
        keep: npt.NDArray[np.bool_] = ~gone | (bills.replaces >= 0)
        shown.append(world.items.add(bills.pick(keep)))
    return np.concatenate(shown)


def _snapshot(world: World, as_of: date, index: int) -> items.Snapshot:
    store = world.items
    phase = store.phase[world.active]
    rows = np.sort(world.active[(phase != items.CLOSED) & (phase != items.RETURNING)])
    paid = store.account[: store.count][store.paid_known[: store.count] <= index]
    return items.Snapshot(
        as_of=epoch_day(as_of),
        index=index,
        item=rows,
        regime=world.regime[store.account[rows]],
        paid=np.bincount(paid, minlength=len(world.population)),
        **{
            name: getattr(store, name)[rows]
            for name in ("account", "due", "parts", "phase", "wake", "contacted", "pull")
        },
    )
