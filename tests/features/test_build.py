from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from features.build import feature_frame, feature_parts
from features.catalogue import NAMES
from features.engines import EngineOptions, open_session
from features.ledger.read import Ledger
from features.outcomes import outcome_frame
from features.stages import ends, needed_stages

DAYS = [date(2024, 6, 30) + timedelta(days=30 * ahead) for ahead in range(4)]
PAIRS = EngineOptions(threads=1, dates_at_once=2)


def test_a_few_dates_at_a_time_give_what_all_at_once_give(simulated_ledger: Ledger) -> None:
    """Two dates at once, in one frame or in parts: the same rows and bytes as four."""
    whole = feature_frame(simulated_ledger, DAYS)
    pairs = feature_frame(simulated_ledger, DAYS, options=PAIRS)
    assert pairs.items.equals(whole.items)
    assert pairs.matrix(whole.names).tobytes() == whole.matrix(whole.names).tobytes()
    parts = list(feature_parts(simulated_ledger, DAYS, options=PAIRS))
    assert [part.items["as_of"].nunique() for part in parts] == [2, 2]


def test_a_part_stands_until_the_next_one_takes_its_memory(simulated_ledger: Ledger) -> None:
    """What was selected from a part stays; parts made anew all stay."""
    parts = feature_parts(simulated_ledger, DAYS, options=PAIRS)
    taken = [part.select(np.ones(len(part.items), dtype=bool)) for part in parts]
    anew = feature_parts(simulated_ledger, DAYS, options=PAIRS, anew=True)
    assert [one.values.tobytes() for one in taken] == [one.values.tobytes() for one in anew]
    shared = list(feature_parts(simulated_ledger, DAYS, options=PAIRS))
    assert np.shares_memory(shared[0].values, shared[1].values)


def test_what_does_not_fit_into_memory_is_spilt_and_changes_nothing(
    simulated_ledger: Ledger, tmp_path: Path
) -> None:
    """Half a year of weeks at once, within less memory than they take: the same bytes."""
    weeks = [date(2024, 6, 30) + timedelta(days=7 * ahead) for ahead in range(26)]
    spill = tmp_path / "spill"
    little = EngineOptions(
        threads=1, memory_limit="44MB", spill_folder=str(spill), dates_at_once=len(weeks)
    )
    with open_session(simulated_ledger, weeks, options=little) as session:
        frame = feature_frame(simulated_ledger, weeks, options=little, session=session)
        assert any(spill.iterdir())
    assert frame.values.tobytes() == feature_frame(simulated_ledger, weeks).values.tobytes()


def test_a_shared_session_answers_for_all_its_dates_again(simulated_ledger: Ledger) -> None:
    """Outcomes asked for after the features are those of every date."""
    with open_session(simulated_ledger, DAYS, options=PAIRS) as session:
        frame = feature_frame(simulated_ledger, DAYS, options=PAIRS, session=session)
        outcomes = outcome_frame(simulated_ledger, DAYS, session=session)
    assert outcomes["invoice_id"].tolist() == frame.items["invoice_id"].tolist()
    assert outcomes["as_of"].tolist() == frame.items["as_of"].tolist()


def test_some_features_by_name_have_the_values_they_have_among_all(
    simulated_ledger: Ledger,
) -> None:
    """Only their queries run; an unknown name is an error that tells it."""
    names = ("days_past_due", "dbt_mean_365", "returns_365")
    few, whole = (
        feature_frame(simulated_ledger, DAYS[:1], names=names),
        feature_frame(simulated_ledger, DAYS[:1]),
    )
    assert set(few.names) == set(names)
    assert few.matrix(names).tobytes() == whole.matrix(names).tobytes()
    assert few.digest != whole.digest
    with pytest.raises(KeyError, match="weather"):
        feature_frame(simulated_ledger, DAYS[:1], names=("weather",))


@pytest.mark.parametrize("every", [2, 3, 7])
def test_stages_in_the_columns_asked_for_have_the_values_of_whole_ones(
    simulated_ledger: Ledger, every: int
) -> None:
    """Queries that others read stay whole; the others have what was asked for."""
    names = NAMES[::every]
    few = feature_frame(simulated_ledger, DAYS[:1], names=names)
    whole = feature_frame(simulated_ledger, DAYS[:1])
    assert few.matrix(names).tobytes() == whole.matrix(names).tobytes()


def test_a_narrowed_stage_has_the_columns_named_alone(simulated_ledger: Ledger) -> None:
    with open_session(simulated_ledger, DAYS[:1]) as session:
        session.narrow({"ageing": ("account_no", "account_balance")})
        session.run(needed_stages(["ageing"]))
        rows = session.arrow("select * from ageing")
    assert rows.column_names == ["account_no", "account_balance"]


def test_the_ends_of_some_stages_are_read_by_no_other() -> None:
    stages = needed_stages(["returns", "life_table"])
    assert set(ends(stages)) == {"returns", "life_table"}
    assert "peer_items" in stages
