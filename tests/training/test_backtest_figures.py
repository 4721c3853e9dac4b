"""Groups of a backtest's rows."""

import pandas as pd

from training.backtest_figures import HISTORY, SIZES, _groupings, account_sizes


def rows() -> pd.DataFrame:
    """Six accounts of one item each, in two currencies."""
    return pd.DataFrame(
        {
            "as_of": pd.Timestamp("2024-06-30"),
            "account_id": list("ABCDEF"),
            "currency": ["USD"] * 3 + ["EUR"] * 3,
            "segment": ["", "smb", "smb", "", "large", "large"],
            "bucket": ["current", "1-30"] * 3,
            "balance": [1.0, 20.0, 300.0, 5e6, 6e6, 7e6],
            "paid_items_365": [float("nan"), 0.0, 1.0, 9.0, 10.0, 50.0],
        }
    )


def test_sizes_are_thirds_within_a_currency() -> None:
    """Accounts in one currency are not small because another counts in cents."""
    assert account_sizes(rows()).tolist() == [*SIZES, *SIZES]


def test_every_row_is_in_one_group_of_each_kind() -> None:
    """Rows without a segment are in none of the segments."""
    groups = {
        name: {group: part["account_id"].tolist() for group, part in parts}
        for name, parts in _groupings(rows())
    }
    assert groups["by_segment"] == {"large": ["E", "F"], "smb": ["B", "C"]}
    assert groups["by_bucket"] == {"current": ["A", "C", "E"], "1-30": ["B", "D", "F"]}
    names = [name for name, _, _ in HISTORY]
    assert groups["by_history"] == dict(
        zip(names, (["A", "B"], ["C", "D"], ["E", "F"]), strict=True)
    )
