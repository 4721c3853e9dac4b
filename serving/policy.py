"""The collections policy: costs, capacity and suggested actions, read from TOML."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.ageing import BUCKETS
from models.priority import LANES, NO_LANE, Costs

HOLDS: tuple[str, ...] = ("unapplied", "disputed", "planned", "promised")


class PolicyError(ValueError):
    """A policy that cannot be used; the message names key, value and next step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRule:
    """One row of the table of suggested actions; the first rule that fits is taken.

    ``conditions`` maps a condition's name to its value; see ``CONDITIONS``.
    """

    action: str
    why: str
    conditions: Mapping[str, Any]

    def fits(self, accounts: pd.DataFrame) -> npt.NDArray[np.bool_]:
        """Return for each account whether all conditions hold."""
        holds = np.ones(len(accounts), dtype=bool)
        for name, value in self.conditions.items():
            column, compare = CONDITIONS[name]
            holds &= compare(accounts[column].to_numpy(), value)
        return holds


def _equal(left: npt.NDArray[Any], right: object) -> npt.NDArray[np.bool_]:
    return np.asarray(left == right, dtype=bool)


def _at_least(left: npt.NDArray[Any], right: float) -> npt.NDArray[np.bool_]:
    return np.asarray(np.nan_to_num(left.astype(float), nan=-np.inf) >= right)


def _at_most(left: npt.NDArray[Any], right: float) -> npt.NDArray[np.bool_]:
    return np.asarray(np.nan_to_num(left.astype(float), nan=np.inf) <= right)


_CHOICES: dict[str, tuple[Any, ...]] = {
    "lane": (*LANES, NO_LANE),
    "hold": (*HOLDS, ""),
    "broken_promise": (True, False),
}
"""Values of the conditions that are no number."""

CONDITIONS: dict[str, tuple[str, Any]] = {
    "lane": ("lane", _equal),
    "hold": ("hold", _equal),
    "broken_promise": ("broken_promise", _equal),
    "min_p_roll": ("p_roll", _at_least),
    "min_dollars_at_risk": ("dollars_at_risk", _at_least),
    "min_open_items": ("items", _at_least),
    "max_collectible": ("collectible", _at_most),
    "max_days_since_return": ("days_since_return", _at_most),
}
"""Name of a condition → column of the account table and comparison."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Everything a collections manager decides.

    Parameters
    ----------
    costs : Costs
        Loss by bucket and cost of capital.
    capacity : mapping of str to float
        Share of capacity by lane; sums to 1.
    actions : tuple of ActionRule
        In order; the last has no conditions, so that no account is without an answer.
    """

    costs: Costs
    capacity: Mapping[str, float]
    actions: tuple[ActionRule, ...]

    def suggest(self, accounts: pd.DataFrame) -> tuple[list[str], list[str]]:
        """Return the suggested action of each account and the sentence why."""
        chosen = np.full(len(accounts), -1)
        for position, rule in enumerate(self.actions):
            chosen[(chosen < 0) & rule.fits(accounts)] = position
        actions = [self.actions[position].action for position in chosen]
        return actions, [self.actions[position].why for position in chosen]

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
        When a key is unknown or missing, or a number is out of range.

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
    known = {"loss_rate", "costs", "capacity", "actions"}
    if unknown := set(content) - known:
        raise PolicyError(f"Unknown policy keys {sorted(unknown)}. Known: {sorted(known)}.")
    loss_rate = _shares(content, "loss_rate", BUCKETS)
    capacity = _shares(content, "capacity", LANES)
    costs = _shares(content, "costs", ("capital_per_year",))
    if abs(sum(capacity.values()) - 1) > 1e-9:
        raise PolicyError(f"Capacity shares must sum to 1, got {sum(capacity.values()):g}.")
    actions = tuple(_rule(row) for row in content["actions"])
    if not actions or actions[-1].conditions:
        raise PolicyError(
            "The last action must have no conditions, so that no account is without an answer. "
            'Add one such as action = "none".'
        )
    return Policy(
        costs=Costs(loss_rate=loss_rate, capital_cost=costs["capital_per_year"]),
        capacity=capacity,
        actions=actions,
    )


def _shares(content: Mapping[str, Any], section: str, names: Sequence[str]) -> dict[str, float]:
    values = content[section]
    if unknown := set(values) - set(names):
        raise PolicyError(
            f"Unknown policy keys {sorted(unknown)} in [{section}]. Known: {list(names)}."
        )
    for name in names:
        if not _is_number(values[name]) or not 0 <= values[name] <= 1:
            raise PolicyError(
                f"Policy value {section}.{name} must be a number in [0, 1], got {values[name]!r}."
            )
    return {name: float(values[name]) for name in names}


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _rule(row: Mapping[str, Any]) -> ActionRule:
    conditions = {key: value for key, value in row.items() if key not in ("action", "why")}
    if unknown := set(conditions) - set(CONDITIONS):
        raise PolicyError(
            f"Action {row['action']!r} has unknown conditions {sorted(unknown)}. "
            f"Known: {sorted(CONDITIONS)}."
        )
    for name, value in conditions.items():
        choices = _CHOICES.get(name)
        fits = _is_number(value) if choices is None else value in choices
        if not fits:
            wanted = "a number" if choices is None else f"one of {list(choices)}"
            raise PolicyError(f"Action {row['action']!r}: {name} must be {wanted}, got {value!r}.")
    return ActionRule(action=row["action"], why=row["why"], conditions=conditions)
