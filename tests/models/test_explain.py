"""Tests of explanations: everything sums, in log-odds, in probability and in cents."""

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stnp

from features.build import FeatureFrame
from features.catalogue import MODEL_FEATURES, MODEL_NAMES, NAMES
from models.bundle import Bundle
from models.calibrator import Calibrator
from models.explain import FAMILY_NAMES, Explanation, dollar_parts, explain, settle_cents
from models.scorer import Curves, survival_curves

Floats = npt.NDArray[np.float64]
Segments = npt.NDArray[np.object_]


@pytest.fixture(scope="module")
def curves(bundle: Bundle, frame: FeatureFrame, segment: Segments) -> Curves:
    """Scores of the awkward rows."""
    return survival_curves(bundle, frame, segment)


@pytest.fixture(scope="module")
def explanation(bundle: Bundle, frame: FeatureFrame, curves: Curves) -> Explanation:
    """Their explanation."""
    return explain(bundle, frame, curves)


def test_base_and_families_sum_to_the_margin(explanation: Explanation, curves: Curves) -> None:
    """Log-odds of step 1 before calibration, on every row that the trees scored."""
    modelled = ~np.isnan(curves.margin)
    total = explanation.base + explanation.families.sum(axis=1)
    np.testing.assert_allclose(total[modelled], curves.margin[modelled], atol=1e-9, rtol=0)


def test_families_are_sums_of_their_features(explanation: Explanation) -> None:
    """Every feature belongs to exactly one family."""
    for place, family in enumerate(FAMILY_NAMES):
        members = [i for i, feature in enumerate(MODEL_FEATURES) if feature.family == family]
        expected = explanation.features[:, members].sum(axis=1)
        np.testing.assert_allclose(explanation.families[:, place], expected, atol=1e-12)


def test_probability_parts_sum_to_the_calibrated_probability(
    explanation: Explanation, curves: Curves
) -> None:
    """Base and families in probability points give p, matrix rows included."""
    total = explanation.probability_base + explanation.probability.sum(axis=1)
    np.testing.assert_allclose(total, curves.at(30), atol=1e-9, rtol=0)


def test_probability_parts_keep_the_proportions_of_the_log_odds(
    explanation: Explanation, curves: Curves
) -> None:
    """The rescale rule: one positive factor per row, the slope of the chord."""
    modelled = ~np.isnan(curves.margin)
    gap = curves.margin - explanation.base
    scale = (curves.at(30) - explanation.probability_base) / gap
    far = modelled & (np.abs(gap) > 1e-6)
    assert (scale[far] >= 0).all()
    np.testing.assert_allclose(
        explanation.probability[far], explanation.families[far] * scale[far, None], rtol=1e-9
    )


def test_where_margin_meets_base_the_slope_carries_the_parts(
    bundle: Bundle, frame: FeatureFrame, curves: Curves
) -> None:
    """Contributions that cancel keep their signs and sizes, they do not divide by zero."""
    base = explain(bundle, frame, curves).base
    row = int(np.flatnonzero(~np.isnan(curves.margin))[0])
    margin = curves.margin.copy()
    margin[row] = base[row]
    survival = curves.survival.copy()
    calibrator = bundle.parts["step_1"].calibrator
    survival[row, 2] = calibrator.probability(base[row : row + 1])[0]
    met = explain(bundle, frame, replace(curves, margin=margin, survival=survival))
    slope = calibrator.slope(base[row : row + 1])[0]
    np.testing.assert_allclose(met.probability[row], met.families[row] * slope, rtol=1e-12)


def test_rows_of_the_matrix_have_no_contributions(explanation: Explanation, curves: Curves) -> None:
    """Their base is the whole probability."""
    matrix = np.isnan(curves.margin)
    assert matrix.any()
    assert (explanation.families[matrix] == 0).all()
    assert (explanation.probability_base[matrix] == curves.at(30)[matrix]).all()
    np.testing.assert_allclose(
        1 / (1 + np.exp(-explanation.base[matrix])), curves.at(30)[matrix], rtol=1e-9
    )


def test_contributions_equal_those_of_the_shap_package(
    bundle: Bundle, frame: FeatureFrame, explanation: Explanation, curves: Curves
) -> None:
    """LightGBM's pred_contrib is shap.TreeExplainer, feature by feature."""
    with warnings.catch_warnings():
        # Importing shap draws up colour maps in a way that matplotlib will retire.
        warnings.filterwarnings("ignore", "The set_.* function", PendingDeprecationWarning)
        import shap

    rows = np.flatnonzero(~np.isnan(curves.margin))[:40]
    explainer = shap.TreeExplainer(bundle.parts["step_1"].booster)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "LightGBM binary classifier", UserWarning)
        values: Any = explainer.shap_values(frame.values[rows])
    np.testing.assert_allclose(explanation.features[rows], values, atol=1e-9, rtol=0)
    expected = np.broadcast_to(explainer.expected_value, len(rows))
    np.testing.assert_allclose(explanation.base[rows], expected, atol=1e-9, rtol=0)


def test_features_that_a_model_does_not_read_contribute_nothing(
    bundle: Bundle, frame: FeatureFrame, segment: Segments
) -> None:
    """A model on a few columns is explained in the catalogue's columns."""
    import lightgbm

    from models.bundle import make_part

    few = (NAMES[0], NAMES[5])
    values = np.nan_to_num(frame.matrix(few))
    y = (values[:, 0] > np.median(values[:, 0])).astype(float)
    data = lightgbm.Dataset(values, label=y, feature_name=list(few), params={"verbosity": -1})
    text = lightgbm.train(
        {"objective": "binary", "verbosity": -1, "num_threads": 1}, data, num_boost_round=3
    ).model_to_string()
    parts = {name: make_part(text, Calibrator()) for name in bundle.parts}
    narrow = replace(bundle, parts=parts, feature_names=few)
    curves = survival_curves(narrow, frame, segment)
    explanation = explain(narrow, frame, curves)
    unread = [i for i, name in enumerate(MODEL_NAMES) if name not in few]
    assert (explanation.features[:, unread] == 0).all()
    modelled = ~np.isnan(curves.margin)
    total = explanation.base + explanation.features.sum(axis=1)
    np.testing.assert_allclose(total[modelled], curves.margin[modelled], atol=1e-9, rtol=0)


def test_threads_do_not_change_an_explanation(
    bundle: Bundle, frame: FeatureFrame, curves: Curves, explanation: Explanation
) -> None:
    """Two threads give the bytes of one."""
    again = explain(bundle, frame, curves, threads=2)
    assert again.features.tobytes() == explanation.features.tobytes()


parts_and_totals = st.integers(1, 9).flatmap(
    lambda size: stnp.arrays(
        np.float64,
        (4, size),
        elements=st.floats(-1e9, 1e9, allow_nan=False).map(lambda value: round(value, 3)),
    )
)


@given(parts_and_totals)
def test_settled_cents_sum_to_the_total_and_move_less_than_a_cent(exact: Floats) -> None:
    """Largest remainder: rows sum exactly, no part moves by more than one cent."""
    total = np.rint(exact.sum(axis=1)).astype(np.int64)
    settled = settle_cents(exact, total)
    assert settled.sum(axis=1).tolist() == total.tolist()
    assert (np.abs(settled - exact) <= 1 + 1e-6).all()


@given(st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=9))
def test_whole_cents_are_left_as_they_are(whole: list[int]) -> None:
    """Nothing is rounded where nothing needs to be."""
    exact = np.array([whole], dtype=float)
    assert settle_cents(exact, np.array([sum(whole)])).tolist() == [whole]


def test_ties_go_to_the_first_part() -> None:
    """The rule is stable, so the same inputs give the same cents everywhere."""
    settled = settle_cents(np.array([[0.5, 0.5, 0.5, 0.5]]), np.array([2]))
    assert settled.tolist() == [[1, 1, 0, 0]]


def test_dollar_parts_sum_to_the_dollars_at_risk(explanation: Explanation, curves: Curves) -> None:
    """To the cent on every item, zero where nothing is at risk."""
    rng = np.random.default_rng(3)
    collectible = rng.integers(0, 10**8, len(curves.margin))
    at_risk = np.rint(collectible * curves.at(30)).astype(np.int64)
    at_risk[::3] = 0
    cents = dollar_parts(explanation, collectible, at_risk)
    assert cents.shape == (len(at_risk), len(FAMILY_NAMES) + 1)
    assert cents.sum(axis=1).tolist() == at_risk.tolist()
    assert (cents[::3] == 0).all()
