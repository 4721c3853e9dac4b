"""What collectors told, laid over a ranked list: snoozes and cadence hold, overrides replace.

The list of a day is made once; feedback comes in all day. ``with_feedback`` lays it over the
published list without ranking anew, so that a snoozed account is gone at the next look.
"""

from collections.abc import Hashable, Mapping
from datetime import date
from typing import Any

import pandas as pd

from serving.feedback import Standing
from serving.policy import Policy
from serving.policy_holds import CADENCE, HOLDS, SNOOZE, as_plain, feedback_holds
from serving.sign_off import signed_action

FEEDBACK_COLUMNS: tuple[str, ...] = (
    "hold",
    "hold_reason",
    "hold_until",
    "holds",
    "action",
    "why",
    "overridden_by",
)
"""Account columns that feedback may change."""

_NOBODY = Standing()


def decided(accounts: pd.DataFrame) -> pd.DataFrame:
    """Return ``action``, ``why`` and ``overridden_by`` before anybody was heard.

    What needs a manager's signature is a proposal until it has one.

    Parameters
    ----------
    accounts : pandas.DataFrame
        ``hold``, ``is_natural_person``, ``suggested_action`` and ``suggested_why``.
    """
    asked = ("hold", "is_natural_person", "suggested_action", "suggested_why")
    cells = zip(*(accounts[name] for name in asked), strict=True)
    rows = [_decided(hold, who, action, why, _NOBODY) for hold, who, action, why in cells]
    columns = ["action", "why", "overridden_by"]
    return pd.DataFrame(rows, columns=columns, index=accounts.index, dtype=object)


def _decided(
    hold: str, natural: object, action: str, why: str, heard: Standing
) -> tuple[str, str, str]:
    by, override = "", heard.override
    if override is not None and override.action is not None and not hold:
        action, by = override.action, override.by
        why = f"{by} decided so: {override.reason}"
    return signed_action(action, natural, heard), why, by


def with_feedback(
    accounts: pd.DataFrame, heard: Mapping[str, Standing], policy: Policy, on: date
) -> pd.DataFrame:
    """Return the accounts with the feedback of a day laid over them.

    Parameters
    ----------
    accounts : pandas.DataFrame
        ``account_id``, ``segment``, ``is_natural_person``, ``recent_contacts``,
        ``suggested_action``, ``suggested_why`` and ``FEEDBACK_COLUMNS``. Feedback that was laid
        over them on an earlier day is taken off where it stands no more.
    heard : mapping of str to Standing
        From ``serving.feedback.standing``.
    policy : Policy
        Its cadence.
    on : datetime.date
        The day of the look, which may be later than the day of the scoring.
    """
    touched = accounts["account_id"].isin(set(heard))
    if not touched.any():
        return accounts
    rows = accounts.loc[touched].to_dict("records")
    changed = [_laid_over(row, heard[row["account_id"]], policy, on) for row in rows]
    result = accounts.astype(dict.fromkeys(FEEDBACK_COLUMNS, object))
    for column in FEEDBACK_COLUMNS:
        cells = [row[column] for row in changed]
        result.loc[touched, column] = pd.Series(cells, index=result.index[touched], dtype=object)
    return result.assign(hold_until=pd.to_datetime(result["hold_until"]))


def _laid_over(
    row: Mapping[Hashable, Any], heard: Standing, policy: Policy, on: date
) -> dict[str, Any]:
    """Return the columns of one account that feedback may change."""
    kept = [hold for hold in row["holds"] if hold["kind"] not in (SNOOZE, CADENCE)]
    contacts = [date.fromisoformat(day) for day in row["recent_contacts"]]
    cadence = policy.holds.cadence_of(row["segment"])
    added = [as_plain(hold) for hold in feedback_holds(heard, contacts, cadence, on)]
    holds = sorted([*kept, *added], key=lambda hold: HOLDS.index(hold["kind"]))
    lead: dict[str, Any] = holds[0] if holds else {"kind": "", "reason": "", "until": None}
    action, why = row["suggested_action"], row["suggested_why"]
    if lead["kind"] in (SNOOZE, CADENCE):
        action, why = "leave_alone", lead["reason"]
    action, why, by = _decided(lead["kind"], row["is_natural_person"], action, why, heard)
    return {
        "hold": lead["kind"],
        "hold_reason": lead["reason"],
        "hold_until": lead["until"],
        "holds": holds,
        "action": action,
        "why": why,
        "overridden_by": by,
    }
