"""Monitoring as files: one HTML page, JSON, and gauges that Prometheus reads from a text file."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.page import render_page
from training.monitor import Monitoring, models_named
from training.monitor_drift import Drift
from training.monitor_outcomes import Estimate, Outcomes
from training.monitor_reference import EARLY_HORIZONS, HORIZON, SCORE

SHOWN_FEATURES = 15
SHOWN_PSI = 0.01
"""Features that moved by less are not listed on the page."""

_RATIO_PIXELS = 60
_BAR_PIXELS = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorView:
    """What the page shows, as text and positions in pixels."""

    known_on: str
    verdict: str
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    calibration: tuple[Mapping[str, Any], ...]
    drift: tuple[Mapping[str, Any], ...]
    checks: tuple[Mapping[str, str], ...]
    notes: tuple[str, ...]


def monitor_view(found: Monitoring) -> MonitorView:
    """Return the view of a monitoring."""
    matured = _calibration(
        f"What became of past scores after {HORIZON} days",
        "Matured outcomes of exposed items. 1 in the middle: as many stayed open as expected.",
        found,
        HORIZON,
    )
    early = [
        _calibration(
            f"Early warning: paid within {days} days",
            "Scores whose 30 days are not over. Above 1: more was paid than expected.",
            found,
            days,
        )
        for days in EARLY_HORIZONS
    ]
    due = "A retrain is due." if found.retrain_due else "No retrain is due."
    return MonitorView(
        known_on=str(found.known_on),
        verdict=due,
        reasons=found.reasons,
        warnings=found.warnings,
        facts=(
            ("Model version", found.model_version),
            ("Known through", str(found.known_on)),
            ("Newest scoring", str(found.scored_on)),
            ("Scorings read", str(len(found.scorings))),
        ),
        calibration=(matured, *early),
        drift=tuple(
            {
                "name": group,
                "note": "The newest scoring against the model's test window, every account "
                f"weighing the same: the score and the {SHOWN_FEATURES} values that moved most "
                "for what chance allows. A value that moved asks for nothing while the score "
                "stays.",
                "rows": _drift_rows(drifts, found.out_of_range[group]),
            }
            for group, drifts in found.drifts.items()
        ),
        checks=tuple(
            {
                "name": check.name,
                "group": check.group,
                "scores": check.scores,
                "value": _number(check.value),
                "bound": check.bound,
                "state": check.state,
                "css": check.state if check.state in {"holds", "broken"} else "",
            }
            for check in sorted(found.checks, key=lambda check: _ORDER[check.state])
        ),
        notes=found.notes,
    )


_ORDER = {"broken": 0, "warning": 1, "seen": 2, "holds": 3, "not judged": 4}


def _calibration(title: str, note: str, found: Monitoring, days: int) -> dict[str, Any]:
    """Return a table of all models' scores, followed by each model's where there are several."""
    groups, versions = found.outcomes[str(days)], found.models[str(days)]
    shares = list(next(iter(groups.values())).capture) if groups and days == HORIZON else []
    rows = [_calibration_row(group, figures, shares) for group, figures in groups.items()]
    for version, own in found.outcomes_by_model[str(days)].items():
        rows += [
            _calibration_row(f"{group}, model {version}", figures, shares)
            for group, figures in own.items()
        ]
    return {
        "title": title,
        "note": f"{note} Scores by {models_named(versions)}." if versions else note,
        "captures": shares,
        "rows": rows,
    }


def _calibration_row(group: str, figures: Outcomes, shares: list[str]) -> dict[str, Any]:
    return {
        "group": group,
        "rows": f"{figures.rows:,}",
        "expected": f"{figures.expected:,.1f}",
        "seen": f"{figures.unresolved:,}",
        "ratios": [_ratio(figures.items), _ratio(figures.dollars)],
        "captures": [_share(figures.capture[share].value) for share in shares],
    }


def _ratio(estimate: Estimate) -> dict[str, Any]:
    drawn = math.isfinite(estimate.value)
    text = f"{estimate.value:.2f} [{estimate.low:.2f}, {estimate.high:.2f}]" if drawn else "–"
    places = {
        name: f"{min(getattr(estimate, name), 2) * _RATIO_PIXELS:.0f}" if drawn else "0"
        for name in ("value", "low", "high")
    }
    return {"text": text, "drawn": drawn, **places}


def _drift_rows(
    drifts: Mapping[str, Drift], out_of_range: Mapping[str, Estimate]
) -> list[dict[str, Any]]:
    def excess(name: str) -> float:
        return drifts[name].psi / max(drifts[name].critical, 1e-9)

    moved = [name for name in drifts if name != SCORE and drifts[name].psi >= SHOWN_PSI]
    shown = [SCORE, *sorted(moved, key=lambda name: -excess(name))[:SHOWN_FEATURES]]
    widest = max(1.25, *(min(excess(name), 4.0) for name in shown))
    return [
        {
            "name": name.replace("_", " "),
            "is_score": name == SCORE,
            "psi": f"{drifts[name].psi:.3f}",
            "critical": f"{drifts[name].critical:.3f}",
            "drifted": drifts[name].drifted,
            "bar": f"{min(excess(name) / widest, 1) * _BAR_PIXELS:.0f}",
            "line": f"{_BAR_PIXELS / widest:.0f}",
            "missing": f"{drifts[name].missing_before:.0%} → {drifts[name].missing:.0%}",
            "out_of_range": _share(out_of_range[name].value) if name in out_of_range else "",
        }
        for name in shown
    ]


def _number(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "–"


def _share(value: float) -> str:
    return f"{value:.0%}" if math.isfinite(value) else "–"


def monitor_html(found: Monitoring) -> str:
    """Return the page as text that needs nothing from outside."""
    return render_page("training", "monitor.html.j2", monitor_view(found))


_PAST = "of all past scorings, whatever model made them"
_HELP: Mapping[str, str] = {
    "rollrisk_retrain_due": "1 when a rule asks for a retrain of the newest scoring's model.",
    "rollrisk_monitor_known_through_timestamp_seconds": "Day by which everything was known.",
    "rollrisk_psi": "Drift of the newest scoring against its model's test window.",
    "rollrisk_psi_critical": "What the drift stays below in 99 of 100 draws without drift.",
    "rollrisk_missing_share": "Share of accounts without the value in the newest scoring.",
    "rollrisk_out_of_range_share": "Share of accounts with values that no training row reached.",
    "rollrisk_items_realised_over_expected": f"Outcomes by count over expected, {_PAST}.",
    "rollrisk_dollars_realised_over_expected": f"Outcomes by balance over expected, {_PAST}.",
    "rollrisk_scored_log_loss": f"Mean log-loss {_PAST}.",
    "rollrisk_captured_dollars_share": f"Rolled dollars on the top accounts {_PAST}.",
}


def gauges(found: Monitoring) -> str:
    """Return the figures as Prometheus text, for a text-file collector.

    Figures that could not be had are left out. Outcomes are of all models' scores together.
    """
    lines: dict[str, list[tuple[str, float]]] = {
        "rollrisk_retrain_due": [("", float(found.retrain_due))],
        "rollrisk_monitor_known_through_timestamp_seconds": [("", _seconds(found))],
    }
    for group, drifts in found.drifts.items():
        for name, drift in drifts.items():
            labels = f'group="{group}",value="{name}"'
            lines.setdefault("rollrisk_psi", []).append((labels, drift.psi))
            lines.setdefault("rollrisk_psi_critical", []).append((labels, drift.critical))
            lines.setdefault("rollrisk_missing_share", []).append((labels, drift.missing))
            if name in found.out_of_range[group]:
                share = found.out_of_range[group][name].value
                lines.setdefault("rollrisk_out_of_range_share", []).append((labels, share))
    for days, groups in found.outcomes.items():
        for key, figures in groups.items():
            group, currency = key.split(" ", 1)
            labels = f'group="{group}",currency="{currency}",days="{days}"'
            for name, value in (
                ("rollrisk_items_realised_over_expected", figures.items.value),
                ("rollrisk_dollars_realised_over_expected", figures.dollars.value),
                ("rollrisk_scored_log_loss", figures.log_loss),
            ):
                lines.setdefault(name, []).append((labels, value))
            if days == str(HORIZON):
                lines.setdefault("rollrisk_captured_dollars_share", []).extend(
                    (f'{labels},accounts="{top}"', captured.value)
                    for top, captured in figures.capture.items()
                )
    text = []
    for name, entries in lines.items():
        text += [f"# HELP {name} {_HELP[name]}", f"# TYPE {name} gauge"]
        text += [
            f"{name}{{{labels}}} {value!r}" if labels else f"{name} {value!r}"
            for labels, value in entries
            if math.isfinite(value)
        ]
    return "\n".join(text) + "\n"


def _seconds(found: Monitoring) -> float:
    return float((found.known_on.toordinal() - 719163) * 86400)


def write_monitoring(found: Monitoring, folder: Path) -> None:
    """Write ``monitor.html``, ``monitor.json`` and ``monitor.prom``, each in one step."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(found.to_json(), indent=1, allow_nan=False) + "\n"
    for name, content in (
        ("monitor.html", monitor_html(found)),
        ("monitor.json", text),
        ("monitor.prom", gauges(found)),
    ):
        temporary = folder / f".{name}"
        temporary.write_text(content, "utf-8")
        temporary.replace(folder / name)
