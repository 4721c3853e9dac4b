"""The written probabilities are those the ledger was drawn from."""

from collections.abc import Callable
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from features.sources.simulated import (
    Simulation,
    SimulationConfig,
    simulate,
    true_probabilities,
)

Judge = Callable[[Simulation, date], pa.Table]
Floats = npt.NDArray[np.float64]

AS_OF = date(2023, 8, 31)
CONFIG = SimulationConfig(accounts=20_000, months=13, seed=2)
STEPS = (30, 60, 90, 120)
LARGEST_Z = 4.0
"""Of 160 comparisons the largest stays below 4 with probability 0.99 when the truth is true."""


@pytest.fixture(scope="module")
def truth() -> pa.Table:
    return true_probabilities(simulate(CONFIG), [AS_OF]).sort_by("invoice_id")


def z_score(outcome: Floats, chance: Floats, account: npt.NDArray[np.int64]) -> float:
    """Realised minus expected in standard deviations; items of an account move together."""
    surprise = np.bincount(account, weights=outcome - chance)
    binomial = float((chance * (1 - chance)).sum())
    return float(surprise.sum() / np.sqrt(max(float((surprise**2).sum()), binomial, 1e-9)))


def largest_z(truth: pa.Table, outcomes: pa.Table, suffix: str, shift: float = 0.0) -> float:
    """Return the largest deviation over steps, deciles of the truth and payer types."""
    assert truth["invoice_id"].equals(outcomes["invoice_id"])
    account = truth["account_id"].combine_chunks().dictionary_encode().indices.to_numpy()
    kinds = truth["payer_type"].combine_chunks().dictionary_encode().indices.to_numpy()
    worst = 0.0
    for days in STEPS:
        chance = truth[f"p_open_{days}{suffix}"].to_numpy() + shift
        outcome = outcomes[f"open_{days}"].to_numpy().astype(float)
        decile = np.argsort(np.argsort(chance, kind="stable")) * 10 // len(chance)
        groups = [decile == i for i in range(10)] + [kinds == i for i in range(kinds.max() + 1)]
        scores = [z_score(outcome[g], chance[g], account[g]) for g in groups]
        worst = max(worst, *np.abs(scores))
    return worst


def test_realised_outcomes_match_the_truth_by_decile_and_payer_type(
    truth: pa.Table, judge: Judge
) -> None:
    """On 20,000 accounts the ledger's outcomes lie within binomial bounds of the truth."""
    outcomes = judge(simulate(CONFIG), AS_OF)
    assert largest_z(truth, outcomes, "") < LARGEST_Z
    assert largest_z(truth, outcomes, "", shift=0.015) > LARGEST_Z, "the test sees 1.5 points"


def test_without_contacts_outcomes_match_the_other_truth(truth: pa.Table, judge: Judge) -> None:
    """When collectors stop calling at t, the no-contact truth holds and the other does not."""
    outcomes = judge(simulate(CONFIG, contacts_until=AS_OF), AS_OF)
    assert largest_z(truth, outcomes, "_no_contact") < LARGEST_Z
    assert largest_z(truth, outcomes, "") > 2 * LARGEST_Z


def test_probabilities_never_rise_with_the_horizon(truth: pa.Table) -> None:
    """Resolution is absorbing, so P(unresolved) never rises, and stays within [0, 1]."""
    for suffix in ("", "_no_contact"):
        table = np.stack([truth[f"p_open_{days}{suffix}"].to_numpy() for days in STEPS])
        assert (np.diff(table, axis=0) <= 1e-12).all()
        assert table.min() >= 0.0
        assert table.max() <= 1.0


def test_contacts_lower_the_risk_on_average(truth: pa.Table) -> None:
    """Contacts resolve items: the portfolio stays open more often without them."""
    for days in STEPS:
        with_contacts = truth[f"p_open_{days}"].to_numpy().mean()
        assert with_contacts + 0.01 < truth[f"p_open_{days}_no_contact"].to_numpy().mean()


def test_a_sample_gives_the_same_probabilities(small: Simulation) -> None:
    """Sampling chooses rows and changes none."""
    day = date(2023, 12, 31)
    full = true_probabilities(small, [day])
    part = true_probabilities(small, [day], sample=200)
    assert part.num_rows == 200
    lookup = dict(zip(full["invoice_id"].to_pylist(), full["p_open_60"].to_pylist(), strict=True))
    for name, chance in zip(
        part["invoice_id"].to_pylist(), part["p_open_60"].to_pylist(), strict=True
    ):
        assert chance == pytest.approx(lookup[name], abs=1e-9)


def test_paid_invoices_counts_what_the_books_show(small: Simulation) -> None:
    """The count of paid invoices is that of items cleared mostly by cash and known by then."""
    day = date(2024, 1, 31)
    truth = true_probabilities(small, [day])
    applications = small.tables["applications"].to_pandas(date_as_object=True)
    seen = applications[(applications.applied_on <= day) & (applications.known_on <= day)]
    paid = seen.pivot_table(
        index=["account_id", "invoice_id"], columns="cause", values="amount", aggfunc="sum"
    )
    cash = paid[["cash", "cash_return", "unapply", "discount"]].astype(float).sum(axis=1)
    amount = small.tables["invoices"].to_pandas().set_index("invoice_id").amount.astype(float)
    share = cash / amount.reindex(cash.index.get_level_values("invoice_id")).to_numpy()
    cleared = share[share > 0.95].groupby("account_id").size()
    for account, count in zip(
        truth["account_id"].to_pylist(), truth["paid_invoices"].to_pylist(), strict=True
    ):
        # An item closed by cash and a part credited in a dispute counts as paid as well.
        assert cleared.get(account, 0) <= count <= cleared.get(account, 0) + 10


def test_a_day_outside_the_ledger_is_refused(small: Simulation) -> None:
    """An as-of date the ledger does not cover is an error that names the span."""
    with pytest.raises(ValueError, match="outside the ledger"):
        true_probabilities(small, [date(2030, 1, 1)])
    with pytest.raises(ValueError, match="at least one date"):
        true_probabilities(small, [])
