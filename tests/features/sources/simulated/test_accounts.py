"""The population of accounts."""

import numpy as np

from features.sources.simulated.accounts import draw_population
from features.sources.simulated.config import SimulationConfig
from features.sources.simulated.payers import CYCLE, NAMES, SEASONAL, by_type

CONFIG = SimulationConfig(accounts=30_000, months=12, seed=1)
POPULATION = draw_population(CONFIG, np.random.default_rng(1))


def test_payer_types_occur_near_their_shares() -> None:
    """Segments tilt the shares, but every type keeps a quarter or more of its own."""
    share = np.bincount(POPULATION.kind, minlength=len(NAMES)) / len(POPULATION)
    assert (np.abs(share - by_type("share")) < 0.05).all()
    assert (share > 0.25 * by_type("share")).all()


def test_families_are_one_level_deep_and_pay_alike() -> None:
    """A parent has no parent, and children share the head's payer type more than by chance."""
    child = np.flatnonzero(POPULATION.parent >= 0)
    parent = POPULATION.parent[child]
    assert (POPULATION.parent[parent] == -1).all()
    assert (POPULATION.kind[child] == POPULATION.kind[parent]).mean() > 0.5


def test_only_their_own_types_have_rhythms_and_seasons() -> None:
    """Cycle payers have pay days and seasonal ones lean months; the others have neither."""
    assert ((POPULATION.rhythm > 0) == (POPULATION.kind == CYCLE)).all()
    assert ((POPULATION.season > 0) == (POPULATION.kind == SEASONAL)).all()


def test_sizes_are_heavy_tailed() -> None:
    """The largest hundredth of accounts bills a tenth or more of all dollars."""
    billed = POPULATION.invoice_cents * (POPULATION.invoices_a_month + POPULATION.recurring)
    top = np.sort(billed)[-len(billed) // 100 :]
    assert 0.10 < top.sum() / billed.sum() < 0.5
    assert POPULATION.invoices_a_month.max() > 50


def test_discount_takers_are_never_returned() -> None:
    """Who takes discounts pays by check or wire."""
    assert set(POPULATION.method[POPULATION.discount].tolist()) <= {2, 3}
