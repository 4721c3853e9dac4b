"""Tests of the collections policy: every rule can be reached and nobody is left out."""

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.ageing import BUCKETS
from models.priority import LANES, NO_LANE
from serving.policy import CONDITIONS, HOLDS, Policy, PolicyError, read_policy

SHIPPED = Path(__file__).parents[2] / "serving" / "policy.toml"


@pytest.fixture(scope="module")
def policy() -> Policy:
    """The shipped policy."""
    return read_policy()


@pytest.fixture(scope="module")
def accounts() -> pd.DataFrame:
    """Every combination of what the conditions read, just below and above their bounds."""
    rows = product(
        (*LANES, NO_LANE),
        (*HOLDS, ""),
        (False, True),
        (np.nan, 0.49, 0.5),
        (0.0, 4999.99, 5000.0),
        (250.0, 250.01),
        (np.nan, 30.0, 31.0),
        (1,),
    )
    columns = [column for column, _ in CONDITIONS.values()]
    assert columns == [
        *("lane", "hold", "broken_promise", "p_roll", "dollars_at_risk", "items"),
        *("collectible", "days_since_return"),
    ]
    names = [
        *("lane", "hold", "broken_promise", "p_roll", "dollars_at_risk"),
        *("collectible", "days_since_return", "items"),
    ]
    return pd.DataFrame(list(rows), columns=names)


def test_every_rule_can_be_reached_and_nobody_is_without_an_answer(
    policy: Policy, accounts: pd.DataFrame
) -> None:
    """Each rule is the first that fits for some account; each account gets one."""
    actions, why = policy.suggest(accounts)
    assert len(actions) == len(why) == len(accounts)
    assert set(zip(actions, why, strict=True)) == {(r.action, r.why) for r in policy.actions}


@pytest.mark.parametrize(
    ("changes", "action"),
    [
        ({"hold": "unapplied"}, "apply_cash"),
        ({"hold": "disputed"}, "resolve_dispute"),
        ({"hold": "planned"}, "wait_for_plan"),
        ({"hold": "promised"}, "wait_for_promise"),
        ({"lane": "last_bucket", "collectible": 250.0}, "write_off_review"),
        ({"days_since_return": 30.0}, "fix_payment_method"),
        ({"days_since_return": 31.0, "broken_promise": True}, "chase_broken_promise"),
        ({"lane": "last_bucket"}, "escalate"),
        ({"p_roll": 0.5}, "call"),
        ({"dollars_at_risk": 5000.0}, "call"),
        ({}, "email"),
        ({"p_roll": np.nan}, "email"),
        ({"lane": "due_soon"}, "remind"),
        ({"lane": ""}, "none"),
    ],
    ids=str,
)
def test_the_first_rule_that_fits_is_taken(
    policy: Policy, changes: dict[str, object], action: str
) -> None:
    """Bounds count as reached; missing values meet no bound."""
    usual = {
        "lane": "past_due",
        "hold": "",
        "broken_promise": False,
        "p_roll": 0.49,
        "dollars_at_risk": 4999.99,
        "collectible": 1000.0,
        "days_since_return": np.nan,
        "items": 1,
    }
    actions, _ = policy.suggest(pd.DataFrame([usual | changes]))
    assert actions == [action]


def test_no_accounts_get_no_actions(policy: Policy, accounts: pd.DataFrame) -> None:
    """An empty day is no error."""
    assert policy.suggest(accounts.head(0)) == ([], [])


def test_costs_and_shares_are_those_of_the_file(policy: Policy) -> None:
    """Loss rises with the bucket; the lanes' shares sum to one."""
    assert tuple(policy.costs.loss_rate) == BUCKETS
    rates = [policy.costs.loss_rate[bucket] for bucket in BUCKETS]
    assert rates == sorted(rates)
    assert sum(policy.capacity.values()) == pytest.approx(1)
    assert policy.costs.capital_cost == 0.09


shares = st.tuples(st.integers(0, 100), st.integers(0, 100)).map(
    lambda pair: (min(pair), max(pair) - min(pair), 100 - max(pair))
)


@given(shares, st.integers(0, 5000))
def test_seats_are_given_out_exactly_and_within_one_of_the_share(
    cut: tuple[int, int, int], capacity: int
) -> None:
    """Nothing is lost to rounding: whole shares are met exactly, others rounded."""
    policy = read_policy()
    hundredths = dict(zip(LANES, cut, strict=True))
    own = Policy(
        costs=policy.costs,
        capacity={lane: share / 100 for lane, share in hundredths.items()},
        actions=policy.actions,
    )
    seats = own.seats(capacity)
    assert sum(seats.values()) == capacity
    for lane in LANES:
        exact = capacity * hundredths[lane]
        assert exact // 100 <= seats[lane] <= -(-exact // 100)


def written(tmp_path: Path, old: str, new: str) -> Path:
    """Return the shipped policy with one text replaced."""
    text = SHIPPED.read_text("utf-8")
    assert old in text
    path = tmp_path / "policy.toml"
    path.write_text(text.replace(old, new, 1))
    return path


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("[costs]", "[extra]\nx = 1\n[costs]", r"Unknown policy keys \['extra'\]. Known: .*costs"),
        ("past_due = 0.70", "past_due = 0.60", "Capacity shares must sum to 1, got 0.9"),
        ("past_due = 0.70", "past_due = 0.70\nlater = 0", r"\['later'\] in \[capacity\]. Known"),
        ('"91+" = 0.30', '"91+" = 1.30', r"loss_rate.91\+ must be a number in \[0, 1\], got 1.3"),
        ('"91+" = 0.30', '"120+" = 0.30', r"Unknown policy keys \['120\+'\] in \[loss_rate\]"),
        ('"91+" = 0.30', "", r"The policy lacks '91\+'"),
        ("capital_per_year = 0.09", 'capital_per_year = "9 %"', "costs.capital_per_year must be"),
        ("capital_per_year = 0.09", "capital = 0.09", r"\['capital'\] in \[costs\]"),
        ("min_p_roll = 0.50", "min_p = 0.50", r"'call' has unknown conditions \['min_p'\]. Known"),
        ("min_p_roll = 0.50", 'min_p_roll = "half"', "'call': min_p_roll must be a number"),
        ('lane = "due_soon"', 'lane = "soon"', r"'remind': lane must be one of .*'due_soon'"),
        ('hold = "planned"', 'hold = "plan"', r"hold must be one of .*'planned'.*got 'plan'"),
        ("broken_promise = true", "broken_promise = 2", "broken_promise must be one of"),
        ('action = "none"', 'action = "none"\nlane = ""', "last action must have no conditions"),
        ('why = "Nothing can', 'because = "Nothing can', r"unknown conditions \['because'\]"),
        ("[costs]", "[costs", "is not valid TOML"),
    ],
    ids=str,
)
def test_mistakes_are_refused_by_name(tmp_path: Path, old: str, new: str, says: str) -> None:
    """Key, value and what would be right; nothing is guessed."""
    with pytest.raises(PolicyError, match=says):
        read_policy(written(tmp_path, old, new))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """The message names the file."""
    with pytest.raises(PolicyError, match=r"none\.toml does not exist"):
        read_policy(tmp_path / "none.toml")
