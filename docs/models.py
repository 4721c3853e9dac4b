"""The page of how models are chosen and how they stand, from the committed results."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from docs.ablation import RESULTS, gap_text

CHOICES = {
    "choices_chosen_on": "choosing",
    "choices_confirmed_on": "confirming",
    "choices_closed_invoices": "closed invoices",
}
"""Files of the choices and what their column is called."""

RUNGS = ("rollrisk", "given what the account is", "given what goes on too")
BANDS = {
    "all": "all exposed",
    "none": "none paid",
    "1 to 9": "1 to 9 paid",
    "10 or more": "10 or more paid",
}
AIMS = {
    "ROC AUC": ("figures", "roc_auc", "≥ 0.957"),
    "average precision": ("figures", "average_precision", "≥ 0.76"),
    "log-loss": ("figures", "log_loss", "≤ 0.090"),
    "ROC AUC, past due only": ("past_due", "roc_auc", "≥ 0.925"),
}
"""What was aimed at on the closed invoices: rows, figure, aim."""


def models_page() -> str:
    """Return choices, rivals, distance to the truth and reasons as Markdown."""
    lines = [
        "# How the models are chosen, and how they stand",
        "",
        "Made from `benchmarks/results/*.json` by `make pages`. Intervals are 95 %, from "
        "resampling accounts; bold where they do not hold 0. Ledgers named *simulated* are made by "
        "`rollrisk simulate`.",
        *_choices(),
        *_recalibration(),
        *_steps(),
        *_signs(),
        *_rivals(),
        *_aims(),
        *_truth(),
        *(_reasons() if _has("reasons_simulated") else []),
    ]
    return "\n".join(lines) + "\n"


def _read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text("utf-8"))
    return found


def _has(name: str) -> bool:
    return (RESULTS / f"{name}.json").is_file()


def _choices() -> list[str]:
    results = {words: _read(name) for name, words in CHOICES.items() if _has(name)}
    lines = [
        "",
        "## Choices of the recipe",
        "",
        "One thing is changed at a time; everything else stays as configured, and rounds are found "
        "anew. Figures are the changed recipe's log-loss less the recipe's on the same rows: "
        "**above "
        "0 the recipe is better**. On *choosing* the choices were made; the recipe still had its "
        "map "
        "there (see *Recalibration*). *Confirming* is another ledger and later dates, *closed "
        "invoices* lies wholly before the window on which they are judged. What was kept, and why, "
        "stands in "
        "[record 30](adr/0030-choices-of-the-recipe.md).",
        "",
        "```",
        "rollrisk simulate --accounts 3000 --months 36 --seed 11 --out sim11",
        "rollrisk simulate --accounts 3000 --months 36 --seed 12 --out sim12",
        "rollrisk import highradius closed_invoices_dev.csv --out hr",
        *(result["command"] for result in results.values()),
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
        "cover "
        "most of a year. *Chosen* is the best of none, logistic and beta on the other half of the "
        "accounts; *on other dates* puts halves of the dates in their place.",
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
        "more "
        "input. Difference: stacked less a model a step.",
        "",
        "| | rows | a model a step | stacked | difference |",
        "|---|---|---|---|---|",
    ]
    for name in filter(_has, CHOICES):
        for step in _read(name)["steps"]:
            losses = (f"{step[way]['log_loss']:.4f}" for way in ("per_step", "one_model"))
            lines.append(
                f"| {CHOICES[name]}, {step['days']} days | {step['rows']:,} | "
                f"{' | '.join(losses)} | {gap_text(step['change']['log_loss'])} |"
            )
    return lines


def _signs() -> list[str]:
    signs = _read("choices_chosen_on")["signs"]
    failed = sorted((one for one in signs if not one["holds"]), key=lambda one: one["weakest"])
    lines = [
        "",
        "## Which signs hold in every bucket and step",
        "",
        "Each feature with a direction in the catalogue was moved from its first to its last "
        "decile "
        "within a bucket, all else as it is, in unconstrained models of all four steps. "
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


def _rivals() -> list[str]:
    paths = sorted(RESULTS.glob("models_*.json"))
    lines = [
        "",
        "## Rivals",
        "",
        "Every model reads the features that the recipe reads, learns the same rows and searches "
        "the same small number of trials inside the past. Differences are rollrisk as configured "
        "less the rival: **below 0 rollrisk is better**. No model is "
        "recalibrated, ours neither. The survival rival costs so much that its trials are short. "
        "The "
        "recipe for the closed invoices was chosen after six looks at these rows "
        "([evidence](evidence.md)); the rivals got one.",
        "",
        "![Log-loss of rollrisk less that of each rival](models-rivals.svg)",
    ]
    for path in paths:
        result = json.loads(path.read_text("utf-8"))
        lines += [
            "",
            f"### {result['ledger']}",
            "",
            "```",
            result["command"],
            "```",
            "",
            f"{result['rows']:,} rows of {result['accounts']:,} accounts, {result['trials']} "
            "trials.",
            "",
            "| | ROC AUC | average precision | Brier | log-loss | difference in log-loss | "
            "processor seconds |",
            "|---|---|---|---|---|---|---|",
        ]
        for name, row in sorted(result["figures"].items(), key=lambda item: item[1]["log_loss"]):
            gap = result["rollrisk_minus"].get(name)
            spent = result["processor_seconds"].get(name)
            lines.append(
                f"| {name} | {row['roc_auc']:.4f} | {row['average_precision']:.4f} | "
                f"{row['brier']:.4f} | {row['log_loss']:.4f} | "
                f"{gap_text(gap['log_loss']) if gap else ''} | "
                f"{f'{spent:,.0f}' if spent is not None else ''} |"
            )
    return lines


def _aims() -> list[str]:
    result = _read("models_closed_invoices")
    tried = _read("choices_closed_invoices")["choices"]
    lines = [
        "",
        "### What was aimed at on the closed invoices",
        "",
        "| figure | aim | rollrisk | best of all models above |",
        "|---|---|---|---|",
    ]
    for words, (rows, figure, aim) in AIMS.items():
        values = {name: row[figure] for name, row in result[rows].items()}
        best = (min if aim.startswith("≤") else max)(values, key=lambda name: values[name])
        lines.append(
            f"| {words} | {aim} | {values['rollrisk']:.4f} | {values[best]:.4f} ({best}) |"
        )
    gained = -min(one["log_loss"]["difference"] for one in tried)
    lines += [
        "",
        "What was tried to get there stands in the closed invoices' column of the tables above, on "
        f"dates before the judged window: {len(tried)} changes of the recipe, the best of which "
        f"took {gained:.4f} off the log-loss there. The rows judged here were not used for it.",
    ]
    return lines


def _truth() -> list[str]:
    result = _read("truth")
    seeds = ", ".join(str(run["seed"]) for run in result["seeds"])
    lines = [
        "",
        "## Distance to the truth",
        "",
        "```",
        result["command"],
        "```",
        "",
        f"Simulated ledgers of {result['accounts']:,} accounts over {result['months']} months, "
        "seeds "
        f"{seeds}. *Closed* is the share of the gap from the best baseline to the true "
        "probabilities; losses are expectations under the truth. The truth knows what no book "
        "shows. "
        "How much of the rest that is, the same trees show when they are given, beside our "
        "features, "
        "what the account *is* (its payer type and the numbers behind its habits), and then what "
        "*goes on* too (its regime, invoices lost on the way, cash in the mail).",
        "",
        "![Losses from the best baseline to the truth](models-truth.svg)",
        "",
        "| 30 days | items | best baseline | rollrisk | given what it is | given what goes on "
        "too | "
        "truth | closed by rollrisk (seeds) | closed by the informed two | slope by seed |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for band, part in result["over_seeds"]["30"].items():
        losses = " | ".join(f"{part['losses'][rung]:.4f}" for rung in RUNGS)
        own, *informed = (f"{100 * part['closed'][rung]:.0f} %" for rung in RUNGS)
        low, high = (f"{100 * end:.0f}" for end in part["closed_by_seed"])
        lines.append(
            f"| {BANDS[band]} | {part['rows']:,} | {part['best_baseline']:.4f} | {losses} | "
            f"{part['truth']:.4f} | {own} ({low}–{high}) | {', '.join(informed)} | "
            f"{_slopes(part)} |"
        )
    whole = result["over_seeds"]["30"]["10 or more"]["closed"]
    is_, goes_on = (100 * whole[rung] for rung in RUNGS[1:])
    lines += [
        "",
        "Not reached: 85 % of the gap after 30 days where ten or more invoices were paid, and 80 % "
        f"after 120 days. Trees that are told the whole hidden state close {goes_on:.0f} % of the "
        f"first on this many rows; told all that an account is, which a long history would show in "
        f"the end, {is_:.0f} %; told nothing, {100 * whole['rollrisk']:.0f} %. So most of what is "
        "missing is what goes on at the moment and stands in no book, and what trees of this "
        "size do "
        "not learn of the hazards from so few rows.",
        "",
        "The later steps, over all open items:",
        "",
        "| unresolved after | paid invoices | best baseline | rollrisk | truth | closed | slope by "
        "seed |",
        "|---|---|---|---|---|---|---|",
    ]
    for days, bands in result["over_seeds"].items():
        if days == "30":
            continue
        for band in ("all", "10 or more"):
            part = bands[band]
            lines.append(
                f"| {days} days | {band} | {part['best_baseline']:.4f} | "
                f"{part['losses']['rollrisk']:.4f} | {part['truth']:.4f} | "
                f"{100 * part['closed']['rollrisk']:.0f} % | {_slopes(part)} |"
            )
    return lines


def _slopes(part: Mapping[str, Any]) -> str:
    return ", ".join(f"{slope:.2f}" for slope in part["slope"])


def _reasons() -> list[str]:
    result = _read("reasons_simulated")
    lines = [
        "",
        "## Whether the top reason stays the same",
        "",
        "```",
        result["command"],
        "```",
        "",
        "Share of items whose top family is the same in the models of successive origins, and in "
        "two "
        "fits of the same rows with other seeds. *Clear*: in neither model does the second "
        "family add "
        "90 % of what the first adds. *Raised*: items above their bucket's mean probability, whose "
        "reasons are read.",
        "",
        "| | between origins | clear items | first among the new first two | raised items | "
        "raised, "
        "among two | other seed | near ties | log-loss |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for one in result["variants"]:
        found = one["between_origins"]
        keys = (
            "agreement",
            "agreement_clear",
            "first_among_two",
            "agreement_raised",
            "first_among_two_raised",
        )
        shares = [f"{100 * found[key]:.1f} %" for key in keys]
        shares.append(f"{100 * one['between_seeds']['agreement']:.1f} %")
        shares.append(f"{100 * found['near_ties']:.0f} %")
        lines.append(f"| {one['name']} | {' | '.join(shares)} | {one['log_loss']:.4f} |")
    return lines
