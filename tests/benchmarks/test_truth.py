"""Distance to the truth: what is closed, the slope, and the hidden state of the right items."""

from datetime import date

import numpy as np
import pytest

from benchmarks.hidden import ACCOUNT, MOMENT, hidden_state
from benchmarks.truth import MODEL, expected_loss, gap_closed, over_seeds, true_slope
from features.sources.simulated import SimulationConfig, simulate, true_probabilities


def test_the_truth_closes_the_gap_and_the_best_baseline_none_of_it() -> None:
    """The share is 1 for the truth itself, 0 for the best baseline, in between for a blend."""
    q = np.random.default_rng(1).uniform(0.05, 0.95, 500)
    constant = np.full(500, q.mean())
    rows = np.ones(500, dtype=bool)
    for own, low, high in ((q, 1.0, 1.0), (constant, 0.0, 0.0), ((q + constant) / 2, 0.4, 0.95)):
        found = gap_closed(q, {MODEL: own, "constant": constant, "worse": 1 - q}, rows)
        assert low - 1e-9 <= found["closed"][MODEL] <= high + 1e-9
        assert found["best_baseline"] == found["losses"]["constant"]
    assert expected_loss(q, q) < expected_loss(q, constant)


def test_probabilities_drawn_together_have_a_slope_above_one() -> None:
    """Log-odds halved double the slope."""
    q = np.random.default_rng(2).uniform(0.05, 0.95, 500)
    timid = 1 / (1 + np.sqrt((1 - q) / q))
    assert true_slope(q, q) == pytest.approx(1.0, abs=0.01)
    assert true_slope(q, timid) == pytest.approx(2.0, abs=0.02)


def test_seeds_are_weighed_by_their_rows() -> None:
    """Three rows of one seed weigh three times one row of another."""
    part = {"truth": 0.4, "best_baseline": 0.6, "slope": 1.0, "closed": {MODEL: 0.5}}
    runs = [
        {"steps": {"30": {"all": part | {"rows": rows, "losses": {MODEL: loss}}}}}
        for rows, loss in ((3, 0.5), (1, 0.58))
    ]
    found = over_seeds(runs)["30"]["all"]
    assert found["losses"][MODEL] == pytest.approx(0.52)
    assert found["closed"][MODEL] == pytest.approx(0.4)
    assert found["rows"] == 4


def test_the_hidden_state_is_that_of_the_open_items() -> None:
    """Every item with a true probability has a hidden state of its own account's kind."""
    simulation = simulate(SimulationConfig(accounts=25, months=6, seed=5))
    day = date(2023, 6, 15)
    truth = true_probabilities(simulation, [day]).to_pandas()
    state = hidden_state(simulation, [day]).loc[str(day)]
    assert set(truth["invoice_id"]) == set(state.index)
    assert list(state.columns) == [*ACCOUNT, *MOMENT]
    kinds = truth.set_index("invoice_id")["payer_type"].groupby(state["kind"]).nunique()
    assert (kinds == 1).all()
