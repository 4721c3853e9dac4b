"""No law is empty: each notices a fault of its kind planted around the real pipeline."""

from dataclasses import replace
from datetime import date

import pytest

from features.catalogue import CATALOGUE
from tests.laws import laws, leaks
from tests.laws.culprit import culprit
from tests.laws.generated import Crowd, assemble, crowd_of
from tests.laws.laws import Law
from tests.laws.pipelines import Pipeline

DAYS = (date(2023, 9, 30), date(2024, 2, 29), date(2024, 6, 3))


@pytest.mark.parametrize(
    ("law", "leak"),
    [
        (laws.cutting_changes_nothing, leaks.reads_early),
        (laws.overruled_versions_leave_no_trace, leaks.counts_every_row),
        (laws.order_and_threads_change_nothing, leaks.loses_the_last_row),
        (laws.rows_written_twice_count_once, leaks.counts_every_row),
        (laws.imports_change_nothing, leaks.forgets_a_file),
        (laws.imports_change_nothing, leaks.reads_a_part_of_the_kept_states),
        (laws.rows_imported_again_change_nothing, leaks.takes_repetitions_for_news),
        (laws.the_crowd_changes_nothing, leaks.compares_with_the_crowd),
        (laws.dates_change_nothing, leaks.stands_on_the_first_date),
        (laws.returned_payments_restore_the_age, leaks.ages_from_the_return),
        (laws.money_scales, leaks.forgets_the_tolerance),
        (laws.names_change_nothing, leaks.reads_meaning_into_ids),
        (laws.buckets_sum_to_the_open_balance, leaks.drops_undated_items),
        (laws.ageing_is_that_of_the_items, leaks.ages_a_month_late),
        (laws.values_lie_in_their_range, leaks.compares_with_the_crowd),
    ],
    ids=lambda function: function.__name__,
)
def test_a_planted_fault_is_noticed(law: Law, leak: Pipeline) -> None:
    """The law finds that a spoilt pipeline differs in a tenth of the families or more."""
    assert len(law(crowd_of(3, 60, DAYS), leak)) >= 6


def test_a_kind_that_is_known_early_is_noticed() -> None:
    """Few accounts change their segment or region: a larger crowd has some."""
    law = laws.cutting_changes_nothing
    assert len(law(crowd_of(3, 400, DAYS), leaks.knows_kinds_early)) >= 4


def test_a_missing_table_taken_for_empty_is_noticed() -> None:
    """Zeros in place of missing values differ."""
    crowd = crowd_of(3, 60, DAYS)
    law = laws.missing_tables_give_missing_values
    assert law(crowd, leaks.takes_missing_for_empty, tables=("receipt_returns",))


def test_a_row_seen_early_is_noticed_in_every_table_that_features_read() -> None:
    """Whichever table a query reads too early, some family tells."""
    needed = {table for feature in CATALOGUE for table in feature.needs}
    tables = sorted({"invoices", "applications", "due_date_changes", *needed})
    drawn = crowd_of(3, 400, DAYS).families
    families = {
        name: replace(family, table=tables[number % len(tables)])
        for number, (name, family) in enumerate(drawn.items())
    }
    crowd = assemble(3, families)
    noticed = laws.late_rows_are_unseen(crowd, leaks.reads_early)
    assert {families[name].table for name in noticed} == set(tables)


def test_the_culprit_is_named_with_the_fewest_rows() -> None:
    """The message says the promise, the features by family, and books of a few rows."""
    crowd: Crowd = crowd_of(3, 60, DAYS)
    law = laws.buckets_sum_to_the_open_balance
    message = culprit(crowd, law, leaks.drops_undated_items)
    assert message.startswith(str(law.__doc__))
    assert "generated families" in message
    rows = message.split("Smallest books")[1].splitlines()
    assert [row.split(":")[0].strip() for row in rows[1:3]] == ["accounts", "invoices"]
    assert len(rows) < 9
