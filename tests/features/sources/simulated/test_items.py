"""The store of items and the log of events."""

import numpy as np

from features.sources.simulated.billing import Bills
from features.sources.simulated.items import NEVER, OPEN, STUCK, EventLog, Items, balance_with_parts


def bills(count: int) -> Bills:
    whole = np.arange(count, dtype=np.int32)
    return Bills(
        account=whole,
        shown=whole,
        issued=whole,
        terms=np.full(count, 30, dtype=np.int32),
        cents=np.full(count, 5000, dtype=np.int64),
        billing=np.zeros(count, dtype=np.int8),
        po_missing=np.zeros(count, dtype=np.bool_),
        stuck=whole % 2 == 1,
        pull=np.ones(count, dtype=np.float32),
        replaces=np.full(count, -1, dtype=np.int32),
    )


def test_growing_keeps_what_was_stored() -> None:
    """Items beyond the first capacity are added without losing earlier ones."""
    store = Items(4)
    first = store.add(bills(10))
    store.balance[first] = 7
    second = store.add(bills(200))
    store.trim()
    assert store.count == len(store.balance) == 210
    assert (store.balance[first] == 7).all()
    assert (store.balance[second] == 5000).all()
    assert set(store.phase.tolist()) == {OPEN, STUCK}
    assert (store.due == store.issued + 30).all()
    assert (store.paid_known == NEVER).all()


def test_parts_of_an_item_sum_to_its_amount() -> None:
    """Whatever the amount, paying part by part ends at exactly zero and never rises."""
    amount = np.arange(4000, 4400, dtype=np.int64)
    balances = [balance_with_parts(amount, np.full(400, n, dtype=np.int32)) for n in (3, 2, 1, 0)]
    assert (balances[0] == amount).all()
    assert (balances[3] == 0).all()
    assert (np.diff(balances, axis=0) < 0).all()


def test_the_log_numbers_events_in_order() -> None:
    """Row numbers run on over calls, scalars are repeated, and an unknown kind is empty."""
    log = EventLog()
    assert log.add("paid", item=np.array([4, 5]), day=1).tolist() == [0, 1]
    assert log.add("paid", item=np.array([], dtype=np.int32), day=2).tolist() == []
    assert log.add("paid", item=np.array([6]), day=3).tolist() == [2]
    item, day = log.table("paid", "item", "day")
    assert (item.tolist(), day.tolist()) == ([4, 5, 6], [1, 1, 3])
    assert log.table("other", "item")[0].tolist() == []
