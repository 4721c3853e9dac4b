"""Tests of the model card: it says what the bundle says, in both forms, and escapes it."""

from dataclasses import replace

import numpy as np
import pytest

from features.ageing import bucket_names
from models.bundle import Bundle
from models.card import card_html, card_markdown, model_card
from tests.trained import Installation


def test_a_card_holds_windows_figures_and_duties(installation: Installation) -> None:
    """Every baseline's figures, the data window, the digests and the note on natural persons."""
    bundle = installation.trained.bundle
    card = model_card(bundle)
    for text in (card_markdown(card), card_html(card)):
        for name in bundle.facts["metrics"]:
            assert name in text
        assert str(bundle.facts["trained_until"]) in text
        assert bundle.feature_digest in text
        assert installation.ledger.digest[:16] in text
        assert "GDPR Art. 22" in text
        assert "Point-in-time unproven" not in text
    assert f"{bundle.facts['metrics']['rollrisk']['log_loss']:.4f}" in card_markdown(card)


def test_unproven_clocks_and_a_forced_verdict_stand_on_it(bundle: Bundle) -> None:
    """What a reader must know before believing the figures."""
    facts = {**bundle.facts, "point_in_time_unproven": ["applications"]}
    verdict = {
        "passed": False,
        "at": "2025-01-02",
        "forced_because": "audit",
        "forced_by": "kim",
        "unjudged": ["segments"],
        "rules": [{"name": "a rule", "value": None, "bound": "< 1", "holds": False}],
    }
    text = card_markdown(model_card(replace(bundle, facts=facts), verdict))
    assert "**Point-in-time unproven:** applications" in text
    assert "Overruled by kim at 2025-01-02: audit Not judged: segments." in text
    assert "| a rule | – | &lt; 1 | broken |" in text or r"| a rule | – | \< 1 | broken |" in text


def test_text_from_a_ledger_stays_text(bundle: Bundle) -> None:
    """A segment called like markup is shown, not obeyed."""
    matrix = {**bundle.profile.matrix, "<b>|x": bundle.profile.matrix["*"]}
    odd = replace(bundle, profile=replace(bundle.profile, matrix=matrix))
    assert r"\<b>\|x" in card_markdown(model_card(odd))
    assert "&lt;b&gt;|x" in card_html(model_card(odd))


def test_the_matrix_alone_has_a_card(matrix_bundle: Bundle) -> None:
    """Without figures it says what it is."""
    text = card_markdown(model_card(matrix_bundle))
    assert "roll-rate matrix alone" in text


def test_what_little_history_costs_stands_on_the_card(installation: Installation) -> None:
    """Every k that was tried, and what was chosen of them."""
    bundle = installation.trained.bundle
    text = card_markdown(model_card(bundle))
    assert "Little history: the roll-rate matrix mixed in" in text
    choice = bundle.facts["fallback"]
    for k, found in choice["known"].items():
        assert f"| {k} | {found['difference']:+.4f} " in text
    assert f"Chosen: {choice['known_k']:g} where the segment was learnt from" in text


def test_figures_by_segment_and_bucket_are_those_of_the_test_window(
    installation: Installation,
) -> None:
    """Rows, unresolved and expected shares, counted anew from the judged rows."""
    trained = installation.trained
    text = card_markdown(model_card(trained.bundle))
    y, p = trained.test.target("step_1"), trained.probabilities["rollrisk"]
    for kind, names in (
        ("segment", trained.test.segment),
        ("bucket", bucket_names(trained.test.frame.bucket)),
    ):
        assert f"## Figures by {kind} on the test window" in text
        for name in np.unique(names.astype(str)):
            here = names == name
            figures = f"{here.sum():,} | {y[here].mean():.1%} | {p[here].mean():.1%}"
            shown = name.replace("_", r"\_") or f"no {kind}"
            assert f"| {shown} | {figures} |" in text


def test_the_rows_of_all_segments_are_those_that_were_judged(installation: Installation) -> None:
    """Nothing is left out, and log-losses weigh up to the model's own."""
    facts = installation.trained.bundle.facts
    own = facts["metrics"]["rollrisk"]
    for rows in facts["monitor"]["slices"].values():
        assert sum(row["rows"] for row in rows) == own["rows"]
        whole = sum(row["rows"] * row["log_loss"] for row in rows) / own["rows"]
        assert whole == pytest.approx(own["log_loss"])


def test_models_of_before_have_a_card_without_these_figures(installation: Installation) -> None:
    """Neither a reference without them nor none at all is an error."""
    bundle = installation.trained.bundle
    reference = {key: value for key, value in bundle.facts["monitor"].items() if key != "slices"}
    for facts in (
        {**bundle.facts, "monitor": reference},
        {key: value for key, value in bundle.facts.items() if key != "monitor"},
    ):
        text = card_markdown(model_card(replace(bundle, facts=facts)))
        assert "Figures by" not in text
        assert "## Segments" in text
