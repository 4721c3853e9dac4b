"""The day loop."""

from datetime import date

import numpy as np
import pytest

from features.sources.simulated import items
from features.sources.simulated.config import SimulationConfig
from features.sources.simulated.engine import run

CONFIG = SimulationConfig(accounts=800, months=8, seed=6)
DAY = date(2023, 7, 9)


def test_watching_and_stopping_change_nothing() -> None:
    """A snapshot is the same in a full run, in a run that stops there, and when others watch."""
    full = run(CONFIG, watch=[date(2023, 3, 3), DAY])[1][DAY]
    short = run(CONFIG, watch=[DAY], last=DAY)[1][DAY]
    for name in ("item", "phase", "wake", "parts", "contacted", "due", "regime", "paid"):
        assert np.array_equal(getattr(full, name), getattr(short, name)), name


def test_contacts_stop_on_demand_and_the_past_stays() -> None:
    """Without contacts after a day none is logged after it, and nothing before it changes."""
    usual, _ = run(CONFIG)
    stopped, _ = run(CONFIG, contacts_until=DAY)
    last = usual.calendar.last_before_end_of(DAY)
    assert stopped.log.table("contact", "day")[0].max() <= last
    for column in ("item", "received", "cents"):
        before, after = (
            world.log.table("cash", column)[0][world.log.table("cash", "received")[0] <= last]
            for world in (usual, stopped)
        )
        assert np.array_equal(before, after)


def test_balances_follow_from_events() -> None:
    """Amount less cash, discounts, credits and write-offs is the balance of every item."""
    world, _ = run(CONFIG)
    store = world.items
    left = store.amount.copy()
    item, cents, discount, residual, back = world.log.table(
        "cash", "item", "cents", "discount", "residual", "returned"
    )
    kept = ~((back >= 0) & (back < world.calendar.length))
    np.subtract.at(left, item[kept], (cents + discount + residual)[kept])
    for kind in ("credit", "write_off"):
        item, cents = world.log.table(kind, "item", "cents")
        np.subtract.at(left, item, cents)
    settled = np.isin(store.phase, [items.CLOSED, items.BACKDATED, items.DELAYED, items.RETURNING])
    returning = (store.phase == items.RETURNING) & (left != 0)
    assert (left[settled & ~returning] == 0).all()
    assert (left[~settled] == store.balance[~settled]).all()


def test_a_watched_day_must_lie_in_the_span() -> None:
    """A day before the start is refused with the span."""
    with pytest.raises(ValueError, match="2022-12-31 lies outside the ledger"):
        run(CONFIG, watch=[date(2022, 12, 31)])
