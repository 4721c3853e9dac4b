"""Tests of the mixture with the roll-rate matrix: its weights, its words, and its explanation."""

import re
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.build import FeatureFrame
from models.bundle import Bundle
from models.calibrator import Calibrator
from models.contributions import parts_of, sum_up
from models.explain import FAMILY_NAMES, MATRIX_FAMILY, Explanation, dollar_parts, explain
from models.fallback import (
    PAID_ITEMS,
    RESIDUAL_FALLBACK,
    SMALLEST_SHARE,
    Fallback,
    by_matrix_alone,
)
from models.reasons import Evidence, family_sentences
from models.scorer import Curves, survival_curves

Floats = npt.NDArray[np.float64]
Segments = npt.NDArray[np.object_]

RULE = Fallback(known_k=2, unseen_k=6, segment_k=50, segment_items={"old": 50, "sure": 10**9})


@pytest.fixture(scope="module")
def curves(mixed_bundle: Bundle, frame: FeatureFrame, segment: Segments) -> Curves:
    """Scores of the awkward rows, the matrix mixed in."""
    return survival_curves(mixed_bundle, frame, segment)


@pytest.fixture(scope="module")
def explanation(mixed_bundle: Bundle, frame: FeatureFrame, curves: Curves) -> Explanation:
    """Their explanation."""
    return explain(mixed_bundle, frame, curves)


def shares(paid: float, segment: str) -> float:
    """Return the share of one row."""
    return float(RULE.model_share(np.array([paid]), np.array([segment], dtype=object))[0])


def test_weights_are_those_worked_by_hand() -> None:
    """2 of 2 + 2 in a segment that is sure, 2 of 2 + 6 in an unseen one, halfway between."""
    assert shares(2, "sure") == pytest.approx(0.5)
    assert shares(2, "unseen") == pytest.approx(0.25)
    assert shares(2, "old") == pytest.approx(0.375)
    assert shares(0, "sure") == pytest.approx(0.0, abs=1e-6)
    assert shares(float("nan"), "unseen") == 0.0


@given(st.integers(0, 400), st.integers(0, 400), st.sampled_from(["sure", "old", "unseen"]))
def test_more_history_never_gives_the_model_less(few: int, more: int, segment: str) -> None:
    """The share rises with the paid invoices and stays in 0 to 1."""
    low, high = sorted((few, more))
    assert 0.0 <= shares(low, segment) <= shares(high, segment) <= 1.0


def test_a_matrix_of_less_than_the_smallest_share_is_left_out() -> None:
    """Then the model answers alone, and nothing is said."""
    share = RULE.model_share(np.array([37.0, 39.0]), np.array(["sure", "sure"], dtype=object))
    assert share[0] <= 1 - SMALLEST_SHARE < share[1] == 1.0
    said = RULE.reasons(share, np.array([37.0, 39.0]), np.array(["sure", "sure"], dtype=object))
    assert said.tolist()[1] == ""
    assert said.tolist()[0].startswith("matrix 5%: the account has paid 37 invoices in a year")


def test_the_words_hold_the_counts() -> None:
    """No invoice, one, and many; segments that were never learnt from."""
    paid = np.array([0.0, 1.0, 2.0])
    segment = np.array(["unseen", "old", "old"], dtype=object)
    said = RULE.reasons(RULE.model_share(paid, segment), paid, segment)
    assert said.tolist() == [
        "matrix 100%: the account has paid no invoices in a year, and none of its segment were "
        "learnt from",
        "matrix 76%: the account has paid 1 invoice in a year, and 50 of its segment were "
        "learnt from",
        "matrix 62%: the account has paid 2 invoices in a year, and 50 of its segment were "
        "learnt from",
    ]


def test_a_negative_k_is_refused() -> None:
    """The message names the number."""
    with pytest.raises(ValueError, match=r"unseen_k must be at least 0, got -1"):
        replace(RULE, unseen_k=-1)


def test_the_curve_is_the_weighted_mean_of_both_curves(
    bundle: Bundle,
    matrix_bundle: Bundle,
    mixed_bundle: Bundle,
    curves: Curves,
    frame: FeatureFrame,
    segment: Segments,
) -> None:
    """At every cut, with the same weight; rows with enough history keep the model's own bytes."""
    alone = survival_curves(bundle, frame, segment)
    usual = survival_curves(matrix_bundle, frame, segment)
    assert mixed_bundle.fallback is not None
    share = mixed_bundle.fallback.model_share(frame.column(PAID_ITEMS), segment)
    modelled = ~np.isnan(curves.margin)
    for column in range(curves.survival.shape[1]):
        mean = share * alone.survival[:, column] + (1 - share) * usual.survival[:, column]
        np.testing.assert_allclose(
            curves.survival[modelled, column], mean[modelled], rtol=1e-12, atol=0
        )
    whole = modelled & (share == 1.0)
    assert whole.any()
    assert curves.survival[whole].tobytes() == alone.survival[whole].tobytes()
    assert ((curves.fallback == "") == whole).all()


def test_a_mixed_curve_never_rises_and_stays_a_probability(curves: Curves) -> None:
    """A mean of falling curves falls."""
    assert (np.diff(curves.survival, axis=1) <= 0).all()
    assert ((curves.survival >= 0) & (curves.survival <= 1)).all()


def test_every_row_says_who_answered(curves: Curves, frame: FeatureFrame) -> None:
    """Residuals the matrix alone; a mixture with its share; the model with silence."""
    residual = frame.items["residual"].to_numpy(dtype=bool)
    assert (curves.fallback[residual] == RESIDUAL_FALLBACK).all()
    assert by_matrix_alone(curves.fallback).tolist() == residual.tolist()
    mixed = [said for said in curves.fallback[~residual] if said]
    assert mixed
    assert all(re.match(r"matrix \d+%: the account has paid ", said) for said in mixed)


def test_the_pull_of_the_matrix_is_a_family_of_its_own(
    bundle: Bundle,
    frame: FeatureFrame,
    segment: Segments,
    curves: Curves,
    explanation: Explanation,
) -> None:
    """It is the mixed probability less the model's; all other families are as without it."""
    alone = survival_curves(bundle, frame, segment)
    pure = explain(bundle, frame, alone)
    place = FAMILY_NAMES.index(MATRIX_FAMILY)
    others = [at for at in range(len(FAMILY_NAMES)) if at != place]
    assert (pure.families[:, place] == 0).all()
    assert explanation.families[:, others].tobytes() == pure.families[:, others].tobytes()
    assert explanation.scale.tobytes() == pure.scale.tobytes()
    np.testing.assert_allclose(
        explanation.probability[:, place], curves.at(30) - alone.at(30), atol=1e-12, rtol=0
    )


def test_base_and_families_sum_to_the_mixed_probability(
    explanation: Explanation, curves: Curves
) -> None:
    """On every row, the matrix's own included."""
    total = explanation.probability_base + explanation.probability.sum(axis=1)
    np.testing.assert_allclose(total, curves.at(30), atol=1e-9, rtol=0)


def test_every_level_adds_up_with_the_matrix(explanation: Explanation, curves: Curves) -> None:
    """Cents to the cent; log-odds and probability of base, features and matrix to the total."""
    collectible = np.random.default_rng(3).integers(1, 10**8, len(curves.margin))
    at_risk = np.rint(collectible * curves.at(30)).astype(np.int64)
    at_risk[::3] = 0
    cents = dollar_parts(explanation, collectible, at_risk)
    assert cents.sum(axis=1).tolist() == at_risk.tolist()
    level = sum_up(parts_of(explanation, cents, collectible))
    matrix = level.families[FAMILY_NAMES.index(MATRIX_FAMILY)]
    assert matrix.cents != 0
    for rows in (level.families, (*level.features, matrix)):
        for unit, total in (
            ("cents", level.at_risk_cents),
            ("probability", level.probability),
            ("log_odds", level.log_odds),
        ):
            found = getattr(level.base, unit) + sum(getattr(row, unit) for row in rows)
            assert found == pytest.approx(total, abs=1e-9)
    dollars = level.probability * level.collectible_cents
    assert level.at_risk_cents == pytest.approx(dollars, abs=len(curves.margin))


def test_a_flat_calibrator_leaves_the_pull_to_the_base(
    mixed_bundle: Bundle, frame: FeatureFrame, segment: Segments
) -> None:
    """Where nothing is carried from log-odds to probability, the sums hold all the same."""
    flat = replace(mixed_bundle.parts["step_1"], calibrator=Calibrator(kind="logistic", a=0, c=1))
    bundle = replace(mixed_bundle, parts={**mixed_bundle.parts, "step_1": flat})
    curves = survival_curves(bundle, frame, segment)
    explanation = explain(bundle, frame, curves)
    total = explanation.probability_base + explanation.probability.sum(axis=1)
    np.testing.assert_allclose(total, curves.at(30), atol=1e-9, rtol=0)
    assert np.isfinite(explanation.families).all()


def test_the_matrix_has_a_sentence_with_the_counts(
    frame: FeatureFrame, curves: Curves, explanation: Explanation
) -> None:
    """Readers see its share and why."""
    evidence = Evidence(
        values=frame.values,
        explanation=explanation,
        invoice_id=frame.items["invoice_id"].to_numpy(dtype=object),
        fallback=curves.fallback,
    )
    mixed = (curves.fallback != "") & ~by_matrix_alone(curves.fallback)
    rows = np.flatnonzero(mixed)[:3]
    said: list[Any] = family_sentences(evidence, rows, MATRIX_FAMILY, np.array([True] * 3))
    for row, sentence in zip(rows.tolist(), said, strict=True):
        share, why = curves.fallback[row].removeprefix("matrix ").split(": ")
        assert sentence == f"The roll-rate matrix has {share} of the answer: {why}"
