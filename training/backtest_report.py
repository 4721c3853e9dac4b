"""The backtest as one self-contained HTML page: plain view first, then the template."""

import base64
import tempfile
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2

from training.backtest import Backtest
from training.backtest_figures import model_names
from training.plots import draw_dollars, draw_reliability
from training.recipe import MODEL

_COLUMNS: dict[str, str] = {
    "roc_auc": "ROC AUC",
    "average_precision": "avg. precision",
    "brier": "Brier",
    "log_loss": "log-loss",
    "captured_dollars": "rolled $ in top 20 %",
    "expected_over_realised": "expected ÷ realised $",
    "slope": "slope",
}
_LOWER_IS_BETTER = "Brier score and log-loss: lower is better."


def backtest_view(backtest: Backtest) -> dict[str, Any]:
    """Return everything the page shows as plain strings and rows."""
    metrics = backtest.metrics
    figures = metrics["overall"][MODEL]
    tables = [
        _table("All judged rows", metrics["overall"], _LOWER_IS_BETTER),
        _table("Past due only", metrics["past_due"], ""),
        _table(
            "Without the largest accounts",
            metrics["without_largest"]["figures"],
            "The accounts with the most unresolved rows are left out: a few accounts can carry "
            "the figures of a whole portfolio.",
        ),
        _intervals(metrics["against"]),
    ]
    tables += [
        _table(f"Within bucket {bucket}", rows, "") for bucket, rows in metrics["by_bucket"].items()
    ]
    return {
        "summary": (
            f"{metrics['rows']:,} rows of {metrics['accounts']:,} accounts, "
            f"{figures['positives']:,.0f} of them unresolved 30 days later, on "
            f"{metrics['accounts_with_unresolved']:,} accounts. Every model saw only outcomes "
            "known when it would have been trained."
        ),
        "tables": tables,
        "pictures": _pictures(backtest),
    }


def _table(title: str, figures: Mapping[str, Mapping[str, float]], note: str) -> dict[str, Any]:
    return {
        "title": title,
        "note": note,
        "columns": ["model", *_COLUMNS.values()],
        "rows": [
            {
                "own": name == MODEL,
                "cells": [name.replace("_", " "), *(_number(row[key]) for key in _COLUMNS)],
            }
            for name, row in figures.items()
        ],
    }


def _intervals(against: Mapping[str, Mapping[str, Mapping[str, float]]]) -> dict[str, Any]:
    names = list(next(iter(against.values())))
    return {
        "title": "Paired differences",
        "note": "rollrisk minus the other model on the same rows, with 95 % intervals from "
        "resampling accounts. An interval that holds 0 shows no difference.",
        "columns": ["against", *(_COLUMNS[name] for name in names)],
        "rows": [
            {
                "own": False,
                "cells": [
                    other.replace("_", " "),
                    *(
                        f"{row[name]['difference']:+.4f} "
                        f"[{row[name]['low']:+.4f}, {row[name]['high']:+.4f}]"
                        for name in names
                    ),
                ],
            }
            for other, row in against.items()
        ],
    }


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _pictures(backtest: Backtest) -> list[dict[str, str]]:
    rows = backtest.predictions
    y = rows["unresolved"].to_numpy(dtype=float)
    probabilities = {
        name.replace("_", " "): rows[f"p_{name}"].to_numpy(dtype=float)
        for name in model_names(rows)
    }
    with tempfile.TemporaryDirectory() as folder:
        reliability = draw_reliability(y, probabilities, Path(folder))
        dollars = draw_dollars(backtest.metrics["dollars_by_month"], Path(folder))
        return [
            {
                "title": "Reliability",
                "alt": "Expected against observed share unresolved, in ten groups per model.",
                "data": base64.b64encode(reliability.read_bytes()).decode(),
            },
            {
                "title": "Dollars by month",
                "alt": "Expected and realised unresolved dollars by month.",
                "data": base64.b64encode(dollars.read_bytes()).decode(),
            },
        ]


def render_backtest(backtest: Backtest) -> str:
    """Return the page as HTML text without any outside reference."""
    text = resources.files("training").joinpath("templates", "backtest.html.j2").read_text("utf-8")
    template = jinja2.Environment(autoescape=True).from_string(text)
    return template.render(view=backtest_view(backtest))
