"""The page of what families of features are worth, from the committed results."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from features.catalogue import FAMILIES

RESULTS = Path(__file__).parents[1] / "benchmarks" / "results"


def ablation_page() -> str:
    """Return the ablations and what they stand beside as Markdown."""
    lines = [
        "# What families of features are worth",
        "",
        "Made from `benchmarks/results/ablation_*.json` by `make pages`. The recipe is refitted "
        "without each family at the same origins; the figures are those *without* it minus those "
        "*with* it, with 95 % intervals from resampling accounts. Log-loss above 0 and average "
        "precision below 0 say that the family helps; an interval that holds 0 shows nothing. "
        "Families say much of the same, so what one alone is worth is less than what it says.",
    ]
    for path in sorted(RESULTS.glob("ablation_*.json")):
        lines += _result(json.loads(path.read_text("utf-8")))
    return "\n".join(lines) + "\n"


def _result(result: Mapping[str, Any]) -> list[str]:
    own = result["overall"]["rollrisk"]
    lines = ["", f"## {result['ledger']}", ""]
    lines += ["```", *result["commands"], "```", ""]
    lines += [
        f"{result['rows']:,} rows of {result['accounts']:,} accounts, "
        f"{own['positives']:,.0f} unresolved, {len(result['origins'])} origin(s). The recipe: ROC "
        f"AUC {own['roc_auc']:.4f}, average precision {own['average_precision']:.4f}, log-loss "
        f"{own['log_loss']:.4f}.",
        "",
        "| family | features | log-loss | average precision |",
        "|---|---|---|---|",
    ]
    lines += [_row(entry) for entry in result["ablation"]]
    lines += ["", "Share of rolled dollars on the accounts called:", ""]
    rules = list(result["capture"][0]["captured"])
    lines += ["| accounts | " + " | ".join(rules) + " |", "|---" * (len(rules) + 1) + "|"]
    for entry in result["capture"]:
        shares = (f"{entry['captured'][rule]:.3f}" for rule in rules)
        lines.append(f"| {100 * entry['share']:.0f} % | " + " | ".join(shares) + " |")
    if stability := result["reason_stability"]:
        lines += [
            "",
            f"The top reason is the same after a refit for {100 * stability['agreement']:.1f} % "
            f"of {stability['rows']:,} items.",
        ]
    return lines


def _row(entry: Mapping[str, Any]) -> str:
    added = ", not read by the recipe: added" if entry["change"] == "added" else ""
    title = f"{FAMILIES[entry['family']]} (`{entry['family']}`{added})"
    figures = " | ".join(gap_text(entry[name]) for name in ("log_loss", "average_precision"))
    return f"| {title} | {entry['features']} | {figures} |"


def gap_text(gap: Mapping[str, float]) -> str:
    """Return a difference with its interval, bold where the interval does not hold 0."""
    low, high = (f"{gap[end]:+.4f}" for end in ("low", "high"))
    text = f"{gap['difference']:+.4f} [{low}, {high}]".replace("-", "−")
    return text if gap["low"] <= 0 <= gap["high"] else f"**{text}**"
