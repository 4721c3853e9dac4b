"""Pictures of a model's evidence, drawn with matplotlib from plain arrays."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

BINS = 10
INK, GRID = "#1f2933", "#d9e2ec"
COLOURS = ("#0b69a3", "#b44d12", "#7b8794", "#3f9142")


def reliability(
    y: npt.NDArray[np.float64], p: npt.NDArray[np.float64], bins: int = BINS
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return mean probability and share unresolved in ``bins`` groups of equal size.

    Examples
    --------
    >>> expected, seen = reliability(np.array([0.0, 1.0] * 10), np.linspace(0, 1, 20))
    >>> len(expected), float(seen.mean())
    (10, 0.5)
    """
    groups = np.array_split(np.argsort(p, kind="stable"), bins)
    filled = [rows for rows in groups if len(rows)]
    expected = np.array([p[rows].mean() for rows in filled])
    seen = np.array([y[rows].mean() for rows in filled])
    return expected, seen


def draw_reliability(
    y: npt.NDArray[np.float64],
    probabilities: Mapping[str, npt.NDArray[np.float64]],
    folder: Path,
) -> Path:
    """Draw expected against observed shares of each model; returns the PNG's path."""
    from matplotlib.figure import Figure  # noqa: PLC0415 (slow to import)

    figure = Figure(figsize=(6, 5), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=GRID, linewidth=2)
    for colour, (name, p) in zip(COLOURS, probabilities.items(), strict=False):
        expected, seen = reliability(y, p)
        axes.plot(expected, seen, marker="o", label=name, color=colour)
    axes.set_xlabel("expected share unresolved after 30 days")
    axes.set_ylabel("observed share")
    axes.set_title("Reliability on the test window, exposed items", color=INK)
    axes.grid(color=GRID, linewidth=0.5)
    axes.legend(frameon=False)
    path = folder / "reliability.png"
    figure.savefig(path, dpi=120)
    return path


def draw_dollars(months: Sequence[Mapping[str, Any]], folder: Path) -> Path:
    """Draw expected and realised unresolved dollars by month; returns the PNG's path.

    Parameters
    ----------
    months : sequence of mapping
        Rows with ``month``, ``expected`` and ``realised``; rows of one month are added.
    folder : Path
        Where the picture goes.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415 (slow to import)

    names = sorted({row["month"] for row in months})
    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(names))
    for offset, key, colour in ((-0.2, "expected", COLOURS[0]), (0.2, "realised", COLOURS[2])):
        sums = [sum(row[key] for row in months if row["month"] == name) for name in names]
        axes.bar(places + offset, sums, width=0.4, label=key, color=colour)
    axes.set_xticks(places, names)
    axes.set_ylabel("unresolved after 30 days")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set_title("Dollars expected and realised, by month of the as-of date", color=INK)
    axes.legend(frameon=False)
    path = folder / "dollars.png"
    figure.savefig(path, dpi=120)
    return path
