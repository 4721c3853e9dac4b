"""The past on the portfolio page: roll rates of its steps, and key figures over the year."""

from dataclasses import dataclass
from datetime import date

import pandas as pd

from features.ageing import BUCKETS
from features.roll_rates import RollRow, roll_matrix
from serving.console.charts import Line
from serving.console.past import Past


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """Key figures every 30 days of the last year, oldest first; None where there is none."""

    days: tuple[str, ...]
    receivables: tuple[float | None, ...]
    past_due_share: tuple[float | None, ...]
    dso: tuple[float | None, ...]
    best_possible_dso: tuple[float | None, ...]
    add: tuple[float | None, ...]
    cei: tuple[float | None, ...]
    promises_kept: tuple[float | None, ...]
    unapplied: tuple[float | None, ...]

    def line(self, name: str, words: str) -> Line:
        """Return one of the figures as a line of a chart."""
        return Line(name=words, values=getattr(self, name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rolls:
    """Roll-rate matrix over the newest steps that are final.

    Parameters
    ----------
    steps : int
        How many steps of 30 days are pooled.
    first, last : date or None
        First and last day on which such a step began.
    rows : tuple of RollRow
        By bucket.
    days, by_step : tuple
        Days on which each step of the year began, and the dollar share that did not resolve, a
        line per bucket.
    """

    steps: int
    first: date | None
    last: date | None
    rows: tuple[RollRow, ...]
    days: tuple[str, ...]
    by_step: tuple[Line, ...]


def pooled_rolls(past: Past, currency: str, steps: int) -> Rolls | None:
    """Return the roll rates of the newest steps pooled, and of each step of the year."""
    if past.rolls.empty:
        return None
    own = past.rolls[past.rolls["currency"] == currency]
    starts = sorted(past.rolls["as_of"].unique())
    pooled = own[own["as_of"].isin(starts[-steps:])]
    by_start = [roll_matrix(own[own["as_of"] == start]) for start in starts]
    lines = tuple(
        Line(
            name=bucket,
            values=tuple(known(matrix[position].unresolved, 100) for matrix in by_start),
        )
        for position, bucket in enumerate(BUCKETS)
    )
    chosen = starts[-steps:]
    return Rolls(
        steps=len(chosen),
        first=pd.Timestamp(chosen[0]).date(),
        last=pd.Timestamp(chosen[-1]).date(),
        rows=roll_matrix(pooled),
        days=tuple(pd.Timestamp(start).date().isoformat() for start in starts),
        by_step=lines,
    )


def known(value: float, times: float = 1.0) -> float | None:
    """Return a value of a chart, None for NaN.

    Examples
    --------
    >>> known(0.5, 100), known(float("nan"))
    (50.0, None)
    """
    return None if value != value else value * times  # noqa: PLR0124 (NaN)


def trend_of(past: Past, currency: str) -> Trend | None:
    """Return the key figures of a currency over the last year."""
    own = [f for f in past.figures if f.currency == currency]
    if not own:
        return None
    late = [sum(f.buckets[name] for name in BUCKETS[1:]) for f in own]
    return Trend(
        days=tuple(figure.as_of.isoformat() for figure in own),
        receivables=tuple(figure.receivables for figure in own),
        past_due_share=tuple(
            known(ratio(part, figure.receivables), 100)
            for part, figure in zip(late, own, strict=True)
        ),
        dso=tuple(known(figure.dso_days) for figure in own),
        best_possible_dso=tuple(known(figure.best_possible_dso_days) for figure in own),
        add=tuple(known(figure.average_days_delinquent) for figure in own),
        cei=tuple(known(figure.effectiveness) for figure in own),
        promises_kept=tuple(
            known(ratio(figure.promises_kept, figure.promises_due), 100) for figure in own
        ),
        unapplied=tuple(figure.unapplied for figure in own),
    )


def ratio(part: float, whole: float) -> float:
    """Return ``part`` ÷ ``whole``, NaN of nothing.

    Examples
    --------
    >>> ratio(1, 4), ratio(1, 0)
    (0.25, nan)
    """
    return part / whole if whole else float("nan")
