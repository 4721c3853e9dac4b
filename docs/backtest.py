"""The part of the page of models on what the backtests found beside log-loss of the first step."""

import json
from collections.abc import Mapping
from typing import Any

from docs.ablation import RESULTS, gap_text

MODELS = {
    "rollrisk": "rollrisk",
    "roll_rate_matrix": "roll-rate matrix",
    "smoothed_account_rate": "smoothed account rate",
    "logistic_regression": "logistic regression",
}
FIGURES = {
    "log_loss": "log-loss",
    "roc_auc": "ROC AUC",
    "average_precision": "average precision",
    "brier": "Brier score",
    "captured_dollars": "rolled dollars in the top 20 %",
    "expected_over_realised": "expected ÷ realised dollars",
    "slope": "slope",
}


def backtest_sections() -> list[str]:
    """Return the committed backtests as lines of Markdown."""
    lines = [
        "",
        "## Backtests",
        "",
        "Rolling origins, each knowing only its past; baselines learn the same rows, at the later "
        "steps with the outcome of that step. What families of features are worth, and who is "
        "called first, stands in [ablation](ablation.md).",
    ]
    for path in sorted(RESULTS.glob("ablation_*.json")):
        result = json.loads(path.read_text("utf-8"))
        lines += ["", f"### {result['ledger']}", "", "```", *result["commands"][:2], "```"]
        lines += _overall(result["overall"])
        lines += _steps(result.get("steps", {}))
        lines += _touching(result.get("reach", []), result.get("curve", []))
        lines += _remaining(result.get("remaining", {}))
    return lines


def _overall(figures: Mapping[str, Mapping[str, float]]) -> list[str]:
    lines = ["", f"| 30 days | {' | '.join(MODELS.values())} |", "|---" * (len(MODELS) + 1) + "|"]
    for name, words in FIGURES.items():
        cells = " | ".join(f"{figures[model][name]:.4f}" for model in MODELS)
        lines.append(f"| {words} | {cells} |")
    return lines


def _steps(steps: Mapping[str, Any]) -> list[str]:
    if not steps:
        return []
    lines = [
        "",
        "After each step, on all judged rows whose outcome is known by then; the difference is to "
        "the best baseline of that step, below 0 rollrisk is better:",
        "",
        "| unresolved after | rows | log-loss | difference | ROC AUC | slope |",
        "|---|---|---|---|---|---|",
    ]
    for days, found in steps.items():
        own, gaps = found["figures"]["rollrisk"], found["against_best"]
        gap = gap_text(gaps["log_loss"]) if gaps else "few outcomes"
        lines.append(
            f"| {days} days | {found['rows']:,} | {own['log_loss']:.4f} | {gap} | "
            f"{own['roc_auc']:.4f} | {own['slope']:.3f} |"
        )
    return lines


def _touching(reach: list[Mapping[str, Any]], curve: list[Mapping[str, Any]]) -> list[str]:
    if not reach:
        return []
    lines = [
        "",
        "Touching: the probability of ever reaching a bucket, by the days to its first day, and of "
        "being open on a day between the model's cuts; mean said and share seen:",
        "",
        "| event | days | rows | said | seen |",
        "|---|---|---|---|---|",
    ]
    for entry in (*reach, *curve):
        event = f"reaches {entry['bucket']}" if entry["bucket"] else "is open"
        first, last = entry["first_day"], entry["last_day"]
        days = f"{first}" if first == last else f"{first} to {last}"
        lines.append(
            f"| {event} | {days} | {entry['rows']:,} | {entry['expected']:.3f} | "
            f"{entry['observed']:.3f} |"
        )
    return lines


def _remaining(money: Mapping[str, Any]) -> list[str]:
    if not money:
        return []
    lines = [
        "",
        "What part payments leave: `expected_remaining_30` over what was left after 30 days, and "
        "the same without the shares of the buckets, with intervals over accounts:",
        "",
        "| currency | rows | expected ÷ left | without shares |",
        "|---|---|---|---|",
    ]
    for currency, found in money.items():
        whole = found["overall"]
        if "ratio" not in whole:
            continue
        cells = " | ".join(
            f"{ratio['value']:.3f} [{ratio['low']:.3f}, {ratio['high']:.3f}]"
            for ratio in (whole["ratio"]["expected"], whole["ratio"]["naive"])
        )
        lines.append(f"| {currency} | {whole['rows']:,} | {cells} |")
    return lines
