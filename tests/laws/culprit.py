"""The smallest books that break a law, found by leaving out rows of one failing family.

A round makes a crowd of the family's copies, each without some of its rows, and asks the law of
all copies at once; the smallest copy that still breaks it is the family of the next round.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from itertools import islice

import numpy as np

from features.ledger.tables import TABLES
from features.ledger.validate import validate
from tests.laws.comparing import described
from tests.laws.drawing import Row
from tests.laws.generated import Crowd, Family, assemble, letters
from tests.laws.laws import Law
from tests.laws.pipelines import Pipeline

SECONDS = 15.0
"""No new round begins after so long; the books found by then are small enough to read."""

Places = list[tuple[str, int]]


def culprit(crowd: Crowd, law: Law, pipeline: Pipeline) -> str:
    """Return what differs in a crowd that breaks ``law``, and the smallest books that do so."""
    found = law(crowd, pipeline)
    name = min(found, key=lambda name: _size(crowd.families[name]))
    seen_on = date.fromisoformat(found[name][0].as_of)
    family = replace(crowd.families[name], day=seen_on)
    family = _smallest(name, family, law, pipeline)
    alone = assemble(crowd.seed, {name: family})
    return "\n".join(
        [
            str(law.__doc__),
            described(found, len(crowd.families)),
            f"Smallest books that show it, on {family.day}:",
            *_lines(alone),
            described(law(alone, pipeline), 1),
        ]
    )


def _smallest(name: str, family: Family, law: Law, pipeline: Pipeline) -> Family:
    started = time.monotonic()
    while time.monotonic() - started < SECONDS:
        copies = {}
        for number, some in enumerate(islice(_less(family), 600)):
            other = letters(number)
            copies[other] = _called(name, other, some)
        valid = _keeping_the_contract(copies)
        broken = law(assemble(0, valid), pipeline) if valid else {}
        best = min(broken, key=lambda other: _size(valid[other]), default=None)
        if best is None or _size(valid[best]) == _size(family):
            break
        family = _called(best, name, valid[best])
    return family


def _keeping_the_contract(families: Mapping[str, Family]) -> dict[str, Family]:
    rows = assemble(0, families).ledger.rows
    refused = {str(rows[bad.table][0][bad.row - 1])[:2] for bad in validate(rows).rejected}
    return {name: family for name, family in families.items() if name not in refused}


def _less(family: Family) -> Iterator[Family]:
    """Yield the family without each row, each run of rows, each table and at random."""
    places = [(name, place) for name, rows in family.rows.items() for place in range(len(rows))]
    rng = np.random.default_rng(len(places))
    for name in TABLES:
        yield _without(family, [place for place in places if place[0] == name])
    for length in (1, 2, 4, 8):
        for start in range(0, len(places), length):
            yield _without(family, places[start : start + length])
    for share in (0.1, 0.3, 0.5, 0.7, 0.9):
        for _ in range(20):
            yield _without(family, [place for place in places if rng.random() < share])


def _without(family: Family, places: Places) -> Family:
    gone = set(places)
    return replace(
        family,
        rows={
            name: [row for place, row in enumerate(rows) if (name, place) not in gone]
            for name, rows in family.rows.items()
        },
    )


def _called(name: str, other: str, family: Family) -> Family:
    """Return a family under other letters."""

    def cell(value: object) -> object:
        return other + value[2:] if isinstance(value, str) and value[:2] == name else value

    rows: Mapping[str, list[Row]] = {
        table: [{column: cell(value) for column, value in row.items()} for row in some]
        for table, some in family.rows.items()
    }
    return replace(family, rows=rows)


def _size(family: Family) -> int:
    return sum(map(len, family.rows.values()))


def _lines(crowd: Crowd) -> list[str]:
    lines = []
    for name, table in crowd.ledger.rows.items():
        for row in table.to_pylist():
            cells = {column: str(value) for column, value in row.items() if value is not None}
            lines.append(f"  {name}: {', '.join(f'{k}={v}' for k, v in cells.items())}")
    return lines
