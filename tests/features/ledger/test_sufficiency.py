"""What training needs of a ledger, and what a ledger lacks."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from features.ledger.manifest import Manifest
from features.ledger.read import Ledger, ledger_from_rows
from features.ledger.sufficiency import UNPROVEN, Needs, judge_sufficiency
from features.outcomes import outcome_frame, unresolved
from features.sources.simulated import Simulation, SimulationConfig, simulate

MakeLedger = Callable[..., Ledger]


@pytest.fixture(scope="module")
def simulated() -> Simulation:
    """150 accounts over 18 months."""
    return simulate(SimulationConfig(accounts=150, months=18, seed=11))


def _ledger(simulated: Simulation, **facts: object) -> Ledger:
    manifest = Manifest(known_through=simulated.known_through, **facts)  # type: ignore[arg-type]
    return ledger_from_rows(simulated.tables, manifest)


def test_the_needs_are_those_of_training() -> None:
    """The defaults say what the training recipe asks, and four windows fit from that day on."""
    from training.config import WindowConfig
    from training.recipe import MIN_LAST_BUCKETS, MIN_ROWS_OF_EACH_CLASS
    from training.splits import TooLittleHistoryError, four_windows

    needs, windows = Needs(), WindowConfig()
    assert needs.rows_of_each_class == MIN_ROWS_OF_EACH_CLASS
    assert needs.outer_rows == MIN_LAST_BUCKETS
    assert (needs.every_days, needs.reach_days) == (windows.every_days, windows.history_days)
    first = date(2022, 1, 1) + timedelta(days=windows.warm_up_days)
    newest = date(2022, 1, 1) + timedelta(days=needs.history_days(7) - 37)
    assert four_windows(first, newest, windows, 7).fit[0] == first
    with pytest.raises(TooLittleHistoryError):
        four_windows(first, newest - timedelta(days=1), windows, 7)


def test_a_year_and_a_half_of_150_accounts_is_enough(simulated: Simulation) -> None:
    """Both classes and the outer buckets are there, and nothing is missing."""
    found = judge_sufficiency(_ledger(simulated))
    assert found.enough
    assert (found.missing, found.clocks, found.defaulted_share) == ((), "proven", 0.0)
    assert found.history_days > found.needed_days


def test_counts_are_those_of_the_outcome_rule(simulated: Simulation) -> None:
    """One as-of date: the counts by bucket sum to the outcomes of the items that are trained."""
    ledger = _ledger(simulated)
    found = judge_sufficiency(ledger, Needs(every_days=1000))
    newest = simulated.known_through - timedelta(days=37)
    frame = outcome_frame(ledger, [newest])
    flags = unresolved(frame["outcome_30"])
    counted = sum(row.unresolved + row.resolved for row in found.outcomes)
    assert found.as_of_dates == 1
    # Residual balances are not trained on and not counted.
    assert 0.9 * len(flags) < counted <= len(flags)
    assert sum(row.unresolved for row in found.outcomes) <= flags.sum()


def test_a_short_ledger_says_what_is_missing(made: MakeLedger, clean: dict[str, str]) -> None:
    """Three months and five invoices lack everything, each with the figure that is needed."""
    found = judge_sufficiency(made(clean))
    assert not found.enough
    assert found.missing == (
        "Days of history: 90, needed 402.",
        "Unresolved rows: 0, needed 200.",
        "Resolved rows: 0, needed 200.",
        "Rows more than 60 days past due: 0, needed 30.",
    )


def test_copied_clocks_are_point_in_time_unproven(made: MakeLedger, clean: dict[str, str]) -> None:
    """Six applications of seventeen clocked rows have a copied clock."""
    found = judge_sufficiency(made(clean, defaulted_clocks=("applications",)))
    assert found.clocks == UNPROVEN
    assert found.defaulted_share == pytest.approx(6 / 17)
