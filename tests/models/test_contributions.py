"""Contributions add up in log-odds, probability and cents at an item, an account, the portfolio."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stnp

from features.build import FeatureFrame
from models.bundle import Bundle
from models.contributions import FAMILY_MEMBERS, Parts, only, parts_of, sum_up
from models.explain import dollar_parts, explain, feature_cents, spread_cents
from models.scorer import survival_curves

Floats = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def probability(bundle: Bundle, frame: FeatureFrame, segment: npt.NDArray[np.object_]) -> Floats:
    """P(unresolved after 30 days) of the awkward rows."""
    return survival_curves(bundle, frame, segment).at(30)


@pytest.fixture(scope="module")
def parts(
    bundle: Bundle, frame: FeatureFrame, segment: npt.NDArray[np.object_], probability: Floats
) -> Parts:
    """Their contributions; every third has nothing at risk."""
    explanation = explain(bundle, frame, survival_curves(bundle, frame, segment))
    collectible = np.random.default_rng(3).integers(1, 10**8, len(probability))
    at_risk = np.rint(collectible * probability).astype(np.int64)
    at_risk[::3] = 0
    return parts_of(explanation, dollar_parts(explanation, collectible, at_risk), collectible)


def test_features_sum_to_their_family_on_every_item(parts: Parts) -> None:
    """To the cent, whatever was lost in rounding; a feature of nothing gets nothing."""
    cents = feature_cents(parts.log_odds, parts.scale, parts.collectible_cents, parts.cents)
    for place, members in enumerate(FAMILY_MEMBERS.values()):
        if not members:
            continue
        assert cents[:, members].sum(axis=1).tolist() == parts.cents[:, place].tolist()
        quiet = parts.cents[:, place] == 0
        nothing = (parts.log_odds[:, members] == 0) & quiet[:, None]
        assert (cents[:, members][nothing] == 0).all()


def test_an_item_by_itself_is_what_was_scored(parts: Parts, probability: Floats) -> None:
    """Its probability and its margin come out of base and families."""
    for place in (1, 2, 4, 50):
        level = sum_up(only(parts, place))
        assert level.probability == pytest.approx(probability[place], abs=1e-9)
        margin = parts.base[place] + parts.log_odds[place].sum()
        assert level.log_odds == pytest.approx(margin, abs=1e-9)
        assert level.at_risk_cents == parts.cents[place].sum()


def test_every_level_adds_up_in_all_three_units(parts: Parts) -> None:
    """Base with families or features gives the same totals; points × collectible are dollars."""
    level = sum_up(parts)
    for rows in (level.families, level.features):
        assert level.base.cents + sum(row.cents for row in rows) == level.at_risk_cents
        total = level.base.probability + sum(row.probability for row in rows)
        assert total == pytest.approx(level.probability, abs=1e-9)
        total = level.base.log_odds + sum(row.log_odds for row in rows)
        assert total == pytest.approx(level.log_odds, abs=1e-9)
    dollars = level.probability * level.collectible_cents
    assert level.at_risk_cents == pytest.approx(dollars, abs=len(parts.base))


def test_accounts_sum_to_the_portfolio(parts: Parts) -> None:
    """Cents of every family and feature, however the items are grouped."""
    whole = sum_up(parts)
    half = [sum_up(_rows(parts, slice(a, b))) for a, b in ((0, 100), (100, None))]
    for name in ("families", "features"):
        sums = [
            sum(row.cents for row in pair)
            for pair in zip(*(getattr(level, name) for level in half), strict=True)
        ]
        assert sums == [row.cents for row in getattr(whole, name)]


def _rows(parts: Parts, here: slice) -> Parts:
    return replace(
        parts,
        **{name: getattr(parts, name)[here] for name in Parts.__slots__},
    )


def test_without_anything_at_risk_everything_is_zero(parts: Parts) -> None:
    """No division by nothing."""
    level = sum_up(_rows(parts, slice(0, 1)))
    assert (level.at_risk_cents, level.collectible_cents) == (0, 0)
    assert level.probability == level.log_odds == 0


@given(
    st.integers(1, 9).flatmap(
        lambda size: stnp.arrays(
            np.float64,
            (4, size),
            elements=st.floats(-1e9, 1e9, allow_nan=False).map(lambda value: round(value, 3)),
        )
    )
)
def test_spread_cents_sum_to_the_total_and_move_little(exact: Floats) -> None:
    """Rows sum exactly; each part moves by at most a cent, the largest by two."""
    total = np.rint(exact.sum(axis=1)).astype(np.int64)
    spread = spread_cents(exact, total)
    assert spread.sum(axis=1).tolist() == total.tolist()
    assert (np.abs(spread - exact) <= 2 + 1e-5).all()
