"""The rules by which monitoring asks for a retrain.

A rule asks only when its whole interval lies outside its bound, and only for accounts that no
collector worked: those who were called roll less, and a retrain would not change that. What is
seen on worked accounts is shown as such, and so is what is seen on outcomes that the model has
learnt from. The first 7 and 14 days warn and do not ask: a week's
payments hang on holidays and pay runs, which intervals over accounts do not know.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from training.monitor_drift import Drift
from training.monitor_outcomes import JUDGED_SHARE, Estimate, Outcomes
from training.monitor_reference import HORIZON, SCORE, UNWORKED

Scores = Literal["newest model", "all models, new outcomes", "all models"]
"""Whose scores a rule judges; new outcomes are those that the newest model has not learnt from."""

OWN: Scores = "newest model"
FRESH: Scores = "all models, new outcomes"
ALL: Scores = "all models"

State = Literal["holds", "broken", "warning", "seen", "not judged"]

RATIO_BOUNDS = (0.80, 1.25)
"""Realised ÷ expected, over the same ratio in the model's test window."""

CAPTURE_LOSS = 0.10
"""How much less of the rolled dollars the top 20 % of accounts may hold than in the test window."""

MIN_EXPECTED = 30
"""With fewer expected outcomes of either kind nothing is judged."""

MISSING_GAP = 0.25
"""Change of a used feature's share of missing values that a source gives when it stops filling a
column; smaller ones come and go with the seasons of the portfolio."""

OUT_OF_RANGE_SHARE = 0.05
"""Share of accounts with values that no training row reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One rule of monitoring on one group.

    Parameters
    ----------
    name : str
        What was looked at.
    group : str
        ``"unworked USD"``, ``"worked USD"`` …
    value : float
        The figure; NaN when it could not be had.
    bound : str
        What it must keep, in words.
    state : {"holds", "broken", "warning", "seen", "not judged"}
        ``broken`` asks for a retrain; ``warning`` is out of bounds on first outcomes, which hang
        on holidays and pay runs; ``seen`` is out of bounds on worked accounts, or on outcomes
        that the newest model has learnt from.
    sentence : str
        What it says, for people.
    scores : {"newest model", "all models, new outcomes", "all models"}
        Whose scores were looked at.
    """

    name: str
    group: str
    value: float
    bound: str
    state: State
    sentence: str
    scores: Scores = OWN


def enough(figures: Outcomes) -> bool:
    """Return whether a group's figures are of enough outcomes to be judged."""
    return min(figures.expected, figures.rows - figures.expected) >= MIN_EXPECTED


def outcome_checks(
    horizon: int,
    found: Mapping[str, Outcomes],
    reference: Mapping[str, Any],
    *,
    scores: Scores = OWN,
) -> list[Check]:
    """Return calibration by count and by dollars of every group, and at 30 days the capture.

    Parameters
    ----------
    horizon : int
        7, 14 or 30 days.
    found : mapping of str to Outcomes
        By group and currency.
    reference : mapping
        The same of the model's test window as plain values; may lack groups.
    scores : {"newest model", "all models, new outcomes", "all models"}
        Whose scores the figures are of; those of all models, learnt from, ask for nothing.
    """
    checks = []
    for group, figures in found.items():
        then = reference.get(group, {})
        judged = enough(figures)
        expected, window = _WORDS[scores]
        what = "staying open" if horizon == HORIZON else f"paid within {horizon} days"
        for words, kind, estimate in (
            ("items", "items", figures.items),
            ("dollars", "dollars", figures.dollars),
        ):
            usual = (then.get(kind) or {}).get("value") or 1.0
            low, high = (bound * usual for bound in RATIO_BOUNDS)
            checks.append(
                Check(
                    name=f"{words} {what}, realised ÷ expected",
                    group=group,
                    value=estimate.value,
                    bound=f"{low:.2f} to {high:.2f}",
                    state=_state(
                        group,
                        judged=judged,
                        broken=estimate.outside(low, high),
                        early=horizon < HORIZON,
                        asks=scores != ALL,
                    ),
                    sentence=(
                        f"{group}: {words} {what} were {_times(estimate)} {expected}; "
                        f"{usual:.2f} in {window}."
                    ),
                    scores=scores,
                )
            )
        if horizon == HORIZON:
            checks.append(_capture_check(group, figures, then, scores, judged=judged))
    return checks


_WORDS: Mapping[Scores, tuple[str, str]] = {
    OWN: ("what was expected", "the model's test window"),
    FRESH: (
        "what all models expected, on outcomes that the newest has not learnt from",
        "their test windows",
    ),
    ALL: ("what all models expected", "their test windows"),
}


def _capture_check(
    group: str, figures: Outcomes, then: Mapping[str, Any], scores: Scores, *, judged: bool
) -> Check:
    share = f"{JUDGED_SHARE:.0%}"
    captured = figures.capture[share]
    usual = ((then.get("capture") or {}).get(share) or {}).get("value")
    lowest = (usual or 0.0) - CAPTURE_LOSS
    window = "the test window" if scores == OWN else "their test windows"
    return Check(
        name=f"rolled dollars on the top {share} of accounts",
        group=group,
        value=captured.value,
        bound=f"at least {max(lowest, 0):.2f}",
        state=_state(
            group,
            judged=judged and usual is not None,
            broken=captured.high < lowest,
            asks=scores != ALL,
        ),
        sentence=(
            f"{group}: the top {share} of accounts by expected dollars held {captured.value:.0%} "
            f"[{captured.low:.0%}, {captured.high:.0%}] of what rolled"
            + ("" if scores == OWN else ", by the scores of all models")
            + (f"; {usual:.0%} in {window}." if usual is not None else ".")
        ),
        scores=scores,
    )


def drift_checks(
    group: str,
    drifts: Mapping[str, Drift],
    out_of_range: Mapping[str, Estimate],
    used: frozenset[str],
) -> list[Check]:
    """Return the drift of the score, and missing and out-of-range values of used features.

    A feature whose distribution moved asks for nothing by itself: where it matters, the score
    has moved with it.
    """
    score = drifts[SCORE]
    checks = [
        Check(
            name="score drift (PSI)",
            group=group,
            value=score.psi,
            bound=f"at most {score.critical:.3f}",
            state=_state(group, judged=True, broken=score.drifted),
            sentence=f"{group}: the scores are spread otherwise than in the test window, PSI "
            f"{score.psi:.3f} where chance and the day give at most {score.critical:.3f}.",
        )
    ]
    for name in sorted(used):
        own, share = drifts[name], out_of_range[name]
        allowed = max(MISSING_GAP, own.missing_critical)
        if abs(own.missing - own.missing_before) > allowed:
            checks.append(
                Check(
                    name=f"missing values of {name}",
                    group=group,
                    value=own.missing,
                    bound=f"{own.missing_before:.2f} ± {allowed:.2f}",
                    state=_state(group, judged=True, broken=True),
                    sentence=f"{group}: {name} is missing on {own.missing:.0%} of the accounts, "
                    f"{own.missing_before:.0%} in the test window.",
                )
            )
        if share.low > OUT_OF_RANGE_SHARE:
            checks.append(
                Check(
                    name=f"{name} out of range",
                    group=group,
                    value=share.value,
                    bound=f"at most {OUT_OF_RANGE_SHARE:.0%}",
                    state=_state(group, judged=True, broken=True),
                    sentence=f"{group}: {name} has values on {share.value:.1%} of the accounts "
                    "that no training row reached.",
                )
            )
    return checks


def _state(
    group: str, *, judged: bool, broken: bool, early: bool = False, asks: bool = True
) -> State:
    if not judged:
        return "not judged"
    if not broken:
        return "holds"
    if not asks or not group.startswith(UNWORKED):
        return "seen"
    return "warning" if early else "broken"


def _times(estimate: Estimate) -> str:
    return f"{estimate.value:.2f} [{estimate.low:.2f}, {estimate.high:.2f}] times"
