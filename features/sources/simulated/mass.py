"""Carry the probability mass of items forward, one business day at a time.

Axes: regime (4) x contact remembered (2) x parts left (3: one, two, three) x item. Mass that
waits (for a promised day, an instalment, the return of a payment) is kept in queues by the
business day on which it goes on, already spread over the regimes of that day.
"""

import math

import numpy as np
import numpy.typing as npt

from features.sources.simulated import hazards, items
from features.sources.simulated.days import BusinessCalendar, Day, Ints
from features.sources.simulated.hazards import PARTS_LEFT_SHARE, Payers
from features.sources.simulated.items import Snapshot
from features.sources.simulated.payers import PAYER_TYPES, REGIMES, regime_matrix

Mass = npt.NDArray[np.float64]

STEP_DAYS, STEPS, MATURITY_DAYS = 30, 4, 7
_REGIMES, _PARTS = len(REGIMES), len(PARTS_LEFT_SHARE) - 1
_LONGEST_WAIT = 64
_EVERY_REGIME = np.arange(_REGIMES, dtype=np.int8)[:, None, None]
_EITHER = np.array([False, True])[None, :, None]


def first_step(business_days: int, known_days: int) -> int:
    """Return the first step k at which a resolution counts.

    Parameters
    ----------
    business_days : int
        Days from t to the business date; it must lie within 30k.
    known_days : int
        Days from t to the day the books show it; it must lie within 30k + 7.

    Examples
    --------
    >>> first_step(30, 37), first_step(30, 38), first_step(-2, 4)
    (1, 2, 1)
    """
    return max(
        1,
        math.ceil(business_days / STEP_DAYS),
        math.ceil((known_days - MATURITY_DAYS) / STEP_DAYS),
    )


class Chain:
    """The futures of items of one payer type, from a snapshot of their hidden state.

    Parameters
    ----------
    payers : Payers
        Payers of the n items.
    kind : int
        Code of their payer type.
    calendar : BusinessCalendar
        The business days.
    snapshot : Snapshot
        The n items at t.
    contacts : bool
        Whether collectors go on calling after t.
    """

    def __init__(
        self,
        *,
        payers: Payers,
        kind: int,
        calendar: BusinessCalendar,
        snapshot: Snapshot,
        contacts: bool,
    ) -> None:
        self._payers, self._kind, self._contacts = payers, kind, contacts
        self._calendar, self._snapshot = calendar, snapshot
        ahead = calendar.days[snapshot.index + 1 :] - snapshot.as_of
        self._after: list[int] = [0, *ahead.tolist()]
        self._length = int(np.searchsorted(ahead, STEP_DAYS * STEPS, side="right"))
        self._moves = [
            np.linalg.matrix_power(regime_matrix(PAYER_TYPES[kind]), days)
            for days in range(_LONGEST_WAIT)
        ]
        count = len(snapshot.item)
        shape = (_REGIMES, _PARTS, count)
        self._open = np.zeros((_REGIMES, 2, _PARTS, count))
        self._stuck = np.zeros((_REGIMES, count))
        self._disputed = np.zeros(shape)
        self._reopening = np.zeros((self._length + 1, *shape))
        self._promised = np.zeros((self._length + 1, *shape))
        self._on_plan = np.zeros((self._length + 1, *shape))
        self._resolved = np.zeros((STEPS, count))
        self._prepare_fates()
        self._place_snapshot()

    def unresolved(self) -> Mass:
        """Return P(unresolved at t + 30k), shape (4, n)."""
        for step in range(1, self._length + 1):
            self._live_one_day(step)
        return np.clip(1.0 - np.cumsum(self._resolved, axis=0), 0.0, 1.0)

    def _prepare_fates(self) -> None:
        method = self._payers.method
        regimes = _EVERY_REGIME[:, 0]
        self._returned = hazards.return_probability(self._payers, regimes).astype(np.float64)
        self._backdated = np.asarray(hazards.BACKDATED)[method]
        self._kept = hazards.keep_probability(self._payers, regimes).astype(np.float64)
        days = np.asarray(hazards.RETURN_DAYS)[method]
        self._return_lags = {int(lag): (days == lag).mean(axis=1) for lag in np.unique(days)}

    def _place_snapshot(self) -> None:
        snap, count = self._snapshot, len(self._snapshot.item)
        part, row, ones = snap.parts - 1, np.arange(count), np.ones(count)

        def rows(*phases: int) -> npt.NDArray[np.int64]:
            return row[np.isin(snap.phase, phases)]

        at = rows(items.OPEN)
        self._open[snap.regime[at], snap.contacted[at].astype(int), part[at], at] = 1.0
        at = rows(items.STUCK)
        self._stuck[snap.regime[at], at] = 1.0
        at = rows(items.DISPUTED)
        self._disputed[snap.regime[at], part[at], at] = 1.0
        wait = snap.wake - snap.index
        for days in np.unique(wait[wait > 0]):
            soon = wait == days
            for at in (rows(items.SETTLING, items.DELAYED), rows(items.BACKDATED)):
                business = 0 if (snap.phase[at] == items.BACKDATED).all() else self._after[days]
                self._resolve(ones * (soon & np.isin(row, at)), business, self._after[days])
            if days > self._length:
                continue
            for queue, phase in (
                (self._promised, items.PROMISED),
                (self._reopening, items.WITHDRAWING),
                (self._on_plan, items.ON_PLAN),
            ):
                at = row[soon & (snap.phase == phase)]
                queue[days, :, part[at], at] = self._moves[days][snap.regime[at]]

    def _resolve(self, mass: Mass, business_days: int, known_days: int | None = None) -> None:
        known = business_days if known_days is None else known_days
        step = first_step(business_days, known)
        if step <= STEPS:
            self._resolved[step - 1] += mass

    def _send(self, queue: Mass, step: int, wait: int, mass: Mass) -> None:
        """Let mass of shape (regime, parts, item) go on after ``wait`` business days."""
        if step + wait <= self._length:
            queue[step + wait] += self._move(mass, wait)

    def _move(self, mass: Mass, days: int = 1) -> Mass:
        flat = mass.reshape(_REGIMES, -1)
        return (self._moves[days].T @ flat).reshape(mass.shape)

    def _live_one_day(self, step: int) -> None:
        day = self._calendar.day(self._snapshot.index + step)
        dpd = day.number - self._snapshot.due
        self._open = self._move(self._open)
        self._stuck = self._move(self._stuck)
        self._disputed = self._move(self._disputed)
        arriving = np.zeros_like(self._open)
        arriving[:, 0] += self._reopening[step]
        paying = self._meet_promises(step, arriving)
        self._pay_instalments(step, arriving)
        self._close_disputes(step, arriving)
        paying += self._draw_events(step, day, dpd, arriving)
        self._pay_in_full(step, paying)
        self._draw_stuck(dpd, arriving)
        self._open += arriving
        self._disputed += self._new_disputes

    def _meet_promises(self, step: int, arriving: Mass) -> Mass:
        due = self._promised[step]
        kept: Mass = due * self._kept[:, None]
        broken = due - kept
        moved = hazards.PROMISE_MOVED * broken
        partly = np.asarray(hazards.PROMISE_PARTLY)[:, None, None] * broken
        arriving[:, 0, :-1] += partly[:, 1:]
        arriving[:, 0, 0] += partly[:, 0]
        arriving[:, 0] += broken - moved - partly
        for wait in hazards.PROMISE_DAYS:
            self._send(self._promised, step, wait, moved / len(hazards.PROMISE_DAYS))
        return kept

    def _pay_instalments(self, step: int, arriving: Mass) -> None:
        due = self._on_plan[step]
        paid = due * np.asarray(hazards.INSTALMENT_PAID)[:, None, None]
        arriving[:, 0] += due - paid
        self._resolve(paid[:, 0].sum(axis=0), self._after[step])
        rest = np.zeros_like(paid)
        rest[:, :-1] = paid[:, 1:]
        self._send(self._on_plan, step, hazards.PLAN_STEP_DAYS, rest)

    def _close_disputes(self, step: int, arriving: Mass) -> None:
        closed = hazards.CLOSE_DISPUTE * self._disputed
        self._disputed = self._disputed - closed
        total = closed.sum(axis=(0, 1))
        self._resolve(hazards.DISPUTE_CREDITED * total, self._after[step])
        for wait in hazards.SETTLE_DAYS:
            share = hazards.DISPUTE_PARTLY / len(hazards.SETTLE_DAYS)
            self._resolve(share * total, self._after[step + wait])
        back = 1.0 - hazards.DISPUTE_CREDITED - hazards.DISPUTE_PARTLY
        arriving[:, 1] += back * closed

    def _draw_events(self, step: int, day: Day, dpd: Ints, arriving: Mass) -> Mass:
        """Let open mass meet its hazards; return what is paid in full."""
        chance = hazards.item_hazards(self._payers, dpd, _EVERY_REGIME, _EITHER, day)
        write_off = chance.write_off.astype(np.float64)
        mass, either = self._open, self._open.sum(axis=1)

        paying: Mass = (mass * chance.pay[:, :, None]).sum(axis=1)
        part = float(hazards.PART_SHARE[self._kind]) * paying[:, 1:]
        paying[:, 1:] -= part
        arriving[:, 0, :-1] += part
        self._new_disputes = either * chance.dispute
        cleared = either.sum(axis=(0, 1)) * (chance.credit + chance.extend)
        lost = either * write_off
        self._resolve(cleared + self._counted_as_paid(lost), self._after[step])
        planned = np.zeros_like(either)
        planned[:, 1:] = mass[:, 1, 1:] * chance.plan[:, 1]
        self._send(self._on_plan, step, hazards.PLAN_FIRST_DAY, planned)

        others = chance.dispute.astype(np.float64) + chance.credit + chance.extend
        quiet = mass * (1.0 - chance.pay - others - write_off)[:, :, None]
        quiet[:, 1] -= planned
        self._call(step, dpd, quiet)
        return paying

    def _counted_as_paid(self, written_off: Mass) -> Mass:
        """Of written-off mass, what was paid for the larger part since t, by item."""
        left = np.asarray(PARTS_LEFT_SHARE)
        share = left[1:, None] / left[self._snapshot.parts][None, :]
        counted: Mass = (written_off.sum(axis=0) * (share < 0.5)).sum(axis=0)
        return counted

    def _call(self, step: int, dpd: Ints, quiet: Mass) -> None:
        """Replace the open mass by what contacts and forgetting make of it."""
        if not self._contacts:
            reached = np.zeros_like(quiet)
        else:
            reached = quiet * hazards.contact_probability(self._payers, dpd, _EITHER)[:, :, None]
        rest, found = quiet - reached, reached.sum(axis=1)
        promised = float(hazards.PROMISE[self._kind]) * found
        forgotten = hazards.FORGET_CONTACT * rest[:, 1]
        self._open[:, 0] = rest[:, 0] + forgotten
        self._open[:, 1] = rest[:, 1] - forgotten + found - promised
        if not self._contacts:
            return
        for wait in hazards.PROMISE_DAYS:
            mass = promised / len(hazards.PROMISE_DAYS)
            dropped = hazards.PROMISE_WITHDRAWN * mass
            self._send(self._promised, step, wait, mass - dropped)
            self._send(self._reopening, step, (wait + 1) // 2, dropped)

    def _draw_stuck(self, dpd: Ints, arriving: Mass) -> None:
        lost = self._stuck * hazards.write_off_probability(dpd, _EVERY_REGIME[:, 0])
        freed = hazards.UNSTICK * self._stuck
        rest = self._stuck - lost - freed
        arriving[:, 0, -1] += freed
        if self._contacts:
            reached = rest * hazards.contact_probability(
                self._payers, dpd, np.zeros(1, dtype=np.bool_)
            )
            arriving[:, 1, -1] += hazards.CONTACT_UNSTICKS * reached
            rest = rest - hazards.CONTACT_UNSTICKS * reached
        self._stuck = rest

    def _pay_in_full(self, step: int, paying: Mass) -> None:
        """Split full payments by fate: at once, posted late, applied later, or returned."""
        now, total = self._after[step], paying.sum(axis=1)
        returned = total * self._returned
        late = (total * self._backdated).sum(axis=0)
        delayed = hazards.DELAYED * total.sum(axis=0)
        self._resolve((total - returned).sum(axis=0) - late - delayed, now)
        for lag in hazards.BACKDATED_DAYS:
            share = late / len(hazards.BACKDATED_DAYS)
            self._resolve(share, now, self._after[step + lag])
        for lag in hazards.DELAYED_DAYS:
            self._resolve(delayed / len(hazards.DELAYED_DAYS), self._after[step + lag])
        counted_until = STEP_DAYS * first_step(now, now) + MATURITY_DAYS
        for lag, weight in self._return_lags.items():
            if self._after[step + lag] > counted_until:
                self._resolve((returned * weight).sum(axis=0), now)
            else:
                back = paying * (self._returned * weight)[:, None]
                self._send(self._reopening, step, lag, back)
