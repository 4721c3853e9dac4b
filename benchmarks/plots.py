"""Draw how processor seconds and memory grow with the ledger.

Usage: python -m benchmarks.plots GROWTH.json docs/growth.svg

GROWTH.json is what ``python -m benchmarks.features --growth --out GROWTH.json`` wrote. The
ending of the picture decides its format.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

INK = "#1f2933"
SERIES = {1: ("#1b6ca8", "o"), 24: ("#c2571a", "s")}
PANELS = (
    ("processor_seconds", "processor seconds", 1.0),
    ("peak_mb", "peak memory, GB", 1000.0),
)


def growth_figure(result: dict[str, Any]) -> Figure:
    """Return two panels, seconds and memory by invoices; every run is a faint point."""
    figure = Figure(figsize=(9.0, 3.8), layout="constrained")
    for panel, (name, label, unit) in zip(figure.subplots(1, 2), PANELS, strict=True):
        for dates, (colour, marker) in SERIES.items():
            points = [
                point
                for point in result["growth"]
                if point["dates"] == dates and "failed" not in point
            ]
            millions = [point["ledger"]["rows"]["invoices"] / 1e6 for point in points]
            middle = [point[name] / unit for point in points]
            words = f"{dates} date" + ("s" if dates > 1 else "")
            panel.plot(millions, middle, color=colour, marker=marker, markersize=5, label=words)
            for x, point in zip(millions, points, strict=True):
                runs = [value / unit for value in point["runs"][name]]
                panel.plot([x] * len(runs), runs, ".", color=colour, alpha=0.4, markersize=4)
        panel.set(xlabel="invoices, millions", ylabel=label, xlim=(0, None), ylim=(0, None))
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(axis="y", color="#d9dee3", linewidth=0.6)
        panel.legend(frameon=False)
    machine = result["machine"]
    words = (
        f"Whole catalogue, {machine['cores']} cores, {machine['memory_gb']:.0f} GB, "
        f"DuckDB {machine['duckdb']}"
    )
    figure.suptitle(words + unfinished(result), fontsize=10, color=INK)
    return figure


def unfinished(result: dict[str, Any]) -> str:
    """Return a line that names the points without a figure, or nothing."""
    failed = [
        f"{point['dates']} dates at {point['ledger']['rows']['invoices'] / 1e6:.1f} M invoices"
        for point in result["growth"]
        if "failed" in point
    ]
    return f"\nnot finished: {', '.join(failed)}" if failed else ""


def draw(source: Path, picture: Path) -> None:
    """Draw the growth in ``source`` into ``picture``."""
    save(growth_figure(json.loads(source.read_text("utf-8"))), picture)


def save(figure: Figure, picture: Path) -> None:
    """Write a figure by a temporary name; the same figures, the same bytes."""
    ending = picture.suffix.lstrip(".")
    temporary = picture.with_name(f".{os.getpid()}.{picture.name}")
    undated = {"Date": None} if ending == "svg" else None
    with mpl.rc_context({"svg.hashsalt": "rollrisk", "svg.fonttype": "none"}):
        figure.savefig(temporary, format=ending, metadata=undated, dpi=150)
    temporary.replace(picture)


if __name__ == "__main__":
    draw(*map(Path, sys.argv[1:3]))
