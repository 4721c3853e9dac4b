"""Tests of the collections policy: every rule can be reached and nobody is left out."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.ageing import BUCKETS
from models.priority import LANES
from serving.policy import Policy, PolicyError, read_policy
from serving.policy_rules import CONDITIONS, PLACEHOLDERS, parse_rules, reachable

SHIPPED = Path(__file__).parents[2] / "serving" / "policy.toml"

PLAIN: dict[str, Any] = {
    "lane": "past_due",
    "hold": "",
    "hold_reason": "",
    "segment": "smb",
    "broken_promise": False,
    "suspended": False,
    "return_class": None,
    "days_since_return": np.nan,
    "main_reason": "",
    "main_sentence": "The account paid late",
    "p_roll": 0.2,
    "dollars_at_risk": 100.0,
    "collectible": 800.0,
    "oldest_days_past_due": 12.0,
    "disputed_share": 0.0,
    "dispute_owner": None,
    "dispute_days": np.nan,
    "items": 1,
}
"""An account that nothing but its lane speaks of."""

CAME_BACK = {"days_since_return": 30.0}
LAST = {"lane": "last_bucket", "oldest_days_past_due": 120.0}

CASES: list[tuple[dict[str, Any], str, str]] = [
    ({"hold": "legal", "hold_reason": "With counsel."}, "leave_alone", "With counsel."),
    ({"hold": "unapplied", "hold_reason": "Cash covers it."}, "apply_cash", "Cash covers it."),
    (
        {"hold": "provisional", "hold_reason": "80.00 came in."},
        "wait_for_payment",
        "80.00 came in. Wait until it is final.",
    ),
    (
        {"hold": "disputed", "dispute_owner": "sales", "dispute_days": 12.0},
        "resolve_dispute",
        "12 days: settle it with sales.",
    ),
    ({"hold": "planned"}, "wait_for_plan", ""),
    ({"hold": "promised"}, "wait_for_promise", ""),
    ({"hold": "cadence", "hold_reason": "Too often."}, "leave_alone", "Too often."),
    ({"hold": "snooze", "hold_reason": "Put off."}, "leave_alone", "Put off."),
    (LAST | {"collectible": 250.0}, "write_off_review", "250.00 is too small"),
    (
        CAME_BACK | {"return_class": "account_data"},
        "fix_payment_method",
        "30 days ago, the account or card cannot be charged as given",
    ),
    (CAME_BACK | {"return_class": "fraud"}, "fix_payment_method", "used the card"),
    (CAME_BACK | {"return_class": "processing"}, "charge_again", "on our side"),
    (CAME_BACK | {"return_class": "dispute"}, "resolve_dispute", "before dunning"),
    (CAME_BACK | {"return_class": "legal"}, "escalate", "look for an insolvency"),
    (CAME_BACK | {"return_class": "funds"}, "call", "the money was not there"),
    (CAME_BACK | {"return_class": "unknown"}, "call", "the books do not say why"),
    (
        {"days_since_return": 31.0, "return_class": "fraud", "broken_promise": True},
        "chase_broken_promise",
        "was broken",
    ),
    ({"disputed_share": 0.25}, "resolve_dispute", "in dispute for n/a days"),
    (LAST | {"oldest_days_past_due": 271.0, "collectible": 5000.0}, "refer", "271 days"),
    (LAST | {"oldest_days_past_due": 271.0}, "offer_settlement", "271 days past due"),
    (LAST, "escalate", "120 days past due"),
    (
        {"oldest_days_past_due": 61.0, "p_roll": 0.7, "collectible": 1000.0},
        "consider_suspension",
        "(70 %)",
    ),
    (
        {"oldest_days_past_due": 61.0, "p_roll": 0.7, "collectible": 1000.0, "suspended": True},
        "call",
        "",
    ),
    (
        {"oldest_days_past_due": 31.0, "p_roll": 0.5, "collectible": 10_000.0},
        "offer_plan",
        "10,000.00 to collect",
    ),
    ({"p_roll": 0.5}, "call", "(50 %): call. The account paid late."),
    ({"dollars_at_risk": 5000.0}, "call", "5,000.00 at risk"),
    ({}, "email", "e-mail"),
    ({"p_roll": np.nan}, "email", "e-mail"),
    ({"lane": "due_soon"}, "remind", "reminder"),
    ({"lane": ""}, "none", "Nothing can roll"),
]
"""What differs from the plain account → the action, and a part of the sentence."""


@pytest.fixture(scope="module")
def policy() -> Policy:
    """The shipped policy."""
    return read_policy()


def accounts_of(*changes: dict[str, Any]) -> pd.DataFrame:
    """Return the plain account, once for each set of changes."""
    return pd.DataFrame([PLAIN | changed for changed in changes])


@pytest.mark.parametrize(("changes", "action", "says"), CASES, ids=str)
def test_the_first_rule_that_fits_is_taken(
    policy: Policy, changes: dict[str, Any], action: str, says: str
) -> None:
    """On every bound, with a sentence that names what it was decided by."""
    [found], [why] = policy.suggest(accounts_of(changes))
    assert found == action
    assert says in why


def test_every_rule_can_be_reached(policy: Policy) -> None:
    """The cases above take every rule of the shipped policy."""
    accounts = accounts_of(*(changes for changes, _, _ in CASES))
    first = np.argmax([rule.fits(accounts) for rule in policy.actions], axis=0)
    assert set(first.tolist()) == set(range(len(policy.actions)))


@given(
    st.fixed_dictionaries(
        {
            "lane": st.sampled_from([*LANES, ""]),
            "hold": st.sampled_from(CONDITIONS["hold"].choices),
            "return_class": st.sampled_from([*CONDITIONS["return_class"].choices, None]),
            "broken_promise": st.booleans(),
            "p_roll": st.floats(0, 1) | st.just(np.nan),
            "collectible": st.floats(0, 1e9),
            "oldest_days_past_due": st.floats(-100, 5000) | st.just(np.nan),
            "days_since_return": st.floats(0, 400) | st.just(np.nan),
        }
    )
)
def test_nobody_is_without_an_answer(changes: dict[str, Any]) -> None:
    """Whatever an account looks like, it gets an action and a sentence without braces."""
    [action], [why] = read_policy().suggest(accounts_of(changes))
    assert action
    assert "{" not in why


def test_a_rule_behind_a_wider_one_is_found_unreachable() -> None:
    """Also when only several rules before it together take all its accounts."""
    last = {"action": "none", "why": "."}
    split = [
        {"action": "call", "why": ".", "lane": ["past_due", "due_soon"], "min_p_roll": 0.5},
        {"action": "email", "why": ".", "lane": "past_due", "max_p_roll": 0.5},
        {"action": "remind", "why": ".", "lane": "past_due", "min_p_roll": 0.3},
        last,
    ]
    with pytest.raises(PolicyError, match=r"Action 3 of 4 \('remind'\) can never be reached"):
        parse_rules(split)
    split[2] = {"action": "remind", "why": ".", "lane": "past_due"}
    rules = parse_rules(split)  # an account without a p_roll is left to it
    assert all(reachable(rules, position) for position in range(4))


def test_sentences_name_columns_that_accounts_have() -> None:
    """Every condition and every name in braces reads a column of the account table."""
    columns = {condition.column for condition in CONDITIONS.values()}
    columns |= {column for column, _ in PLACEHOLDERS.values()}
    assert columns <= set(PLAIN)


def test_costs_rise_with_the_bucket_and_capacity_is_shared_out(policy: Policy) -> None:
    """Losses grow as items age; the lanes' shares sum to one; nothing is left to chance."""
    assert tuple(policy.costs.loss_rate) == BUCKETS
    rates = [policy.costs.loss_rate[bucket] for bucket in BUCKETS]
    assert rates == sorted(rates)
    assert sum(policy.capacity.values()) == pytest.approx(1)
    assert policy.costs.capital_cost == 0.09
    assert policy.explore.share == 0


def test_an_action_takes_its_time_whether_done_or_proposed(policy: Policy) -> None:
    """Minutes by action, else the default."""
    assert policy.minutes_of("refer") == policy.minutes_of("propose_refer") == 30
    assert policy.minutes_of("apply_cash") == 10


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
    own = replace(policy, capacity={lane: share / 100 for lane, share in hundredths.items()})
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
        ("[costs]", "[extra]\nx = 1\n[costs]", r"keys \['extra'\] in the policy. Known: .*costs"),
        ("past_due = 0.70", "past_due = 0.60", "Capacity shares must sum to 1, got 0.9"),
        ("past_due = 0.70", "past_due = 0.70\nlater = 0", r"\['later'\] in \[capacity\]. Known"),
        ('"91+" = 0.30', '"91+" = 1.30', r"loss_rate.91\+ must be a number in \[0, 1\], got 1.3"),
        ('"91+" = 0.30', '"120+" = 0.30', r"Unknown policy keys \['120\+'\] in \[loss_rate\]"),
        ('"91+" = 0.30', "", r"The policy lacks '91\+'"),
        ("capital_per_year = 0.09", 'capital_per_year = "9 %"', "costs.capital_per_year must be"),
        ("capital_per_year = 0.09", "capital = 0.09", r"\['capital'\] in \[costs\]"),
        (
            "min_p_roll = 0.50",
            "min_p = 0.50",
            r"'offer_plan' has unknown conditions \['min_p'\]. Known",
        ),
        ("min_p_roll = 0.50", 'min_p_roll = "half"', "'offer_plan': min_p_roll must be a number"),
        ('lane = "due_soon"', 'lane = "soon"', r"'remind': lane must be one of .*'due_soon'"),
        ('hold = "planned"', 'hold = "plan"', r"hold must be one of .*'planned'.*got 'plan'"),
        ("broken_promise = true", "broken_promise = 1", "broken_promise must be one of"),
        ('"{hold_reason}"', '"{reason}"', r"the sentence names \['reason'\] in braces. Known"),
        ('"{hold_reason}"', '"{hold_reason"', "The sentence '{hold_reason' cannot be read"),
        ('action = "remind"', 'action = "shout"', "Unknown action 'shout'. Known: apply_cash"),
        ("min_p_roll = 0.50\nwhy", "why", r"Action 22 of 25 \('call'\) can never be reached"),
        ('flags = ["bankruptcy"', 'flags = ["bankrupt"', "holds.flags must be a list of"),
        ("provisional_share = 1.0", "provisional_share = -1", "at least 0, got -1"),
        ("[cadence.default]", "[cadence.smb]", r"The policy lacks 'cadence.default'"),
        ("contacts = 3", "contacts = 0", "cadence.default.contacts must be a whole number above 0"),
        ("share = 0.0", "share = 1.5", "explore.share must be at most 1, got 1.5"),
        ("call = 12", "phone = 12", r"Unknown policy keys \['phone'\] in \[minutes\]"),
        (
            "# [[collectors]]",
            '[[collectors]]\nname = "Kim"\naccounts = 4\nskills = { law = 1 }\n#',
            r"\['law'\] in the skills of collector 'Kim'",
        ),
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
