"""The part of the page of models on how the recipe's choices were settled."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from docs.ablation import RESULTS, gap_text

CHOICES = {
    "choices_chosen_on": "choosing",
    "choices_learning_chosen_on": "choosing, no map",
    "choices_steady_chosen_on": "choosing, no map",
    "choices_confirmed_on": "confirming",
    "choices_learning_confirmed_on": "confirming",
    "choices_steady_confirmed_on": "confirming",
    "choices_large": "20,000 accounts",
    "choices_steady_small": "400 accounts",
    "choices_quick": "quick recipe",
    "choices_closed_invoices": "closed invoices",
}
"""Files of the choices and what their column is called; two of one column had the same rows."""

ROUNDS = {"chosen_on": "choosing", "confirmed_on": "confirming"}
"""Files of where each step stops, and what their ledgers are called."""


def choices_sections() -> list[str]:
    """Return choices, recalibration, steps and signs as lines of Markdown."""
    return [*_choices(), *_recalibration(), *_steps(), *_rounds(), *_signs()]


def read_result(name: str) -> dict[str, Any]:
    """Return a committed result."""
    found: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text("utf-8"))
    return found


def has_result(name: str) -> bool:
    """Return whether a result was committed."""
    return (RESULTS / f"{name}.json").is_file()


def _columns() -> dict[str, dict[str, Any]]:
    """Return what stands in each column: one result, or several on the same rows as one."""
    columns: dict[str, dict[str, Any]] = {}
    for name, words in CHOICES.items():
        if not has_result(name):
            continue
        result = read_result(name)
        column = columns.setdefault(words, result | {"choices": [], "commands": []})
        if column["recipe"]["log_loss"] != result["recipe"]["log_loss"]:
            raise ValueError(f"{name}.json was judged on other rows than the rest of {words!r}.")
        column["choices"] += result["choices"]
        column["commands"].append(result["command"])
    return columns


def _choices() -> list[str]:
    results = _columns()
    lines = [
        "",
        "## Choices of the recipe",
        "",
        "One thing is changed at a time; everything else stays as configured, and rounds are "
        "found anew. Figures are the changed recipe's log-loss less the recipe's on the same "
        "rows: **above 0 the recipe is better**. On *choosing* the choices were made; the recipe "
        "still had its map there (see *Recalibration*), but for the second column. *Confirming* is "
        "another ledger and later dates, *20,000* and *400 accounts* are ledgers of other sizes, "
        "*quick recipe* is the shipped one for demonstrations on the confirming ledger, *closed "
        "invoices* lies wholly before the window on which they are judged. What "
        "was kept, and why, stands in [record 30](adr/0030-choices-of-the-recipe.md).",
        "",
        "```",
        "rollrisk simulate --accounts 3000 --months 36 --seed 11 --out sim11",
        "rollrisk simulate --accounts 3000 --months 36 --seed 12 --out sim12",
        "rollrisk simulate --accounts 20000 --months 36 --seed 11 --out large",
        "rollrisk simulate --accounts 400 --months 30 --seed 13 --out sim13",
        "rollrisk import highradius closed_invoices_dev.csv --out hr",
        "printf '[windows]\\nrecalibrate_days = 56\\n' > with-map.toml",
        *(command for result in results.values() for command in result["commands"]),
        "```",
        "",
    ]
    lines += [
        f"- {words}: {result['rows']:,} rows of {result['accounts']:,} accounts, "
        f"{len(result['origins'])} origins from {result['origins'][0]['first']} to "
        f"{result['origins'][-1]['last']}; log-loss {result['recipe']['log_loss']:.4f}, ROC AUC "
        f"{result['recipe']['roc_auc']:.4f}, {result['recipe']['trees']:.0f} trees."
        for words, result in results.items()
    ]
    seen: dict[str, list[str]] = {}
    for result in results.values():
        for entry in result["choices"]:
            if entry["choice"] == "recalibration" or not any(entry["log_loss"].values()):
                continue  # recalibration has a table of its own; no change at all is no choice
            names = seen.setdefault(entry["choice"], [])
            if entry["name"] not in names:
                names.append(entry["name"])
    for choice, names in seen.items():
        lines += ["", f"### {choice[0].upper()}{choice[1:]}", ""]
        lines += _choice_table(choice, names, results)
    return lines


def _choice_table(
    choice: str, names: Sequence[str], results: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    results = {
        words: result
        for words, result in results.items()
        if any(entry["choice"] == choice for entry in result["choices"])
    }
    extra, read = _EXTRA.get(choice, ("", None))
    heads = [choice, *results] + ([extra] if read else [])
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for name in names:
        found = {
            words: entry
            for words, result in results.items()
            for entry in result["choices"]
            if (entry["choice"], entry["name"]) == (choice, name)
        }
        cells = [gap_text(found[words]["log_loss"]) if words in found else "–" for words in results]
        if read:
            first, result = next(iter(results.items()))
            cells.append(read(found[first], result["recipe"]) if first in found else "–")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    if read:
        first, result = next(iter(results.items()))
        own = read(result["recipe"], result["recipe"])
        lines.append(f"| *as configured* | {' | '.join('0' for _ in results)} | {own} |")
    return lines


def _reasons_price(entry: Mapping[str, Any], recipe: Mapping[str, Any]) -> str:
    times = entry["reasons_microseconds"] / recipe["reasons_microseconds"]
    return f"{entry['reasons_microseconds']:,.0f} µs (× {times:.1f}), {entry['trees']:.0f} trees"


def _dollars(entry: Mapping[str, Any], _: Mapping[str, Any]) -> str:
    ratio = f"{entry['expected_over_realised']:.3f}, {entry['captured_dollars']:.3f}"
    return f"{gap_text(entry['dollar_log_loss'])}; {ratio}" if "dollar_log_loss" in entry else ratio


_EXTRA = {
    "size of the trees": ("reasons of one item, processor time (choosing)", _reasons_price),
    "weight of a row by its dollars": (
        "log-loss weighed by dollars; expected ÷ realised, captured (choosing)",
        _dollars,
    ),
}
"""What else a table of a choice shows, read from an entry and the recipe's own figures."""


def _recalibration() -> list[str]:
    lines = [
        "",
        "## Recalibration",
        "",
        "The maps are fitted on the newest mature weeks; here they are judged on origins that "
        "cover most of a year. *Chosen* is the best of none, logistic and beta on the other half "
        "of the accounts; *on other dates* puts halves of the dates in their place.",
        "",
        "| | log-loss less that of *chosen* | slope | expected ÷ realised dollars |",
        "|---|---|---|---|",
    ]
    for path in sorted(RESULTS.glob("recalibration_*.json")):
        result = json.loads(path.read_text("utf-8"))
        own = result["recipe"] | {"name": "chosen"}
        lines.append(f"| **{result['ledger']}**: `{result['command']}` | | | |")
        for entry in (own, *result["choices"]):
            gap = gap_text(entry["log_loss"]) if "choice" in entry else "0"
            lines.append(
                f"| {entry['name']} | {gap} | {entry['slope']:.3f} | "
                f"{entry['expected_over_realised']:.3f} |"
            )
    return lines


def _steps() -> list[str]:
    lines = [
        "",
        "## One model a step, or one of all person-periods",
        "",
        "Log-loss of being unresolved after each step; the stacked model reads the step as one "
        "more input. Difference: stacked less a model a step.",
        "",
        "| | rows | a model a step | stacked | difference |",
        "|---|---|---|---|---|",
    ]
    for name in filter(has_result, CHOICES):
        for step in read_result(name)["steps"]:
            losses = (f"{step[way]['log_loss']:.4f}" for way in ("per_step", "one_model"))
            lines.append(
                f"| {CHOICES[name]}, {step['days']} days | {step['rows']:,} | "
                f"{' | '.join(losses)} | {gap_text(step['change']['log_loss'])} |"
            )
    return lines


def _rounds() -> list[str]:
    results = {words: read_result(f"rounds_{name}") for name, words in ROUNDS.items()}
    rules = list(next(iter(results.values()))["steps"][0]["figures"])
    lines = [
        "",
        "## Where each step stops, and with how many trees",
        "",
        f"The recipe: {rules[0]} ([record 34](adr/0034-each-part-stops-on-its-own-weeks.md)). "
        "Log-loss and slope of being unresolved after each step; beside it what other rules lose "
        "or win on the same rows, and their slopes.",
        "",
        "```",
        *(result["command"] for result in results.values()),
        "```",
        "",
        f"| | rows | log-loss | slope | {' | '.join(rules[1:])} |",
        "|---|---|---|---|" + "---|" * len(rules[1:]),
    ]
    for words, result in results.items():
        for step in result["steps"]:
            own, *others = (step["figures"][rule] for rule in rules)
            gaps = (
                f"{gap_text(step['changes'][rule]['log_loss'])}; {figures['slope']:.3f}"
                for rule, figures in zip(rules[1:], others, strict=True)
            )
            lines.append(
                f"| {words}, {step['days']} days | {step['rows']:,} | {own['log_loss']:.4f} | "
                f"{own['slope']:.3f} | {' | '.join(gaps)} |"
            )
    return lines


def _signs() -> list[str]:
    signs = read_result("choices_chosen_on")["signs"]
    failed = sorted((one for one in signs if not one["holds"]), key=lambda one: one["weakest"])
    lines = [
        "",
        "## Which signs hold in every bucket and step",
        "",
        "Each feature with a direction in the catalogue was moved from its first to its last "
        "decile within a bucket, all else as it is, in unconstrained models of all four steps. "
        f"{len(signs) - len(failed)} of {len(signs)} never moved the mean probability against "
        "their direction by more than 0.002. The furthest that did:",
        "",
        "| feature | catalogue | strongest along it | strongest against it | where |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| `{one['feature']}` | {one['direction']} | {one['strongest']:+.3f} | "
        f"{-one['weakest']:+.3f} | {one['weakest_at']} |"
        for one in failed[:12]
    ]
    return lines
