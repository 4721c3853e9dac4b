"""Tests of the worklist as CSV: ranked, readable, and harmless in a spreadsheet."""

import csv
import io
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.reasons import Reason
from serving.batch import REASONS_IN_CSV, WORKLIST_COLUMNS, worklist_csv

USUAL: dict[str, Any] = {
    "lane": "past_due",
    "rank": 1,
    "account_id": "A",
    "name": "Company",
    "segment": "smb",
    "collector": None,
    "currency": "USD",
    "open_balance": 1200.0,
    "collectible": 1000.0,
    "p_roll": 0.123456,
    "dollars_at_risk": 123.46,
    "priority_value": 7.5,
    "hold": "",
    "hold_until": pd.NaT,
    "action": "email",
    "why": "Past due: send a statement by e-mail.",
    "reasons": [
        Reason(family="disputes", sentence="One", dollars=100.0),
        Reason(family="base", sentence="Base", dollars=23.46),
    ],
    "as_of": pd.Timestamp("2024-06-30"),
    "model_version": "3",
}


def rows_of(*changes: dict[str, Any]) -> list[dict[str, str]]:
    """Write accounts and read the CSV back."""
    text = worklist_csv(pd.DataFrame([USUAL | change for change in changes]))
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_cells_are_written_as_people_read_them() -> None:
    """Dates without time, money with cents, nothing for what is missing."""
    (row,) = rows_of({})
    assert tuple(row) == WORKLIST_COLUMNS
    assert row["as_of"] == "2024-06-30"
    assert row["hold_until"] == row["collector"] == row["hold"] == ""
    assert row["open_balance"] == "1200.00"
    assert row["p_roll"] == "0.1235"
    assert row["reasons"] == "One (+100.00); Base (+23.46)"


@pytest.mark.parametrize(
    "sign", ["=", "+", "-", "@", "\t=", "\r=", "\n=", " =", "\uff1d", "\uff20"]
)
def test_no_cell_is_read_as_a_formula(sign: str) -> None:
    """What a spreadsheet would run is prefixed with an apostrophe, blanks before it or not."""
    (row,) = rows_of({"name": f"{sign}cmd|' /C calc'!A0", "account_id": f"{sign}1"})
    assert row["name"].startswith("'")
    assert row["account_id"].startswith("'")


def test_negative_amounts_stay_numbers() -> None:
    """Only text can be a formula."""
    (row,) = rows_of({"dollars_at_risk": -5.0})
    assert row["dollars_at_risk"] == "-5.00"


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_name_leaves_the_table_whole(name: str, collector: str) -> None:
    """Quotes, line ends and control characters break neither rows nor columns."""
    rows = rows_of({"name": name, "collector": collector}, {"account_id": "B"})
    assert [row["account_id"] for row in rows] == ["A", "B"]
    for row in rows:
        assert set(row) == set(WORKLIST_COLUMNS)
        assert None not in row.values()
        assert not row["name"].lstrip()[:1] or row["name"].lstrip()[0] not in "=+-@\t\r\n"


def test_lanes_stand_in_the_order_of_urgency_and_ranks_within() -> None:
    """Past due, last bucket, due soon; accounts without a lane are not listed."""
    listed = rows_of(
        {"lane": "due_soon", "rank": 1, "account_id": "D"},
        {"lane": "", "rank": 1, "account_id": "N"},
        {"lane": "past_due", "rank": 2, "account_id": "P2"},
        {"lane": "last_bucket", "rank": 1, "account_id": "L"},
        {"lane": "past_due", "rank": 1, "account_id": "P1"},
    )
    assert [row["account_id"] for row in listed] == ["P1", "P2", "L", "D"]


def test_no_more_than_three_reasons_are_named_and_their_dollars_keep_the_sum() -> None:
    """The rest stands as one sum before the base."""
    families = ("disputes", "returns", "promises", "credits", "calendar")
    reasons = [Reason(family=name, sentence=name, dollars=10.0) for name in families]
    (row,) = rows_of({"reasons": reasons})
    parts = row["reasons"].split("; ")
    assert len(parts) == REASONS_IN_CSV + 1
    assert parts[-1] == "Also: credits and unapplied cash, calendar (+20.00)"
