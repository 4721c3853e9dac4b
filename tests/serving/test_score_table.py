"""Rendered rows are the stored numbers: money with two decimals, the rest untouched."""

import math

import pyarrow.parquet as pq
import pytest

from serving.score_table import (
    ACCOUNT_COLUMNS,
    ITEM_COLUMNS,
    LIST_COLUMNS,
    ScoreTable,
    make_score_table,
)
from tests.serving.conftest import Installation


@pytest.fixture(scope="module")
def table(installation: Installation) -> ScoreTable:
    """The table of the published snapshot."""
    folder = installation.snapshot
    return make_score_table(
        pq.read_table(folder / "items.parquet"), pq.read_table(folder / "accounts.parquet")
    )


def test_bounds_are_the_ranges_of_all_accounts_at_once(table: ScoreTable) -> None:
    """What a page of all accounts groups by equals what is looked up one by one."""
    for rows in (table.item_rows, table.account_rows):
        first_row, begin, end = rows.bounds()
        names = [table.accounts["account_id"][row] for row in first_row]
        assert names == list(rows)
        ranges = list(zip(begin.tolist(), end.tolist(), strict=True))
        assert ranges == [rows[name] for name in names]


def test_every_stored_item_is_rendered_once(table: ScoreTable, installation: Installation) -> None:
    """Probabilities are equal bit for bit, money to the cent, missing values are None."""
    stored = {
        row["invoice_id"]: row
        for row in pq.read_table(installation.snapshot / "items.parquet").to_pylist()
    }
    seen = 0
    for account_id in table.account_rows:
        for item in table.item_entries(account_id):
            row = stored[item["invoice_id"]]
            seen += 1
            for name, shown in item.items():
                value = row[name]
                if name.startswith(("p_", "priority_probability", "priority_cost")):
                    assert shown == value
                elif isinstance(value, float):
                    assert shown == f"{value:.2f}"
                elif name == "due_on":
                    assert shown == (value and value.date().isoformat())
                else:
                    assert shown == value
            assert list(item) == list(ITEM_COLUMNS)
    assert seen == len(stored)


def test_an_account_stands_once_per_currency_with_its_items(table: ScoreTable) -> None:
    """The account's money is the sum of its items' money."""
    for account_id in table.account_rows:
        for entry in table.account(account_id, 5):
            assert set(entry) == {*ACCOUNT_COLUMNS, *LIST_COLUMNS, "items", "reasons"}
            cents = sum(round(float(item["dollars_at_risk"]) * 100) for item in entry["items"])
            assert cents == round(float(entry["dollars_at_risk"]) * 100)


@pytest.mark.parametrize("count", [0, 1, 5, 50])
def test_reasons_end_with_other_and_base_and_sum_to_the_cent(table: ScoreTable, count: int) -> None:
    """However many families are named, nothing is lost."""
    for row, at_risk in enumerate(table.accounts["dollars_at_risk"].tolist()):
        reasons = table.reasons_of(row, count)
        assert [reason["family"] for reason in reasons[-2:]] == ["other", "base"]
        assert len(reasons) <= count + 2
        cents = sum(round(float(reason["dollars"]) * 100) for reason in reasons)
        assert cents == round(at_risk * 100)


def test_contributions_of_an_item_stand_in_the_order_of_the_families(
    table: ScoreTable, installation: Installation
) -> None:
    """One column per family and the base, as in items.parquet."""
    stored = pq.read_table(installation.snapshot / "items.parquet")
    shap = [name for name in stored.column_names if name.startswith("shap_")]
    first = stored.sort_by([("account_id", "ascending"), ("invoice_id", "ascending")])
    row = first.slice(0, 1).to_pylist()[0]
    assert table.log_odds[0].tolist() == [*(row[name] for name in shap), row["base_value"]]
    assert not math.isnan(table.log_odds.sum())
