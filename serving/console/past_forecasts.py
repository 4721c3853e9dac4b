"""Forecast against actual on the portfolio page: earlier scorings and what they came to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from features.ageing import BUCKETS, STEP_DAYS
from serving.console.charts import Line
from serving.console.forecast import HORIZONS
from serving.console.track_record import Judged, PastForecast
from serving.console.trends import ratio
from serving.reports.wording import Amount

FEW_POINTS = 3
"""With fewer scorings a line says less than the table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """An expected balance beside what it came to; NaN as ratio where nothing was expected."""

    expected: Amount
    low: Amount
    high: Amount
    actual: Amount
    difference: Amount
    ratio: float
    held: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastRow:
    """One earlier scoring.

    Parameters
    ----------
    scored_on, judged_on : date
        Its day, and 30 days later.
    model_version : str
        What scored.
    hindsight : bool
        Whether its model was trained on later books, so that it was no forecast.
    balance : Amount
        Open that day.
    rolled : Compared
        Balance that moves to the next bucket within 30 days.
    open : tuple of Compared or None
        Still open after each of ``HORIZONS``; None where that is not final yet.
    """

    scored_on: date
    judged_on: date
    model_version: str
    hindsight: bool
    balance: Amount
    rolled: Compared
    open: tuple[Compared | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketSum:
    """Expected and actual of a bucket, over all forecasts that were no hindsight."""

    bucket: str
    expected: Amount
    actual: Amount
    difference: Amount
    ratio: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PastForecasts:
    """Earlier scorings of one currency, newest first.

    Parameters
    ----------
    rows : tuple of ForecastRow
        All of them.
    forecasts, held : int
        Those made without hindsight, and how many of these came to something within their
        interval.
    expected, actual : Amount
        Sums over these: what was to roll, and what did.
    ratio : float
        The second over the first.
    buckets : tuple of BucketSum
        The same by the bucket at the scoring; the last one is what stayed.
    horizons : tuple of int
        Days ahead of the columns of ``open``.
    days : tuple of str
        Days of the chart, oldest first; empty where there are too few.
    lines : tuple of Line
        Expected and actual on these days.
    low, high : tuple of float
        The interval's ends on these days.
    """

    rows: tuple[ForecastRow, ...]
    forecasts: int
    held: int
    expected: Amount
    actual: Amount
    ratio: float
    buckets: tuple[BucketSum, ...]
    horizons: tuple[int, ...]
    days: tuple[str, ...]
    lines: tuple[Line, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


def past_forecasts(record: Iterable[PastForecast], currency: str) -> PastForecasts:
    """Return what earlier scorings expected of a currency, and what came of it."""
    own = [forecast for forecast in record if forecast.currency == currency]
    given = [forecast for forecast in own if not forecast.hindsight]
    expected, actual = _sums([forecast.rolled for forecast in given])
    drawn = own if len(own) >= FEW_POINTS else []
    return PastForecasts(
        rows=tuple(_row(forecast) for forecast in reversed(own)),
        forecasts=len(given),
        held=sum(forecast.rolled.held for forecast in given),
        expected=expected,
        actual=actual,
        ratio=ratio(actual.cents, expected.cents),
        buckets=tuple(_bucket(name, given) for name in BUCKETS) if given else (),
        horizons=HORIZONS,
        days=tuple(forecast.scored_on.isoformat() for forecast in drawn),
        lines=(
            Line(name="Expected", values=tuple(one.rolled.expected for one in drawn)),
            Line(name="Came", values=tuple(one.rolled.actual for one in drawn)),
        ),
        low=tuple(one.rolled.low for one in drawn),
        high=tuple(one.rolled.high for one in drawn),
    )


def _row(forecast: PastForecast) -> ForecastRow:
    return ForecastRow(
        scored_on=forecast.scored_on,
        judged_on=forecast.scored_on + timedelta(days=STEP_DAYS),
        model_version=forecast.model_version,
        hindsight=forecast.hindsight,
        balance=_amount(forecast.balance),
        rolled=_compared(forecast.rolled),
        open=tuple(
            _compared(forecast.open[str(days)]) if str(days) in forecast.open else None
            for days in HORIZONS
        ),
    )


def _compared(judged: Judged) -> Compared:
    expected, actual = _amount(judged.expected), _amount(judged.actual)
    return Compared(
        expected=expected,
        low=_amount(judged.low),
        high=_amount(judged.high),
        actual=actual,
        difference=Amount(cents=actual.cents - expected.cents),
        ratio=ratio(actual.cents, expected.cents),
        held=judged.held,
    )


def _bucket(name: str, forecasts: Sequence[PastForecast]) -> BucketSum:
    expected, actual = _sums([forecast.by_bucket[name] for forecast in forecasts])
    return BucketSum(
        bucket=name,
        expected=expected,
        actual=actual,
        difference=Amount(cents=actual.cents - expected.cents),
        ratio=ratio(actual.cents, expected.cents),
    )


def _sums(judged: Sequence[Judged]) -> tuple[Amount, Amount]:
    return (
        Amount(cents=sum(_amount(one.expected).cents for one in judged)),
        Amount(cents=sum(_amount(one.actual).cents for one in judged)),
    )


def _amount(value: float) -> Amount:
    return Amount(cents=round(value * 100))
