"""The console's charts as SVG and HTML, made from plain values; no script.

Lines lie in a box that stretches with the page while strokes and text keep their size: the plot
is an SVG without an aspect of its own, the labels around it are HTML. Every chart says in words
what it shows; its numbers stand in a table beside or below it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

__all__ = ["age_bars", "curve", "heat", "line_chart", "meter", "spark", "strip"]

_HEAT_STEPS = 10
_PUSH_FULL = 1.0
"""Log-odds that fill half a cell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of a chart: its name and a value, or None, at each of the chart's places."""

    name: str
    values: tuple[float | None, ...]


def heat(share: float | None) -> str:
    """Return the class of a heat map's cell for a share in [0, 1].

    Examples
    --------
    >>> heat(0.0), heat(0.44), heat(1.0), heat(None)
    ('heat heat-0', 'heat heat-4', 'heat heat-10', 'heat')
    """
    if share is None or share != share:  # noqa: PLR0124 (NaN)
        return "heat"
    return f"heat heat-{round(min(max(share, 0), 1) * _HEAT_STEPS)}"


def meter(share: float | None, kind: str = "risk") -> Markup:
    """Return a bar as long as a share of its cell; the number stands beside it."""
    width = 0.0 if share is None or share != share else min(max(share, 0.0), 1.0)  # noqa: PLR0124
    return Markup(
        '<svg class="meter" aria-hidden="true" width="100%" height="8">'
        '<rect class="bar-{}" width="{:.2f}%" height="8" rx="1"/></svg>'
    ).format(kind, 100 * width)


def push_bar(log_odds: float) -> Markup:
    """Return a bar to the right for what raises a score, to the left for what lowers it."""
    width = 50 * min(abs(log_odds) / _PUSH_FULL, 1.0)
    left = 50.0 if log_odds > 0 else 50.0 - width
    return Markup(
        '<svg class="meter" aria-hidden="true" width="100%" height="10">'
        '<rect class="bar-{}" x="{:.2f}%" width="{:.2f}%" height="10"/>'
        "</svg>"
    ).format("up" if log_odds > 0 else "down", left, max(width, 0.5))


def spark(values: Sequence[float | None]) -> Markup:
    """Return a small line without axes; it repeats what the trend charts show."""
    line = _path(values, *_span(values, zero=False))
    if not line:
        return Markup("")
    return Markup(
        '<svg class="spark" viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">'
        '<path class="line line-1" d="{}"/></svg>'
    ).format(line)


def line_chart(
    lines: Sequence[Line],
    places: Sequence[str],
    *,
    title: str,
    unit: str = "",
    zero: bool = False,
    band: tuple[Sequence[float], Sequence[float]] | None = None,
) -> Markup:
    """Return lines over named places, oldest first.

    Parameters
    ----------
    lines : sequence of Line
        One value per place each; a missing value breaks the line.
    places : sequence of str
        Names along the x axis; the first, the middle and the last are shown.
    title : str
        What the chart shows, for screen readers.
    unit : str
        Follows the numbers of the y axis.
    zero : bool
        Whether the y axis must start at 0.
    band : tuple of sequence of float or None
        Lower and upper ends of an interval at each place.
    """
    every = [value for line in lines for value in line.values]
    every += [end for ends in band or () for end in ends]
    low, high = _span(every, zero=zero)
    ticks = _ticks(low, high)
    low, high = min(low, ticks[0]), max(high, ticks[-1])
    drawn = [_rule(_up(tick, low, high)) for tick in ticks]
    if band is not None:
        drawn.append(_band(*band, low, high))
    for position, line in enumerate(lines, start=1):
        if path := _path(line.values, low, high):
            drawn.append(Markup('<path class="line line-{}" d="{}"/>').format(position, path))
        drawn += _dots(line, places, low, high, position, unit)
    said = ". ".join(_said(line, places, unit) for line in lines)
    return _framed(
        drawn,
        title=f"{title}. {said}",
        ticks=[(_up(tick, low, high), _short(tick) + unit) for tick in ticks],
        places=_ends(places),
        size="",
    )


def curve(
    own: Sequence[tuple[int, float]], usual: Sequence[tuple[int, float]], *, title: str
) -> Markup:
    """Return the chance of still being open over the coming days, beside what is usual.

    Parameters
    ----------
    own, usual : sequence of (int, float)
        Days ahead, up to 120, and P(unresolved), falling.
    title : str
        For screen readers.
    """
    drawn = [
        Markup('<path class="line line-2" d="{}"/>').format(_curve_path(usual)),
        Markup('<path class="line line-1" d="{}"/>').format(_curve_path(own)),
    ]
    return Markup(
        '<svg class="curve" role="img" aria-label="{}" viewBox="0 0 120 100" '
        'preserveAspectRatio="none"><path class="rule" d="M0 100H120M30 0V100M60 0V100M90 0V100"/>'
        "{}</svg>"
    ).format(title, Markup().join(drawn))


def _curve_path(points: Sequence[tuple[int, float]]) -> str:
    steps = [(0, 1.0), *points]
    return "M" + "L".join(f"{days} {100 * (1 - share):.1f}" for days, share in steps)


def age_bars(
    rows: Sequence[tuple[str, Sequence[tuple[str, float, str]]]], whole: float, *, title: str
) -> Markup:
    """Return stacked bars of one length: a book's balance by age, at several days.

    Parameters
    ----------
    rows : sequence of (str, parts)
        Name of the day, and its parts as (kind, amount, text for pointers).
    whole : float
        Amount that fills a bar.
    title : str
        For screen readers.
    """
    drawn = []
    for name, parts in rows:
        left, bars = 0.0, []
        for kind, amount, text in parts:
            width = 100 * amount / whole if whole else 0.0
            if width > 0:
                bars.append(
                    Markup(
                        '<rect class="age age-{}" x="{:.3f}%" width="{:.3f}%" height="26">'
                        "<title>{}</title></rect>"
                    ).format(kind, left, width, text)
                )
            left += width
        drawn.append(
            Markup(
                '<div class="age-row"><span>{}</span>'
                '<svg width="100%" height="26" aria-hidden="true">{}</svg></div>'
            ).format(name, Markup().join(bars))
        )
    return Markup('<div class="age-bars" role="img" aria-label="{}">{}</div>').format(
        title, Markup().join(drawn)
    )


def strip(
    values: Sequence[tuple[float, float, str]],
    *,
    kind: str,
    title: str,
    top: str,
    places: Sequence[str] = (),
) -> Markup:
    """Return one strip of a time line: a line, an area or bars over shares of the time.

    Parameters
    ----------
    values : sequence of (float, float, str)
        Place in [0, 1], height in [0, 1], and the text for pointers, in time order.
    kind : {"line", "area", "bars"}
        How they are drawn.
    title : str
        For screen readers.
    top : str
        What the full height stands for.
    places : sequence of str
        Names below the strip.
    """
    drawn = [_rule(0), _rule(100)]
    points = [(100 * x, 100 * (1 - y), text) for x, y, text in values]
    if kind == "bars":
        drawn += [
            Markup('<path class="stick" d="M{:.2f} 100V{:.2f}"><title>{}</title></path>').format(
                x, y, text
            )
            for x, y, text in points
        ]
    elif points:
        path = "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y, _ in points)
        if kind == "area":
            closed = f"{path}V100H{points[0][0]:.2f}Z"
            drawn.append(Markup('<path class="area" d="{}"/>').format(closed))
        drawn.append(Markup('<path class="line line-1" d="{}"/>').format(path))
        if kind == "line":
            drawn += [_dot(x, y, 1, text) for x, y, text in points]
    return _framed(drawn, title=title, ticks=[(100, "0"), (0, top)], places=places, size="low")


def _framed(
    drawn: Sequence[Markup],
    *,
    title: str,
    ticks: Sequence[tuple[float, str]],
    places: Sequence[str],
    size: str,
) -> Markup:
    """Return a plot with its labels."""
    marks = Markup().join(
        Markup('<span style="top:{:.1f}%">{}</span>').format(top, text) for top, text in ticks
    )
    below = Markup().join(Markup("<span>{}</span>").format(place) for place in places)
    return Markup(
        '<div class="plot {}" role="img" aria-label="{}">'
        '<div class="ticks" aria-hidden="true">{}</div>'
        '<svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">{}</svg>'
        '<div class="places" aria-hidden="true">{}</div></div>'
    ).format(size, title, marks, Markup().join(drawn), below)


def _rule(y: float) -> Markup:
    return Markup('<path class="rule" d="M0 {:.2f}H100"/>').format(y)


def _band(lower: Sequence[float], upper: Sequence[float], low: float, high: float) -> Markup:
    last = max(len(upper) - 1, 1)
    places = [100 * at / last for at in range(len(upper))]
    corners = [
        *zip(places, upper, strict=True),
        *reversed([*zip(places, lower, strict=True)]),
    ]
    path = "L".join(f"{x:.2f} {_up(value, low, high):.2f}" for x, value in corners)
    return Markup('<path class="area" d="M{}Z"/>').format(path)


def _dot(x: float, y: float, position: int, text: str) -> Markup:
    return Markup('<path class="dot dot-{}" d="M{:.2f} {:.2f}h0"><title>{}</title></path>').format(
        position, x, y, text
    )


def _dots(
    line: Line, places: Sequence[str], low: float, high: float, position: int, unit: str
) -> list[Markup]:
    last = max(len(places) - 1, 1)
    return [
        _dot(
            100 * at / last,
            _up(value, low, high),
            position,
            f"{places[at]}: {line.name} {_short(value)}{unit}",
        )
        for at, value in enumerate(line.values)
        if value is not None
    ]


def _said(line: Line, places: Sequence[str], unit: str) -> str:
    known = [
        (place, value)
        for place, value in zip(places, line.values, strict=True)
        if value is not None
    ]
    if not known:
        return f"{line.name}: no value"
    (first, start), (last, end) = known[0], known[-1]
    return f"{line.name}: {_short(start)}{unit} on {first}, {_short(end)}{unit} on {last}"


def _ends(places: Sequence[str]) -> list[str]:
    if len(places) < 3:
        return list(places)
    return [places[0], places[len(places) // 2], places[-1]]


def _path(values: Sequence[float | None], low: float, high: float) -> str:
    last, path, pen = max(len(values) - 1, 1), "", "M"
    for at, value in enumerate(values):
        if value is None:
            pen = "M"
            continue
        path += f"{pen}{100 * at / last:.2f} {_up(value, low, high):.2f}"
        pen = "L"
    return path


def _up(value: float, low: float, high: float) -> float:
    return 100 * (high - value) / (high - low)


def _span(values: Sequence[float | None], *, zero: bool) -> tuple[float, float]:
    known = [value for value in values if value is not None]
    low, high = min(known, default=0.0), max(known, default=1.0)
    low = min(low, 0.0) if zero else low
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _ticks(low: float, high: float) -> list[float]:
    """Return three to five round numbers that span the values.

    Examples
    --------
    >>> _ticks(41.0, 66.0)
    [40.0, 50.0, 60.0, 70.0]
    """
    size = 10.0
    raw = (high - low) / 3
    power = size ** (len(f"{raw:.0f}") - 1) if raw >= 1 else size ** -_zeros(raw)
    step = next(unit * power for unit in (1, 2, 5, 10) if unit * power >= raw)
    first = int(low // step)
    ticks = [first * step]
    while ticks[-1] < high:
        ticks.append(round((first + len(ticks)) * step, 10))
    return ticks


def _zeros(raw: float) -> int:
    count = 0
    while raw < 1 and count < 12:
        raw, count = raw * 10, count + 1
    return count


def _short(value: float) -> str:
    """Return a number of an axis, thousands and millions cut short.

    Examples
    --------
    >>> [_short(value) for value in (0.25, 12.0, 61.23, 4500.0, 1250000.0)]
    ['0.25', '12', '61.2', '4.5k', '1.25M']
    """
    for size, letter in ((1e9, "bn"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"
