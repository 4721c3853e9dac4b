"""Random draws for a family's books, and the rows drawn so far."""

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from features.ledger.tables import TABLES

Row = dict[str, Any]
Thing = TypeVar("Thing")

SPAN = 540
"""Days over which a family is invoiced."""


class Draw:
    """Draws whole days, whole cents and choices, and holds the rows made of them.

    Parameters
    ----------
    name : str
        Two upper-case letters, with which every id and currency of the family begins.
    rng : numpy.random.Generator
        What is drawn from.
    """

    def __init__(self, name: str, rng: np.random.Generator) -> None:
        self.name = name
        self.rows: dict[str, list[Row]] = {table: [] for table in TABLES}
        self._rng = rng
        self._mark = self.pick(("", "", "'", " ä", "%"))
        self.currencies = [f"{name}{letter}" for letter in "XY"[: 1 + self.chance(0.3)]]
        self.currencies += ["USD"] * self.chance(0.2)

    def add(self, table: str, **values: object) -> Row:
        """Add a row; columns that are not named are empty."""
        row: Row = dict.fromkeys(TABLES[table].column_names) | values
        self.rows[table].append(row)
        return row

    def name_of(self, kind: str) -> str:
        """Return a fresh id; some families' ids hold odd characters."""
        return f"{self.name}-{kind}-{sum(map(len, self.rows.values())):03d}{self._mark}"

    def pick(self, things: Sequence[Thing]) -> Thing:
        """Return one of ``things``; what stands there more often comes more often."""
        return things[int(self._rng.integers(len(things)))]

    def chance(self, share: float) -> bool:
        """Return True in a share of the draws."""
        return bool(self._rng.random() < share)

    def few(self, share: float) -> int:
        """Return 0, 1 or 2; at least 1 in about a share of the draws."""
        return int(self.chance(share)) + int(self.chance(share / 3))

    def days(self, low: int, high: int) -> int:
        """Return a number of days from ``low`` to below ``high``."""
        return int(self._rng.integers(low, high))

    def lag(self) -> int:
        """Return the days from a business date to the day the books showed it."""
        return self.pick((*(0,) * 11, 1, 1, 2, 5, 14, 30, 60, 120, -1, -12))

    def known_late(self, day: int) -> int | None:
        """Return the day on which something of ``day`` became known, None where nobody says."""
        return self.pick((None, day, day, day + 1, day + 20, day + 60, day - 2))

    def cents(self) -> int:
        """Return an amount: now and then within or at the tolerance of 1.00, or a round one."""
        return self.pick((50, 100, 101, 10_000, *self._rng.integers(100, 500_000, 6).tolist()))

    def part(self, about: Row) -> int:
        """Return an amount in proportion to that of a row, or any where it has none."""
        amount: int = about.get("amount", self.cents())
        return max(1, amount * self.pick((1, 2, 4, 5)) // 4)

    def day_about(self, about: Row) -> int:
        """Return a day within a few months of an invoice, or any where it is about none."""
        begin: int = about.get("issued_on", self.days(0, SPAN))
        return begin + self.days(0, 85)
