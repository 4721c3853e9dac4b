"""Turn views into pages, fragments and JSON; numbers become text here and nowhere else."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from functools import lru_cache
from importlib import resources
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from features.ageing import BUCKETS, UNDATED
from features.catalogue import FAMILIES
from serving.console import charts
from serving.console.pictures import account_strips, ageing_bars
from serving.console.worklist import COLUMNS
from serving.reports.charts import is_cut, swatch, waterfall_chart
from serving.reports.tables import bucket_label
from serving.reports.wording import (
    HOLD_LABELS,
    LANE_LABELS,
    NBSP,
    NONE,
    Amount,
    count_text,
    long_date,
    plain,
    probability_text,
)

PACKAGE = "serving.console"


def is_missing(value: object) -> bool:
    """Tell whether there is no value: None, NaN or NaT.

    Examples
    --------
    >>> is_missing(None), is_missing(float("nan")), is_missing(0.0), is_missing("")
    (True, True, False, False)
    """
    return value is None or value is pd.NaT or (isinstance(value, float) and value != value)  # noqa: PLR0124 (NaN)


def percent(value: float | None, decimals: int = 0) -> str:
    """Return a share in [0, 1] as per cent; a dash where there is none.

    Examples
    --------
    >>> percent(0.4567, 1).replace(NBSP, " "), percent(None) == NONE
    ('45.7 %', True)
    """
    return NONE if is_missing(value) else f"{float(value or 0) * 100:.{decimals}f}{NBSP}%"


def number(value: float | None, decimals: int = 0) -> str:
    """Return a number with its thousands apart; a dash where there is none.

    Examples
    --------
    >>> number(1234.56), number(1234.56, 1)
    ('1,235', '1,234.6')
    """
    return NONE if is_missing(value) else f"{float(value or 0):,.{decimals}f}"


def day(value: date | str | None) -> str:
    """Return a date in ISO form; a dash where there is none."""
    if value is None or is_missing(value):
        return NONE
    return value.strftime("%Y-%m-%d") if isinstance(value, date) else str(value)[:10]


def label(name: str | None) -> str:
    """Return a key of the data as words; a dash for an empty one.

    Examples
    --------
    >>> label("small_business"), label("past_due"), label("1-30"), label("") == NONE
    ('Small business', 'Past due', '1–30', True)
    """
    if not name:
        return NONE
    if name in (*BUCKETS, UNDATED):
        return bucket_label(name)
    if name[0].isdigit():
        return name.replace("-", NONE)
    return HOLD_LABELS.get(name) or LANE_LABELS.get(name) or FAMILIES.get(name) or plain(name)


def days_past_due(days: int | None) -> str:
    """Return days past due as people say them.

    Examples
    --------
    >>> [days_past_due(d).replace(NBSP, " ") for d in (1250, 0, -27)], days_past_due(None) == NONE
    (['1,250', 'due today', 'due in 27'], True)
    """
    if days is None:
        return NONE
    if days > 0:
        return f"{days:,}"
    return f"due in{NBSP}{-days:,}" if days else "due today"


def css_text(text: str) -> str:
    """Return a text that may stand between the quotes of a style sheet.

    Examples
    --------
    >>> css_text('7"; } body')
    '7  body'
    """
    return "".join(letter for letter in text if letter.isalnum() or letter in " .-_").strip()


@lru_cache(maxsize=1)
def environment() -> Environment:
    """Return the templates' environment: everything is escaped, a missing value is an error."""
    made = Environment(
        loader=PackageLoader(PACKAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters.update(
        percent=percent,
        number=number,
        day=day,
        long_day=long_date,
        label=label,
        probability=probability_text,
        count=count_text,
        css_text=css_text,
        dpd=days_past_due,
        words=plain,
        cents_whole=lambda cents: Amount(cents=cents).whole,
        money=lambda value: Amount(cents=round(value * 100)).whole,
        exact=lambda value: Amount(cents=round(value * 100)).exact,
    )
    made.globals.update(
        waterfall_chart=waterfall_chart,
        is_cut=is_cut,
        swatch=swatch,
        **{name: getattr(charts, name) for name in charts.__all__},
        dash=NONE,
        ageing_bars=ageing_bars,
        account_strips=account_strips,
        push_bar=charts.push_bar,
        all_columns=COLUMNS,
    )
    return made


def render(template: str, **values: Any) -> str:  # noqa: ANN401 (what the template names)
    """Return a template with its values."""
    return environment().get_template(f"{template}.html.j2").render(**values)


def style() -> str:
    """Return the style sheet of pages and papers."""
    folder = resources.files(PACKAGE).joinpath("static")
    return "".join(
        folder.joinpath(f"{name}.css").read_text("utf-8") for name in ("console", "print")
    )


def as_json(value: Any) -> Any:  # noqa: ANN401 (any view)
    """Return a view as JSON values: money as text, missing values as null.

    Examples
    --------
    >>> as_json({"at_risk": Amount(cents=-1250), "on": date(2025, 1, 31), "rate": float("nan")})
    {'at_risk': '-12.50', 'on': '2025-01-31', 'rate': None}
    """
    result = None if is_missing(value) else value
    if isinstance(value, Amount):
        result = f"{value.cents / 100:.2f}"
    elif is_dataclass(value) and not isinstance(value, type):
        result = {field.name: as_json(getattr(value, field.name)) for field in fields(value)}
    elif isinstance(value, Mapping):
        result = {str(key): as_json(entry) for key, entry in value.items()}
    elif isinstance(value, list | tuple):
        result = [as_json(entry) for entry in value]
    elif isinstance(result, datetime | date):
        result = result.isoformat()[:19]
    return result
