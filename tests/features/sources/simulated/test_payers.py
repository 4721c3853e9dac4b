"""The payer types are complete and their regimes well formed."""

from pathlib import Path

import numpy as np
import pytest

from features.sources.simulated.payers import (
    INSOLVENT,
    PAYER_TYPES,
    PayerType,
    by_type,
    regime_matrix,
)


def test_shares_sum_to_one() -> None:
    """Every account has a type."""
    assert by_type("share").sum() == pytest.approx(1.0)


@pytest.mark.parametrize("kind", PAYER_TYPES, ids=lambda kind: kind.name)
def test_regimes_are_a_chain_from_which_insolvency_has_no_return(kind: PayerType) -> None:
    """Rows are probabilities, every type can reach insolvency, and none comes back from it."""
    matrix = regime_matrix(kind)
    assert np.allclose(matrix.sum(axis=1), 1.0)
    assert (matrix >= 0).all()
    assert matrix[INSOLVENT, INSOLVENT] == 1.0
    assert np.linalg.matrix_power(matrix, 3)[0, INSOLVENT] > 0


@pytest.mark.parametrize("kind", PAYER_TYPES, ids=lambda kind: kind.name)
def test_worse_regimes_pay_more_slowly(kind: PayerType) -> None:
    """The pace never rises and the delay never falls from regime to regime."""
    assert list(kind.pace) == sorted(kind.pace, reverse=True)
    assert list(kind.delay) == sorted(kind.delay)
    assert kind.pace[INSOLVENT] == 0.0


@pytest.mark.parametrize("kind", PAYER_TYPES, ids=lambda kind: kind.name)
def test_the_documentation_shows_the_numbers_in_use(kind: PayerType) -> None:
    """Both tables of docs/simulator.md hold the type's row exactly as it is drawn from."""
    text = (Path(__file__).parents[4] / "docs" / "simulator.md").read_text(encoding="utf-8")
    habits = (
        f"| `{kind.name}` | {kind.share:.0%} | {kind.centre:g} ± {kind.centre_sd:g} "
        f"| {kind.spread:g} | {kind.ceiling:g} | {kind.tire:g} | {kind.part_share:g} "
        f"| {kind.dispute:g} | {kind.promise:g} / {kind.keep:g} | {kind.extend:g} | {kind.plan:g} |"
    )
    moves = "; ".join(f"{origin}→{target} {rate:g}" for origin, target, rate in kind.moves)
    levels = (
        " / ".join(f"{value:g}" for value in values)
        for values in (kind.pace, kind.delay, kind.returns)
    )
    assert habits in text
    assert f"| `{kind.name}` | {moves} | {' | '.join(levels)} |" in text
