"""The gate: what a version must show before it becomes champion."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.home import Home
from models.registry import (
    CHALLENGER,
    NAME,
    NoModelError,
    alias_version,
    connect,
    load_model,
    make_champion,
)
from training.recipe import MODEL

DOLLAR_BOUNDS = (0.75, 1.33)
"""Expected over realised rolled dollars on the test window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of the gate: its value, its bound in words, and whether it holds."""

    name: str
    value: float
    bound: str
    holds: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the gate said of a version, rule by rule, and what was done."""

    version: str
    rules: tuple[Rule, ...]
    forced_because: str | None = None

    @property
    def passed(self) -> bool:
        """Whether every rule holds."""
        return all(rule.holds for rule in self.rules)

    @property
    def promoted(self) -> bool:
        """Whether the version became champion."""
        return self.passed or self.forced_because is not None

    @property
    def sentence(self) -> str:
        """Say what happened in one sentence."""
        if self.passed:
            return f"Version {self.version} is the champion; it serves with its first snapshot."
        broken = ", ".join(rule.name for rule in self.rules if not rule.holds)
        if self.forced_because is not None:
            return (
                f"Version {self.version} is the champion although these rules are broken: "
                f"{broken}. Recorded reason: {self.forced_because}"
            )
        return f"Version {self.version} was not promoted. Broken: {broken}."


def judge(metrics: Mapping[str, Mapping[str, float]]) -> tuple[Rule, ...]:
    """Return the rules of the gate for the figures of a test window.

    Examples
    --------
    >>> own = {"log_loss": 0.1, "brier": 0.02, "expected_over_realised": 1.0}
    >>> [rule.holds for rule in judge({"rollrisk": own, "matrix": own})]
    [False, False, True]
    """
    own = metrics[MODEL]
    others = [row for name, row in metrics.items() if name != MODEL]
    rules = []
    for key, words in (("log_loss", "log-loss"), ("brier", "Brier score")):
        best = min(row[key] for row in others)
        rules.append(
            Rule(
                name=f"{words} beats every baseline",
                value=own[key],
                bound=f"< {best:.4f}",
                holds=own[key] < best,
            )
        )
    ratio = own["expected_over_realised"]
    low, high = DOLLAR_BOUNDS
    rules.append(
        Rule(
            name="expected over realised dollars",
            value=ratio,
            bound=f"{low} to {high}",
            holds=not math.isnan(ratio) and low <= ratio <= high,
        )
    )
    return tuple(rules)


def promote(
    home: Home, version: str | None, *, force_reason: str | None = None, who: str = ""
) -> Verdict:
    """Run the gate on a version and move the ``champion`` alias when it passes.

    Parameters
    ----------
    home : Home
        Whose registry.
    version : str
        Version number; None for the challenger.
    force_reason : str
        Promote anyway for this reason, which is recorded on the version.
    who : str
        Who forces it.

    Raises
    ------
    NoModelError
        When there is no such version.
    """
    chosen = version or alias_version(home, CHALLENGER)
    if chosen is None:
        raise NoModelError("There is no challenger. Train one with `rollrisk train LEDGER`.")
    facts: Mapping[str, Any] = load_model(home, chosen).facts
    verdict = Verdict(version=chosen, rules=judge(facts["metrics"]), forced_because=force_reason)
    client = connect(home)
    client.set_model_version_tag(NAME, chosen, "gate", "passed" if verdict.passed else "broken")
    if force_reason is not None and not verdict.passed:
        client.set_model_version_tag(NAME, chosen, "forced_because", force_reason)
        client.set_model_version_tag(NAME, chosen, "forced_by", who)
    if verdict.promoted:
        make_champion(home, chosen)
    return verdict
