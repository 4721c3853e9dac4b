"""The laws of the feature pipeline, asked of generated crowds; each law states its promise."""

import pytest
from hypothesis import Phase, given, settings

from tests.laws import laws
from tests.laws.checking import assert_holds
from tests.laws.generated import Crowd, crowds
from tests.laws.pipelines import netting_of, peers_of

_DRAWN = {"derandomize": True, "deadline": None, "phases": [Phase.generate]}
"""The same crowds on every run; a crowd does not shrink, the culprit is sought by family."""


@pytest.mark.parametrize(
    "law",
    [
        "cutting_changes_nothing",
        "late_rows_are_unseen",
        "overruled_versions_leave_no_trace",
        "order_and_threads_change_nothing",
        "rows_written_twice_count_once",
        "returned_payments_restore_the_age",
        "money_scales",
        "buckets_sum_to_the_open_balance",
        "ageing_is_that_of_the_items",
        "values_lie_in_their_range",
    ],
)
@given(crowd=crowds())
@settings(max_examples=2, **_DRAWN)
def test_features_keep_the_law(law: str, crowd: Crowd) -> None:
    """Each law holds of all features at once."""
    assert_holds(getattr(laws, law), crowd)


@pytest.mark.parametrize(
    "law",
    [
        "the_crowd_changes_nothing",
        "dates_change_nothing",
        "names_change_nothing",
        "missing_tables_give_missing_values",
        "imports_change_nothing",
        "rows_imported_again_change_nothing",
    ],
)
@given(crowd=crowds())
@settings(max_examples=1, **_DRAWN)
def test_features_keep_the_law_that_takes_long_to_ask(law: str, crowd: Crowd) -> None:
    """Each law holds of all features at once; these need many answers for one crowd."""
    assert_holds(getattr(laws, law), crowd)


@pytest.mark.parametrize(
    "law",
    [
        "cutting_changes_nothing",
        "late_rows_are_unseen",
        "overruled_versions_leave_no_trace",
        "order_and_threads_change_nothing",
    ],
)
@given(crowd=crowds())
@settings(max_examples=1, **_DRAWN)
def test_netting_keeps_the_law(law: str, crowd: Crowd) -> None:
    """What is collectible on a day depends on what the books showed by then, in any order."""
    assert_holds(getattr(laws, law), crowd, netting_of)


@pytest.mark.parametrize(
    "law",
    [
        "cutting_changes_nothing",
        "late_rows_are_unseen",
        "order_and_threads_change_nothing",
        "rows_written_twice_count_once",
        "the_crowd_changes_nothing",
        "dates_change_nothing",
        "names_change_nothing",
    ],
)
@given(crowd=crowds())
@settings(max_examples=1, **_DRAWN)
def test_peers_keep_the_law(law: str, crowd: Crowd) -> None:
    """What sets an item apart from its peers is its family's rows and the model alone."""
    assert_holds(getattr(laws, law), crowd, peers_of)
