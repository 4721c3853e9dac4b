"""Stability of reasons: ties, ranks and agreement, by hand."""

import numpy as np

from benchmarks.reasons import MERGED, Reasons, agreement, variants
from features.catalogue import FAMILIES
from training.config import TrainingConfig

ONE = Reasons(families=np.array([[1.0, 0.95, 0.1], [1.0, 0.2, 0.1]]), p=np.array([0.6, 0.2]))
TWO = Reasons(families=np.array([[0.9, 1.00, 0.1], [1.1, 0.3, 0.1]]), p=np.array([0.6, 0.2]))


def test_a_tie_that_turns_is_a_change_among_the_first_two() -> None:
    """The first row trades places in a near tie; the clear one agrees."""
    found = agreement(ONE, TWO, np.array([True, False]))
    assert found["agreement"] == 0.5
    assert found["near_ties"] == 0.5
    assert found["agreement_clear"] == 1.0
    assert found["first_among_two"] == 1.0
    assert found["agreement_raised"] == 0.0


def test_a_rank_counts_the_families_that_add_more() -> None:
    """The first has rank 0, the last 2."""
    assert ONE.place_of(np.array([0, 2])).tolist() == [0, 2]


def test_variants_change_the_trees_and_merged_families_exist() -> None:
    """Each variant differs from the recipe or averages seeds."""
    config = TrainingConfig()
    for name, (variant, seeds) in variants(config).items():
        assert name == "as configured" or variant != config or seeds > 1
    assert set(MERGED) <= set(FAMILIES)
