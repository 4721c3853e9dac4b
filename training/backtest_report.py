"""The backtest as one self-contained HTML page: plain view first, then the template."""

import tempfile
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2

from features.ageing import BUCKETS, LAST
from features.catalogue import FAMILIES
from training.backtest import Backtest
from training.backtest_figures import model_names
from training.backtest_parts import (
    gap_cell,
    gap_text,
    group_cells,
    number,
    picture,
    section,
    table_of,
    words,
)
from training.backtest_plots import (
    Line,
    draw_capture,
    draw_differences,
    draw_reliability_by_bucket,
)
from training.backtest_sections import reach_section, remaining_section, steps_section
from training.capture import EXPECTED
from training.dollars import EXPECTED as LEFT
from training.dollars import NAIVE
from training.plots import draw_dollars, draw_reliability
from training.recipe import MODEL

_COLUMNS: dict[str, str] = {
    "roc_auc": "ROC AUC",
    "average_precision": "avg. precision",
    "brier": "Brier",
    "log_loss": "log-loss",
    "captured_dollars": "rolled $ in top 20 % of rows",
    "expected_over_realised": "expected ÷ realised $",
    "slope": "slope",
}
_GROUPINGS: dict[str, str] = {
    "by_bucket": "Bucket",
    "by_segment": "Segment",
    "by_size": "Size of account",
    "by_history": "Invoices paid in a year",
}
_LOWER_IS_BETTER = "Brier score and log-loss: lower is better."


def backtest_view(backtest: Backtest) -> dict[str, Any]:
    """Return everything the page shows as plain strings, rows and pictures."""
    metrics = backtest.metrics
    figures = metrics["overall"][MODEL]
    return {
        "summary": (
            f"{metrics['rows']:,} rows of {metrics['accounts']:,} accounts, "
            f"{figures['positives']:,.0f} of them unresolved 30 days later, on "
            f"{metrics['accounts_with_unresolved']:,} accounts. Every model saw only outcomes "
            "known when it would have been trained."
        ),
        "findings": list(_findings(metrics)),
        "sections": [
            _headline(metrics),
            _calibration(backtest),
            _groups(metrics),
            steps_section(metrics),
            remaining_section(metrics),
            reach_section(metrics),
            _list(metrics),
            *_optional(metrics),
            _details(metrics),
        ],
    }


def _findings(metrics: Mapping[str, Any]) -> Iterator[str]:
    best = metrics["best_baseline"]
    gap = metrics["against"][best]["log_loss"]
    said = (
        "better" if gap["high"] < 0 else "worse" if gap["low"] > 0 else "not shown to be different"
    )
    yield (
        f"Log-loss {metrics['overall'][MODEL]['log_loss']:.4f}, {said} than that of the best "
        f"baseline ({words(best)}): {gap_text(gap)}."
    )
    ratio = metrics["overall"][MODEL]["expected_over_realised"]
    if ratio is not None:
        yield f"Expected dollars are {100 * ratio:.0f} % of those that stayed unresolved."
    yield _left(metrics["remaining"])
    tenth = metrics["capture"][1]
    rivals = {rule: v for rule, v in tenth["captured"].items() if rule != EXPECTED}
    rule = max(rivals, key=lambda name: rivals[name])
    yield (
        f"Calling a tenth of the accounts by expected dollars reaches "
        f"{100 * tenth['captured'][EXPECTED]:.0f} % of the dollars that rolled; the best of the "
        f"other ways, {rule}, {100 * rivals[rule]:.0f} %."
    )
    stability = metrics["reason_stability"]
    if stability is not None:
        yield (
            f"The top reason is the same after a refit for {100 * stability['agreement']:.0f} % "
            "of items."
        )


def _left(remaining: Mapping[str, Any]) -> str:
    """Say how well what part payments leave is told, in the currency with most items."""
    name = max(remaining, key=lambda currency: remaining[currency]["overall"]["rows"])
    overall = remaining[name]["overall"]
    if "ratio" not in overall:
        return "Too few open items to judge what part payments leave."
    ours, naive = (overall["ratio"][way]["value"] for way in (LEFT, NAIVE))
    return (
        f"What was expected to be left of all open {name} balances is {100 * ours:.0f} % of what "
        f"was; without part payments it would be {100 * naive:.0f} %."
    )


def _headline(metrics: Mapping[str, Any]) -> dict[str, Any]:
    return section(
        "How good",
        tables=[
            _table("All judged rows", metrics["overall"], _LOWER_IS_BETTER),
            _table("Past due only", metrics["past_due"], ""),
            _intervals(metrics["against"]),
        ],
    )


def _calibration(backtest: Backtest) -> dict[str, Any]:
    rows = backtest.predictions
    y = rows["unresolved"].to_numpy(dtype=float)
    probabilities = {
        words(name): rows[f"p_{name}"].to_numpy(dtype=float) for name in model_names(rows)
    }
    with tempfile.TemporaryDirectory() as folder:
        overall = draw_reliability(y, probabilities, Path(folder)).read_bytes()
        currency = str(rows["currency"].mode()[0])
        months = backtest.metrics["dollars_by_month"]
        drawn = [month for month in months if month["currency"] == currency]
        dollars = draw_dollars(drawn, Path(folder)).read_bytes()
    return section(
        "Do the probabilities hold",
        pictures=[
            picture("Reliability", "Expected and observed share unresolved, per model.", overall),
            picture(
                "Reliability within buckets",
                "Expected and observed share unresolved, per bucket.",
                draw_reliability_by_bucket(rows),
            ),
            picture(
                f"Money by month, in {currency}",
                "Expected and realised unresolved money by month.",
                dollars,
            ),
        ],
    )


def _groups(metrics: Mapping[str, Any]) -> dict[str, Any]:
    best = metrics["best_baseline"]
    lines: list[Line] = []
    columns = ["group", "rows", "unresolved", "log-loss", f"minus {words(best)}"]
    columns += ["avg. precision", f"minus {words(best)}", "expected ÷ realised $"]
    cells = []
    for grouping, title in _GROUPINGS.items():
        if metrics[grouping]:
            lines.append((title, {}))
        for name, figures in metrics[grouping].items():
            own, gaps = figures[MODEL], metrics["against_best"][grouping][name]
            if gaps:
                lines.append((name, gaps["log_loss"]))
            cells.append(group_cells(f"{title}: {name}", own, gaps))
    oldest = metrics["last_bucket"]
    if oldest:
        title = f"Bucket: {BUCKETS[LAST]}, in no other figure"
        cells.append(group_cells(title, oldest["figures"][MODEL], oldest["against_best"]))
    drawn = draw_differences(
        lines, f"log-loss, rollrisk minus {words(best)} (left is better)", good="left"
    )
    return section(
        "For whom",
        note=f"rollrisk beside the baseline that is best overall ({words(best)}) within each "
        "group, with 95 % intervals from resampling accounts. Blue: better; brown: worse; grey: "
        "the interval holds 0. Groups with few rows of either outcome have no interval."
        + (f" Items of {BUCKETS[LAST]} cannot roll further and stand apart." if oldest else ""),
        pictures=[picture("", "Difference in log-loss by group, with intervals.", drawn)],
        tables=[table_of("", columns, cells)],
    )


def _list(metrics: Mapping[str, Any]) -> dict[str, Any]:
    entries = metrics["capture"]
    rules = [rule for rule in entries[0]["captured"] if rule != EXPECTED]
    cells = [
        [f"{100 * entry['share']:.0f} %", f"{entry['captured'][EXPECTED]:.3f}"]
        + [f"{entry['captured'][rule]:.3f}\n{gap_text(entry['ahead'][rule], 3)}" for rule in rules]
        for entry in entries
    ]
    return section(
        "Whom to call",
        note="Accounts of each as-of date and currency are ranked; the share of the dollars still "
        "unresolved 30 days on that the called accounts owed. Below each: how far expected "
        "dollars are ahead, with 95 % intervals over accounts. What rolled is not what a call "
        "would have brought.",
        pictures=[
            picture("", "Share of rolled dollars caught, by rule.", draw_capture(entries)),
        ],
        tables=[table_of("", ["accounts called", EXPECTED, *rules], cells)],
    )


def _optional(metrics: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if found := metrics.get("ablation"):
        yield _ablation(found)
    if stability := metrics["reason_stability"]:
        yield section(
            "Do reasons stay",
            note=f"{stability['rows']:,} judged items, explained by the model of their origin and "
            "by the one before. The top reason is the family that adds most to the risk; the age "
            "of the invoice stands apart.",
            tables=[
                table_of(
                    "",
                    ["family that led before", "items", "leads still"],
                    [
                        [FAMILIES[name], f"{row['rows']:,}", f"{100 * row['agreement']:.0f} %"]
                        for name, row in sorted(
                            stability["by_family"].items(), key=lambda item: -item[1]["rows"]
                        )
                    ],
                )
            ],
        )


def _ablation(found: list[dict[str, Any]]) -> dict[str, Any]:
    lines = [(_family(entry), entry["log_loss"]) for entry in found]
    return section(
        "What each family of features is worth",
        note="The recipe refitted without each family at the same origins. Log-loss without it "
        "minus log-loss with it: right of 0 the family helps. Families say much of the same, so "
        "what one alone is worth is less than what it says.",
        pictures=[
            picture(
                "",
                "Log-loss without each family minus with it.",
                draw_differences(lines, "log-loss without the family minus with it", good="right"),
            )
        ],
        tables=[
            table_of(
                "",
                ["family", "features", "log-loss", "avg. precision"],
                [
                    [
                        _family(entry),
                        f"{entry['features']}",
                        gap_cell(entry["log_loss"]),
                        gap_cell(entry["average_precision"]),
                    ]
                    for entry in found
                ],
            )
        ],
    )


def _family(entry: Mapping[str, Any]) -> str:
    added = " (not read; added)" if entry["change"] == "added" else ""
    return FAMILIES[entry["family"]] + added


def _details(metrics: Mapping[str, Any]) -> dict[str, Any]:
    tables = [
        _table(f"Within bucket {bucket}", rows, "") for bucket, rows in metrics["by_bucket"].items()
    ]
    tables.append(
        _table(
            "Without the largest accounts",
            metrics["without_largest"]["figures"],
            "The accounts with the most unresolved rows are left out: a few accounts can carry "
            "the figures of a whole portfolio.",
        )
    )
    return section("Every model, bucket by bucket", tables=tables)


def _table(title: str, figures: Mapping[str, Mapping[str, float]], note: str) -> dict[str, Any]:
    rows = [[words(name), *(number(row[key]) for key in _COLUMNS)] for name, row in figures.items()]
    own = [name == MODEL for name in figures]
    return table_of(title, ["model", *_COLUMNS.values()], rows, note=note, own=own)


def _intervals(against: Mapping[str, Mapping[str, Mapping[str, float]]]) -> dict[str, Any]:
    names = list(next(iter(against.values())))
    return table_of(
        "Paired differences",
        ["against", *(_COLUMNS[name] for name in names)],
        [
            [words(other), *(gap_cell(row[name]) for name in names)]
            for other, row in against.items()
        ],
        note="rollrisk minus the other model on the same rows, with 95 % intervals from "
        "resampling accounts. An interval that holds 0 shows no difference.",
    )


def render_backtest(backtest: Backtest) -> str:
    """Return the page as HTML text without any outside reference."""
    text = resources.files("training").joinpath("templates", "backtest.html.j2").read_text("utf-8")
    template = jinja2.Environment(autoescape=True).from_string(text)
    return template.render(view=backtest_view(backtest))
