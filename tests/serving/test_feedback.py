"""What collectors tell back is checked whole, and only what still stands steers the list."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from serving.feedback import OUTCOMES, Feedback, FeedbackError, standing

TOLD = datetime(2025, 1, 31, 9, tzinfo=UTC)
DAY = TOLD.date()


def told(**fields: Any) -> Feedback:  # noqa: ANN401 (any field)
    """Return feedback on account A, a snooze of a week unless told otherwise."""
    given: dict[str, Any] = {
        "kind": "snooze",
        "account_id": "A",
        "by": "kim",
        "at": TOLD,
        "reason": "moving offices",
        "until": DAY + timedelta(days=7),
    }
    return Feedback(**(given | fields))


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"kind": "note"}, "kind must be one of outcome, override, snooze, got 'note'"),
        ({"until": None}, "until must be the last day of the snooze"),
        ({"reason": " "}, "reason must be given for an override or a snooze"),
        ({"kind": "override"}, "action must be given for an override"),
        ({"kind": "override", "action": "shout"}, "action must be one of .*, got 'shout'"),
        ({"kind": "outcome"}, "outcome must be given for an outcome"),
        ({"at": datetime(2025, 1, 31)}, "at must be a time with its zone"),  # noqa: DTZ001
        ({"role": "owner"}, "role must be one of analyst, manager"),
        ({"reason": "card 4111 1111 1111 1111"}, "reason must be free of card numbers"),
        ({"reason": "x" * 501}, "reason must be at most 500 characters"),
    ],
    ids=str,
)
def test_what_breaks_a_rule_is_refused_by_name(fields: dict[str, Any], says: str) -> None:
    """The message names field, rule and value, never a card number."""
    with pytest.raises(FeedbackError, match=says) as caught:
        told(**fields)
    assert "4111" not in str(caught.value)


def test_everything_wrong_is_told_at_once() -> None:
    """Two faults make two entries."""
    with pytest.raises(FeedbackError) as caught:
        told(until=None, reason="")
    assert [fault[0] for fault in caught.value.faults] == ["reason", "until"]


def test_a_snooze_stands_through_its_last_day_and_can_be_taken_back() -> None:
    """Not before it was told, not after it ends; a later one replaces it."""
    snooze = told()
    back = told(at=TOLD + timedelta(days=1), until=DAY)
    for day, stands in ((-1, False), (0, True), (7, True), (8, False)):
        found = standing([snooze], DAY + timedelta(days=day)).get("A")
        assert (found is not None and found.snooze == snooze) == stands
    assert standing([back, snooze], DAY + timedelta(days=1))["A"].snooze is None
    assert standing([back, snooze], DAY)["A"].snooze == snooze


def test_an_override_without_an_end_stands_on_its_day_alone() -> None:
    """Another day, another suggestion."""
    override = told(kind="override", action="call", until=None)
    assert standing([override], DAY)["A"].override == override
    assert standing([override], DAY + timedelta(days=1))["A"].override is None


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_every_outcome_but_not_worked_is_a_contact(outcome: str) -> None:
    """Two outcomes of a day are one day of contact."""
    given = told(kind="outcome", outcome=outcome, until=None)
    found = standing([given, given], date(2025, 2, 3))["A"].contacted_on
    assert found == (() if outcome == "not_worked" else (DAY,))
