"""Pictures of a backtest: reliability by bucket, capture by accounts, intervals by group."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from features.ageing import BUCKETS
from training.plots import BINS, COLOURS, GRID, INK, reliability
from training.recipe import MODEL

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Interval = Mapping[str, float]
Line = tuple[str, Interval]
"""A label and its difference with both ends."""

SOFT = "#52606d"
MIN_DRAWN_ROWS = 50
"""Fewer rows are no group of a reliability plot."""


def _figure(width: float, height: float) -> "Figure":
    from matplotlib.figure import Figure  # noqa: PLC0415 (slow to import)

    return Figure(figsize=(width, height), layout="constrained")


def _png(figure: "Figure") -> bytes:
    stream = BytesIO()
    figure.savefig(stream, format="png", dpi=110)
    return stream.getvalue()


def draw_reliability_by_bucket(rows: pd.DataFrame) -> bytes:
    """Draw expected against observed shares within each bucket, in up to ten groups of rows."""
    drawn = [b for b in BUCKETS if (rows["bucket"] == b).sum() >= MIN_DRAWN_ROWS]
    columns = 2 if len(drawn) in (2, 4) else min(len(drawn), 3)
    figure = _figure(3.2 * columns, 3.2 * -(-len(drawn) // columns))
    for place, bucket in enumerate(drawn):
        part = rows[rows["bucket"] == bucket]
        axes = figure.add_subplot(-(-len(drawn) // columns), columns, place + 1)
        axes.plot([0, 1], [0, 1], color=GRID, linewidth=2)
        y, p = (part[name].to_numpy(dtype=float) for name in ("unresolved", f"p_{MODEL}"))
        expected, seen = reliability(y, p, min(BINS, max(len(part) // MIN_DRAWN_ROWS, 1)))
        axes.plot(expected, seen, marker="o", markersize=4, color=COLOURS[0])
        axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
        axes.set_title(f"{bucket} · {len(part):,} rows", color=INK, fontsize=10)
        axes.grid(color=GRID, linewidth=0.5)
        axes.tick_params(labelsize=8)
    figure.supxlabel("expected share unresolved after 30 days", fontsize=9)
    figure.supylabel("observed share", fontsize=9)
    return _png(figure)


def draw_capture(capture: Sequence[Mapping[str, Any]]) -> bytes:
    """Draw the share of rolled dollars that each way of ranking accounts catches."""
    rules = list(capture[0]["captured"])
    figure = _figure(8, 4)
    axes = figure.subplots()
    width = 0.8 / len(rules)
    shades = (COLOURS[0], "#c9d3dc", "#aab7c4", "#8b9bab", COLOURS[1])
    for place, rule in enumerate(rules):
        heights = [entry["captured"][rule] for entry in capture]
        spots = np.arange(len(capture)) + (place - (len(rules) - 1) / 2) * width
        bars = axes.bar(spots, heights, width=width * 0.92, label=rule, color=shades[place])
        axes.bar_label(bars, fmt=lambda v: f"{100 * v:.0f}", fontsize=7.5, color=SOFT)
    axes.set_xticks(
        range(len(capture)), [f"{100 * entry['share']:.0f} % of accounts" for entry in capture]
    )
    axes.set(ylim=(0, 1.12), ylabel="share of rolled dollars caught")
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    axes.legend(frameon=False, ncols=3, loc="upper left", fontsize=8.5)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return _png(figure)


def draw_differences(lines: Sequence[Line], label: str, *, good: str) -> bytes:
    """Draw differences with their intervals, one line each, around nothing.

    Parameters
    ----------
    lines : sequence of (str, mapping)
        Label and ``difference``, ``low``, ``high``; an empty mapping is a heading.
    label : str
        What the axis shows.
    good : {"left", "right"}
        On which side of 0 a difference is drawn as good.
    """
    figure = _figure(8, 0.9 + 0.27 * len(lines))
    axes = figure.subplots()
    axes.axvline(0, color=SOFT, linewidth=1)
    for place, (_, gap) in enumerate(lines):
        if not gap:
            continue
        low, high = gap["low"], gap["high"]
        better = high < 0 if good == "left" else low > 0
        worse = low > 0 if good == "left" else high < 0
        colour = COLOURS[0] if better else COLOURS[1] if worse else COLOURS[2]
        axes.plot([low, high], [place, place], color=colour, linewidth=2, solid_capstyle="butt")
        axes.plot(gap["difference"], place, "o", color=colour, markersize=5)
    axes.set_yticks(range(len(lines)), [name for name, _ in lines], fontsize=9)
    for text, (_, gap) in zip(axes.get_yticklabels(), lines, strict=True):
        text.set_fontweight("normal" if gap else "bold")
    axes.invert_yaxis()
    axes.set_xlabel(label, fontsize=9)
    axes.grid(axis="x", color=GRID, linewidth=0.5)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize=8)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    return _png(figure)


def draw_ratios(parts: Mapping[str, Mapping[str, Any]], ways: Mapping[str, str]) -> bytes:
    """Draw expected ÷ realised money by bucket, one dot with its interval for each way.

    Parameters
    ----------
    parts : mapping of str to mapping
        Figures by bucket, each with ``ratio`` by way.
    ways : mapping of str to str
        Ways and what they are called, ours first.
    """
    figure = _figure(8, 1.3 + 0.55 * len(parts))
    axes = figure.subplots()
    axes.axvline(1, color=SOFT, linewidth=1)
    for at, (way, name) in enumerate(ways.items()):
        spots = np.arange(len(parts)) + (at - (len(ways) - 1) / 2) * 0.3
        found = [part["ratio"][way] for part in parts.values()]
        axes.hlines(
            spots,
            [one["low"] for one in found],
            [one["high"] for one in found],
            color=COLOURS[at],
            linewidth=2,
        )
        axes.plot([one["value"] for one in found], spots, "o", color=COLOURS[at], label=name)
    axes.set_yticks(range(len(parts)), list(parts), fontsize=9)
    axes.invert_yaxis()
    axes.set_xlabel("expected ÷ realised (1 is right)", fontsize=9)
    axes.grid(axis="x", color=GRID, linewidth=0.5)
    axes.tick_params(axis="y", length=0)
    figure.legend(frameon=False, ncols=2, loc="outside upper left", fontsize=8.5)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    return _png(figure)


def draw_curve(points: Sequence[Mapping[str, Any]], bands: Sequence[Mapping[str, Any]]) -> bytes:
    """Draw expected against observed shares: still open by days ahead, and touching by bucket."""
    figure = _figure(8, 3.8)
    left, right = figure.subplots(1, 2)
    days = [point["first_day"] for point in points]
    left.plot(days, [point["expected"] for point in points], "-o", color=COLOURS[0], markersize=4)
    left.errorbar(
        days,
        [point["observed"] for point in points],
        [1.96 * point["error"] for point in points],
        fmt="s",
        color=COLOURS[1],
        markersize=4,
    )
    left.set(xlabel="days ahead", ylim=(0, 1))
    left.set_title("still open: expected (line), observed", color=INK, fontsize=10)
    right.plot([0, 1], [0, 1], color=GRID, linewidth=2)
    for colour, bucket in zip(COLOURS, BUCKETS[1:], strict=True):
        own = [band for band in bands if band["bucket"] == bucket]
        if own:
            right.plot(
                [band["expected"] for band in own],
                [band["observed"] for band in own],
                "o",
                color=colour,
                label=bucket,
            )
    right.set(xlabel="expected share", ylabel="observed share", xlim=(0, 1), ylim=(0, 1))
    right.set_title("reaching a bucket, by days to its edge", color=INK, fontsize=10)
    if bands:
        right.legend(frameon=False, fontsize=8.5)
    for axes in (left, right):
        axes.grid(color=GRID, linewidth=0.5)
        axes.tick_params(labelsize=8)
    return _png(figure)
