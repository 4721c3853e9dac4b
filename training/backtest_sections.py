"""Sections of the backtest's page: the steps, the money that is left, the days between the cuts."""

from collections.abc import Mapping
from typing import Any

from training.backtest_parts import gap_cell, number, picture, section, table_of, words
from training.backtest_plots import draw_curve, draw_ratios
from training.dollars import EXPECTED, NAIVE, WAYS
from training.recipe import MODEL

_OF_STEPS = ("roc_auc", "average_precision", "brier", "slope", "expected_over_realised")
_HELD = {True: "yes", False: "no"}


def steps_section(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures of every model after each step."""
    columns = ["open after", "model", "rows", "unresolved", "log-loss", "rollrisk minus it"]
    columns += ["ROC AUC", "avg. precision", "Brier", "slope", "expected ÷ realised $"]
    cells, own = [], []
    for days, found in metrics["steps"].items():
        for name, row in found["figures"].items():
            gaps = found["against_best"] if name == found["best_baseline"] else None
            cells.append(
                [
                    f"{days} days",
                    words(name),
                    f"{row['rows']:,.0f}",
                    f"{row['positives']:,.0f}",
                    number(row["log_loss"]),
                    gap_cell(gaps["log_loss"]) if gaps else "–",
                    *(number(row[key]) for key in _OF_STEPS),
                ]
            )
            own.append(name == MODEL)
    return section(
        "Step by step",
        note="The judged rows again, 30, 60, 90 and 120 days later, as far as what became of them "
        "is known: the later the step, the fewer. Baselines are learnt anew for each step. "
        "Log-loss and Brier score: lower is better. Beside the baseline that is best at a step "
        "stands the paired difference with its 95 % interval from resampling accounts.",
        tables=[table_of("", columns, cells, own=own)],
    )


def remaining_section(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was expected to be left of balances beside what was, by bucket and month."""
    found = metrics["remaining"]
    currencies = sorted(found, key=lambda name: -found[name]["overall"]["rows"])
    main = found[currencies[0]]
    drawn = {name: part for name, part in main["by_bucket"].items() if "ratio" in part}
    pictures = []
    if drawn:
        alt = "Expected over realised money by bucket, with and without the share that is left."
        pictures.append(
            picture(f"Expected ÷ realised, in {currencies[0]}", alt, draw_ratios(drawn, WAYS))
        )
    return section(
        "What part payments leave",
        note="Open items of every bucket, exposed or not. The share of its balance that an item "
        "still open has left is learnt by bucket; beside it, probability × balance alone, which "
        "knows no part payments. The error of the share is squared and weighted by balance, that "
        "of months is Σ |expected − realised| by month and bucket ÷ Σ realised; both lower is "
        "better. 95 % intervals resample accounts. A balance that was written off counts in full.",
        pictures=pictures,
        tables=[
            *(_by_bucket(name, found[name]) for name in currencies),
            _by_month(currencies[0], main["by_month"]),
        ],
    )


def _by_bucket(currency: str, found: Mapping[str, Any]) -> dict[str, Any]:
    parts = {"all open items": found["overall"], **found["by_bucket"]}
    columns = ["bucket", "items", "balance", "left", "expected ÷ realised", "without share left"]
    columns += ["error of share, less without", "error of months, less without"]
    cells = []
    for name, part in parts.items():
        row = [name, f"{part['rows']:,}", f"{part['balance']:,.0f}", f"{part['realised']:,.0f}"]
        if "ratio" in part:
            row += [_ratio(part["ratio"][EXPECTED]), _ratio(part["ratio"][NAIVE])]
            row += [gap_cell(part["ahead"][figure]) for figure in ("share_error", "month_error")]
        else:
            row += ["–"] * 4
        cells.append(row)
    return table_of(f"In {currency}", columns, cells, own=[True] + [False] * (len(cells) - 1))


def _ratio(found: Mapping[str, float]) -> str:
    return f"{found['value']:.3f}\n[{found['low']:.3f},\N{NO-BREAK SPACE}{found['high']:.3f}]"


def _by_month(currency: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    cells = [
        [row["month"].replace("-", "\N{NON-BREAKING HYPHEN}"), row["cell"]]
        + [f"{row[name]:,.0f}" for name in ("balance", EXPECTED, NAIVE, "realised")]
        for row in rows
    ]
    columns = ["month", "bucket", "balance", "expected", "without share left", "realised"]
    return table_of(f"By month of the as-of date, in {currency}", columns, cells)


def reach_section(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Return expected and observed shares on days between the cuts, and on a bucket's first."""
    points, bands = metrics["curve"], metrics["reach"]
    pictures = []
    if points or bands:
        alt = "Expected and observed share of items still open, by days ahead and by bucket."
        pictures.append(picture("", alt, draw_curve(points, bands)))
    return section(
        "Between the cuts, and into the next bucket",
        note="The model knows 7, 14 and 30·k days; between them the curve follows how the segment "
        "usually pays by days past due. The first table asks it for other days. The second is "
        "p_reach as a touching event: whether an item was still open on the day on which it would "
        "enter a bucket, by the days left until then. A line holds when expected and observed "
        "differ by no more than 5 points or three standard errors over accounts.",
        pictures=pictures,
        tables=[
            table_of(
                "Still open",
                ["days ahead", "items", "expected", "observed", "difference", "holds"],
                [[str(point["first_day"]), *_agreement(point)] for point in points],
            ),
            table_of(
                "Reaching a bucket",
                ["bucket, days ahead", "items", "expected", "observed", "difference", "holds"],
                [
                    [f"{band['bucket']}, {band['first_day']}–{band['last_day']}", *_agreement(band)]
                    for band in bands
                ],
            ),
        ],
    )


def _agreement(band: Mapping[str, Any]) -> list[str]:
    gap, wide = band["expected"] - band["observed"], 1.96 * band["error"]
    told = {"difference": gap, "low": gap - wide, "high": gap + wide}
    return [
        f"{band['rows']:,}",
        f"{band['expected']:.3f}",
        f"{band['observed']:.3f}",
        gap_cell(told),
        _HELD[band["holds"]],
    ]
