"""The table of suggested actions: rules over an account's state and reasons, as data.

A rule has conditions, an action and the sentence why; the first rule whose conditions all hold
is taken. A rule that no account could ever reach is refused when the policy is read.
"""

import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.catalogue import FAMILIES
from features.return_codes import CLASSES
from models.priority import LANES, NO_LANE
from serving.actions import ACTIONS
from serving.policy_holds import HOLDS

Bools = npt.NDArray[np.bool_]


class PolicyError(ValueError):
    """A policy that cannot be used; the message names key, value and next step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What a rule may ask of an account.

    Parameters
    ----------
    column : str
        Column of the account table.
    test : {"one_of", "at_least", "at_most"}
        How the column is compared; a missing number fits neither bound.
    choices : tuple
        Allowed values of ``one_of``; empty when any text is allowed.
    """

    column: str
    test: Literal["one_of", "at_least", "at_most"]
    choices: tuple[Any, ...] = ()

    def fits(self, values: npt.NDArray[Any], wanted: Any) -> Bools:  # noqa: ANN401 (any cell)
        """Return for each value whether it meets ``wanted``."""
        if self.test == "one_of":
            return np.isin(values, np.asarray(as_list(wanted), dtype=values.dtype))
        numbers = values.astype(float)
        with np.errstate(invalid="ignore"):
            meets = numbers >= wanted if self.test == "at_least" else numbers <= wanted
        return np.asarray(meets, dtype=bool)


def as_list(value: Any) -> list[Any]:  # noqa: ANN401 (any value of a TOML file)
    """Return a value of the policy file as a list.

    Examples
    --------
    >>> as_list("call"), as_list(["call", "email"])
    (['call'], ['call', 'email'])
    """
    return list(value) if isinstance(value, list) else [value]


UNKNOWN_CLASS = "unknown"

CONDITIONS: dict[str, Condition] = {
    "lane": Condition(column="lane", test="one_of", choices=(*LANES, NO_LANE)),
    "hold": Condition(column="hold", test="one_of", choices=(*HOLDS, "")),
    "segment": Condition(column="segment", test="one_of"),
    "broken_promise": Condition(column="broken_promise", test="one_of", choices=(True, False)),
    "suspended": Condition(column="suspended", test="one_of", choices=(True, False)),
    "return_class": Condition(
        column="return_class", test="one_of", choices=(*CLASSES, UNKNOWN_CLASS)
    ),
    "main_reason": Condition(column="main_reason", test="one_of", choices=tuple(FAMILIES)),
    "max_days_since_return": Condition(column="days_since_return", test="at_most"),
    "min_p_roll": Condition(column="p_roll", test="at_least"),
    "max_p_roll": Condition(column="p_roll", test="at_most"),
    "min_dollars_at_risk": Condition(column="dollars_at_risk", test="at_least"),
    "min_collectible": Condition(column="collectible", test="at_least"),
    "max_collectible": Condition(column="collectible", test="at_most"),
    "min_days_past_due": Condition(column="oldest_days_past_due", test="at_least"),
    "max_days_past_due": Condition(column="oldest_days_past_due", test="at_most"),
    "min_disputed_share": Condition(column="disputed_share", test="at_least"),
    "min_open_items": Condition(column="items", test="at_least"),
}
"""Name of a condition → what it asks."""


def _whole(value: float) -> str:
    return f"{value:,.0f}"


def _money(value: float) -> str:
    return f"{value:,.2f}"


_RETURNED: dict[str, str] = {
    "funds": "the money was not there",
    "account_data": "the account or card cannot be charged as given",
    "unauthorised": "the payer denies or withdrew the authority to debit",
    "dispute": "the payer contests it or stopped it",
    "fraud": "somebody else may have used the card",
    "legal": "the payer's account is frozen or in liquidation",
    "processing": "something went wrong on our side or between the banks",
    "other": "the bank gave no reason",
    UNKNOWN_CLASS: "the books do not say why",
}

PLACEHOLDERS: dict[str, tuple[str, Callable[[Any], str]]] = {
    "hold_reason": ("hold_reason", str),
    "dispute_owner": ("dispute_owner", str),
    "dispute_days": ("dispute_days", _whole),
    "days_since_return": ("days_since_return", _whole),
    "return_meaning": ("return_class", lambda name: _RETURNED[name]),
    "days_past_due": ("oldest_days_past_due", _whole),
    "p_roll": ("p_roll", lambda value: f"{100 * value:.0f} %"),
    "dollars_at_risk": ("dollars_at_risk", _money),
    "collectible": ("collectible", _money),
    "items": ("items", _whole),
    "main_reason": ("main_sentence", str),
}
"""What a sentence may name in braces → column of the account table and how it is written."""

UNSAID = "n/a"
"""Stands for a value that the account does not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRule:
    """One row of the table of suggested actions.

    ``conditions`` maps names of ``CONDITIONS`` to what is asked; ``why`` is the sentence, with
    names of ``PLACEHOLDERS`` in braces.
    """

    action: str
    why: str
    conditions: Mapping[str, Any]

    def fits(self, accounts: pd.DataFrame) -> Bools:
        """Return for each account whether all conditions hold."""
        holds = np.ones(len(accounts), dtype=bool)
        for name, wanted in self.conditions.items():
            condition = CONDITIONS[name]
            holds &= condition.fits(accounts[condition.column].to_numpy(), wanted)
        return holds

    def sentences(self, accounts: pd.DataFrame) -> list[str]:
        """Return the sentence why for each account."""
        names = _placeholders(self.why)
        columns = {name: accounts[PLACEHOLDERS[name][0]].tolist() for name in names}
        return [
            self.why.format_map(
                {
                    name: UNSAID if pd.isna(cells[row]) else PLACEHOLDERS[name][1](cells[row])
                    for name, cells in columns.items()
                }
            )
            for row in range(len(accounts))
        ]


def suggest(rules: Sequence[ActionRule], accounts: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Return the action of each account and the sentence why, by the first rule that fits."""
    chosen = np.full(len(accounts), -1)
    for position, rule in enumerate(rules):
        chosen[(chosen < 0) & rule.fits(accounts)] = position
    why: list[str] = [""] * len(accounts)
    for position in np.unique(chosen).tolist():
        rows = np.flatnonzero(chosen == position)
        for row, text in zip(rows, rules[position].sentences(accounts.iloc[rows]), strict=True):
            why[row] = text
    return [rules[position].action for position in chosen], why


def parse_rules(rows: Sequence[Mapping[str, Any]]) -> tuple[ActionRule, ...]:
    """Return the rules of a policy file.

    Raises
    ------
    PolicyError
        When a rule names something unknown, a value is of the wrong kind, the last rule has
        conditions, or a rule can never be reached.
    """
    rules = tuple(_rule(row) for row in rows)
    if not rules or rules[-1].conditions:
        raise PolicyError(
            "The last action must have no conditions, so that no account is without an answer. "
            'Add one such as action = "none".'
        )
    for position, rule in enumerate(rules):
        if not reachable(rules, position):
            raise PolicyError(
                f"Action {position + 1} of {len(rules)} ({rule.action!r}) can never be reached: "
                "the rules before it take every account it would. Move it up or take it out."
            )
    return rules


def _rule(row: Mapping[str, Any]) -> ActionRule:
    action = row["action"]
    if action not in ACTIONS:
        raise PolicyError(f"Unknown action {action!r}. Known: {', '.join(ACTIONS)}.")
    conditions = {key: value for key, value in row.items() if key not in ("action", "why")}
    if unknown := set(conditions) - set(CONDITIONS):
        raise PolicyError(
            f"Action {action!r} has unknown conditions {sorted(unknown)}. "
            f"Known: {sorted(CONDITIONS)}."
        )
    for name, value in conditions.items():
        if wanted := _misfit(CONDITIONS[name], value):
            raise PolicyError(f"Action {action!r}: {name} must be {wanted}, got {value!r}.")
    if unknown := set(_placeholders(row["why"])) - set(PLACEHOLDERS):
        raise PolicyError(
            f"Action {action!r}: the sentence names {sorted(unknown)} in braces. "
            f"Known: {sorted(PLACEHOLDERS)}."
        )
    return ActionRule(action=action, why=row["why"], conditions=conditions)


def _misfit(condition: Condition, value: Any) -> str:  # noqa: ANN401 (any value of a TOML file)
    """Return what a value should have been; empty when it fits."""
    if condition.test != "one_of":
        return "" if is_number(value) else "a number"
    given = as_list(value)
    if not condition.choices:
        return "" if given and all(isinstance(one, str) for one in given) else "text"
    kinds = {type(choice) for choice in condition.choices}
    known = given and all(type(one) in kinds and one in condition.choices for one in given)
    return "" if known else f"one of {list(condition.choices)}"


def is_number(value: object) -> bool:
    """Tell whether a value of a TOML file is a number; true and false are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _placeholders(text: str) -> list[str]:
    try:
        return [name for _, name, _, _ in string.Formatter().parse(text) if name is not None]
    except ValueError as error:
        raise PolicyError(f"The sentence {text!r} cannot be read: {error}.") from error


def reachable(rules: Sequence[ActionRule], position: int) -> bool:
    """Tell whether some account fits a rule and none of the rules before it.

    Every column is looked at by itself: that two conditions exclude each other in the books
    (a lane without items past due) is not known here.
    """
    named = {name for rule in rules[: position + 1] for name in rule.conditions}
    domains = _domains(rules[: position + 1], {CONDITIONS[name].column for name in named})
    return _satisfiable(
        _narrowed(domains, rules[position].conditions, wanted=True), list(rules[:position])
    )


def _domains(rules: Iterable[ActionRule], columns: set[str]) -> dict[str, npt.NDArray[Any]]:
    """Return for each column values of which some meet, and some miss, every condition."""
    values: dict[str, list[Any]] = {column: [] for column in columns}
    for rule in rules:
        for name, wanted in rule.conditions.items():
            condition = CONDITIONS[name]
            if condition.test != "one_of":
                values[condition.column] += [wanted, wanted - 1e-6, wanted + 1e-6, np.nan]
            elif condition.choices:
                values[condition.column] += list(condition.choices)
            else:
                values[condition.column] += [*as_list(wanted), ""]
    return {
        column: np.asarray(found, dtype=float if is_number(found[0]) else object)
        for column, found in values.items()
    }


def _narrowed(
    domains: dict[str, npt.NDArray[Any]], conditions: Mapping[str, Any], *, wanted: bool
) -> dict[str, npt.NDArray[Any]]:
    narrowed = dict(domains)
    for name, value in conditions.items():
        condition = CONDITIONS[name]
        fits = condition.fits(narrowed[condition.column], value)
        narrowed[condition.column] = narrowed[condition.column][fits == wanted]
    return narrowed


def _satisfiable(domains: dict[str, npt.NDArray[Any]], misses: list[ActionRule]) -> bool:
    """Tell whether a choice from the domains misses every rule: each by one of its conditions."""
    if any(len(values) == 0 for values in domains.values()):
        return False
    if not misses:
        return True
    first, rest = misses[0], misses[1:]
    return any(
        _satisfiable(_narrowed(domains, {name: value}, wanted=False), rest)
        for name, value in first.conditions.items()
    )
