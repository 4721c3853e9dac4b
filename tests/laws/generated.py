"""Crowds: many small generated families in one ledger, each with a day of its own to look at.

Planning the feature queries costs far more than running them on a few rows. So a law is asked of
a whole crowd at once: families that share no account, invoice or currency, and hence answer as
many times.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import strategies as st

from features.ledger.arrow import ARROW_TYPES, arrow_schema
from features.ledger.manifest import Manifest
from features.ledger.money import money_from_cents
from features.ledger.read import Ledger, ledger_from_rows
from features.ledger.tables import TABLES, Column
from tests.laws.drawing import SPAN, Row
from tests.laws.family import family_books

LAST = date(2027, 12, 31)
"""The last known day of every crowd; nothing in it happens later."""

_EPOCH = date(1970, 1, 1)
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One family's rows, with whole numbers for days and cents for money.

    Parameters
    ----------
    rows : mapping of str to sequence of dict
        Rows per table.
    first : date
        The day that the number 0 stands for.
    day : date
        The family's own day, on which laws look at it.
    table : str
        A table that has rows, drawn at random, for laws that change one table.
    lag : int
        From 1 to 40, drawn at random: days after the own day for rows that become known then.
    """

    rows: Mapping[str, Sequence[Row]]
    first: date
    day: date
    table: str
    lag: int

    @property
    def today(self) -> int:
        """The number of the own day."""
        return (self.day - self.first).days


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Crowd:
    """Families in one ledger.

    Parameters
    ----------
    seed : int
        What the crowd was drawn from.
    families : mapping of str to Family
        By their two letters.
    ledger : Ledger
        The rows of all families.
    days : tuple of date
        The as-of dates, rising; each family's own day is among them.
    """

    seed: int
    families: Mapping[str, Family]
    ledger: Ledger
    days: tuple[date, ...]

    def __repr__(self) -> str:
        """Return the call that draws the crowd again."""
        return f"crowd_of({self.seed}, {len(self.families)}, {self.days})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ANN401, FBT001 (Hypothesis)
        """Let Hypothesis print the call and not the rows."""
        del cycle
        printer.text(repr(self))

    @property
    def day_of(self) -> dict[str, date]:
        """Each family's own day."""
        return {name: family.day for name, family in self.families.items()}

    def tables(self, names: Collection[str]) -> dict[str, pa.Table]:
        """Return the rows of some families, per table: the first column begins with the name."""
        wanted = pa.array(sorted(names), pa.string())
        return {
            name: rows.filter(pc.is_in(pc.utf8_slice_codeunits(rows[0], 0, 2), wanted))
            for name, rows in self.ledger.rows.items()
        }


def letters(number: int) -> str:
    """Return the two letters of a family, from 0 to 675.

    Examples
    --------
    >>> letters(0), letters(27)
    ('AA', 'BB')
    """
    return _LETTERS[number // 26] + _LETTERS[number % 26]


def ledger_of(rows: Mapping[str, pa.Table]) -> Ledger:
    """Return a ledger in memory."""
    return ledger_from_rows(rows, Manifest(known_through=LAST, reporting_currency="USD"))


@st.composite
def crowds(draw: st.DrawFn) -> Crowd:
    """Draw a crowd of more than a hundred families and four to six days to look at them."""
    span = st.dates(date(2023, 1, 1), date(2024, 12, 31))
    days = draw(st.lists(span, min_size=4, max_size=6, unique=True))
    seed, size = draw(st.integers(0, 2**32 - 1)), draw(st.integers(120, 180))
    return crowd_of(seed, size, tuple(sorted(days)))


@lru_cache(maxsize=4)
def crowd_of(seed: int, size: int, days: tuple[date, ...]) -> Crowd:
    """Draw ``size`` families, whose own days are spread over ``days``."""
    families = {}
    for number, rng in enumerate(np.random.default_rng(seed).spawn(size)):
        rows = family_books(letters(number), rng)
        day = days[number % len(days)]
        families[letters(number)] = Family(
            rows=rows,
            first=day - timedelta(days=_own_day(rows, rng)),
            day=day,
            table=str(rng.choice([name for name, some in rows.items() if some])),
            lag=int(rng.integers(1, 41)),
        )
    return assemble(seed, families)


def assemble(seed: int, families: Mapping[str, Family]) -> Crowd:
    """Put families into one ledger."""
    return Crowd(
        seed=seed,
        families=families,
        ledger=ledger_of({name: _table(name, families) for name in TABLES}),
        days=tuple(sorted({family.day for family in families.values()})),
    )


def _own_day(rows: Mapping[str, Sequence[Row]], rng: np.random.Generator) -> int:
    """Return a day on which a mistake would show.

    Either one on or beside a day that a row names, or one on which a row has happened but is not
    yet known.
    """
    named: list[int] = []
    unknown: list[int] = []
    for table in TABLES.values():
        columns = [column.name for column in table.columns if column.kind == "date"]
        for row in rows[table.name] if table.clock else ():
            named += [row[column] for column in columns if row[column] is not None]
            unknown += range(row[table.clock], row["known_on"])
    days = unknown if rng.random() < 0.5 else [day + int(rng.integers(-1, 2)) for day in named]
    usual = [day for day in days if 60 <= day <= SPAN + 60]
    return int(rng.choice(usual)) if usual else SPAN // 2


def _table(name: str, families: Mapping[str, Family]) -> pa.Table:
    table = TABLES[name]
    rows = [(row, family.first) for family in families.values() for row in family.rows[name]]
    columns = [
        _array(column, [_cell(column, row[column.name], first) for row, first in rows])
        for column in table.columns
    ]
    return pa.Table.from_arrays(columns, schema=arrow_schema(table))


def _cell(column: Column, value: Any, first: date) -> Any:  # noqa: ANN401 (any kind of cell)
    if value is not None and column.kind == "date":
        return (first - _EPOCH).days + value
    return value


def _array(column: Column, values: list[Any]) -> pa.Array:
    if column.kind == "date":
        return pa.array(values, pa.int32()).cast(pa.date32())
    if column.kind == "money":
        return money_from_cents(pa.array(values, pa.int64()))
    if column.kind == "decimal":
        return pa.array(values, pa.string()).cast(ARROW_TYPES["decimal"])
    return pa.array(values, ARROW_TYPES[column.kind])
