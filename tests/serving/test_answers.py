"""The worklist route's answer: feedback laid over it, collectors, chance, and why each ranks."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from serving.answers import worklist
from serving.feedback import Feedback
from serving.paging import one_page
from serving.policy import Collector, Explore, Policy, read_policy
from serving.schemas import WorklistRequest, WorklistResponse
from serving.store import ServedPair, load_pair
from tests.serving.conftest import Installation


@pytest.fixture(scope="module")
def pair(installation: Installation) -> ServedPair:
    """The published snapshot."""
    return load_pair(installation.home)


@pytest.fixture(scope="module")
def policy() -> Policy:
    """The shipped policy."""
    return read_policy()


def listed(
    pair: ServedPair,
    policy: Policy,
    *feedback: Feedback,
    on: date | None = None,
    **request: Any,  # noqa: ANN401 (any field)
) -> list[dict[str, Any]]:
    """Return the accounts of an answer that keeps its schema."""
    answer = worklist(pair, WorklistRequest(**request), policy, feedback=feedback, on=on)
    body = {"request_id": "r", **one_page(answer.body, digest="d", cursor=None, page_size=None)}
    WorklistResponse.model_validate_json(json.dumps(body))
    accounts: list[dict[str, Any]] = body["accounts"]
    return accounts


def test_a_snoozed_account_leaves_the_list_and_comes_back(
    installation: Installation, pair: ServedPair, policy: Policy
) -> None:
    """The next one moves up; with held accounts it is shown with who put it off."""
    usual = listed(pair, policy, capacity=10)
    first = usual[0]["account_id"]
    day = installation.as_of
    snooze = Feedback(
        kind="snooze",
        account_id=first,
        by="kim",
        at=datetime(day.year, day.month, day.day, 9, tzinfo=UTC),
        reason="moving offices",
        until=day + timedelta(days=3),
    )
    without = listed(pair, policy, snooze, capacity=10)
    assert first not in {entry["account_id"] for entry in without}
    assert len(without) == 10
    held = listed(pair, policy, snooze, capacity=10_000, include_held=True)
    [shown] = [entry for entry in held if entry["account_id"] == first][:1]
    assert (shown["hold"], shown["hold_until"]) == ("snooze", str(snooze.until))
    assert shown["action"] == "leave_alone"
    later = listed(pair, policy, snooze, on=day + timedelta(days=4), capacity=10)
    assert [entry["account_id"] for entry in later] == [entry["account_id"] for entry in usual]


def test_each_account_says_why_it_ranks_to_the_cent(pair: ServedPair, policy: Policy) -> None:
    """Item by item, in the words of the list."""
    for entry in listed(pair, policy, capacity=30):
        values = [round(100 * float(item["value"])) for item in entry["why_ranked"]]
        assert sum(values) == round(100 * float(entry["priority_value"]))
        assert all(item["invoice_id"] in item["sentence"] for item in entry["why_ranked"])


def test_collectors_get_their_part_of_one_dealt_list(pair: ServedPair, policy: Policy) -> None:
    """Lists of two collectors do not overlap and keep to each one's room."""
    team = replace(
        policy,
        collectors=tuple(
            Collector(name=name, accounts=6, skills={"cash": 2, "disputes": 2, "credit": 2})
            for name in ("Kim", "Lee")
        ),
    )
    lists = {
        name: [entry["account_id"] for entry in listed(pair, team, collector=name, capacity=50)]
        for name in ("Kim", "Lee")
    }
    assert {name: len(ids) for name, ids in lists.items()} == {"Kim": 6, "Lee": 6}
    assert not set(lists["Kim"]) & set(lists["Lee"])
    assert listed(pair, team, collector="nobody") == []


def test_accounts_drawn_by_chance_are_tagged(pair: ServedPair, policy: Policy) -> None:
    """With the propensity that a later measurement needs."""
    bold = replace(policy, explore=Explore(share=0.2, seed=1))
    entries = listed(pair, bold, capacity=10)
    drawn = [entry for entry in entries if entry["explored"]]
    assert len(drawn) == 2
    assert all(0 < entry["propensity"] < 1 for entry in drawn)
    assert all(entry["propensity"] == 1 for entry in entries if not entry["explored"])
