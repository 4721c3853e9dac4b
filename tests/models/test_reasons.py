"""Tests of reasons: words that fit the sign, dollars that sum to the cent."""

from datetime import timedelta

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.build import FeatureFrame, feature_frame
from features.catalogue import CATALOGUE, FAMILIES, MODEL_FEATURES
from features.ledger.read import Ledger
from models.bundle import Bundle
from models.explain import FAMILY_NAMES, Explanation, dollar_parts, explain
from models.reasons import (
    AGE_FAMILY,
    BASE,
    OTHER,
    Evidence,
    Reason,
    account_reasons,
    family_sentences,
    format_value,
    sentence,
    top_reasons,
)
from models.scorer import survival_curves

Cents = npt.NDArray[np.int64]
Segments = npt.NDArray[np.object_]


@pytest.fixture(scope="module")
def explanation(bundle: Bundle, frame: FeatureFrame, segment: Segments) -> Explanation:
    """Explanation of the awkward rows."""
    return explain(bundle, frame, survival_curves(bundle, frame, segment))


@pytest.fixture(scope="module")
def evidence(
    bundle: Bundle, frame: FeatureFrame, segment: Segments, explanation: Explanation
) -> Evidence:
    """What sentences are made from."""
    return Evidence(
        values=frame.values,
        explanation=explanation,
        invoice_id=frame.items["invoice_id"].to_numpy(dtype=object),
        fallback=survival_curves(bundle, frame, segment).fallback,
    )


@pytest.fixture(scope="module")
def cents(explanation: Explanation) -> Cents:
    """Cents at risk by family on random balances."""
    collectible = np.random.default_rng(4).integers(0, 10**7, len(explanation.base))
    p = explanation.probability_base + explanation.probability.sum(axis=1)
    return dollar_parts(explanation, collectible, np.rint(collectible * p).astype(np.int64))


@pytest.fixture(scope="module")
def group(frame: FeatureFrame) -> Cents:
    """Account of each row."""
    return np.unique(frame.items["account_id"], return_inverse=True)[1]


@pytest.fixture(scope="module")
def reasons(evidence: Evidence, cents: Cents, group: Cents) -> list[list[Reason]]:
    """Reasons of every account."""
    return account_reasons(evidence, cents, group, int(group.max()) + 1)


def in_cents(rows: list[Reason]) -> int:
    """Sum dollars as whole cents."""
    return sum(round(row["dollars"] * 100) for row in rows)


def test_reasons_sum_to_the_dollars_at_risk_of_every_account_and_the_portfolio(
    reasons: list[list[Reason]], cents: Cents, group: Cents
) -> None:
    """To the cent at every level."""
    for account, rows in enumerate(reasons):
        assert in_cents(rows) == cents[group == account].sum()
    assert sum(in_cents(rows) for rows in reasons) == cents.sum()


def test_families_are_ordered_by_dollars_then_age_then_base(
    reasons: list[list[Reason]],
) -> None:
    """Ageing of the bucket is shown apart, after behaviour and before the base."""
    for rows in reasons:
        names = [row["family"] for row in rows]
        assert len(set(names)) == len(names)
        assert names[-1] == BASE
        behaviour = [row for row in rows if row["family"] not in (AGE_FAMILY, BASE)]
        dollars = [row["dollars"] for row in behaviour]
        assert dollars == sorted(dollars, reverse=True)
        if AGE_FAMILY in names:
            assert names.index(AGE_FAMILY) == len(names) - 2


def test_the_sentence_speaks_of_a_feature_that_pushes_the_same_way(
    evidence: Evidence, frame: FeatureFrame
) -> None:
    """The family's loudest feature in the asked direction is named with its value."""
    rows = np.arange(30)
    for family in ("payment_timing", "item_age", "exposure"):
        for rising in (True, False):
            said = family_sentences(evidence, rows, family, np.full(len(rows), rising))
            for row, text in zip(rows, said, strict=True):
                pushes = {}
                for index, feature in enumerate(MODEL_FEATURES):
                    value = float(frame.values[row, index])
                    silent = np.isnan(value) or (feature.unit == "flag" and value != 1)
                    if feature.family == family and not silent:
                        push = evidence.explanation.features[row, index]
                        invoice = str(evidence.invoice_id[row])
                        pushes[sentence(feature, value, invoice)] = push if rising else -push
                assert pushes[text] == max(pushes.values())


def test_a_family_with_nothing_on_record_says_so(
    evidence: Evidence, explanation: Explanation
) -> None:
    """Missing values speak no sentence of their own."""
    empty = Evidence(
        values=np.full_like(evidence.values, np.nan),
        explanation=explanation,
        invoice_id=evidence.invoice_id,
        fallback=evidence.fallback,
    )
    said = family_sentences(empty, np.array([0]), "returns", np.array([True]))
    assert said == [f"{FAMILIES['returns']}: nothing is on record"]


def test_every_feature_has_a_sentence_for_every_valid_value() -> None:
    """No template breaks, and none shows a raw float."""
    for feature in MODEL_FEATURES:
        values = [1.0, 2.0] if feature.unit in ("flag", "code") else [0.0, 0.456, 1234.5]
        for value in values:
            text = sentence(feature, value, "INV-1")
            assert text.startswith(("Invoice INV-1 ", "The account "))
            assert "{" not in text
            shown = "{value}" not in feature.sentence or format_value(feature, value) in text
            assert shown or (feature.name == "days_past_due" and value == 0)


def test_values_below_zero_are_said_in_words(simulated_ledger: Ledger) -> None:
    """Every feature that takes them has words for them; shares that change keep their sign."""
    last = simulated_ledger.manifest.known_through
    frame = feature_frame(simulated_ledger, [last, last - timedelta(days=200)])
    below = {name for name in frame.names if np.nanmin(frame.column(name), initial=0) < 0}
    assert "days_beyond_usual" in below
    for feature in CATALOGUE:
        if feature.below_zero:
            assert "-" not in sentence(feature, -3.4, "I"), feature.name
        else:
            assert feature.name not in below or feature.unit == "change"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("days_past_due", 1, "Invoice I is 1 day past due"),
        ("days_past_due", -1, "Invoice I falls due in 1 day"),
        ("business_days_past_due", 1, "Invoice I is 1 business day past due"),
        ("dbt_mean_365", 21, "The account paid 21 days beyond terms in a year"),
        ("dbt_mean_365", -0.3, "The account paid 0 days beyond terms in a year"),
        ("dbt_slope_10", -1.0, "The account pays 1.0 days sooner each month, over its last ten"),
        ("past_due_share_change_30", -0.25, "The account has a late share of its balance that"),
    ],
)
def test_sentences_read_well(name: str, value: float, said: str) -> None:
    feature = next(one for one in CATALOGUE if one.name == name)
    assert sentence(feature, value, "I").startswith(said)


amounts = st.integers(-(10**9), 10**9).map(lambda cents: cents / 100)


@given(
    st.lists(amounts, max_size=len(FAMILY_NAMES)), st.one_of(st.none(), amounts), st.integers(0, 20)
)
def test_the_top_reasons_keep_the_sum(dollars: list[float], base: float | None, count: int) -> None:
    """What is not shown is in ``other``; the base stands last; nothing is lost."""
    rows = [
        Reason(family=family, sentence=family, dollars=value)
        for family, value in zip(FAMILY_NAMES, dollars, strict=False)
    ]
    if base is not None:
        rows.append(Reason(family=BASE, sentence="base", dollars=base))
    shown = top_reasons(rows, count)
    assert in_cents(shown) == in_cents(rows)
    names = [row["family"] for row in shown]
    assert names[: min(count, len(dollars))] == list(FAMILY_NAMES[: min(count, len(dollars))])
    assert (OTHER in names) == (len(dollars) > count)
    assert (BASE in names) == (base is not None)
