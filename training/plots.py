"""Pictures of a model's evidence, drawn with matplotlib from plain arrays."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

BINS = 10
INK, GRID = "#1f2933", "#d9e2ec"
COLOURS = ("#0b69a3", "#b44d12", "#7b8794", "#3f9142")


def reliability(
    y: npt.NDArray[np.float64], p: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return mean probability and share unresolved in ten groups of equal size.

    Examples
    --------
    >>> expected, seen = reliability(np.array([0.0, 1.0] * 10), np.linspace(0, 1, 20))
    >>> len(expected), float(seen.mean())
    (10, 0.5)
    """
    groups = np.array_split(np.argsort(p, kind="stable"), BINS)
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
