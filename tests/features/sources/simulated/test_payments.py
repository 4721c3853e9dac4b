"""One receipt, one fate."""

from collections.abc import Callable

import numpy as np

from features.sources.simulated import hazards, payments
from features.sources.simulated.config import SimulationConfig
from features.sources.simulated.engine import run

Query = Callable[[str], list[tuple[object, ...]]]


def test_items_paid_together_share_their_fate() -> None:
    """All full payments of an account on one day are normal, back-dated, late or returned alike."""
    world, _ = run(SimulationConfig(accounts=2000, months=10, seed=4))
    item, day, flavour, fate, back = world.log.table(
        "cash", "item", "received", "flavour", "fate", "returned"
    )
    full = flavour == payments.FULL
    key = day[full] * len(world.population) + world.items.account[item[full]]
    _, place = np.unique(key, return_inverse=True)
    for values in (fate[full], back[full]):
        low = np.full(place.max() + 1, 10**9)
        high = np.full(place.max() + 1, -(10**9))
        np.minimum.at(low, place, values)
        np.maximum.at(high, place, values)
        assert (low == high).all()
    assert set(fate[full].tolist()) == {
        hazards.FATE_NORMAL,
        hazards.FATE_RETURNED,
        hazards.FATE_BACKDATED,
        hazards.FATE_DELAYED,
    }


def test_discounts_are_two_per_cent_within_ten_days(ask: Query) -> None:
    """Every discount is 2 % of its item, taken with cash no later than ten days after issue."""
    assert ask("""
        select count(*) from applications d join invoices i using (invoice_id)
        left join applications c on c.invoice_id = d.invoice_id and c.cause = 'cash'
            and c.applied_on = d.applied_on
        where d.cause = 'discount' and (c.application_id is null
            or d.applied_on > i.issued_on + 10
            or abs(d.amount / (d.amount + c.amount) - 0.02) > 0.001)
    """) == [(0,)]


def test_wrong_applications_are_taken_back_in_full(ask: Query) -> None:
    """Each unapplied amount was applied before, to the same invoice, from the same receipt."""
    assert ask("""
        select count(*) from applications u left join applications c
            on c.invoice_id = u.invoice_id and c.source_id = u.source_id and c.cause = 'cash'
           and c.amount = -u.amount and c.applied_on < u.applied_on
        where u.cause = 'unapply' and c.application_id is null
    """) == [(0,)]
