"""The collections policy: what a collections manager decides, read from one TOML file.

Costs of ageing, shares of capacity, holds, suggested actions, who can do what, and how much is
left to chance. The shipped ``policy.toml`` explains every value; an unknown key is refused.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import pandas as pd

from features.ageing import BUCKETS
from models.priority import LANES, Costs
from serving.actions import ACTIONS
from serving.policy_holds import FLAGS, HOLDS, Cadence, HoldRules
from serving.policy_rules import ActionRule, PolicyError, is_number, parse_rules, suggest

__all__ = ["HOLDS", "Collector", "Explore", "Policy", "PolicyError", "read_policy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Collector:
    """Somebody who works accounts.

    Parameters
    ----------
    name : str
        As ``accounts.collector`` has it.
    accounts : int
        Accounts a day.
    skills : mapping of str to int
        Accounts a day that ask for a skill, by skill. An action whose skill is not among them
        goes to somebody else.
    """

    name: str
    accounts: int
    skills: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explore:
    """How much of the capacity goes to accounts drawn at random, and from which seed."""

    share: float
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Everything a collections manager decides.

    Parameters
    ----------
    costs : Costs
        Loss by bucket and cost of capital.
    capacity : mapping of str to float
        Share of capacity by lane; sums to 1.
    holds : HoldRules
        When an account is left in peace.
    actions : tuple of ActionRule
        In order; the last has no conditions, so that no account is without an answer.
    dispute_owners : mapping of str to str
        Who settles a dispute, by its reason; ``default`` for all others.
    minutes : mapping of str to float
        Time an action takes, by action; ``default`` for all others.
    skills : mapping of str to str
        Skill an action asks for; one that is not named can be done by anybody.
    collectors : tuple of Collector
        Who works; none when capacity is only a number of accounts.
    explore : Explore
        The share left to chance.
    """

    costs: Costs
    capacity: Mapping[str, float]
    holds: HoldRules
    actions: tuple[ActionRule, ...]
    dispute_owners: Mapping[str, str]
    minutes: Mapping[str, float]
    skills: Mapping[str, str]
    collectors: tuple[Collector, ...]
    explore: Explore

    def suggest(self, accounts: pd.DataFrame) -> tuple[list[str], list[str]]:
        """Return the suggested action of each account and the sentence why."""
        return suggest(self.actions, accounts)

    def minutes_of(self, action: str) -> float:
        """Return how long an action takes; as long when it is only proposed."""
        return self.minutes.get(action.removeprefix("propose_"), self.minutes["default"])

    def seats(self, capacity: int) -> dict[str, int]:
        """Return how many of ``capacity`` accounts each lane may have.

        Lanes get their share rounded down; what is left goes to the largest remainders, ties
        to the first lane.
        """
        # Rounded first: 0.29 × 100 is 28.999…96 in floating point and means 29 seats.
        shares = {lane: round(capacity * self.capacity[lane], 6) for lane in LANES}
        seats = {lane: int(share) for lane, share in shares.items()}
        by_remainder = sorted(LANES, key=lambda lane: seats[lane] - shares[lane])
        for lane in by_remainder[: capacity - sum(seats.values())]:
            seats[lane] += 1
        return seats


def read_policy(path: Path | None = None) -> Policy:
    """Read a policy file; the shipped one when ``path`` is None.

    Raises
    ------
    PolicyError
        When a key is unknown or missing, a number is out of range, or a rule cannot be reached.

    Examples
    --------
    >>> read_policy().seats(10)
    {'past_due': 7, 'due_soon': 1, 'last_bucket': 2}
    """
    if path is None:
        text = resources.files("serving").joinpath("policy.toml").read_text("utf-8")
    elif path.is_file():
        text = path.read_text("utf-8")
    else:
        raise PolicyError(f"Policy file {path} does not exist.")
    try:
        return _parse(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"Policy file {path} is not valid TOML: {error}.") from error
    except KeyError as error:
        raise PolicyError(
            f"The policy lacks {error}. Start from the shipped serving/policy.toml."
        ) from error


def _parse(content: Mapping[str, Any]) -> Policy:
    sections = {"loss_rate", "costs", "capacity", "holds", "cadence", "dispute_owners"}
    sections |= {"minutes", "skills", "explore", "actions"}
    _known(content, sections | {"collectors"}, "the policy")
    capacity = _numbers(content, "capacity", LANES, high=1)
    if abs(sum(capacity.values()) - 1) > 1e-9:
        raise PolicyError(f"Capacity shares must sum to 1, got {sum(capacity.values()):g}.")
    costs = _numbers(content, "costs", ("capital_per_year",), high=1)
    explore = _numbers(content, "explore", ("share", "seed"))
    _must(explore["share"] <= 1, "explore.share", "at most 1", explore["share"])
    return Policy(
        costs=Costs(
            loss_rate=_numbers(content, "loss_rate", BUCKETS, high=1),
            capital_cost=costs["capital_per_year"],
        ),
        capacity=capacity,
        holds=_holds(content),
        actions=parse_rules(content["actions"]),
        dispute_owners=_texts(content, "dispute_owners"),
        minutes=_numbers(content, "minutes", ("default",), may=ACTIONS),
        skills=_texts(content, "skills", may=ACTIONS),
        collectors=_collectors(content.get("collectors", []), _texts(content, "skills")),
        explore=Explore(share=explore["share"], seed=int(explore["seed"])),
    )


def _holds(content: Mapping[str, Any]) -> HoldRules:
    section = content["holds"]
    _known(section, {"flags", "provisional_share"}, "[holds]")
    flags = section["flags"]
    fits = isinstance(flags, list) and all(flag in FLAGS for flag in flags)
    _must(fits, "holds.flags", f"a list of {list(FLAGS)}", flags)
    share = section["provisional_share"]
    _must(
        is_number(share) and share >= 0, "holds.provisional_share", "a number of at least 0", share
    )
    cadence = {segment: _cadence(segment, rule) for segment, rule in content["cadence"].items()}
    if "default" not in cadence:
        raise KeyError("cadence.default")
    return HoldRules(flags=tuple(flags), provisional_share=float(share), cadence=cadence)


def _cadence(segment: str, rule: Mapping[str, Any]) -> Cadence:
    _known(rule, {"contacts", "days"}, f"[cadence.{segment}]")
    for name in ("contacts", "days"):
        _must(
            _is_count(rule[name]), f"cadence.{segment}.{name}", "a whole number above 0", rule[name]
        )
    return Cadence(contacts=rule["contacts"], days=rule["days"])


def _collectors(
    rows: Sequence[Mapping[str, Any]], skills: Mapping[str, str]
) -> tuple[Collector, ...]:
    found = []
    for row in rows:
        _known(row, {"name", "accounts", "skills"}, "[[collectors]]")
        where = f"collectors.{row['name']}"
        _must(
            _is_count(row["accounts"]),
            f"{where}.accounts",
            "a whole number above 0",
            row["accounts"],
        )
        own = row.get("skills", {})
        _known(own, set(skills.values()), f"the skills of collector {row['name']!r}")
        for name, count in own.items():
            _must(_is_count(count), f"{where}.skills.{name}", "a whole number above 0", count)
        found.append(Collector(name=row["name"], accounts=row["accounts"], skills=own))
    names = [collector.name for collector in found]
    _must(len(set(names)) == len(names), "collectors", "each named once", sorted(names))
    return tuple(found)


def _known(values: Mapping[str, Any], names: set[str], where: str) -> None:
    if unknown := set(values) - names:
        raise PolicyError(
            f"Unknown policy keys {sorted(unknown)} in {where}. Known: {sorted(names)}."
        )


def _must(holds: bool, where: str, rule: str, value: object) -> None:  # noqa: FBT001 (a check)
    if not holds:
        raise PolicyError(f"Policy value {where} must be {rule}, got {value!r}.")


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _numbers(
    content: Mapping[str, Any],
    section: str,
    names: Sequence[str],
    *,
    may: Sequence[str] | Mapping[str, Any] = (),
    high: float | None = None,
) -> dict[str, float]:
    """Return the numbers of a section: all of ``names`` and, where given, those of ``may``."""
    values = content[section]
    _known(values, {*names, *may}, f"[{section}]")
    wanted = "a number of at least 0" if high is None else f"a number in [0, {high:g}]"
    found = {}
    for name in (*names, *(name for name in may if name in values)):
        value = values[name]
        fits = is_number(value) and value >= 0 and (high is None or value <= high)
        _must(fits, f"{section}.{name}", wanted, value)
        found[name] = float(value)
    return found


def _texts(
    content: Mapping[str, Any], section: str, *, may: Mapping[str, Any] | None = None
) -> dict[str, str]:
    values = content[section]
    if may is not None:
        _known(values, set(may), f"[{section}]")
    for name, value in values.items():
        _must(isinstance(value, str) and bool(value), f"{section}.{name}", "text", value)
    return dict(values)
