"""Why an account ranks: factors item by item that add up to its priority value."""

import pyarrow.parquet as pq
import pytest

from serving.score_table import make_score_table
from serving.worklist_why import why_ranked
from tests.serving.conftest import Installation


def test_items_add_up_to_the_accounts_value_to_the_cent(installation: Installation) -> None:
    """Each is the rounded product of its three factors; the largest stands first."""
    folder = installation.snapshot
    accounts = pq.read_table(folder / "accounts.parquet")
    table = make_score_table(pq.read_table(folder / "items.parquet"), accounts)
    valued = 0
    for row in accounts.to_pylist():
        items = why_ranked(table.raw_items(row["account_id"], row["currency"]), row["lane"])
        assert sum(item.cents for item in items) == round(100 * row["priority_value"])
        for item in items:
            product = 100 * item.collectible * item.probability * item.cost
            assert item.cents == pytest.approx(product, abs=0.5 + 1e-6)
        assert [item.cents for item in items] == sorted((i.cents for i in items), reverse=True)
        valued += len(items) > 1
    assert valued > 5


def test_the_last_bucket_is_told_in_other_words() -> None:
    """There the probability is what 30 days usually bring in."""
    item = {
        "invoice_id": "I1",
        "bucket": "91+",
        "lane": "last_bucket",
        "collectible": 500.0,
        "priority_probability": 0.1,
        "priority_cost": 1.0,
        "priority_value": 50.0,
    }
    [told] = why_ranked([item, item | {"lane": "due_soon"}], "last_bucket")
    assert told.sentence == ("I1: 500.00 to collect × 10.0 % that 30 days usually bring in = 50.00")
