"""Feedback laid over a published list: who is snoozed is gone, who decides is named."""

from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
import pytest

from serving.feedback import Feedback, standing
from serving.policy import Policy, read_policy
from serving.worklist_feedback import FEEDBACK_COLUMNS, with_feedback

DAY = date(2025, 1, 31)
PLEDGE = {"kind": "promised", "reason": "Promised.", "ends": "the day", "until": "2025-02-04"}


@pytest.fixture(scope="module")
def policy() -> Policy:
    """The shipped policy: three contacts in seven days."""
    return read_policy()


def told(account_id: str, kind: str, day: int = 31, **fields: Any) -> Feedback:  # noqa: ANN401 (any field)
    """Return feedback of a day in January."""
    given: dict[str, Any] = {"by": "kim", "reason": "they asked", "until": None} | fields
    at = datetime(2025, 1, day, 9, tzinfo=UTC)
    return Feedback(kind=kind, account_id=account_id, at=at, **given)  # type: ignore[arg-type]


@pytest.fixture
def accounts() -> pd.DataFrame:
    """A free account, a held one, and one that may be a natural person."""
    rows = [
        ("FREE", False, "", [], "call"),
        ("HELD", False, "promised", [PLEDGE], "wait_for_promise"),
        ("PERSON", None, "", [], "propose_refer"),
    ]
    return pd.DataFrame(
        [
            {
                "account_id": name,
                "segment": "smb",
                "is_natural_person": natural,
                "hold": hold,
                "hold_reason": "Promised." if hold else "",
                "hold_until": pd.Timestamp("2025-02-04") if hold else pd.NaT,
                "holds": holds,
                "recent_contacts": ["2025-01-30", "2025-01-28"],
                "action": action,
                "why": "because",
                "overridden_by": "",
                "suggested_action": action,
                "suggested_why": "because",
            }
            for name, natural, hold, holds, action in rows
        ]
    ).set_index("account_id", drop=False)


def laid(
    accounts: pd.DataFrame, policy: Policy, *feedback: Feedback, on: date = DAY
) -> pd.DataFrame:
    """Return the list with the feedback over it."""
    return with_feedback(accounts, standing(feedback, on), policy, on)


def test_a_snooze_holds_until_its_last_day_and_touches_nobody_else(
    accounts: pd.DataFrame, policy: Policy
) -> None:
    """The account is held with who and why, and let go the day after."""
    snooze = told("FREE", "snooze", until=date(2025, 2, 3))
    row = laid(accounts, policy, snooze).loc["FREE"]
    assert (row["hold"], row["action"]) == ("snooze", "leave_alone")
    assert row["hold_until"] == pd.Timestamp("2025-02-03")
    assert row["hold_reason"] == row["why"] == "Put off by kim: they asked"
    others = laid(accounts, policy, snooze).drop(index="FREE")
    pd.testing.assert_frame_equal(others, accounts.drop(index="FREE"), check_dtype=False)
    later = laid(accounts, policy, snooze, on=date(2025, 2, 4))
    assert later.loc["FREE", "hold"] == ""


def test_what_binds_more_still_leads(accounts: pd.DataFrame, policy: Policy) -> None:
    """A promise goes before a snooze; both are told."""
    row = laid(accounts, policy, told("HELD", "snooze", until=date(2025, 2, 3))).loc["HELD"]
    assert (row["hold"], row["action"]) == ("promised", "wait_for_promise")
    assert [hold["kind"] for hold in row["holds"]] == ["promised", "snooze"]


def test_a_contact_told_here_counts_once_and_completes_the_cadence(
    accounts: pd.DataFrame, policy: Policy
) -> None:
    """The same call stands in the books; another one is the third within seven days."""
    same = told("FREE", "outcome", day=30, outcome="reached")
    assert laid(accounts, policy, same).loc["FREE", "hold"] == ""
    third = told("FREE", "outcome", outcome="not_reached")
    row = laid(accounts, policy, same, third).loc["FREE"]
    assert row["hold"] == "cadence"
    assert row["hold_until"] == pd.Timestamp("2025-02-03")  # the call of the 28th is out on the 4th
    assert laid(accounts, policy, same, third, on=date(2025, 2, 4)).loc["FREE", "hold"] == ""
    idle = told("FREE", "outcome", outcome="not_worked")
    assert laid(accounts, policy, same, idle).loc["FREE", "hold"] == ""


def test_an_override_says_what_to_do_but_lifts_no_hold(
    accounts: pd.DataFrame, policy: Policy
) -> None:
    """Who decided and why stand beside it."""
    both = [told(name, "override", action="email") for name in ("FREE", "HELD")]
    result = laid(accounts, policy, *both)
    free = result.loc["FREE"]
    assert (free["action"], free["overridden_by"]) == ("email", "kim")
    assert free["why"] == "kim decided so: they asked"
    assert (result.loc["HELD", "action"], result.loc["HELD", "overridden_by"]) == (
        "wait_for_promise",
        "",
    )


def test_only_a_manager_signs_what_bears_hard_on_a_person(
    accounts: pd.DataFrame, policy: Policy
) -> None:
    """A collector's override stays a proposal; of a company it is a decision."""
    by_role = {
        role: laid(accounts, policy, told("PERSON", "override", action="refer", role=role))
        for role in ("analyst", "manager")
    }
    assert by_role["analyst"].loc["PERSON", "action"] == "propose_refer"
    assert by_role["manager"].loc["PERSON", "action"] == "refer"
    company = laid(accounts, policy, told("FREE", "override", action="refer"))
    assert company.loc["FREE", "action"] == "refer"


def test_no_feedback_changes_nothing(accounts: pd.DataFrame, policy: Policy) -> None:
    """Nor does feedback on an account that is not on the list."""
    other = told("ELSEWHERE", "snooze", until=date(2025, 2, 3))
    for result in (laid(accounts, policy), laid(accounts, policy, other)):
        pd.testing.assert_frame_equal(result, accounts)
    assert set(FEEDBACK_COLUMNS) <= set(accounts.columns)
