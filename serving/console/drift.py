"""Drift and matured outcomes on the model page: what `rollrisk monitor` last wrote in the home."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from models.home import Home

SHOWN_VALUES = 8
"""Values listed beside the score, those that moved most for what chance allows."""

SHOWN_PSI = 0.01
"""Values that moved by less are not listed."""

SCORE = "score"
HORIZON = "30"

State = Literal["holds", "broken", "warning", "seen", "not judged"]
_ORDER: Mapping[str, int] = {"broken": 0, "warning": 1, "seen": 2, "holds": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftRow:
    """A value's population stability index beside what chance alone would give.

    Parameters
    ----------
    name : str
        A feature, or ``score``.
    psi, critical : float
        The index, and what it stays below in 99 of 100 draws without drift.
    of_critical : float
        The one over the other.
    moved : bool
        Whether the index is above it.
    missing_before, missing : float
        Share of accounts without the value in the test window and now, in [0, 1].
    """

    name: str
    psi: float
    critical: float
    of_critical: float
    moved: bool
    missing_before: float
    missing: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftGroup:
    """The score and the values that moved most, of accounts that were worked or were not."""

    name: str
    rows: tuple[DriftRow, ...]
    values: int
    moved: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeRow:
    """Matured outcomes of past scores: expected and found, and the ratios with their intervals."""

    group: str
    rows: int
    accounts: int
    expected: float
    found: int
    items: tuple[float | None, float | None, float | None]
    dollars: tuple[float | None, float | None, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of monitoring: what was looked at, of whom, the figure and what it must keep."""

    name: str
    group: str
    value: float | None
    bound: str
    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftView:
    """The newest monitoring.

    Parameters
    ----------
    known_on, scored_on : date
        Day by which everything was known, and of the scoring that was compared.
    model_version : str
        Of that scoring.
    of_served : bool
        Whether it is about the served scoring's model and day.
    retrain_due : bool
        The verdict.
    reasons, warnings, notes : tuple of str
        Why, what the first outcomes warn of, and what a reader must know.
    groups, outcomes, rules : tuple
        Figures; rules that had too few outcomes are counted in ``unjudged``.
    """

    known_on: date
    scored_on: date
    model_version: str
    of_served: bool
    retrain_due: bool
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    groups: tuple[DriftGroup, ...]
    outcomes: tuple[OutcomeRow, ...]
    rules: tuple[Rule, ...]
    unjudged: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitored:
    """What the home holds: a monitoring, or None and why there is none to show."""

    view: DriftView | None
    trouble: str = ""


def read_drift(home: Home, model_version: str, as_of: date) -> Monitored:
    """Return the newest monitoring of a home.

    Parameters
    ----------
    home : Home
        Where ``rollrisk monitor`` and ``rollrisk daily`` write it.
    model_version, as_of : str, date
        Of the served scoring.
    """
    path = home.path / "monitor" / "monitor.json"
    try:
        content = json.loads(path.read_text("utf-8"))
        return Monitored(view=_view(content, model_version, as_of))
    except FileNotFoundError:
        return Monitored(view=None)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Monitored(view=None, trouble=f"{path.name} in the home cannot be read.")


def _view(content: Mapping[str, Any], model_version: str, as_of: date) -> DriftView:
    scored_on = date.fromisoformat(content["scored_on"])
    rules = [
        Rule(**{name: check[name] for name in ("name", "group", "value", "bound", "state")})
        for check in content["checks"]
    ]
    judged = [rule for rule in rules if rule.state in _ORDER]
    return DriftView(
        known_on=date.fromisoformat(content["known_on"]),
        scored_on=scored_on,
        model_version=content["model_version"],
        of_served=(content["model_version"], scored_on) == (model_version, as_of),
        retrain_due=bool(content["retrain_due"]),
        reasons=tuple(content["reasons"]),
        warnings=tuple(content["warnings"]),
        notes=tuple(content["notes"]),
        groups=tuple(_group(name, drifts) for name, drifts in content["drifts"].items()),
        outcomes=tuple(
            OutcomeRow(
                group=name,
                rows=found["rows"],
                accounts=found["accounts"],
                expected=found["expected"],
                found=found["unresolved"],
                items=_interval(found["items"]),
                dollars=_interval(found["dollars"]),
            )
            for name, found in content["outcomes"][HORIZON].items()
        ),
        rules=tuple(sorted(judged, key=lambda rule: _ORDER[rule.state])),
        unjudged=len(rules) - len(judged),
    )


def _interval(content: Mapping[str, Any]) -> tuple[float | None, float | None, float | None]:
    return content["value"], content["low"], content["high"]


def _group(name: str, drifts: Mapping[str, Mapping[str, float]]) -> DriftGroup:
    rows = {key: _row(key, values) for key, values in drifts.items()}
    values = [row for row in rows.values() if row.name != SCORE]
    listed = sorted(
        (row for row in values if row.psi >= SHOWN_PSI),
        key=lambda row: (-row.of_critical, row.name),
    )
    score = [rows[SCORE]] if SCORE in rows else []
    return DriftGroup(
        name=name,
        rows=(*score, *listed[:SHOWN_VALUES]),
        values=len(values),
        moved=sum(row.moved for row in values),
    )


def _row(name: str, values: Mapping[str, float]) -> DriftRow:
    psi, critical = float(values["psi"]), float(values["critical"])
    return DriftRow(
        name=name,
        psi=psi,
        critical=critical,
        of_critical=psi / critical if critical else (math.inf if psi else 0.0),
        moved=psi > critical,
        missing_before=float(values["missing_before"]),
        missing=float(values["missing"]),
    )
