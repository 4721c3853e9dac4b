"""Tests of the batch: a CSV that is harmless in a spreadsheet, and the list of the service."""

import csv
import io
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.ledger.read import open_ledger
from models.home import Home
from models.reasons import Reason
from models.snapshot import read_snapshot_model
from serving.answers import worklist
from serving.batch import REASONS_IN_CSV, WORKLIST_COLUMNS, score_batch, worklist_csv
from serving.feedback import Feedback
from serving.policy import read_policy
from serving.schemas import WorklistRequest
from serving.store import ServedPair, load_pair
from tests.serving.conftest import Installation

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


def test_batch_and_service_agree_on_what_collectors_told(
    installation: Installation, tmp_path: Path
) -> None:
    """The list of a day is the same, scored with its feedback or with the feedback laid over it.

    And what has ended by a later day leaves no trace in the list of a snapshot made with it.
    """
    plain, told = tmp_path / "plain", tmp_path / "told"
    day = installation.as_of
    first = worklist_of(publish_with(installation, plain), day)
    free = [row for row in first if not row["hold"]]
    at = datetime.combine(day, time(9), UTC)
    given = [
        Feedback(
            kind="snooze",
            account_id=free[0]["account_id"],
            by="kim",
            at=at,
            reason="moving offices",
            until=day + timedelta(days=3),
        ),
        Feedback(
            kind="override",
            account_id=free[1]["account_id"],
            by="lee",
            role="manager",
            at=at,
            reason="knows them",
            action="call",
            until=day + timedelta(days=3),
        ),
        *(
            Feedback(
                kind="outcome",
                account_id=free[2]["account_id"],
                by="kim",
                at=at - timedelta(days=back),
                outcome="reached",
            )
            for back in range(4)
        ),
    ]
    with_told = publish_with(installation, told, given)
    batch = worklist_of(with_told, day)
    held = {row["account_id"]: row["hold"] for row in batch}
    assert held[free[0]["account_id"]] == "snooze"
    assert held[free[2]["account_id"]] == "cadence"
    assert {row["overridden_by"] for row in batch} == {"", "lee"}
    without = load_pair(Home(path=plain))
    for on in (day, day + timedelta(days=30)):
        laid = worklist_of(without, on, given)
        assert unranked(worklist_of(with_told, on, given)) == unranked(laid)
    assert unranked(batch) == unranked(worklist_of(without, day, given))
    assert rank_of(free[0], batch) > rank_of(free[0], first)


def publish_with(
    installation: Installation, home: Path, feedback: Sequence[Feedback] = ()
) -> ServedPair:
    """Score the installation's day into a home of its own."""
    bundle = read_snapshot_model(installation.snapshot)
    score_batch(
        open_ledger(installation.ledger),
        installation.as_of,
        bundle,
        read_policy(),
        Home(path=home),
        ledger_path=installation.ledger,
        model_reference=bundle.version,
        feedback=feedback,
        threads=1,
    )
    return load_pair(Home(path=home))


def worklist_of(
    pair: ServedPair, on: date, feedback: Sequence[Feedback] = ()
) -> list[dict[str, Any]]:
    """Return what the service lists on a day, held accounts too."""
    request = WorklistRequest(capacity=10_000, include_held=True)
    body = worklist(pair, request, read_policy(), feedback=feedback, on=on).body
    return [dict(row) for row in body["accounts"]]


def unranked(listed: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the accounts without what depends on when the list was ranked."""
    return {
        (row["account_id"], row["currency"]): {
            name: value for name, value in row.items() if name not in ("rank", "position")
        }
        for row in listed
    }


def rank_of(account: dict[str, Any], listed: list[dict[str, Any]]) -> int:
    """Return the rank of an account in a list."""
    return next(int(row["rank"]) for row in listed if row["account_id"] == account["account_id"])
