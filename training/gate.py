"""The gate: what a version must show before it becomes champion.

Without a ledger the gate knows what the model showed on its own test window. With the ledger it
compares the version with the champion and the baselines on rows that neither has learnt from,
and looks for leaks. Every rule, value and bound is stored with the version, and so is what could
not be judged.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from features.ageing import STEP_DAYS
from features.ledger.read import Ledger, open_ledger
from models.bundle import Bundle
from models.home import Home
from models.registry import (
    CHALLENGER,
    CHAMPION,
    NoModelError,
    alias_version,
    load_model,
    make_champion,
    recorded_ledger,
    store_verdict,
    tag_version,
    was_champion,
)
from training.config import ConfigError
from training.gate_leaks import leaking_features
from training.gate_rows import JudgedRows, gather_rows, last_outcome, recipe_of
from training.gate_rules import DOLLAR_BOUNDS, Rule, fresh_rule, judge_rows, leak_rule
from training.recipe import MODEL
from training.splits import TooLittleHistoryError
from training.unproven import unproven_accounts

SEED = 20260101

NEEDS_A_LEDGER = (
    "no worse than the champion",
    "better than the baselines on rows that it did not learn from",
    "calibration by bucket",
    "the days before and after the first 30",
    "segments",
    "stable reasons",
    "features within their training range",
    "fresh outcomes",
    "no feature knows the future",
)
"""What cannot be judged without a ledger."""

_PASSED = "passed the gate"

__all__ = [
    "Rule",
    "Verdict",
    "broke_off",
    "finish_promotion",
    "judge",
    "judge_on_ledger",
    "promote",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the gate said of a version, rule by rule, and what was done.

    Parameters
    ----------
    version : str
        The version that asked.
    rules : tuple of Rule
        Every rule that was judged.
    champion : str or None
        The version it was compared with, or should have been.
    compared : str
        How: the models themselves or their refitted recipes; empty without a ledger.
    unjudged : tuple of str
        Rules that could not be judged.
    unproven : tuple of str
        Tables whose rows do not say when the books first showed them: figures on past dates
        are point-in-time unproven for every account with rows in them.
    unproven_accounts : int or None
        How many accounts these are; None without a ledger.
    forced_because : str or None
        Why the gate was overruled.
    forced_by, at : str
        Who overruled it, and when the gate was asked.
    """

    version: str
    rules: tuple[Rule, ...]
    champion: str | None = None
    compared: str = ""
    unjudged: tuple[str, ...] = ()
    unproven: tuple[str, ...] = ()
    unproven_accounts: int | None = None
    forced_because: str | None = None
    forced_by: str = ""
    at: str = ""

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

    def to_json(self) -> dict[str, Any]:
        """Return plain values, a missing figure as None."""
        content = asdict(self)
        for rule in content["rules"]:
            rule["value"] = rule["value"] if math.isfinite(rule["value"]) else None
        return {"passed": self.passed, "promoted": self.promoted, **content}


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


def judge_on_ledger(
    ledger: Ledger,
    challenger: Bundle,
    champion: Bundle | None,
    *,
    progress: Callable[[str], None] | None = None,
) -> Verdict:
    """Return the verdict of the rules that need a ledger.

    Parameters
    ----------
    ledger : Ledger
        With outcomes to judge on.
    challenger, champion : Bundle
        The version that asks, and the one that serves (None where there is none).
    progress : callable
        Told what is being done.
    """
    tell = progress or (lambda _: None)
    end = ledger.manifest.known_through
    rules = [fresh_rule((end - last_outcome(challenger)).days)]
    tell("look for leaks")
    rules.append(leak_rule(leaking_features(ledger, _leak_days(end))))
    compared = lost = ""
    unjudged: list[str] = []
    try:
        rows, lost = _rows(ledger, challenger, champion, progress)
    except (TooLittleHistoryError, ConfigError) as error:
        rules.append(
            Rule(
                name=f"the models can be compared ({error})",
                value=0.0,
                bound="must be",
                holds=False,
            )
        )
    else:
        tell("compare")
        compared = rows.how
        found, unjudged = judge_rows(rows, challenger, np.random.default_rng(SEED))
        rules += found
        unjudged += [lost] if lost else []
    return Verdict(
        version=challenger.version,
        rules=tuple(rules),
        champion=None if champion is None or lost else champion.version,
        compared=compared,
        unjudged=tuple(unjudged),
        unproven=ledger.manifest.defaulted_clocks,
        unproven_accounts=unproven_accounts(ledger),
    )


def _rows(
    ledger: Ledger,
    challenger: Bundle,
    champion: Bundle | None,
    progress: Callable[[str], None] | None,
) -> tuple[JudgedRows, str]:
    """Return the rows to judge on, and why the champion is not among the models if it is not."""
    try:
        return gather_rows(ledger, challenger, champion, progress=progress), ""
    except ConfigError:
        lost = "" if champion is None else _lost_recipe(champion)
        if not lost:
            raise
    return gather_rows(ledger, challenger, None, progress=progress), lost


def _lost_recipe(champion: Bundle) -> str:
    """Return why a champion's recipe cannot be run again; empty when it can."""
    try:
        recipe_of(champion)
    except ConfigError as error:
        return (
            f"no worse than the champion, version {champion.version}, whose recipe cannot be run "
            f"again ({error})"
        )
    return ""


def _leak_days(end: date) -> list[date]:
    """Return two days with a future to cut off: two and five steps before the end."""
    return [end - timedelta(days=STEP_DAYS * steps) for steps in (5, 2)]


def promote(
    home: Home,
    version: str | None,
    *,
    ledger: Ledger | None = None,
    force_reason: str | None = None,
    who: str = "",
    now: datetime | None = None,
    progress: Callable[[str], None] | None = None,
) -> Verdict:
    """Run the gate on a version and move the ``champion`` alias when it passes.

    Parameters
    ----------
    home : Home
        Whose registry.
    version : str
        Version number; None for the challenger.
    ledger : Ledger
        What to compare models on. Without one it is the ledger that the version was trained on,
        where another version serves; where that is not to be had, the version is not promoted.
        Where no other serves, only the model's own test window is judged, and the verdict says
        what was not.
    force_reason : str
        Promote anyway for this reason, which is recorded on the version.
    who : str
        Who asks.
    now : datetime
        When; recorded. Default the time of the call.
    progress : callable
        Told what is being done.

    Raises
    ------
    NoModelError
        When there is no such version.
    """
    chosen = version or alias_version(home, CHALLENGER)
    if chosen is None:
        raise NoModelError("There is no challenger. Train one with `rollrisk train LEDGER`.")
    challenger = load_model(home, chosen)
    facts: Mapping[str, Any] = challenger.facts
    own = judge(facts["metrics"])
    at = (now or datetime.now(UTC)).isoformat(timespec="seconds")
    serving = alias_version(home, CHAMPION)
    rival = None if serving == chosen else serving
    lost = "must be"
    overruled = force_reason is not None and rival is not None and not _can_be_read(home, rival)
    if ledger is None and rival is not None and not overruled:
        ledger, lost = _open_recorded(home, chosen)
    if ledger is None:
        verdict = Verdict(
            version=chosen,
            rules=own if rival is None else (*own, _uncompared(lost)),
            champion=rival,
            unjudged=NEEDS_A_LEDGER,
            unproven=tuple(facts.get("point_in_time_unproven", ())),
        )
    else:
        champion = None if rival is None else load_model(home, rival)
        found = judge_on_ledger(ledger, challenger, champion, progress=progress)
        verdict = replace(found, version=chosen, rules=own + found.rules)
    forced = force_reason if not verdict.passed else None
    verdict = replace(
        verdict, forced_because=forced, forced_by=who if forced is not None else "", at=at
    )
    store_verdict(home, chosen, json.dumps(verdict.to_json(), indent=1, allow_nan=False))
    tag_version(home, chosen, {"gate": "passed" if verdict.passed else "broken"})
    if forced is not None:
        tag_version(home, chosen, {"forced_because": forced, "forced_by": who, "forced_at": at})
    if verdict.promoted:
        make_champion(home, chosen, at=at, who=who, why=forced or _PASSED)
    return verdict


def _open_recorded(home: Home, version: str) -> tuple[Ledger | None, str]:
    """Return the ledger that a version was trained on, or None and why it is not to be had."""
    folder = recorded_ledger(home, version)
    if folder is None:
        return None, "must be; none was recorded at training"
    try:
        return open_ledger(folder), ""
    except (ValueError, LookupError, TypeError, OSError) as error:
        return None, f"must be; that of the training cannot be opened: {error}"


def _uncompared(why: str) -> Rule:
    return Rule(
        name="compared with the champion: give the LEDGER", value=0.0, bound=why, holds=False
    )


def _can_be_read(home: Home, version: str) -> bool:
    try:
        load_model(home, version)
    except NoModelError:
        return False
    return True


def broke_off(home: Home, version: str, verdict: Mapping[str, Any]) -> bool:
    """Return whether a version that the gate let pass never was champion: a run broke between.

    One that was champion and is no more was rolled back by somebody who meant to.
    """
    return bool(verdict["promoted"]) and not was_champion(home, version)


def finish_promotion(home: Home, version: str, verdict: Mapping[str, Any], *, who: str) -> bool:
    """Make a version champion whose promotion broke off.

    Parameters
    ----------
    home : Home
        Whose registry.
    version : str
        Version number.
    verdict : mapping
        The stored verdict on it.
    who : str
        Who asks; where the gate was overruled, the log names who did that.

    Returns
    -------
    bool
        Whether it was made champion: not where another serves than it was judged against.
    """
    if verdict["champion"] != alias_version(home, CHAMPION):
        return False
    why = verdict["forced_because"] or _PASSED
    make_champion(home, version, at=verdict["at"], who=verdict["forced_by"] or who, why=why)
    return True
