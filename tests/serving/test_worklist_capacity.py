"""A day's capacity: shares by lane, collectors with room and skill, a share left to chance."""

from dataclasses import replace
from datetime import date, timedelta

import pandas as pd
import pytest

from models.priority import LANES
from serving.policy import Collector, Explore, Policy, read_policy
from serving.worklist_capacity import fill_capacity

DAY = date(2025, 1, 31)


@pytest.fixture(scope="module")
def policy() -> Policy:
    """The shipped policy: no collectors, nothing left to chance."""
    return read_policy()


@pytest.fixture(scope="module")
def accounts() -> pd.DataFrame:
    """Sixty accounts, twenty a lane; every fifth is held, every third is in dispute."""
    rows = [
        {
            "account_id": f"{lane}-{place:02d}",
            "currency": "USD",
            "lane": lane,
            "rank": place + 1,
            "hold": "promised" if place >= 16 else "",
            "action": "resolve_dispute" if place % 3 == 0 else "call",
            "collector": ["Kim", "Lee", None][place % 3],
        }
        for lane in LANES
        for place in range(20)
    ]
    return pd.DataFrame(rows)


def working(policy: Policy, *collectors: tuple[str, int, int]) -> Policy:
    """Return the policy with collectors of (name, accounts, of which disputes)."""
    people = tuple(
        Collector(name=name, accounts=count, skills={"disputes": disputes} if disputes else {})
        for name, count, disputes in collectors
    )
    return replace(policy, collectors=people)


@pytest.mark.parametrize("capacity", [1, 7, 20, 48, 55])
def test_capacity_is_shared_out_by_lane_and_spare_seats_are_filled(
    accounts: pd.DataFrame, policy: Policy, capacity: int
) -> None:
    """No more than asked for, no held account, in rank order within a lane."""
    free = accounts[accounts["hold"] == ""]
    chosen = fill_capacity(accounts, policy, capacity, on=DAY)
    assert len(chosen) == min(capacity, len(free))
    assert chosen["position"].tolist() == list(range(1, len(chosen) + 1))
    assert (chosen["hold"] == "").all()
    seats = policy.seats(capacity)
    for lane in LANES:
        there = int((free["lane"] == lane).sum())
        assert (chosen["lane"] == lane).sum() >= min(seats[lane], there)
        ranks = chosen.loc[chosen["lane"] == lane, "rank"].tolist()
        assert ranks == list(range(1, len(ranks) + 1))
    assert not chosen["explored"].any()
    assert (chosen["propensity"] == 1).all()


def test_held_accounts_are_listed_when_asked_for(accounts: pd.DataFrame, policy: Policy) -> None:
    """After the others of their lane."""
    chosen = fill_capacity(accounts, policy, 60, on=DAY, include_held=True)
    assert len(chosen) == 60
    for _, rows in chosen.groupby("lane"):
        held = (rows["hold"] != "").tolist()
        assert held == sorted(held)


def test_without_collectors_an_account_stays_with_its_own(
    accounts: pd.DataFrame, policy: Policy
) -> None:
    """Nobody's account is nobody's."""
    chosen = fill_capacity(accounts, policy, 20, on=DAY)
    assert chosen["assigned_to"].tolist() == chosen["collector"].fillna("").tolist()


def test_nobody_gets_more_than_they_can_do(accounts: pd.DataFrame, policy: Policy) -> None:
    """In all and by skill; what nobody has the skill for is passed over, the next moves up."""
    team = working(policy, ("Kim", 6, 2), ("Lee", 4, 0))
    chosen = fill_capacity(accounts, team, 60, on=DAY)
    assert chosen["assigned_to"].value_counts().to_dict() == {"Kim": 6, "Lee": 4}
    disputes = chosen[chosen["action"] == "resolve_dispute"]
    assert disputes["assigned_to"].tolist() == ["Kim", "Kim"]


def test_a_proposal_asks_for_the_skill_of_the_action(
    accounts: pd.DataFrame, policy: Policy
) -> None:
    """``propose_refer`` goes to whoever may refer."""
    one = accounts.head(1).assign(action="propose_refer")
    team = working(policy, ("Kim", 6, 2), ("Lee", 4, 0))
    assert fill_capacity(one, team, 5, on=DAY).empty
    may = replace(team, skills={})
    assert len(fill_capacity(one, may, 5, on=DAY)) == 1


def test_accounts_go_to_their_own_collector_then_to_the_least_loaded(
    accounts: pd.DataFrame, policy: Policy
) -> None:
    """Load is the share of one's capacity; ties go by name, whatever the order of the file."""
    nobodys = accounts.assign(collector=None, action="call")
    for names in (("Kim", "Lee"), ("Lee", "Kim")):
        sizes = {"Kim": 10, "Lee": 20}
        team = working(policy, *((name, sizes[name], 0) for name in names))
        chosen = fill_capacity(nobodys, team, 15, on=DAY)
        assert chosen["assigned_to"].tolist()[:3] == ["Kim", "Lee", "Lee"]
        assert chosen["assigned_to"].value_counts().to_dict() == {"Lee": 10, "Kim": 5}
    own = fill_capacity(accounts.assign(action="call"), team, 15, on=DAY)
    kept = own[own["collector"] == "Kim"]
    assert set(kept["assigned_to"]) == {"Kim"}


def test_a_share_left_to_chance_is_drawn_tagged_and_repeatable(
    accounts: pd.DataFrame, policy: Policy
) -> None:
    """Same seed and day, same accounts; another day, others; held accounts are never drawn."""
    bold = replace(policy, explore=Explore(share=0.3, seed=7))
    first = fill_capacity(accounts, bold, 20, on=DAY)
    shuffled = accounts.sample(frac=1, random_state=3)
    again = fill_capacity(shuffled, bold, 20, on=DAY)
    other = fill_capacity(accounts, bold, 20, on=DAY + timedelta(days=1))
    drawn = first[first["explored"]]
    assert len(first) == 20
    assert len(drawn) == 6
    assert first["account_id"].tolist() == again["account_id"].tolist()
    assert set(drawn["account_id"]) != set(other.loc[other["explored"], "account_id"])
    assert (drawn["hold"] == "").all()
    waiting = 48 - 14
    assert drawn["propensity"].tolist() == [6 / waiting] * 6


def test_every_waiting_account_is_drawn_about_as_often_as_the_propensity_says(
    accounts: pd.DataFrame, policy: Policy
) -> None:
    """Over 300 days the number of draws of each account lies within five standard deviations."""
    bold = replace(policy, explore=Explore(share=0.3, seed=7))
    counts: dict[str, int] = {}
    days = 300
    for day in range(days):
        chosen = fill_capacity(accounts, bold, 20, on=DAY + timedelta(days=day))
        for name in chosen.loc[chosen["explored"], "account_id"]:
            counts[name] = counts.get(name, 0) + 1
    share = 6 / 34
    spread = 5 * (days * share * (1 - share)) ** 0.5
    assert len(counts) == 34
    assert all(abs(count - days * share) < spread for count in counts.values())
