"""The records of an explanation as plain JSON values: money as text, ids as they are."""

from collections.abc import Mapping
from typing import Any

from models.contributions import Contribution, Level, Parts, family_log_odds, only
from models.reasons import BASE
from serving.account_moved import Moved, Step
from serving.account_score import AccountScore
from serving.account_what_if import WhatIf


def money(cents: int) -> str:
    """Return cents as text.

    Examples
    --------
    >>> money(-5), money(123456)
    ('-0.05', '1234.56')
    """
    units, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{units}.{rest:02d}"


def part_plain(part: Contribution) -> dict[str, Any]:
    """Return what a family, a feature or the base adds."""
    return {
        "log_odds": part.log_odds,
        "probability": part.probability,
        "dollars": money(part.cents),
    }


def total_plain(level: Level) -> dict[str, Any]:
    """Return what base and families add up to."""
    return {
        "log_odds": level.log_odds,
        "probability": level.probability,
        "dollars": money(level.at_risk_cents),
        "collectible": money(level.collectible_cents),
    }


def moved_plain(moved: Moved) -> dict[str, Any]:
    """Return why an account moved."""
    return {
        "currency": moved.currency,
        "since": moved.since.isoformat(),
        "until": moved.until.isoformat(),
        "model_before": moved.model_before,
        "model_after": moved.model_after,
        "before": money(moved.before),
        "after": money(moved.after),
        "moved": money(moved.after - moved.before),
        "steps": [_step_plain(step) for step in moved.steps],
        "news": dict(moved.news),
    }


def _step_plain(step: Step) -> dict[str, Any]:
    return {
        "step": step.name,
        "sentence": step.sentence,
        "dollars": money(step.cents),
        "families": _amounts(step.families),
        "items": _amounts(step.items),
    }


def what_if_plain(answer: WhatIf) -> dict[str, Any]:
    """Return what a scenario would change."""
    scenario = answer.scenario
    families = {
        name: cents - answer.before.families[name]
        for name, cents in answer.after.families.items()
        if cents != answer.before.families[name]
    }
    return {
        "kind": scenario.kind,
        "currency": scenario.currency,
        "amount": None if scenario.amount is None else f"{scenario.amount:.2f}",
        "invoice_id": scenario.invoice_id,
        "sentence": answer.sentence,
        "before": _score_plain(answer.before),
        "after": _score_plain(answer.after),
        "moved": money(answer.after.cents - answer.before.cents),
        "families": _amounts(families),
        "rows": dict(answer.rows),
    }


def _score_plain(score: AccountScore) -> dict[str, str]:
    return {
        "open_balance": money(score.open_cents),
        "collectible": money(score.collectible_cents),
        "dollars_at_risk": money(score.cents),
    }


def _amounts(cents: Mapping[str, int]) -> dict[str, str]:
    return {name: money(amount) for name, amount in cents.items()}


def item_parts(level: Level, own: Parts, place: int) -> dict[str, Any]:
    """Return what families and base add to one item, in the three units.

    An item with nothing at risk has its log-odds and probability points all the same.
    """
    log_odds = {name: float(odds[0]) for name, odds in family_log_odds(only(own, place)).items()}
    probability = {name: value * float(own.scale[place]) for name, value in log_odds.items()}
    dollars = {part.name: money(part.cents) for part in (*level.families, level.base)}
    return {
        "log_odds": log_odds | {BASE: float(own.base[place])},
        "probability": probability | {BASE: float(own.probability_base[place])},
        "dollars": dollars,
    }
