"""Tests of survival curves: what falls, what passes through what, and who answers."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from features.ageing import BUCKETS
from features.build import FeatureFrame
from models.bundle import Bundle
from models.profile import Profile
from models.scorer import (
    CUTS,
    MATRIX_FALLBACK,
    RESIDUAL_FALLBACK,
    Curves,
    reach_probabilities,
    survival_at,
    survival_curves,
)

Floats = npt.NDArray[np.float64]
Segments = npt.NDArray[np.object_]


@pytest.fixture(scope="module")
def curves(bundle: Bundle, frame: FeatureFrame, segment: Segments) -> Curves:
    """Scores of the awkward rows."""
    return survival_curves(bundle, frame, segment)


@pytest.fixture(scope="module")
def days(frame: FeatureFrame) -> Floats:
    """Days past due of the awkward rows."""
    return frame.items["days_past_due"].to_numpy(dtype=float)


def test_survival_is_a_probability_that_falls_along_the_cuts(curves: Curves) -> None:
    """1 ≥ S(7) ≥ S(14) ≥ S(30) ≥ S(60) ≥ S(90) ≥ S(120) ≥ 0 on every row."""
    assert ((curves.survival >= 0) & (curves.survival <= 1)).all()
    assert (np.diff(curves.survival, axis=1) <= 0).all()


def test_the_curve_is_the_product_of_the_steps(
    bundle: Bundle, frame: FeatureFrame, curves: Curves
) -> None:
    """S(30·k) = s_1 × … × s_k, each s from its own trees and calibrator."""
    modelled = ~frame.items["residual"].to_numpy()
    product = np.ones(int(modelled.sum()))
    for step in range(1, 5):
        part = bundle.parts[f"step_{step}"]
        margin = part.booster.predict(frame.values[modelled], raw_score=True)
        product = product * part.calibrator.probability(np.asarray(margin))
        np.testing.assert_allclose(curves.at(30 * step)[modelled], product, rtol=1e-12)


def test_the_early_cuts_are_shares_of_what_resolves_within_30_days(
    bundle: Bundle, frame: FeatureFrame, curves: Curves
) -> None:
    """S(14) = 1 − (1 − S(30))·q14 and S(7) = 1 − (1 − S(14))·r7."""
    modelled = ~frame.items["residual"].to_numpy()
    values, share = frame.values[modelled], {}
    for name in ("cut_14", "cut_7"):
        part = bundle.parts[name]
        margin = np.asarray(part.booster.predict(values, raw_score=True))
        share[name] = part.calibrator.probability(margin)
    s30, s14 = curves.at(30)[modelled], curves.at(14)[modelled]
    np.testing.assert_allclose(s14, 1 - (1 - s30) * share["cut_14"], rtol=1e-12)
    np.testing.assert_allclose(curves.at(7)[modelled], 1 - (1 - s14) * share["cut_7"], rtol=1e-12)


def test_residuals_are_answered_by_the_matrix_and_say_so(
    bundle: Bundle, frame: FeatureFrame, segment: Segments, curves: Curves, days: Floats
) -> None:
    """A residual balance was never trained on: no margin, the matrix's rates, a reason."""
    residual = frame.items["residual"].to_numpy()
    assert residual.sum() > 3
    assert (curves.fallback[residual] == RESIDUAL_FALLBACK).all()
    assert (curves.fallback[~residual] == "").all()
    assert np.isnan(curves.margin[residual]).all()
    assert not np.isnan(curves.margin[~residual]).any()
    rates = bundle.profile.rates(segment, days)[residual]
    np.testing.assert_allclose(curves.at(30)[residual], rates[:, 0], rtol=1e-12)
    np.testing.assert_allclose(curves.at(120)[residual], rates[:, :4].prod(axis=1), rtol=1e-12)


def test_a_matrix_bundle_answers_every_row_and_says_so(
    matrix_bundle: Bundle, frame: FeatureFrame, segment: Segments, days: Floats
) -> None:
    """Without trees the roll-rate matrix answers, also for undated items."""
    curves = survival_curves(matrix_bundle, frame, segment)
    assert (curves.fallback == MATRIX_FALLBACK).all()
    assert np.isnan(curves.margin).all()
    rates = matrix_bundle.profile.rates(segment, days)
    np.testing.assert_allclose(curves.at(30), rates[:, 0], rtol=1e-12)


def test_an_item_alone_scores_as_in_the_crowd(
    bundle: Bundle, frame: FeatureFrame, segment: Segments, curves: Curves
) -> None:
    """A row's numbers depend on no other row, to the last bit."""
    for row in (0, 7, 100):
        keep = np.arange(len(frame.items)) == row
        alone = survival_curves(bundle, frame.select(keep), segment[keep])
        assert alone.survival.tobytes() == curves.survival[row].tobytes()


def test_threads_do_not_change_the_numbers(
    bundle: Bundle, frame: FeatureFrame, segment: Segments, curves: Curves
) -> None:
    """Two threads give the bytes of one."""
    again = survival_curves(bundle, frame, segment, threads=2)
    assert again.survival.tobytes() == curves.survival.tobytes()


def test_no_rows_give_no_curves(bundle: Bundle, frame: FeatureFrame) -> None:
    """An account without open items is no error."""
    none = frame.select(np.zeros(len(frame.items), dtype=bool))
    assert survival_curves(bundle, none, np.empty(0, dtype=object)).survival.shape == (0, 6)


def test_other_feature_definitions_are_refused(
    bundle: Bundle, frame: FeatureFrame, segment: Segments
) -> None:
    """A model never reads features it was not trained on."""
    other = replace(bundle, feature_digest="0ther")
    with pytest.raises(ValueError, match=r"reads feature set 0ther.*Train again with `rollrisk"):
        survival_curves(other, frame, segment)


@pytest.mark.parametrize("cut", CUTS)
def test_the_curve_between_cuts_passes_through_the_cuts(
    bundle: Bundle, curves: Curves, segment: Segments, days: Floats, cut: int
) -> None:
    """S(d) at a cut is the model's own value there, also for undated items."""
    dated = ~np.isnan(days)
    ahead = np.full(len(days), float(cut))
    got = survival_at(bundle, curves, segment, days, ahead)
    np.testing.assert_allclose(got[dated], curves.at(cut)[dated], rtol=1e-12)


def test_the_curve_between_cuts_never_rises(
    bundle: Bundle, curves: Curves, segment: Segments, days: Floats
) -> None:
    """Day by day from 1 at today to 120 days on, through stretches with no hazard at all."""
    before = np.ones(len(days))
    for day in range(1, 121):
        here = survival_at(bundle, curves, segment, days, np.full(len(days), float(day)))
        dated = ~np.isnan(days)
        assert (here[dated] <= before[dated] + 1e-12).all()
        assert (here[dated] >= 0).all()
        before = here


def test_beyond_120_days_nothing_is_answered_and_today_is_certain(
    bundle: Bundle, curves: Curves, segment: Segments, days: Floats
) -> None:
    """NaN beyond the last cut, 1 at and before today."""
    for ahead, expected in ((120.5, np.nan), (0.0, 1.0), (-10.0, 1.0), (np.nan, np.nan)):
        got = survival_at(bundle, curves, segment, days, np.full(len(days), ahead))
        np.testing.assert_array_equal(got, np.full(len(days), expected))


@given(st.lists(st.floats(-8, 8), min_size=6, max_size=6), st.integers(-119, 365))
def test_any_rates_give_a_falling_curve(
    profile: Profile, margins: list[float], days_past_due: int
) -> None:
    """Whatever the six parts answer, the curve falls and stays a probability."""
    table = {"*": [expit(margins).tolist()] * 7}
    whatever = Bundle(
        parts={},
        feature_names=(),
        feature_digest="x",
        profile=replace(profile, matrix=table),
    )
    days = np.full(121, float(days_past_due))
    rates = whatever.profile.rates(np.full(121, "", dtype=object), days)
    steps = np.cumprod(rates[:, :4], axis=1)
    early = 1 - (1 - steps[:, :1]) * np.column_stack([rates[:, 4] * rates[:, 5], rates[:, 4]])
    curves = Curves(
        survival=np.column_stack([early, steps]),
        margin=np.full(121, np.nan),
        fallback=np.full(121, "", dtype=object),
    )
    got = survival_at(
        whatever, curves, np.full(121, "", dtype=object), days, np.arange(121, dtype=float)
    )
    assert got[0] == 1.0
    assert (np.diff(got) <= 1e-12).all()
    assert ((got >= 0) & (got <= 1)).all()


@pytest.fixture(scope="module")
def reach(bundle: Bundle, curves: Curves, segment: Segments, days: Floats) -> dict[str, Floats]:
    """P(reaching each bucket) of the awkward rows."""
    return reach_probabilities(bundle, curves, segment, days)


def test_a_bucket_already_reached_has_probability_one(
    reach: dict[str, Floats], days: Floats
) -> None:
    """There or beyond: certain. One day short: not certain."""
    for edge, bucket in ((0, "1-30"), (30, "31-60"), (60, "61-90"), (90, "91+")):
        assert (reach[bucket][days > edge] == 1.0).all()
        short = (days <= edge - 1) & ~np.isnan(reach[bucket])
        assert (reach[bucket][short] < 1.0).all()


def test_a_bucket_more_than_120_days_ahead_is_not_answered(
    reach: dict[str, Floats], days: Floats
) -> None:
    """Missing exactly beyond the model's last cut and for undated items."""
    for edge, bucket in ((0, "1-30"), (30, "31-60"), (60, "61-90"), (90, "91+")):
        missing = np.isnan(reach[bucket])
        assert (missing == ((edge - days > 120) | np.isnan(days))).all()


def test_an_older_bucket_is_never_likelier_to_be_reached(reach: dict[str, Floats]) -> None:
    """P(reach) never rises from bucket to bucket."""
    columns = np.column_stack([reach[bucket] for bucket in BUCKETS[1:]])
    known = ~np.isnan(columns).any(axis=1)
    assert known.sum() > 50
    assert (np.diff(columns[known], axis=1) <= 1e-12).all()


def test_reaching_is_surviving_to_the_bucket_edge(
    curves: Curves, days: Floats, reach: dict[str, Floats]
) -> None:
    """An item due today reaches 31-60 unless it is resolved within 30 days."""
    today = days == 0
    assert today.any()
    np.testing.assert_allclose(reach["31-60"][today], curves.at(30)[today], rtol=1e-12)


def test_days_ahead_that_failed_their_backtest_are_not_answered(
    bundle: Bundle, curves: Curves, segment: Segments, days: Floats
) -> None:
    """Within the bounds as before, outside missing, and 1 for items that are there."""
    bounded = replace(
        bundle, profile=replace(bundle.profile, reach_bounds={"1-30": [0, 14], "91+": [0, 60]})
    )
    reach = reach_probabilities(bounded, curves, segment, days)
    free = reach_probabilities(bundle, curves, segment, days)
    inside = (days > -15) | np.isnan(days)
    np.testing.assert_array_equal(reach["1-30"][inside], free["1-30"][inside])
    assert np.isnan(reach["1-30"][~inside]).all()
    assert np.isnan(reach["91+"][days < 30]).all()
    assert (reach["91+"][days > 90] == 1).all()
    np.testing.assert_array_equal(reach["31-60"], free["31-60"])


def test_a_frame_scores_the_same_in_any_row_order(
    bundle: Bundle,
    frame: FeatureFrame,
    segment: Segments,
    curves: Curves,
) -> None:
    """Turning the rows round turns the scores round."""
    turned = FeatureFrame(
        items=frame.items.iloc[::-1].reset_index(drop=True),
        values=frame.values[::-1].copy(),
        names=frame.names,
        digest=frame.digest,
    )
    again = survival_curves(bundle, turned, segment[::-1])
    assert again.survival[::-1].tobytes() == curves.survival.tobytes()
