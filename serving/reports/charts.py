"""Charts as SVG text, made from plain values; no script, no outside reference.

Text keeps its size at every page width: labels and values have columns of fixed width (the
style sheet sets them) and each bar carries its place, ``--x``, and its width, ``--w``, as shares of
what is left between them. The attributes in per cent are for readers without style sheets.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from serving.reports.drivers import Step
from serving.reports.wording import Amount

ROW, BAR = 24, 14
_PLOT_LEFT, _PLOT_WIDTH = 40, 38
"""Per cent of the page's width where bars lie when no style sheet is read."""
_CUT_BELOW = 0.6
"""A waterfall whose steps span less than this share of its height does not start at zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeingBar:
    """One bar of the ageing chart: the open balance of a bucket in three parts.

    Parameters
    ----------
    label : str
        Name of the bucket.
    at_risk, secure, held : Amount
        Collectible that is expected to roll or stay, the other collectible, and what is not
        collectible now. They sum to the open balance.
    balance : Amount
        The open balance.
    """

    label: str
    at_risk: Amount
    secure: Amount
    held: Amount
    balance: Amount


def ageing_chart(bars: Sequence[AgeingBar], *, key: str, title: str) -> Markup:
    """Return the balance by bucket as stacked bars.

    Parameters
    ----------
    bars : sequence of AgeingBar
        From the youngest bucket to the oldest.
    key : str
        Unique on the page: names the title for screen readers.
    title : str
        What the chart shows.
    """
    largest = max((bar.balance.cents for bar in bars), default=0) or 1
    drawn, said = [], []
    for row, bar in enumerate(bars):
        left = 0.0
        for kind, part in (("risk", bar.at_risk), ("secure", bar.secure), ("held", bar.held)):
            width = part.cents / largest
            if part.cents > 0:
                drawn.append(_rect(kind, left, width, row))
            left += width
        drawn.append(_row_text(bar.label, bar.balance.exact, row))
        said.append(f"{bar.label}: {bar.balance.exact}, of which at risk {bar.at_risk.exact}")
    return _chart("ageing", key, title, said, drawn)


def waterfall_chart(steps: Sequence[Step], *, key: str, title: str) -> Markup:
    """Return the steps from the base to the amount at risk as floating bars.

    Where the steps are small beside the base, the scale does not start at zero and the bars
    that stand on zero are drawn with a break.
    """
    low, high = _scale(steps)
    cut = low > 0
    drawn, said = [], []
    for row, step in enumerate(steps):
        stands = step.kind in ("base", "total")
        start = max(low, 0) if stands else step.start
        from_, to = sorted((_place(start, low, high), _place(step.end, low, high)))
        kind = step.kind if stands else ("up" if step.amount.cents > 0 else "down")
        drawn.append(_rect(kind, from_, max(to - from_, 0.006), row))
        if stands and cut:
            drawn.append(_break(row))
        if row + 1 < len(steps):
            drawn.append(_connector(_place(step.end, low, high), row))
        amount = step.amount.exact if stands else step.amount.signed
        drawn.append(_row_text(step.label, amount, row, strong=stands))
        said.append(f"{step.label}: {amount}")
    return _chart("waterfall", key, title, said, drawn)


def is_cut(steps: Sequence[Step]) -> bool:
    """Return whether the waterfall's scale starts above zero, which the page must say."""
    return _scale(steps)[0] > 0


def swatch(kind: str) -> Markup:
    """Return a small square of a bar's colour for a legend."""
    return Markup(
        '<svg class="swatch" width="11" height="11" aria-hidden="true">'
        '<rect class="bar bar-{}" width="11" height="11"/></svg>'
    ).format(kind)


def _scale(steps: Sequence[Step]) -> tuple[float, float]:
    """Return the ends of the scale in cents."""
    levels = [step.end for step in steps]
    low, high = min(levels, default=0), max(levels, default=0)
    if low > 0 and 0 < high - low < _CUT_BELOW * high:
        # Some room to the left keeps the lowest level apart from the break.
        return low - 0.2 * (high - low), float(high)
    low, high = min(low, 0), max(high, 0)
    return float(low), float(high if high > low else low + 1)


def _place(cents: float, low: float, high: float) -> float:
    return (cents - low) / (high - low)


def _rect(kind: str, left: float, width: float, row: int) -> Markup:
    """Return a bar from ``left``, as wide as ``width``, both as shares of the plot."""
    top = row * ROW + (ROW - BAR) // 2
    return _plotted(f"bar bar-{kind}", left, width, top, BAR)


def _connector(place: float, row: int) -> Markup:
    top = row * ROW + (ROW + BAR) // 2
    return _plotted("connector", place, 0.0, top, ROW - BAR)


def _plotted(name: str, left: float, width: float, top: int, height: int) -> Markup:
    x, wide = _PLOT_LEFT + left * _PLOT_WIDTH, max(width * _PLOT_WIDTH, 0.1)
    return Markup(
        '<rect class="{}" style="--x:{:.4f};--w:{:.4f}" x="{:.2f}%" width="{:.2f}%" y="{}" '
        'height="{}"/>'
    ).format(name, left, width, x, wide, top, height)


def _break(row: int) -> Markup:
    top = row * ROW + (ROW - BAR) // 2 - 2
    return Markup('<path class="break" d="M6 {0}l4 {1}M10 {0}l4 {1}"/>').format(top, BAR + 4)


def _row_text(label: str, value: str, row: int, *, strong: bool = False) -> Markup:
    weight = "strong" if strong else "usual"
    y = row * ROW + ROW // 2
    return Markup(
        '<text class="label {}" x="0" y="{}" dominant-baseline="central">{}</text>'
        '<text class="value {}" x="100%" y="{}" dominant-baseline="central" '
        'text-anchor="end">{}</text>'
    ).format(weight, y, label, weight, y, value)


def _chart(name: str, key: str, title: str, rows: Sequence[str], drawn: Sequence[Markup]) -> Markup:
    """Return a picture of ``rows``, each of which the description says in words."""
    height = max(len(rows), 1) * ROW
    return Markup(
        '<svg class="chart chart-{name}" role="img" aria-labelledby="{key}-title {key}-desc" '
        'width="100%" height="{height}"><title id="{key}-title">{title}</title>'
        '<desc id="{key}-desc">{description}.</desc>{drawn}</svg>'
    ).format(
        name=name,
        key=key,
        title=title,
        description=". ".join(rows),
        height=height,
        drawn=Markup().join(drawn),
    )
