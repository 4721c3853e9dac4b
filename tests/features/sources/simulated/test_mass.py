"""The chain behind the truth: counting of steps, and items whose future is certain."""

from datetime import date

import numpy as np
import numpy.typing as npt
import pytest

from features.sources.simulated import hazards, items
from features.sources.simulated.config import SimulationConfig
from features.sources.simulated.days import epoch_day
from features.sources.simulated.items import Snapshot
from features.sources.simulated.mass import Chain, first_step
from features.sources.simulated.payers import NAMES, PAYER_TYPES, regime_matrix
from features.sources.simulated.world import new_world

WORLD = new_world(SimulationConfig(accounts=500, months=12, seed=1))
AS_OF = date(2023, 5, 31)
INDEX = WORLD.calendar.last_before_end_of(AS_OF)


@pytest.mark.parametrize(
    ("business", "known", "step"),
    [(1, 1, 1), (30, 37, 1), (30, 38, 2), (31, 31, 2), (29, 41, 2), (-3, 5, 1), (120, 127, 4)],
)
def test_a_resolution_counts_by_both_clocks(business: int, known: int, step: int) -> None:
    """The first step whose end covers the business date, and its maturity the known date."""
    assert first_step(business, known) == step


def unresolved(
    kind: str, phase: int, regime: int = 0, wait: int = -1, dpd: int = 0, parts: int = 3
) -> npt.NDArray[np.float64]:
    """P(unresolved) of one item of the first account of a type, without contacts."""
    code = NAMES.index(kind)
    account = np.flatnonzero(WORLD.population.kind == code)[:1].astype(np.int32)
    one = np.ones(1, dtype=np.int8)
    snapshot = Snapshot(
        as_of=epoch_day(AS_OF),
        index=INDEX,
        item=np.zeros(1, dtype=np.int32),
        account=account,
        due=np.array([epoch_day(AS_OF) - dpd], dtype=np.int32),
        parts=one * np.int8(parts),
        phase=one * np.int8(phase),
        wake=np.array([INDEX + wait], dtype=np.int32),
        contacted=np.zeros(1, dtype=np.bool_),
        pull=np.ones(1, dtype=np.float32),
        regime=one * np.int8(regime),
        paid=np.zeros(500, dtype=np.int64),
    )
    chain = Chain(
        payers=hazards.payers_of(WORLD.population, account, snapshot.pull),
        kind=code,
        calendar=WORLD.calendar,
        snapshot=snapshot,
        contacts=False,
    )
    return chain.unresolved()[:, 0]


def test_money_in_the_house_resolves_on_its_day() -> None:
    """Back-dated cash resolves at once; cash applied in 25 business days after the first step."""
    assert unresolved("slow", items.BACKDATED, wait=8).tolist() == [0.0] * 4
    assert unresolved("slow", items.DELAYED, wait=25).tolist() == [1.0, 0.0, 0.0, 0.0]


def test_a_dispute_closes_at_its_rate() -> None:
    """With no payment possible afterwards, a dispute resolves by credit or settlement alone."""
    curve = unresolved("prompt", items.DISPUTED, regime=3, dpd=0)
    days = int(np.searchsorted(WORLD.calendar.days, epoch_day(AS_OF) + 30, side="right")) - INDEX
    closed = 1 - (1 - hazards.CLOSE_DISPUTE) ** (days - 1)
    by_credit = hazards.DISPUTE_CREDITED * closed
    by_both = (hazards.DISPUTE_CREDITED + hazards.DISPUTE_PARTLY) * closed
    assert by_credit < 1 - curve[0] < by_both


def test_write_offs_never_resolve() -> None:
    """An old item of an insolvent account is written off, and stays unresolved."""
    assert unresolved("slow", items.OPEN, regime=3, dpd=300).tolist() == pytest.approx([1.0] * 4)


def test_a_promise_is_kept_on_its_day() -> None:
    """A promise due tomorrow resolves at least with the probability that it is kept."""
    account = np.flatnonzero(WORLD.population.kind == 0)[0]
    kept = WORLD.population.keep[account]
    moves = regime_matrix(PAYER_TYPES[0])[0]
    kept = kept * float(moves @ np.asarray(hazards.KEEP_IN_REGIME))
    assert unresolved("prompt", items.PROMISED, wait=1, dpd=10)[0] < 1 - 0.98 * kept


def test_parts_take_longer_than_one_payment() -> None:
    """A cash-strapped payer clears an item sooner when only one part is left."""
    three, one = (unresolved("cash_strapped", items.OPEN, dpd=20, parts=n) for n in (3, 1))
    assert (three > one).all()
