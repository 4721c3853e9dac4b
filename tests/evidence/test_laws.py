"""Slow evidence that the laws of the feature pipeline hold of thousands of generated families."""

from datetime import date, timedelta

import numpy as np
import pytest

from tests.laws import laws
from tests.laws.checking import assert_holds
from tests.laws.generated import crowd_of

CROWDS, SIZE = 20, 400


@pytest.mark.evidence
@pytest.mark.parametrize(
    "law",
    [
        "cutting_changes_nothing",
        "late_rows_are_unseen",
        "overruled_versions_leave_no_trace",
        "order_and_threads_change_nothing",
        "the_crowd_changes_nothing",
        "names_change_nothing",
        "money_scales",
    ],
)
def test_the_law_holds_of_eight_thousand_families(law: str) -> None:
    """Twenty crowds of four hundred families, each looked at on a day where a mistake shows."""
    for seed in range(CROWDS):
        offsets = np.random.default_rng(seed).choice(700, size=5, replace=False)
        days = tuple(date(2023, 1, 1) + timedelta(days=int(days)) for days in sorted(offsets))
        assert_holds(getattr(laws, law), crowd_of(seed, SIZE, days))
    print(f"{law}: {CROWDS * SIZE:,} families")
