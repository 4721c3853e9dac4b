"""Draw how models stand to each other and to the truth, from the committed results.

Usage: python -m benchmarks.model_plots docs

Writes ``models-rivals.svg`` (log-loss of rollrisk less that of each rival, with intervals) and
``models-truth.svg`` (losses from the best baseline to the truth).
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from benchmarks.plots import INK, save

RESULTS = Path(__file__).parent / "results"
BETTER, UNCLEAR, WORSE = "#1b6ca8", "#7b8794", "#c2571a"
TICKS = (-0.2, -0.1, -0.05, -0.02, -0.01, -0.005, 0, 0.005)
RUNGS = {
    "best baseline": ("#7b8794", "o"),
    "rollrisk": ("#1b6ca8", "D"),
    "given what the account is": ("#5b9bc9", "s"),
    "given what goes on too": ("#a6cde8", "^"),
    "truth": ("#c2571a", "*"),
}


def rivals_figure(results: Sequence[dict[str, Any]]) -> Figure:
    """Return a panel a ledger: rollrisk's log-loss less each rival's, best rival on top.

    The axis is logarithmic beyond a hundredth on either side, which tells near rivals apart.
    """
    figure = Figure(figsize=(8.4, 2.5 * len(results)), layout="constrained")
    panels = figure.subplots(len(results), 1, squeeze=False, sharex=True)[:, 0]
    for panel, result in zip(panels, results, strict=True):
        gaps = {
            name: row["log_loss"]
            for name, row in result["rollrisk_minus"].items()
            if not name.startswith("rollrisk")
        }
        names = sorted(gaps, key=lambda name: gaps[name]["difference"])
        for place, name in enumerate(names):
            gap = gaps[name]
            colour = BETTER if gap["high"] < 0 else WORSE if gap["low"] > 0 else UNCLEAR
            panel.plot([gap["low"], gap["high"]], [place, place], color=colour, linewidth=2)
            panel.plot(gap["difference"], place, "o", color=colour, markersize=6)
        panel.axvline(0, color=INK, linewidth=0.8)
        panel.set_yticks(range(len(names)), names, fontsize=8)
        panel.set_xscale("symlog", linthresh=0.01)
        panel.set_xticks(TICKS, [f"{tick:g}" for tick in TICKS])
        panel.set_title(result["ledger"], fontsize=10, color=INK)
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(axis="x", color="#d9dee3", linewidth=0.6)
    panels[-1].set_xlabel("log-loss, rollrisk less rival: left of 0 rollrisk is better")
    return figure


def truth_figure(result: dict[str, Any]) -> Figure:
    """Return the first step's losses from the best baseline to the truth, by paid invoices."""
    figure = Figure(figsize=(8.4, 3.6), layout="constrained")
    panel = figure.subplots()
    bands = result["over_seeds"]["30"]
    for place, part in enumerate(bands.values()):
        losses = part["losses"] | {"best baseline": part["best_baseline"], "truth": part["truth"]}
        panel.plot(
            [part["truth"], part["best_baseline"]], [place, place], color="#d9dee3", linewidth=3
        )
        for name, (colour, marker) in RUNGS.items():
            panel.plot(
                losses[name],
                place,
                marker,
                color=colour,
                markersize=12 if marker == "*" else 8,
                label=name if place == 0 else None,
            )
    words = {"all": "all exposed items"}
    panel.set_yticks(range(len(bands)), [words.get(name, f"{name} paid") for name in bands])
    panel.invert_yaxis()
    panel.set_xlabel("expected log-loss of 30 days")
    panel.spines[["top", "right", "left"]].set_visible(False)
    panel.grid(axis="x", color="#d9dee3", linewidth=0.6)
    figure.legend(loc="outside upper center", ncols=3, frameon=False, fontsize=9)
    return figure


def main(folder: str) -> None:
    """Draw both pictures into a folder."""
    rivals = [json.loads(path.read_text("utf-8")) for path in sorted(RESULTS.glob("models_*.json"))]
    save(rivals_figure(rivals), Path(folder) / "models-rivals.svg")
    truth = json.loads((RESULTS / "truth.json").read_text("utf-8"))
    save(truth_figure(truth), Path(folder) / "models-truth.svg")


if __name__ == "__main__":
    main(sys.argv[1])
