"""Nothing from the future, on books of realistic length: a simulated ledger of two years.

What generated crowds cannot show is the volume of such books: dozens of invoices per account.
"""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from features.ledger.cutting import cut_ledger
from features.ledger.read import Ledger
from tests.laws.changing import shuffled
from tests.laws.comparing import described, differences
from tests.laws.pipelines import Pipeline, features_of, netting_of, peers_of

_OFFSETS = np.sort(np.random.default_rng(20260717).integers(0, 480, size=3))
DATES = tuple(date(2023, 8, 15) + timedelta(days=int(days)) for days in _OFFSETS)
"""Dates drawn at random once, over the months in which the ledger is full."""


@pytest.mark.parametrize("pipeline", [features_of, netting_of, peers_of])
def test_cutting_the_ledger_after_a_day_changes_nothing_of_that_day(
    simulated_ledger: Ledger, pipeline: Pipeline
) -> None:
    """Values from the whole ledger equal those from the ledger cut at the date."""
    days: Sequence[date] = DATES if pipeline is features_of else DATES[1:2]
    whole = pipeline(simulated_ledger, days)
    for day in days:
        rows = (whole.items["as_of"] == pd.Timestamp(day)).to_numpy(dtype=bool)
        assert rows.sum() > 100
        found = differences(whole.select(rows), pipeline(cut_ledger(simulated_ledger, day), [day]))
        assert not found, described(found, len(found))


def test_row_order_and_threads_change_nothing(simulated_ledger: Ledger) -> None:
    """Shuffled tables on two threads give the same bytes."""
    found = differences(
        features_of(simulated_ledger, DATES),
        features_of(shuffled(simulated_ledger, 5), DATES, threads=2),
    )
    assert not found, described(found, len(found))
