"""The top reason of refitted models."""

from dataclasses import replace

import numpy as np
import pytest

from models.explain import FAMILY_NAMES, explain
from models.reasons import AGE_FAMILY
from models.scorer import survival_curves
from tests.trained import small_trained
from training.stability import reason_stability, top_families


def test_the_top_reason_is_the_family_that_adds_most_apart_from_age() -> None:
    """As the explanation of each row says."""
    trained = small_trained()
    rows = trained.test.select(np.arange(len(trained.test)) < 40)
    found = top_families(trained.bundle, rows)
    curves = survival_curves(trained.bundle, rows.frame, rows.segment)
    families = explain(trained.bundle, rows.frame, curves).families
    for row, place in zip(families, found, strict=True):
        assert FAMILY_NAMES[place] != AGE_FAMILY
        others = [v for v, name in zip(row, FAMILY_NAMES, strict=True) if name != AGE_FAMILY]
        assert row[place] == max(others)


def test_a_model_agrees_with_itself_and_less_with_another() -> None:
    """Wholly with the same trees; by family, counts sum to the rows."""
    trained = small_trained()
    bundle, test = trained.bundle, trained.test
    same = reason_stability([bundle, bundle], [test, test], 1)
    assert same is not None
    assert same["agreement"] == 1.0
    assert sum(row["rows"] for row in same["by_family"].values()) == same["rows"]
    other = replace(bundle, parts={**bundle.parts, "step_1": bundle.parts["step_2"]})
    changed = reason_stability([bundle, other], [test, test], 1)
    assert changed is not None
    assert changed["agreement"] < 0.9


@pytest.mark.parametrize("count", [0, 1])
def test_one_origin_alone_says_nothing(count: int) -> None:
    """There is no refit to compare with."""
    trained = small_trained()
    assert reason_stability([trained.bundle] * count, [trained.test] * count, 1) is None
