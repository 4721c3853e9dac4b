"""Tests of the choice of how much history an account needs."""

from dataclasses import replace

import lightgbm
import numpy as np
import numpy.typing as npt
import pytest

from models.fallback import PAID_ITEMS
from models.scorer import survival_curves
from tests.trained import small_trained
from tests.training.judged import fixed_config, honest, judged
from training.baselines import matrix_rates
from training.dataset import Dataset
from training.fallback import (
    DEFAULT_UNSEEN_K,
    TRIED_K,
    UNJUDGED,
    choose_fallback,
    compare_mixtures,
    make_fallback,
    thinning,
)
from training.hazard import shared_bins

Floats = npt.NDArray[np.float64]
ROUNDS = 10


@pytest.fixture(scope="module")
def fresh() -> Dataset:
    """Rows after what was learnt from, outcomes known."""
    after = judged().data.between(judged().after, None)
    return after.select(~np.isnan(after.target("step_1")))


def bins() -> lightgbm.Dataset:
    """What was learnt from, in bins."""
    return shared_bins(judged().past, fixed_config())


@pytest.fixture(scope="module")
def p(fresh: Dataset) -> Floats:
    """What an honest model says of them."""
    alone = replace(honest(), fallback=None)
    return survival_curves(alone, fresh.frame, fresh.segment).at(30)


def test_a_model_that_is_better_for_new_accounts_answers_alone(fresh: Dataset, p: Floats) -> None:
    """No k above 0 is surely better, so it stays at 0; segments left out have their evidence."""
    found = choose_fallback(judged().past, fresh, p, fixed_config(), ROUNDS, bins())
    assert found.known_k == 0.0
    assert found.unseen_k in TRIED_K
    assert set(found.known) == set(found.unseen) == {f"{k:g}" for k in TRIED_K}
    assert found.segments
    assert set(found.segments) <= set(fresh.segment)
    again = choose_fallback(judged().past, fresh, p, fixed_config(), ROUNDS, bins())
    assert again == found


def test_a_model_that_knows_nothing_of_new_accounts_leans_on_the_matrix(
    fresh: Dataset, p: Floats
) -> None:
    """Noise for accounts of fewer than ten paid invoices: some k above 0 wins surely."""
    paid = np.nan_to_num(fresh.frame.column(PAID_ITEMS))
    noise = np.random.default_rng(5).choice([0.02, 0.98], len(p))
    found = choose_fallback(
        judged().past, fresh, np.where(paid < 10, noise, p), fixed_config(), ROUNDS, bins()
    )
    assert found.known_k > 0
    assert found.known[f"{found.known_k:g}"].high < 0


def test_differences_are_those_of_log_losses_worked_out_plainly(fresh: Dataset, p: Floats) -> None:
    """Log-loss of n/(n + k) × model + the rest × matrix, minus that of the model."""
    usual = matrix_rates(judged().past, fresh)
    y, paid = fresh.target("step_1"), np.nan_to_num(fresh.frame.column(PAID_ITEMS))
    mixed = (paid * p + 2 * usual) / (paid + 2)

    def loss(q: Floats) -> float:
        return float(-np.log(np.clip(np.where(y == 1, q, 1 - q), 1e-4, 1 - 1e-4)).mean())

    found = compare_mixtures(fresh, p, usual, (2.0,), 1)[2.0]
    assert found.difference == pytest.approx(loss(mixed) - loss(p), abs=1e-12)
    assert found.low <= found.difference <= found.high


def test_without_outcomes_of_both_kinds_nothing_is_chosen(fresh: Dataset, p: Floats) -> None:
    """The model answers alone where it has learnt from the segment; else the default."""
    open_only = fresh.target("step_1") == 1
    found = choose_fallback(
        judged().past, fresh.select(open_only), p[open_only], fixed_config(), ROUNDS, bins()
    )
    assert found == UNJUDGED
    assert (found.known_k, found.unseen_k) == (0.0, DEFAULT_UNSEEN_K)


def test_a_segment_counts_the_invoices_it_was_learnt_from(fresh: Dataset) -> None:
    """Each once, however many dates show it."""
    rule = make_fallback(UNJUDGED, fresh)
    for name in set(fresh.segment):
        ids = fresh.frame.items["invoice_id"][fresh.segment == name]
        assert rule.segment_items[name] == ids.nunique()


def test_thinning_keeps_whole_invoices(fresh: Dataset) -> None:
    """An invoice is in on all its dates or on none, and about as many rows stay as asked."""
    every = np.ones(len(fresh), dtype=bool)
    few = fresh.select(thinning(fresh, len(fresh) // 3, every))
    kept = set(few.frame.items["invoice_id"])
    assert len(few) == fresh.frame.items["invoice_id"].isin(kept).sum()
    assert len(few) == pytest.approx(len(fresh) / 3, rel=0.3)
    assert thinning(fresh, len(fresh), every).all()
    some = fresh.segment == fresh.segment[0]
    assert not thinning(fresh, len(fresh) // 10, some)[~some].any()


def test_the_recipe_stores_the_choice_and_its_evidence() -> None:
    """In the bundle as a rule, in its facts with the figures behind it."""
    trained = small_trained()
    rule, choice = trained.bundle.fallback, trained.choices.fallback
    assert rule is not None
    assert (rule.known_k, rule.unseen_k) == (choice.known_k, choice.unseen_k)
    assert trained.bundle.facts["fallback"]["known_k"] == choice.known_k
    assert choice.known
    assert set(rule.segment_items) >= set(choice.segments)
